"""Every generated file of every case is accepted by the program that reads it in real life."""

import asyncio
import contextlib
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from conftest import ANSWERS, ROOT, WORKER, files_of, judge
from consumers import (
    Consumer,
    Verdict,
    each,
    examples_problem,
    go_consumer,
    json_problem,
    makefile_problem,
    mermaid,
    mypy,
    openapi_problem,
    requirements_problem,
    resolution_problem,
    ruff_check,
    ruff_format,
    shell_problem,
    squawk,
    toml_problem,
    yaml_problem,
)
from infrastructure import (
    actionlint,
    amtool,
    asyncapi,
    bandit,
    catalog,
    checkov,
    collector,
    compose,
    dockerlint,
    gitlab,
    gitleaks,
    hadolint,
    istio_analyze,
    istio_validate,
    kong,
    kube_score,
    promtool_config,
    promtool_rules,
    promtool_tests,
    terraform,
    trivy,
    zizmor,
)
from kit import migrate
from sqltext import sql_problem

EVERYTHING = "**/*"
SHIPPED_CODE = ("services/*/src/**/*.py", "libs/kit/src/kit/*.py", "libs/kit/src/kit/[!t]*/**/*.py", "scripts/*.py")

CONSUMERS: dict[str, tuple[Consumer, tuple[str, ...]]] = {
    "ruff check": (ruff_check, ("**/*.py",)),
    "ruff format": (ruff_format, ("**/*.py",)),
    "mypy --strict": (mypy, ("**/*.py",)),
    "bandit": (bandit, SHIPPED_CODE),
    "constant SQL": (each(sql_problem), ("services/*/src/**/*.py", "libs/kit/src/**/*.py")),
    "openapi-spec-validator": (each(openapi_problem), ("architecture/openapi/*.yaml",)),
    "libopenapi": (go_consumer("openapi"), ("architecture/openapi/*.yaml",)),
    "openapi examples": (each(examples_problem), ("architecture/openapi/*.yaml",)),
    "asyncapi-parser": (asyncapi, ("architecture/asyncapi.yaml",)),
    "mermaid": (mermaid, ("architecture/diagrams/*.md",)),
    "squawk": (
        squawk,
        (
            "services/*/migrations/*.sql",
            "libs/kit/src/kit/messaging/migrations/*.sql",
            "libs/kit/tests/migrations/*.sql",
        ),
    ),
    "compose-go": (go_consumer("compose"), ("compose.yaml",)),
    "yaml": (each(yaml_problem), ("**/*.yaml", "**/*.yml")),
    "docker compose": (compose, ("compose.yaml",)),
    "BuildKit": (dockerlint, ("**/Dockerfile",)),
    "hadolint": (hadolint, ("**/Dockerfile",)),
    "checkov": (
        checkov,
        ("**/Dockerfile", "deploy/kubernetes/**/*.yaml", "deploy/terraform/**/*.tf", "architecture/openapi/*.yaml"),
    ),
    "kube-score": (kube_score, ("deploy/kubernetes/**/*.yaml",)),
    "promtool check rules": (promtool_rules, ("deploy/observability/prometheus/rules/*.yaml",)),
    "promtool check config": (promtool_config, ("deploy/observability/prometheus/prometheus.yaml",)),
    "promtool test rules": (promtool_tests, ("deploy/observability/prometheus/tests/*.yaml",)),
    "amtool": (amtool, ("deploy/observability/alertmanager/*.yaml",)),
    "Backstage": (catalog, ("catalog-info.yaml",)),
    "collector": (collector, ("deploy/observability/otel-collector/*.yaml",)),
    "terraform": (terraform, tuple(f"deploy/terraform/**/*.{end}" for end in ("tf", "tfvars", "tftest.hcl"))),
    "trivy": (trivy, ("deploy/kubernetes/**/*.yaml", "deploy/terraform/**/*.tf", "services/*/Dockerfile")),
    "Kong": (kong, ("deploy/gateway/kong/kong.yml",)),
    "istioctl validate": (istio_validate, ("deploy/gateway/istio/**/*.yaml",)),
    "istioctl analyze": (istio_analyze, ("deploy/gateway/istio/**/*.yaml",)),
    "actionlint": (actionlint, (".github/workflows/*.yaml",)),
    "zizmor": (zizmor, (".github/workflows/*.yaml", ".github/dependabot.yml")),
    "gitlab-ci-local": (gitlab, (".gitlab-ci.yml",)),
    "gitleaks": (gitleaks, (EVERYTHING,)),
    "JSON": (each(json_problem), ("**/*.json",)),
    "toml": (each(toml_problem), ("**/*.toml",)),
    "sh": (each(shell_problem), ("**/*.sh",)),
    "make": (each(makefile_problem), ("Makefile",)),
}

