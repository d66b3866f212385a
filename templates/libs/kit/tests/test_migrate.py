import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from kit import migrate
from kit.migrate import MigrationError

ONE = "-- migrate:up\nCREATE TABLE one (n int);\n\n-- migrate:down\nDROP TABLE one;\n"
TWO = (
    "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY one_n_idx ON one (n);\n\n"
    "-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY one_n_idx;\n"
)


@pytest_asyncio.fixture(loop_scope="session")
async def url(postgres_server: str) -> AsyncIterator[str]:
    name = f"migrate_{secrets.token_hex(4)}"
    admin = await asyncpg.connect(postgres_server)
    await admin.execute(f"CREATE DATABASE {name}")
    yield postgres_server.rpartition("/")[0] + f"/{name}"
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "001_one.sql").write_text(ONE)
    (tmp_path / "002_two.sql").write_text(TWO)
    return tmp_path


async def relations(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relname LIKE 'one%' OR relname LIKE 'three%'"
    )
    await connection.close()
    return {row["relname"] for row in rows}


def versions(migrations: list[migrate.Migration]) -> list[str]:
    return [migration.version for migration in migrations]


async def test_up_down_and_up_again(url: str, directory: Path) -> None:
    assert versions((await migrate.status(url, directory)).pending) == ["001", "002"]
    assert versions(await migrate.up(url, directory)) == ["001", "002"]
    assert await migrate.up(url, directory) == []
    assert await relations(url) == {"one", "one_n_idx"}
    assert versions(await migrate.down(url, directory)) == ["002"]
    assert await relations(url) == {"one"}
    assert versions(await migrate.up(url, directory)) == ["002"]
    assert versions(await migrate.down(url, directory, to="0")) == ["002", "001"]
    assert await relations(url) == set()
    assert versions(await migrate.up(url, directory)) == ["001", "002"]
    assert versions(await migrate.down(url, directory, to="001")) == ["002"]


async def test_a_failing_file_leaves_nothing_behind(url: str, directory: Path) -> None:
    (directory / "003_three.sql").write_text(
        "-- migrate:up\nCREATE TABLE three (n int);\nCREATE TABLE three (n int);\n"
    )
    with pytest.raises(MigrationError, match=r'003_three\.sql: relation "three" already exists'):
        await migrate.up(url, directory)
    assert await relations(url) == {"one", "one_n_idx"}
    assert versions((await migrate.status(url, directory)).applied) == ["001", "002"]


async def test_a_syntax_error_is_told_with_its_line(url: str, directory: Path) -> None:
    (directory / "003_three.sql").write_text("-- migrate:up\nSELECT 1;\nSELEC 2;\n")
    with pytest.raises(MigrationError, match=r"003_three.sql:3: syntax error"):
        await migrate.up(url, directory)


async def test_a_changed_file_is_refused(url: str, directory: Path) -> None:
    await migrate.up(url, directory)
    (directory / "001_one.sql").write_text(ONE.replace("n int", "n bigint"))
    with pytest.raises(MigrationError, match=r"001_one\.sql has changed after it was applied"):
        await migrate.up(url, directory)


async def test_what_dbmate_applied_counts(url: str, directory: Path) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
    await connection.execute("CREATE TABLE one (n int)")
    await connection.execute("INSERT INTO schema_migrations VALUES ('001')")
    await connection.close()
    assert versions(await migrate.up(url, directory)) == ["002"]


async def test_replicas_that_start_together_migrate_once(url: str, directory: Path) -> None:
    done = await asyncio.gather(*(migrate.up(url, directory) for _ in range(5)))
    assert sorted(len(applied) for applied in done) == [0, 0, 0, 0, 2]


