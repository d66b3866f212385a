"""Each resilience pattern is taken out of a generated tree: a test of the tree itself has to notice.

A fault test that still passes without its pattern shows nothing. So here a pattern is removed in one
place, the one test that is about it runs on real servers, and it must fail.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import LEFTOVERS

KIT = "libs/kit/src/kit"
ORDER = "services/order/tests/gen"
CATALOG = "services/catalog/tests/gen"
EVENTS = "libs/kit/tests/test_messaging.py"
ACCESS = "services/appointment/tests/gen/test_access.py"
LIMITS = "services/appointment/tests/gen/test_rate_limit.py"
OWNERS = "services/booking/tests/gen/test_ownership.py"
AUDIT = "services/appointment/tests/gen/test_audit.py"
PAYMENT = "services/payment/tests/gen"
READ_MODEL = "services/order/src/order_service/gen/order/read_model.py"


class Removal(NamedTuple):
    """One place of a tree, what stands there without the pattern, and the test that has to fail."""

    path: str
    right: str
    wrong: str
    test: str
    case: str = "shop"

    def put_into(self, tree: Path) -> None:
        """Take the pattern out."""
        file = tree / self.path
        text = file.read_text()
        assert text.count(self.right) == 1, f"{self.path} has {self.right!r} {text.count(self.right)} times"
        file.write_text(text.replace(self.right, self.wrong))


# the pattern: how it is removed, what has to notice
REMOVED: dict[str, Removal] = {
    "circuit breaker": Removal(
        f"{KIT}/breaker.py",
        "return calls >= self._least_calls and failures >= self._failure_share * calls",
        "return calls < 0",
        f"{ORDER}/test_calls.py::test_a_slow_peer_is_left_alone",
    ),
    "half-open breaker": Removal(
        f"{KIT}/breaker.py",
        "if self.state is State.OPEN and self._clock() >= self._until:",
        "if self.state is State.OPEN and self._clock() >= self._until + 600:",
        "libs/kit/tests/test_client.py::test_the_breaker_opens_and_the_peer_recovers",
    ),
    "bulkhead": Removal(
        f"{KIT}/client.py",
        "asyncio.Semaphore(policy.in_flight)",
        "asyncio.Semaphore(1000)",
        f"{ORDER}/test_calls.py::test_a_slow_peer_is_left_alone",
    ),
    "retry": Removal(
        f"{KIT}/client.py",
        "late = attempt == self._policy.attempts or",
        "late = True or",
        "libs/kit/tests/test_client.py::test_reads_are_repeated_and_writes_are_not",
    ),
    "retry of idempotent methods only": Removal(
        f"{KIT}/client.py",
        'repeatable = method in _REPEATABLE or "Idempotency-Key" in given',
        "repeatable = True",
        "libs/kit/tests/test_client.py::test_reads_are_repeated_and_writes_are_not",
    ),
    "retry budget": Removal(
        f"{KIT}/client.py",
        "if late or not self._budget.spend():",
        "if late:",
        "libs/kit/tests/test_client.py::test_a_peer_in_trouble_gets_few_repeats",
    ),
    "deadline of a call": Removal(
        f"{KIT}/client.py",
        "async with asyncio.timeout(left):\n                    response",
        "async with asyncio.timeout(None):\n                    response",
        "libs/kit/tests/test_client.py::test_a_call_ends_before_the_request_does",
    ),
    "deadline handed on": Removal(
        f"{KIT}/client.py",
        'headers = {"X-Request-Timeout-Ms": str(max(1, int(left_s * 1000)))}',
        "headers: dict[str, str] = {}",
        "libs/kit/tests/test_client.py::test_a_call_says_what_the_peer_needs_to_know",
    ),
    "fallback of a write": Removal(
        f"{KIT}/references.py",
        "            target.peer.fell_back()\n",
        "            raise\n",
        f"{ORDER}/test_calls.py::test_dead_peers_take_nothing_down",
    ),
    "degraded read": Removal(
        f"{KIT}/references.py",
        "                self._failed = True\n",
        "                raise\n",
        f"{ORDER}/test_calls.py::test_dead_peers_take_nothing_down",
    ),
    "stale copy": Removal(
        f"{KIT}/references.py",
        "known = self._seen.recall(key)",
        "known = None",
        f"{ORDER}/test_client_catalog.py",
    ),
    "inbox": Removal(
        f"{KIT}/messaging/inbox.py",
        "return bool(await tx.fetchval(_ENTER, consumer, event.source, event.id))",
        "return True",
        f"{PAYMENT}/test_events.py::test_the_example_of_an_event_has_one_effect_however_often_it_comes",
        "market",
    ),
    "mark after the confirmation": Removal(
        f"{KIT}/messaging/outbox.py",
        "            await broker.publish([self._message(row) for row in rows])\n"
        '            await connection.execute(_MARK, [row["position"] for row in rows])\n',
        '            await connection.execute(_MARK, [row["position"] for row in rows])\n'
        "            await broker.publish([self._message(row) for row in rows])\n",
        f"{PAYMENT}/test_events.py::test_a_relay_that_dies_before_the_mark_publishes_the_same_again",
        "market",
    ),
    "version guard of a read model": Removal(
        READ_MODEL,
        "AND (kept.version < excluded.version OR",
        "AND (kept.version > 0 OR",
        "services/order/tests/gen/test_read_model.py::test_late_and_repeated_events_change_nothing",
        "market",
    ),
    "rebuild of rows that are wrong": Removal(
        READ_MODEL,
        "kept.version <= excluded.version",
        "kept.version < excluded.version",
        "services/order/tests/gen/test_read_model.py::"
        "test_a_rebuild_mends_the_rows_while_lists_are_read_and_records_written",
        "market",
    ),
    "dead letters": Removal(
        f"{KIT}/messaging/consumer.py",
        "await self._bury(delivery, str(error))",
        "await delivery.retry(0.1)",
        f"{PAYMENT}/test_events.py::test_an_event_of_another_form_is_a_dead_letter_and_others_go_on",
        "market",
    ),
    "statement timeout": Removal(
        f"{KIT}/db.py",
        "            command_timeout=settings.db_statement_timeout_ms / 1000 * _SILENCE,\n",
        "",
        f"{CATALOG}/test_resilience.py::test_a_silent_database_is_an_answer_and_no_wait",
    ),
    "bounded wait for a connection": Removal(
        f"{KIT}/db.py",
        "async with asyncio.timeout(seconds):",
        "async with asyncio.timeout(None):",
        "libs/kit/tests/test_database.py::test_a_full_pool_fails_soon_and_counts",
    ),
    "drain": Removal(
        f"{KIT}/server.py",
        "if self._health.draining or not self.started or self._loop is None:",
        "if self.started:",
        f"{CATALOG}/test_resilience.py::test_sigterm_loses_no_request",
    ),
    "cache-aside without its cache": Removal(
        f"{KIT}/redis.py",
        "FAILURE = (RedisError, OSError, TimeoutError)",
        "FAILURE = (ZeroDivisionError,)",
        f"{CATALOG}/test_cache.py::test_nothing_fails_without_redis",
    ),
    "single flight": Removal(
        f"{KIT}/cache.py",
        "if flight is None:",
        "if flight is None or key:",
        "libs/kit/tests/test_cache.py::test_many_readers_share_one_load",
    ),
    "tombstone": Removal(
        f"{KIT}/cache.py",
        "if version and version > tonumber(ARGV[1]) then return 0 end",
        "",
        "libs/kit/tests/test_cache.py::test_a_stale_load_is_not_stored_over_a_tombstone",
    ),
    "idempotency key": Removal(
        f"{KIT}/idempotency.py",
        "    if key is None:\n        return await effect(db)\n",
        "    if key != fingerprint:\n        return await effect(db)\n",
        f"{CATALOG}/test_crud.py::test_repeated_create_makes_one_record",
    ),
    "optimistic lock": Removal(
        "services/catalog/src/catalog_service/gen/category/repository.py",
        "        version = version + 1\n    WHERE id = $1 AND ($2::integer[] IS NULL OR version = ANY($2))",
        "        version = version + 1\n    WHERE id = $1 AND ($2::integer[] IS NULL OR true)",
        f"{CATALOG}/test_crud.py::test_one_of_two_concurrent_changes_wins",
    ),
    "load shedding": Removal(
        f"{KIT}/shedding.py",
        "if self.in_flight >= self._limit or self._waiting:",
        "if self._waiting:",
        "libs/kit/tests/test_shedding.py::test_a_busy_service_queues_and_sheds",
    ),
    "one relay": Removal(
        f"{KIT}/messaging/outbox.py",
        '_LEAD = "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))"',
        '_LEAD = "SELECT $1 > 0"',
        f"{EVENTS}::test_one_relay_leads_until_another_has_to",
        "market",
    ),
    "waiting for the database": Removal(
        f"{KIT}/messaging/consumer.py",
        "            except _NOT_NOW as error:",
        "            except ZeroDivisionError as error:",
        f"{EVENTS}::test_a_lost_connection_to_the_database_is_no_try",
        "market",
    ),
    "finishing what is in hand": Removal(
        f"{KIT}/messaging/consumer.py",
        "            await asyncio.wait(self._tasks, timeout=self._settings.shutdown_timeout_s)",
        "            await asyncio.sleep(0)",
        f"{EVENTS}::test_a_worker_that_is_stopped_loses_nothing",
        "market",
    ),
    "signature of a token": Removal(
        f"{KIT}/auth/tokens.py",
        'options={"require": _REQUIRED}',
        'options={"require": _REQUIRED, "verify_signature": False}',
        f"{ACCESS}::test_wrong_tokens_are_refused",
        "clinic",
    ),
    "audience of a token": Removal(
        f"{KIT}/auth/tokens.py",
        'options={"require": _REQUIRED}',
        'options={"require": _REQUIRED, "verify_aud": False}',
        f"{ACCESS}::test_wrong_tokens_are_refused",
        "clinic",
    ),
    "end of a token": Removal(
        f"{KIT}/auth/tokens.py",
        'options={"require": _REQUIRED}',
        'options={"require": _REQUIRED, "verify_exp": False}',
        f"{ACCESS}::test_wrong_tokens_are_refused",
        "clinic",
    ),
    "scopes": Removal(
        f"{KIT}/guard.py",
        "if scope is not None and scope not in principal.scopes:",
        "if scope is not None and not principal.subject:",
        f"{ACCESS}::test_each_operation_asks_for_its_scope",
        "clinic",
    ),
    "who calls before what they send": Removal(
        f"{KIT}/edge.py",
        'if "route" in scope:',
        'if "route" not in scope:',
        f"{ACCESS}::test_no_body_is_parsed_before_its_sender_is_known",
        "clinic",
    ),
    "rate limit": Removal(
        f"{KIT}/guard.py",
        "if verdict.wait_s > 0:",
        "if verdict.wait_s < 0:",
        f"{LIMITS}::test_a_client_above_its_limit_is_told_to_wait",
        "clinic",
    ),
    "audit log": Removal(
        "services/appointment/src/appointment_service/gen/slot/repository.py",
        "SELECT $5::text, $6::text, 'create', 'slot', changed.id, to_jsonb(changed.*)\n        FROM changed",
        "SELECT $5::text, $6::text, 'create', 'slot', changed.id, to_jsonb(changed.*)\n        FROM changed WHERE false",
        f"{AUDIT}::test_each_change_leaves_a_row",
        "clinic",
    ),
    "who is in the audit log": Removal(
        f"{KIT}/identity.py",
        "return current().subject",
        "return ANONYMOUS.subject",
        f"{AUDIT}::test_each_change_leaves_a_row",
        "clinic",
    ),
    "audit log to which rows are only added": Removal(
        "services/appointment/migrations/001_create_tables.sql",
        "GRANT INSERT ON audit_log TO",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON audit_log TO",
        f"{AUDIT}::test_the_service_can_only_add_rows",
        "clinic",
    ),
    "private fields outside of the audit log": Removal(
        "services/patient/src/patient_service/gen/patient/repository.py",
        "'delete', 'patient', changed.id,\n            to_jsonb(changed.*) - ARRAY['national_id']",
        "'delete', 'patient', changed.id,\n            to_jsonb(changed.*)",
        "services/patient/tests/gen/test_audit.py::test_private_fields_are_not_logged",
        "clinic",
    ),
    "owner in a change": Removal(
        "services/booking/src/booking_service/gen/booking/repository.py",
        "($11::text IS NULL OR owner_id = $11::text)",
        "($11::text IS NULL OR true)",
        f"{OWNERS}::test_nobody_else_finds_a_record",
        "tickets",
    ),
    "owner before the rules": Removal(
        f"{KIT}/crud.py",
        "row = await self._repository.lock(db, record_id)\n        if row is None or not self._admits(row):",
        "row = await self._repository.lock(db, record_id)\n        if row is None:",
        "libs/kit/tests/test_ownership.py::test_rules_meet_no_record_of_somebody_else",
        "tickets",
    ),
    "owner of what was missed": Removal(
        f"{KIT}/crud.py",
        "row = await self._repository.read(self.db, record_id)\n        if row is None or not self._admits(row):",
        "row = await self._repository.read(self.db, record_id)\n        if row is None:",
        f"{OWNERS}::test_nobody_else_finds_a_record",
        "tickets",
    ),
    "owner in a list": Removal(
        f"{KIT}/ownership.py",
        "return super().filters(query) | {_COLUMN: self._owners.limit()}",
        "return super().filters(query)",
        f"{OWNERS}::test_nobody_else_finds_a_record",
        "tickets",
    ),
    "owner of what is in the cache": Removal(
        f"{KIT}/ownership.py",
        "if not self._owners.admits(orjson.loads(owner)):",
        "if owner is None:",
        f"{OWNERS}::test_nobody_else_finds_a_record",
        "tickets",
    ),
    "owner of what is referred to": Removal(
        f"{KIT}/ownership.py",
        "return row is None or not target.owners.admits(row.owner_id)",
        "return row is None",
        f"{OWNERS}::test_nobody_refers_to_the_record_of_somebody_else",
        "tickets",
    ),
    "owner of an idempotency key": Removal(
        f"{KIT}/idempotency.py",
        'key = f"{current().subject} {key}"',
        'key = f"everybody {key}"',
        f"{OWNERS}::test_an_idempotency_key_belongs_to_its_caller",
        "tickets",
    ),
    "modules that know nothing of each other": Removal(
        "services/order/src/order_service/rules/order.py",
        "from kit.references import Fallbacks\n",
        "from catalog_service.gen.product.repository import ProductRow\nfrom kit.references import Fallbacks\n",
        "app/tests/test_modules.py::test_no_module_imports_another",
        "market-monolith",
    ),
    "relays in the one process": Removal(
        f"{KIT}/messaging/host.py",
        "if messaging.topology.publishes:",
        "if not messaging.topology:",
        "app/tests/test_events.py::test_a_process_killed_before_the_mark_publishes_again_and_nobody_applies_twice",
        "market-monolith",
    ),
    "rate limit without Redis": Removal(
        f"{KIT}/ratelimit.py",
        "            except FAILURE as error:",
        "            except ZeroDivisionError as error:",
        f"{LIMITS}::test_limits_hold_while_redis_is_dead",
        "clinic",
    ),
}


@pytest.fixture(scope="module")
def copies(trees: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Trees of their own to break, without what tools left in them."""
    folder = tmp_path_factory.mktemp("sabotage")
    cases = {removal.case for removal in REMOVED.values()}
    leave = shutil.ignore_patterns(*LEFTOVERS, ".venv")
    return {case: Path(shutil.copytree(trees[case], folder / case, ignore=leave)) for case in cases}


