"""Whatever a rule, a dashboard or a runbook asks for is really measured by a running service."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx2
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from conftest import generate
from kit import migrate
from kit.host import Schema
from kit.messaging.consumer import ConsumerMetrics
from kit.messaging.outbox import OutboxMetrics
from kit.testing import LiveService, live_service
from kit.testing.monolith import prepared

FOLDER = Path("deploy/observability")
RUNNING = ("shop", "minimal", "user-service", "tickets")  # a cache, calls, refused callers: with and without

# What programs that are not generated expose, by their documentation.
EXPORTERS = {
    "Prometheus itself": {"up", "ALERTS", "prometheus_notifications_alertmanagers_discovered"},
    "Alertmanager": {"alertmanager_notifications_failed_total"},
    "kube-state-metrics": {
        "kube_horizontalpodautoscaler_spec_max_replicas",
        "kube_horizontalpodautoscaler_status_current_replicas",
        "kube_pod_container_resource_limits",
        "kube_pod_container_status_restarts_total",
    },
    "cAdvisor": {
        "container_cpu_cfs_periods_total",
        "container_cpu_cfs_throttled_periods_total",
        "container_cpu_usage_seconds_total",
    },
    "kubelet": {"kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"},
    "postgres_exporter": {"pg_stat_activity_count", "pg_settings_max_connections", "pg_replication_lag_seconds"},
}
# Put on every series by the scrape configuration.
TARGET_LABELS = {"job", "instance", "service", "namespace", "pod"}

WORDS = {
    "and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "inf", "nan",
}  # fmt: skip
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*\{([^{}]*)\}")


def metrics_in(expression: str) -> set[str]:
    """Name the metrics that an expression reads."""
    bare = GROUPING.sub(" ", re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression))
    named = set(re.findall(r'__name__\s*=\s*"([^"]+)"', expression))
    bare = re.sub(r"\[[^\]]*\]", " ", re.sub(r"\{[^{}]*\}", " ", bare))
    tokens = re.finditer(r"(?<![\w:.])([a-zA-Z_:][\w:]*)(\s*\()?", bare)
    return named | {t[1] for t in tokens if not t[2] and t[1].lower() not in WORDS}


def matchers_in(expression: str) -> Iterator[tuple[str, str, str, str]]:
    """List metric, label, operator and value of every matcher."""
    for name, inside in SELECTOR.findall(expression):
        for label, operator, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"', inside):
            yield name, label, operator, value


def rules_of(tree: Path) -> list[dict[str, Any]]:
    """Return every rule of a tree."""
    files = sorted((tree / FOLDER / "prometheus/rules").glob("*.yaml"))
    return [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def expressions_of(tree: Path) -> list[tuple[str, str]]:
    """Return every expression of rules, dashboards, objectives and runbooks, with where it stands."""
    folder = tree / FOLDER
    found = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules_of(tree)]
    for file in sorted((folder / "grafana/dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            found += [(f"{file.stem}: {panel['title']}", target["expr"]) for target in panel.get("targets", [])]
    for file in sorted((folder / "openslo").glob("*.yaml")):
        found += [(file.name, query) for query in re.findall(r"query: (.+)", file.read_text())]
    for file in sorted((folder / "runbooks").glob("*.md")):
        for block in re.findall(r"```promql\n(.*?)```", file.read_text(), re.S):
            found += [(file.name, line) for line in block.splitlines()]
    return found


def test_names_are_found_in_expressions() -> None:
    names = metrics_in(
        'sum by (service, le) (rate(a_total{x="by b", y!="c{d}"}[5m])) / on (pod) group_left (e) f:g:rate5m '
        'or vector(1) * 1e3 > 0.5 and max_over_time(h[1d:5m] offset 5m) unless count({__name__="i"})'
    )
    assert names == {"a_total", "f:g:rate5m", "h", "i"}
    assert list(matchers_in('a{b="c", d=~"e|f"} + g{h!="i"}')) == [
        ("a", "b", "=", "c"), ("a", "d", "=~", "e|f"), ("g", "h", "!=", "i"),
    ]  # fmt: skip


def test_every_expression_is_valid(tree: Path, tmp_path: Path) -> None:
    """Hand all of them to promtool, those that Grafana completes too."""
    rules = [
        {"record": f"r{number}", "expr": expression.replace("$service", "catalog"), "labels": {"n": str(number)}}
        for number, (_, expression) in enumerate(expressions_of(tree))
    ]
    assert len(rules) > 90
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    result = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(rules)} rules found" in result.stdout
    rules[0]["expr"] = "sum(rate(a[5m])"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    result = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert "unclosed left parenthesis" in result.stdout + result.stderr


async def new_database(server: str) -> str:
    """Create an empty database on the harness's server."""
    name = f"observed_{uuid4().hex[:8]}"
    connection = await asyncpg.connect(server)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