async def test_a_locked_table_is_tried_again(
    url: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_TABLE_LOCK_WAIT", "100ms")
    monkeypatch.setattr(migrate, "_ATTEMPTS", 2)
    await migrate.up(url, directory)
    (directory / "003_three.sql").write_text("-- migrate:up\nALTER TABLE one ADD three int;\n")
    other = await asyncpg.connect(url)
    async with other.transaction():
        await other.execute("LOCK TABLE one")
        with pytest.raises(MigrationError, match="locked by others 2 times"):
            await migrate.up(url, directory)
    other_transaction = other.transaction()
    await other_transaction.start()
    await other.execute("LOCK TABLE one")
    running = asyncio.create_task(migrate.up(url, directory))
    await asyncio.sleep(0.5)
    await other_transaction.commit()
    assert versions(await running) == ["003"]
    await other.close()


async def test_a_broken_index_is_made_anew(url: str, directory: Path) -> None:
    (directory / "002_two.sql").write_text(TWO.replace("CREATE INDEX", "CREATE UNIQUE INDEX"))
    first = directory / "001_one.sql"
    first.write_text(ONE.replace("(n int);", "(n int);\nINSERT INTO one VALUES (1), (1);"))
    with pytest.raises(MigrationError, match="could not create unique index"):
        await migrate.up(url, directory)
    other = await asyncpg.connect(url)
    await other.execute("DELETE FROM one")
    assert versions(await migrate.up(url, directory)) == ["002"]
    assert await other.fetchval(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'one_n_idx'::regclass"
    )
    await other.close()


async def test_a_backfill_commits_its_batches(url: str, directory: Path) -> None:
    (directory / "003_three.sql").write_text(
        "-- migrate:up transaction:false\n\n-- In batches.\nDO $$\nBEGIN\n"
        "    INSERT INTO one VALUES (1);\n    COMMIT;\n    PERFORM 1 / 0;\nEND\n$$;\n\n"
        "-- migrate:down transaction:false\n\n-- Nothing is left to undo.\n"
    )
    with pytest.raises(MigrationError, match="division by zero"):
        await migrate.up(url, directory)
    other = await asyncpg.connect(url)
    assert await other.fetchval("SELECT count(*) FROM one") == 1
    await other.close()
    three = directory / "003_three.sql"
    three.write_text(three.read_text().replace("1 / 0", "1"))
    assert versions(await migrate.up(url, directory)) == ["003"]
    assert versions(await migrate.down(url, directory)) == ["003"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("003-x.sql", ONE, "is named like 001_create_products.sql"),
        ("1_x.sql", ONE, "have the same version"),
        ("003_x.sql", "CREATE TABLE x ();", "has no `-- migrate:up` section"),
        ("003_x.sql", ONE + ONE, "has two `-- migrate:up` sections"),
    ],
)
def test_a_malformed_file_is_told(directory: Path, name: str, text: str, message: str) -> None:
    (directory / name).write_text(text)
    with pytest.raises(MigrationError, match=message):
        migrate.read_migrations(directory)


async def test_down_needs_a_way_back(url: str, directory: Path) -> None:
    (directory / "003_three.sql").write_text("-- migrate:up\nSELECT 1;\n")
    await migrate.up(url, directory)
    with pytest.raises(MigrationError, match="has no `-- migrate:down` section"):
        await migrate.down(url, directory)
    with pytest.raises(MigrationError, match="there is no migration 9"):
        await migrate.down(url, directory, to="9")


def test_the_command_line(
    url: str, directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    at = ["--dir", str(directory)]
    assert migrate.main(["status", *at]) == 1
    assert capsys.readouterr().out == (
        "nothing applied\npending 001_one.sql\npending 002_two.sql\n"
    )
    assert migrate.main(["up", *at]) == 0
    assert migrate.main(["status", *at]) == 0
    assert migrate.main(["down", "--to", "0", *at]) == 0
    assert migrate.main(["up", "--dir", str(directory / "absent")]) == 1
    assert "name it with --dir" in capsys.readouterr().err
    assert migrate.main(["up", *at, "--url", "postgresql://127.0.0.1:1/x"]) == 1
    assert "cannot connect" in capsys.readouterr().err
    for usage in (["up", "--to", "1"], ["sideways"], ["down", "--to", "x"]):
        with pytest.raises(SystemExit) as raised:
            migrate.main(usage)
        assert raised.value.code == 2
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(SystemExit) as raised:
        migrate.main(["up", *at])
    assert raised.value.code == 2