def run_tests(tree: Path, *tests: str) -> str:
    """Run tests of a tree as its sources are now; return what pytest printed."""
    folders = [*tree.glob("*/*/src"), *tree.glob("*/src")]
    sources = os.pathsep.join(str(folder) for folder in sorted(folders))
    plugins = ["-p", "no:cacheprovider", "-p", "kit.testing.plugin"]  # as where the kit is installed
    command = [sys.executable, "-m", "pytest", *plugins, "-x", "-q", *tests]
    ours = ("PYTEST_", "COV_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    result = subprocess.run(
        command,
        cwd=tree,
        env=environment | {"PYTHONPATH": sources},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    return result.stdout


@pytest.mark.parametrize("pattern", REMOVED)
def test_what_is_missing_is_noticed(pattern: str, copies: dict[str, Path]) -> None:
    removal = REMOVED[pattern]
    tree = copies[removal.case]
    file = tree / removal.path
    whole = file.read_text()
    removal.put_into(tree)
    try:
        output = run_tests(tree, removal.test)
    finally:
        file.write_text(whole)
    assert "1 failed" in output, output[-4000:]


PROJECTS = sorted({(removal.case, removal.test.partition("/tests/")[0]) for removal in REMOVED.values()})


@pytest.mark.parametrize(("case", "project"), PROJECTS)
def test_nothing_is_noticed_where_nothing_is_missing(case: str, project: str, copies: dict[str, Path]) -> None:
    of_case = {removal.test for removal in REMOVED.values() if removal.case == case}
    tests = sorted(test for test in of_case if test.startswith(f"{project}/tests/"))
    output = run_tests(copies[case], *tests)
    assert re.search(r"^\d+ passed in ", output, re.MULTILINE), output[-4000:]