# Of what only some designs have.
SOMETIMES = {
    "asyncapi-parser",
    "Kong",
    "istioctl validate",
    "istioctl analyze",
    "actionlint",
    "zizmor",
    "gitlab-ci-local",
}

# Read by people, or by a program of a later stage.
WITHOUT_CONSUMER = (
    "**/*.md",
    "**/py.typed",
    ".gitignore",
    ".gitattributes",
    ".dockerignore",
    ".editorconfig",
    "requirements/*.in",
)
WITH_OWN_TEST = ("architecture/schema/*.sql", "requirements/*.txt")


@pytest.mark.parametrize("name", CONSUMERS)
def test_consumer_accepts(name: str, tree: Path) -> None:
    consumer, patterns = CONSUMERS[name]
    files = files_of(tree, *patterns)
    if files or name not in SOMETIMES:
        judge(name, consumer, tree, files)


@pytest.mark.parametrize("name", sorted(SOMETIMES))
def test_some_tree_has_files_for(name: str, trees: dict[str, Path]) -> None:
    assert any(files_of(tree, *CONSUMERS[name][1]) for tree in trees.values())


def test_every_file_has_a_consumer(tree: Path) -> None:
    patterns = [pattern for _, patterns in CONSUMERS.values() for pattern in patterns if pattern != EVERYTHING]
    claimed = set(files_of(tree, *patterns, *WITHOUT_CONSUMER, *WITH_OWN_TEST))
    assert sorted(set(files_of(tree, EVERYTHING)) - claimed) == []