async def ask_for_everything(url: str, document: dict[str, Any]) -> set[tuple[str, str]]:
    """Send one request to every operation; return method and template of each. What they answer does not matter."""
    asked = set()
    async with httpx2.AsyncClient(base_url=url) as client:
        for template, operations in document["paths"].items():
            for method in operations:
                if method in ("get", "post", "put", "patch", "delete"):
                    body = {} if method in ("post", "put", "patch") else None
                    await client.request(method.upper(), re.sub(r"\{\w+\}", str(uuid4()), template), json=body)
                    asked.add((method.upper(), template))
    return asked


async def scrape(tree: Path, name: str, service: dict[str, Any]) -> list[Any]:
    """Run a service, use each of its routes, and return the samples that Prometheus would get."""
    folder = tree / "services" / name
    database = await new_database(os.environ["TEST_POSTGRES_URL"])
    await migrate.up(database, folder / "migrations")
    environment = {
        "DATABASE_URL": database,
        "REDIS_URL": os.environ["TEST_REDIS_URL"],
        "PYTHONPATH": os.pathsep.join([str(folder / "src"), str(tree / "libs/kit/src")]),
    }
    limited = "\nrate_limit:\n" in (tree / "architecture/blueprint.yaml").read_text()
    if not (service["cached"] or limited):
        del environment["REDIS_URL"]
    async with live_service(service["package"], **environment) as live:
        return await samples_of(tree, live, [name])


async def scrape_host(tree: Path, services: dict[str, dict[str, Any]], host: dict[str, Any]) -> list[Any]:
    """Run a monolith, use each route of its modules, and return the samples that Prometheus would get."""
    prefixes = {name: name.upper().replace("-", "_") for name in services}
    schemas = [
        Schema(plan["role"], plan.get("owner", plan["role"]), (f"{prefixes[name]}_DATABASE_URL",), Path())
        for name, plan in services.items()
    ]
    given = await prepared(os.environ["TEST_POSTGRES_URL"], f"observed_{uuid4().hex[:8]}", schemas)
    for name in services:
        await migrate.up(given[f"{prefixes[name]}_DATABASE_URL"], tree / "services" / name / "migrations")
    sources = [folder / "src" for folder in (tree / "app", tree / "libs/kit", *tree.glob("services/*"))]
    given |= {"REDIS_URL": os.environ["TEST_REDIS_URL"], "PYTHONPATH": os.pathsep.join(map(str, sources))}
    async with live_service(host["package"], **given) as live:
        return await samples_of(tree, live, list(services))


async def samples_of(tree: Path, live: LiveService, names: list[str]) -> list[Any]:
    """Use each route of these services, which one process serves, and return the samples of the process."""
    asked = set()
    for name in names:
        asked |= await ask_for_everything(
            live.url, yaml.safe_load((tree / f"architecture/openapi/{name}.yaml").read_text())
        )
    await asyncio.sleep(0.6)  # the event loop is looked at twice a second
    async with httpx2.AsyncClient() as client:
        text = (await client.get(live.metrics_url)).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    counted = {
        (s.labels["method"], s.labels["route"])
        for s in samples
        if s.name == "http_server_request_duration_seconds_count" and s.labels["route"] != "unmatched"
    }
    probes = {"/livez", "/readyz", "/startupz"}
    assert counted == {(method, route) for method, route in asked if route not in probes}
    return samples


@pytest.mark.parametrize("case", RUNNING)
async def test_every_metric_is_emitted(case: str, trees: dict[str, Path]) -> None:
    tree = trees[case]
    services = yaml.safe_load((tree / "architecture/blueprint.yaml").read_text())["services"]
    samples = [sample for name, service in services.items() for sample in await scrape(tree, name, service)]
    assert complaints(tree, samples) == set()


async def test_every_metric_is_emitted_by_a_monolith() -> None:
    tree = generate("shop", "--set", "architecture=monolith", name="shop-monolith")
    plan = yaml.safe_load((tree / "architecture/blueprint.yaml").read_text())
    assert complaints(tree, await scrape_host(tree, plan["services"], plan["deployables"]["app"])) == set()


