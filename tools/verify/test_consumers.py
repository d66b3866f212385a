"""Each consumer accepts a good file and rejects a bad one, by its own message."""

import shutil
from pathlib import Path

import pytest

from consumers import (
    Consumer,
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
from sqltext import sql_problem

OPENAPI = """
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /x:
    get:
      parameters: [{name: a, in: query, schema: {type: string}}]
      responses: {"200": {description: good}}
"""
EXAMPLE = OPENAPI + "components: {schemas: {T: {type: integer, examples: [1]}}}\n"
DIAGRAM = "# A\n\n```mermaid\nflowchart LR\n  a --> b\n```\n"
COMPOSE = "name: x\nservices: {a: {image: b, depends_on: {c: {condition: service_healthy}}}, c: {image: d}}\n"
SCHEMA = '{"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}'
LOCKED = "six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274\n"

# consumer: file name, good, bad, what it says about the bad one
EXAMPLES: dict[str, tuple[Consumer, str, str, str, str]] = {
    "ruff check": (ruff_check, "a.py", '"""Good."""\n\nX = 1\n', '"""Bad."""\n\nimport os\n', "F401"),
    "ruff format": (ruff_format, "a.py", "X = 1\n", "X=1\n", "would be reformatted"),
    "mypy": (mypy, "a.py", "X: int = 1\n", 'X: int = "1"\n', "Incompatible types in assignment"),
    "mypy --strict": (mypy, "a.py", "X: int = 1\n", "def f(x): ...\n", "missing a type annotation"),
    "constant SQL": (
        each(sql_problem), "a.py", 'ONE = "SELECT 1"\ndb.fetch(ONE, text)\n', 'db.fetch(f"SELECT {text}")\n',
        "is sent as SQL and is no constant",
    ),
    "constant SQL of a list": (
        each(sql_problem), "a.py", 'Listing(filters={"a": "a = {}"})\n', 'Listing(filters={"a": "a = " + text})\n',
        "is sent as SQL and is no constant",
    ),
    "constant SQL of a read model": (
        each(sql_problem), "a.py", 'super().__init__(refill="SELECT 1")\n', 'super().__init__(refill=f"SELECT {text}")\n',
        "is sent as SQL and is no constant",
    ),
    "openapi-spec-validator": (
        each(openapi_problem), "a.yaml", OPENAPI, OPENAPI.replace("query", "nowhere"), "is not one of",
    ),
    "libopenapi": (
        go_consumer("openapi"), "a.yaml", OPENAPI, OPENAPI.replace("query", "nowhere"), "must be one of 'query'",
    ),
    "libopenapi references": (
        go_consumer("openapi"), "a.yaml", OPENAPI,
        OPENAPI.replace("{type: string}", "{$ref: '#/components/schemas/Nothing'}"), "does not exist",
    ),
    "openapi examples": (
        each(examples_problem),
        "a.yaml",
        EXAMPLE,
        EXAMPLE.replace("[1]", "[x]"),
        "is not of type 'integer'",
    ),
    "mermaid": (mermaid, "a.md", DIAGRAM, DIAGRAM.replace("-->", "-->-->"), "Parse error"),
    "squawk": (squawk, "a.sql", "SELECT 1;\n", "ALTER TABLE a ADD COLUMN b text NOT NULL;\n", "adding-required-field"),
    "compose-go": (
        go_consumer("compose"), "compose.yaml", COMPOSE, COMPOSE.replace("c: {image", "e: {image"), "undefined service",
    ),
    "yaml": (each(yaml_problem), "a.yaml", "a: 1\nb: 2\n", "a: 1\na: 2\n", "duplicate key"),
    "JSON": (each(json_problem), "a.json", "{}\n", "{,}\n", "Expecting property name"),
    "toml": (each(toml_problem), "a.toml", "a = 1\n", "a = \n", "Invalid value"),
    "sh": (each(shell_problem), "a.sh", "if true; then echo; fi\n", "if true; then echo\n", "Syntax error"),
    "make": (each(makefile_problem), "Makefile", "help:\n\techo\n", "help:\n  echo\n", "missing separator"),
    "uv": (each(requirements_problem), "a.txt", LOCKED, "six==1.17.0\n", "must have a hash"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_consumer_tells_good_from_bad(name: str, tmp_path: Path, trees: dict[str, Path]) -> None:
    consumer, file_name, good, bad, message = EXAMPLES[name]
    shutil.copy(trees["minimal"] / "pyproject.toml", tmp_path)
    file = tmp_path / file_name
    file.write_text(good)
    verdict = consumer(tmp_path, [file])
    assert (verdict.accepted, verdict.rejected) == ({file}, {})
    file.write_text(bad)
    verdict = consumer(tmp_path, [file])
    assert verdict.accepted == set()
    assert message in verdict.rejected[file]


def test_json_schema_tells_good_from_bad(tmp_path: Path) -> None:
    schema, good, bad = (tmp_path / name for name in ("schema.json", "good.yaml", "bad.yaml"))
    schema.write_text(SCHEMA)
    good.write_text("name: x\n")
    bad.write_text("title: x\n")
    verdict = go_consumer("schema", str(schema))(tmp_path, [good, bad])
    assert verdict.accepted == {good}
    assert "missing property 'name'" in verdict.rejected[bad]


def test_a_lock_that_is_not_what_uv_resolves_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "requirements"
    folder.mkdir()
    (folder / "a.in").write_text("six==1.17.0\n")
    (folder / "a.txt").write_text(LOCKED)
    consumer = each(resolution_problem)
    assert consumer(tmp_path, [folder / "a.txt"]).rejected == {}
    (folder / "a.txt").write_text(LOCKED + "idna==3.10\n")
    assert "idna==3.10" in consumer(tmp_path, [folder / "a.txt"]).rejected[folder / "a.txt"]