def test_answers_conform_to_the_schema(tree: Path, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_bytes(subprocess.run([os.environ["CODEX_BINARY"], "schema"], capture_output=True, check=True).stdout)
    source = ANSWERS[tree.name]
    consumer = go_consumer("schema", str(schema))
    judge("JSON Schema", consumer, source.parent, [source])
    judge("JSON Schema", consumer, tree, [tree / "codex-design.yaml"])


def test_flags_and_file_make_the_same_tree(tmp_path: Path) -> None:
    changes = {"name": "memos", "scale": "medium", "services.note.cache": "true", "datastores.cache": "redis"}
    source = (ROOT / "testdata/cases/minimal/codex-design.yaml").read_text()
    edited = source.replace("name: notes", "name: memos").replace("scale: small", "scale: medium")
    edited = edited.replace("cache: none", "cache: redis").replace(
        "          - body: text\n", "          - body: text\n    cache: true\n"
    )
    (tmp_path / "source.yaml").write_text(source)
    (tmp_path / "edited.yaml").write_text(edited)
    flags = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
    by_flags = generated(tmp_path / "source.yaml", tmp_path / "flags", *flags)
    by_file = generated(tmp_path / "edited.yaml", tmp_path / "file")
    assert by_flags == by_file


def generated(answers: Path, out: Path, *flags: str) -> dict[str, bytes]:
    """Generate a tree and read it."""
    subprocess.run(
        [os.environ["CODEX_BINARY"], answers, "--yes", "--out", out, *flags], capture_output=True, check=True
    )
    return {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}


def test_requirements_are_pinned_and_hashed(trees: dict[str, Path]) -> None:
    seen = set()
    for tree in trees.values():
        content = tuple(file.read_bytes() for file in files_of(tree, "requirements/*"))
        if content not in seen:
            seen.add(content)
            judge("uv", each(requirements_problem), tree, files_of(tree, "requirements/*.txt"))
            judge("uv, resolved anew", each(resolution_problem), tree, files_of(tree, "requirements/*.txt"))


async def test_migrations_go_up_down_and_up(tree: Path, postgres: str) -> None:
    """Each service's migrations, and the schema document beside them, make the same tables."""
    verdict = Verdict()
    files = files_of(tree, "services/*/migrations/*.sql", "architecture/schema/*.sql")
    for service in sorted(path.parent for path in tree.glob("services/*/migrations")):
        migrations = sorted((service / "migrations").glob("*.sql"))
        document = tree / "architecture/schema" / f"{service.name}.sql"
        problem = await migration_problem(postgres, service / "migrations", document)
        for file in [*migrations, document]:
            verdict.add(file, problem)
    judge("PostgreSQL", lambda _tree, _files: verdict, tree, files)


async def migration_problem(server: str, migrations: Path, document: Path) -> str | None:
    """Run migrations to and fro on a new database; return what went wrong."""
    try:
        async with asyncio.timeout(60):
            await make_roles(server, migrations)
            url = await new_database(server)
            await migrate.up(url, migrations)
            first = await schema(url)
            await migrate.down(url, migrations, "000")
            if left := await tables(url):
                return f"down left {left}"
            await migrate.up(url, migrations)
            if await schema(url) != first:
                return "the second way up made another schema"
            documented = await new_database(server)
            await execute(documented, document.read_text())
            if difference := await schema(documented) ^ first:
                return f"the schema document differs: {sorted(difference)[:6]}"
    except (asyncpg.PostgresError, migrate.MigrationError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return None


GRANTEE = re.compile(r"^(?:GRANT|CREATE POLICY)\b[^;]*?\bTO (\w+)", re.M)


async def make_roles(server: str, migrations: Path) -> None:
    """Make the roles to which the migrations give rights; workers may do so at the same time."""
    text = "".join(file.read_text() for file in migrations.glob("*.sql"))
    for role in set(GRANTEE.findall(text)):
        with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            await execute(server, f'CREATE ROLE "{role}" LOGIN')  # as whole systems on this server expect


async def new_database(server: str) -> str:
    """Make an empty database and return its URL."""
    global _databases  # noqa: PLW0603 - a counter
    _databases += 1
    name = f"case_{WORKER}_{_databases}"
    await execute(server, f"CREATE DATABASE {name}")
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


_databases = 0


async def execute(url: str, sql: str) -> None:
    """Run SQL on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def tables(url: str) -> list[str]:
    """List the tables that are not the migration runner's."""
    return sorted({row[1] for row in await catalog(url) if not row[1].startswith("schema_migration")})


async def schema(url: str) -> set[tuple[str, str, str]]:
    """Describe every column, constraint and index that is not the migration runner's."""
    return {row for row in await catalog(url) if not row[1].startswith("schema_migration")}


async def catalog(url: str) -> list[tuple[str, str, str]]:
    """Read columns, constraints and indexes out of PostgreSQL's catalogue."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(CATALOG)
    finally:
        await connection.close()
    return [(row["kind"], row["table"], row["definition"]) for row in rows]


CATALOG = """
SELECT 'column' AS kind, table_name::text AS "table",
       format('%s %s %s %s', column_name, udt_name, is_nullable, column_default) AS definition
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', tablename::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'policy', tablename::text, concat_ws(' ', policyname, roles, cmd, qual, with_check)
FROM pg_policies WHERE schemaname = 'public'
UNION ALL
SELECT 'rights', oid::regclass::text, concat_ws(' ', relrowsecurity, relforcerowsecurity, relacl)
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""


@pytest.fixture(scope="session")
def postgres() -> str:
    """Name the server that the harness started."""
    return os.environ["TEST_POSTGRES_URL"]