def complaints(tree: Path, samples: list[Any]) -> set[str]:
    """List what expressions read and these samples have not: metrics, labels and values of labels."""
    labels: dict[str, dict[str, set[str]]] = {}
    for sample in samples:
        known = labels.setdefault(sample.name, {})
        for label, value in sample.labels.items():
            known.setdefault(label, set()).add(value)
    recorded = {rule["record"] for rule in rules_of(tree) if "record" in rule}
    foreign = set().union(*EXPORTERS.values())
    unknown = {
        f"{where}: {name}"
        for where, expression in expressions_of(tree)
        for name in metrics_in(expression) - recorded - foreign - labels.keys()
    }
    return unknown | {
        f"{where}: {name} has no {label}{operator}{value}"
        for where, expression in expressions_of(tree)
        for name, label, operator, value in matchers_in(expression)
        if name in labels and label not in TARGET_LABELS and not emits(labels[name], label, operator, value)
    }


# Which answers a service gave depends on what was asked of it; these have to be possible.
POSSIBLE = {
    "status_class": {"2xx", "3xx", "4xx", "5xx"},
    "route": {"unmatched", "/v1/things"},
}


def emits(labels: dict[str, set[str]], label: str, operator: str, value: str) -> bool:
    """Tell whether a matcher names a label, and a value, that a metric has."""
    values = labels.get(label, set()) | (POSSIBLE.get(label, set()) if label in labels else set())
    if operator in ("=~", "!~"):
        return all(any(re.fullmatch(part, each) for each in values) for part in value.split("|"))
    return value in values


def test_metrics_of_events_are_those_that_relays_and_workers_have(trees: dict[str, Path]) -> None:
    registry = CollectorRegistry()
    OutboxMetrics(registry)
    consumer = ConsumerMetrics(registry)
    for name in ("order", "order-read-model"):
        consumer.connected.labels(name).set(1)
        consumer.dead.labels(name, "payment.captured").inc()
        consumer.delay.labels(name, "payment.captured").observe(1)
        for outcome in ("applied", "duplicate", "retried", "dead"):
            consumer.events.labels(name, "payment.captured", outcome).inc()
    text = generate_latest(registry).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    ours = re.compile(r": (?:outbox|consumer|dead_letter)_")
    assert [each for each in complaints(trees["market"], samples) if ours.search(each)] == []
    read = {name for _, expression in expressions_of(trees["market"]) for name in metrics_in(expression)}
    assert {"outbox_oldest_age_seconds", "consumer_connected", "dead_letter_events_total"} <= read


def test_a_metric_that_nobody_emits_is_noticed() -> None:
    labels = {"state": {"used", "idle"}}
    assert emits(labels, "state", "=", "used")
    assert not emits(labels, "state", "=", "busy")
    assert not emits(labels, "status", "=", "used")
    assert emits(labels, "state", "=~", "used|idle")
    assert emits(labels, "state", "=~", ".+ed|idle")
    assert not emits(labels, "state", "=~", "used|gone")


def test_the_scrape_keeps_what_is_read(tree: Path) -> None:
    """What is dropped at the scrape cannot be alerted on."""
    config = yaml.safe_load((tree / FOLDER / "prometheus/prometheus.yaml").read_text())
    kept: set[str] = set()
    for job in config["scrape_configs"]:
        for step in job.get("metric_relabel_configs", []):
            if step.get("action") == "keep":
                kept |= set(re.findall(r"\w{6,}", step["regex"].split(";")[0]))
    filtered = EXPORTERS["kube-state-metrics"] | EXPORTERS["cAdvisor"] | EXPORTERS["kubelet"]
    assert kept == filtered
    read = {name for _, expression in expressions_of(tree) for name in metrics_in(expression)}
    assert kept <= read


def test_every_service_is_watched(tree: Path) -> None:
    plan = yaml.safe_load((tree / "architecture/blueprint.yaml").read_text())
    down = {rule["labels"]["service"] for rule in rules_of(tree) if rule.get("alert") == "ServiceDown"}
    assert down == set(plan.get("deployables") or plan["services"])
    promised = {file.stem for file in (tree / FOLDER / "openslo").glob("*.yaml")} - {"prometheus"}
    assert promised == set(plan["services"])  # by module too: Prometheus tells them apart


def test_the_latency_objective_is_a_bound_of_the_histogram(tree: Path) -> None:
    """The rules, OpenSLO and the services' own setting name the same number."""
    rules = (tree / FOLDER / "prometheus/rules/objectives.yaml").read_text()
    objectives = "".join(file.read_text() for file in (tree / FOLDER / "openslo").glob("*.yaml"))
    bounds = set(re.findall(r'le="([\d.]+)"', rules.split("groups:")[1] + objectives))
    settings = {
        int(found)
        for file in tree.glob("services/*/src/*/gen/settings.py")
        for found in re.findall(r"slo_latency_ms: Positive = (\d+)", file.read_text())
    }
    assert len(bounds) == 1
    assert len(settings) == 1
    assert float(bounds.pop()) * 1000 == settings.pop()
