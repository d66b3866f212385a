"""Seeded faults: a generated file is broken in one place, and a consumer or a test of this folder has to notice.

What none of them notices is listed as well, so that it is known: those are design rules to come.
"""

import inspect
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import test_manifests
import test_observability
from test_artifacts import CONSUMERS

from conftest import files_of

DEPLOYMENT = "deploy/kubernetes/base/services/event/deployment.yaml"
AUTOSCALING = "deploy/kubernetes/base/services/event/autoscaling.yaml"
POLICY = "deploy/kubernetes/base/services/event/network-policy.yaml"
SERVICE = "deploy/kubernetes/base/services/event/service.yaml"
NAMESPACE = "deploy/kubernetes/base/namespace.yaml"
POLICIES = "deploy/kubernetes/base/network-policies.yaml"
SETTINGS = "services/event/src/event_service/gen/settings.py"
MESH = "deploy/gateway/istio/services/event.yaml"
KONG = "deploy/gateway/kong/kong.yml"
CAUSES = "deploy/observability/prometheus/rules/causes.yaml"
OBJECTIVES = "deploy/observability/prometheus/rules/objectives.yaml"
SCRAPE = "deploy/observability/prometheus/prometheus.yaml"
MIGRATION = "services/event/migrations/001_create_tables.sql"
CHECKS = ".github/workflows/check.yaml"

LABELS = "{app.kubernetes.io/name: event, app.kubernetes.io/instance: event}"
STRANGE = "{app.kubernetes.io/name: event, app.kubernetes.io/instance: events}"


class Fault(NamedTuple):
    """One place of one file, and what stands there after it was broken."""

    path: str
    right: str
    wrong: str
    case: str = "tickets"
    last: bool = False  # the last of several places, not the first

    def put_into(self, tree: Path) -> None:
        """Break the file of a tree."""
        file = tree / self.path
        text = file.read_text()
        assert self.right in text, f"{self.path} has no {self.right!r}"
        head, tail = text.rsplit(self.right, 1) if self.last else text.split(self.right, 1)
        file.write_text(head + self.wrong + tail)


def check(name: str, tree: Path) -> None:
    """Hand a tree to a consumer, to a test of this folder or to a Go test of gateways; raise what it has against it."""
    if name in CONSUMERS:
        consumer, patterns = CONSUMERS[name]
        files = files_of(tree, *patterns)
        assert files, f"nothing for {name} in {tree.name}"
        assert consumer(tree, files).rejected == {}
    elif name.startswith("Test"):
        command = [os.environ["CODEX_GENERATE_TESTS"], "-test.v", f"-test.run=^{name}$"]
        environment = os.environ | {"CODEX_TREE": str(tree)}
        result = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
        assert f"--- PASS: {name}" in result.stdout, result.stdout + result.stderr
    else:
        test = getattr(test_manifests, name, None) or getattr(test_observability, name)
        given = {"rendered": test_manifests.environments, "tree": Path}
        test(*(given[parameter](tree) for parameter in inspect.signature(test).parameters))


# what is broken: the fault, what has to notice
CAUGHT: dict[str, tuple[Fault, str]] = {
    # ports
    "container's port": (
        Fault(DEPLOYMENT, "containerPort: 8000", "containerPort: 8001"), "test_ports_are_the_same_everywhere",
    ),
    "port of the metrics": (
        Fault(DEPLOYMENT, "containerPort: 9000", "containerPort: 9090"), "test_ports_are_the_same_everywhere",
    ),
    "Service's target": (
        Fault(SERVICE, "targetPort: http", "targetPort: web"), "test_ports_are_the_same_everywhere",
    ),
    "port of a probe": (
        Fault(DEPLOYMENT, "{path: /readyz, port: http}", "{path: /readyz, port: https}"),
        "test_ports_are_the_same_everywhere",
    ),
    "port of the image": (
        Fault("services/event/Dockerfile", "EXPOSE 8000", "EXPOSE 8080"), "test_ports_are_the_same_everywhere",
    ),
    "port of the policy": (
        Fault(POLICY, "port: 8000", "port: 8001"), "test_ports_are_the_same_everywhere",
    ),
    "port that Prometheus may reach": (
        Fault(POLICIES, "port: 9000", "port: 9001"), "test_ports_are_the_same_everywhere",
    ),
    # selectors
    "selector of the Service": (
        Fault(SERVICE, f"selector: {LABELS}", f"selector: {STRANGE}"),
        "test_selectors_pick_their_own_pods_and_no_others",
    ),
    "label of the pods": (
        Fault(DEPLOYMENT, "app.kubernetes.io/instance: event\n        app.kubernetes.io/component", "app.kubernetes.io/component"),
        "test_selectors_pick_their_own_pods_and_no_others",
    ),
    "selector of the disruption budget": (
        Fault(AUTOSCALING, f"matchLabels: {LABELS}", "matchLabels: {app.kubernetes.io/component: api}"),
        "test_selectors_pick_their_own_pods_and_no_others",
    ),
    "selector of the spread": (
        Fault(DEPLOYMENT, f"matchLabels: {LABELS}\n      affinity", f"matchLabels: {STRANGE}\n      affinity"),
        "test_selectors_pick_their_own_pods_and_no_others",
    ),
    "target of the autoscaler": (
        Fault(AUTOSCALING, "kind: Deployment, name: event}", "kind: Deployment, name: events}"),
        "test_selectors_pick_their_own_pods_and_no_others",
    ),
    "container of the autoscaler": (
        Fault(AUTOSCALING, "container: api", "container: app"),
        "test_selectors_pick_their_own_pods_and_no_others",
    ),
    # who may talk to whom
    "caller that is not let in": (
        Fault(POLICY, "        - podSelector: {matchLabels: {app.kubernetes.io/instance: booking}}\n", ""),
        "test_policies_are_the_call_graph",
    ),
    "callee that is not let out to": (
        Fault(POLICY, "app.kubernetes.io/instance: venue", "app.kubernetes.io/instance: avenue"),
        "test_policies_are_the_call_graph",
    ),
    "everything let out": (
        Fault(POLICIES, "podSelector: {}\n  policyTypes: [Ingress, Egress]", "podSelector: {}\n  policyTypes: [Ingress]"),
        "test_policies_are_the_call_graph",
    ),
    "port of the database": (
        Fault(POLICIES, "port: 5432", "port: 5433"), "test_stores_are_reached_by_those_who_use_them",
    ),
    "user of the cache left out": (
        Fault(POLICIES, "          - event\n", ""), "test_stores_are_reached_by_those_who_use_them",
    ),
    "caller that the mesh refuses": (Fault(MESH, "              - tickets/booking\n", ""), "TestMeshFollowsTheCallGraph"),
    # sums
    "quota of pods": (
        Fault(NAMESPACE, '    pods: "', '    pods: "0.'), "test_quota_holds_a_rollout_of_everything_and_the_migrations",
    ),
    "quota of CPU": (
        Fault(NAMESPACE, "limits.cpu: 1", "limits.cpu: "),
        "test_quota_holds_a_rollout_of_everything_and_the_migrations",
    ),
    "replicas above the quota": (
        Fault(AUTOSCALING, "maxReplicas: 15", "maxReplicas: 30"),
        "test_quota_holds_a_rollout_of_everything_and_the_migrations",
    ),
    "memory above the largest container": (
        Fault(DEPLOYMENT, "memory: 320Mi", "memory: 640Mi"), "test_containers_fit_the_limit_range",
    ),
    "scratch space above its limit": (
        Fault(DEPLOYMENT, "sizeLimit: 64Mi", "sizeLimit: 1Gi"), "test_containers_fit_the_limit_range",
    ),
    "disruption of all replicas": (
        Fault(AUTOSCALING, "maxUnavailable: 1", "maxUnavailable: 3"), "test_replicas_survive_a_drain",
    ),
    "time to stop": (
        Fault(DEPLOYMENT, "terminationGracePeriodSeconds: 22", "terminationGracePeriodSeconds: 12"),
        "test_a_pod_has_the_time_to_stop",
    ),
    "order to stop that comes late": (
        Fault(DEPLOYMENT, "sleep: {seconds: 5}", "sleep: {seconds: 9}"), "test_a_pod_has_the_time_to_stop",
    ),
    "pool": (
        Fault(SETTINGS, "db_pool_max: Positive = ", "db_pool_max: Positive = 9"),
        "test_pools_fit_the_database_in_the_middle_of_a_rollout",
    ),
    # what a pod finds
    "place of the secrets": (
        Fault(DEPLOYMENT, "mountPath: /etc/secrets", "mountPath: /etc/secret"),
        "test_secrets_are_files_where_the_service_looks",
    ),
    "another service's secrets": (
        Fault(DEPLOYMENT, "secretName: event-secrets", "secretName: venue-secrets"),
        "test_secrets_are_files_where_the_service_looks",
    ),
    "environment": (
        Fault(DEPLOYMENT, "name: ENVIRONMENT, value: prod", "name: ENVIRONMENT, value: production"),
        "test_services_know_where_they_run",
    ),
    "image that no release pins": (
        Fault(DEPLOYMENT, "tickets/event:1.0.0", "tickets/events:1.0.0"), "test_a_release_pins_every_image",
    ),
    "pods that may be root": (
        Fault(DEPLOYMENT, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"), "kube-score",
    ),
    # gateways
    "tries above the route's time": (
        Fault(MESH, "backendRequest: 600ms", "backendRequest: 900ms"), "TestTheGatewayAloneRetries",
    ),
    "route shorter than the service": (
        Fault(MESH, "timeouts:\n        request: 600ms", "timeouts:\n        request: 60ms"),
        "TestTheGatewayAloneRetries",
    ),
    "retries at a second layer": (
        Fault(MESH, "retries:\n        attempts: 0", "retries:\n        attempts: 2"), "TestTheGatewayAloneRetries",
    ),
    "host that is no service": (
        Fault(MESH, "host: event.tickets.svc", "host: events.tickets.svc", last=True), "istioctl analyze",
    ),
    "load balancer that there is not": (Fault(MESH, "LEAST_REQUEST", "LEAST_REQUESTS"), "istioctl validate"),
    "path that may not be repeated any more": (
        Fault(MESH, "value: /v1/performers", "value: /v1/performer"), "TestTheGatewayAloneRetries",
    ),
    "Kong: tries above the time": (
        Fault(KONG, "read_timeout: ", "read_timeout: 9", case="chat"), "TestKongFitsTheServicesTimeouts",
    ),
    "Kong: setting that there is not": (Fault(KONG, "strip_path: false", "strip_paths: false", case="chat"), "Kong"),
    "Kong: plugin that there is not": (Fault(KONG, "name: correlation-id", "name: correlation", case="chat"), "TestKongFileAndObjectsAgree"),
    # monitoring
    "threshold of an alert": (Fault(CAUSES, "> 0.9\n", "> 0.99\n"), "promtool test rules"),
    "patience of an alert": (Fault(CAUSES, "for: 10m", "for: 100m"), "promtool test rules"),
    "window of a burn rate": (Fault(OBJECTIVES, "ratio:rate5m{slo", "ratio:rate3d{slo"), "promtool test rules"),
    "service that nobody watches": (
        Fault(CAUSES, 'service="event"} == 1', 'service="venue"} == 1'), "promtool test rules",
    ),
    "recording rule under another name": (
        Fault(OBJECTIVES, "record: service:slo_error_ratio:rate6h", "record: service:slo_errors_ratio:rate6h"),
        "promtool test rules",
    ),
    "bound of the latency objective": (
        Fault(OBJECTIVES, 'le="0.3"}', 'le="0.35"}'), "test_the_latency_objective_is_a_bound_of_the_histogram",
    ),
    "metric dropped at the scrape": (
        Fault(SCRAPE, "container_cpu_cfs_periods_total|", ""), "test_the_scrape_keeps_what_is_read",
    ),
    "receiver that there is not": (
        Fault("deploy/observability/alertmanager/alertmanager.yaml", "receiver: on-call", "receiver: oncall"), "amtool",
    ),
    "exporter that there is not": (
        Fault("deploy/observability/otel-collector/config.yaml", "exporters: [otlp_grpc]", "exporters: [otlp]"), "collector",
    ),
    "dashboard that is no JSON": (
        Fault("deploy/observability/grafana/dashboards/service.json", ": [", ": [,"), "JSON",
    ),
    "metric that nobody has heard of": (
        Fault(CAUSES, "min by (service) (cache_available)", "min by (service) (cache_up)"), "promtool test rules",
    ),
    # contracts and data
    "dangling reference of a contract": (
        Fault("architecture/openapi/event.yaml", "#/components/schemas/", "#/components/schema/"), "libopenapi",
    ),
    "diagram that nobody can draw": (
        Fault("architecture/diagrams/containers.md", "C4Container", "C4Containers"), "mermaid",
    ),
    "migration that locks": (
        Fault("services/event/migrations/001_create_tables.sql", "-- migrate:down", "ALTER TABLE performers ADD COLUMN a text NOT NULL;\n-- migrate:down"),
        "squawk",
    ),
    # delivery
    "dependency that there is not": (Fault("compose.yaml", "postgres: {condition", "postgre: {condition"), "compose-go"),
    "relative folder": (Fault("services/event/Dockerfile", "WORKDIR /app\nUSER", "WORKDIR app\nUSER"), "BuildKit"),
    "copy from a stage that there is not": (
        Fault("services/event/Dockerfile", "--from=build /venv", "--from=built /venv"), "hadolint",
    ),
    "user of the image": (Fault("services/event/Dockerfile", "USER 10001:10001", "USER root"), "hadolint"),
    "action by its tag": (Fault(CHECKS, "actions/checkout@", "actions/checkout@v7 # ", case="user-service"), "zizmor"),
    "job that there is not": (Fault(CHECKS, "needs: changes", "needs: changed", case="user-service"), "actionlint"),
    "stage that there is not": (
        Fault(".gitlab-ci.yml", "stage: check", "stage: checks", case="every-type"), "gitlab-ci-local",
    ),
}  # fmt: skip

# Nothing that runs over a tree notices these. The generator's own tests of the model keep them from being written.
NOT_CAUGHT: dict[str, Fault] = {
    "use that the autoscaler aims at": Fault(AUTOSCALING, "averageUtilization: 65", "averageUtilization: 95"),
    "CPU of a pod below what its load needs": Fault(DEPLOYMENT, 'cpu: "1"', "cpu: 900m"),
    "liveness that gives up at once": Fault(DEPLOYMENT, "failureThreshold: 6", "failureThreshold: 1"),
    "budget that the dashboards subtract from": Fault(OBJECTIVES, "vector(0.0005)", "vector(0.005)"),
    "statement longer than the request": Fault(SETTINGS, "db_statement_timeout_ms: Positive = 432", "db_statement_timeout_ms: Positive = 4320"),
    "records that stay in the cache for a day": Fault(SETTINGS, "cache_ttl_s: Positive = 300", "cache_ttl_s: Positive = 86400"),
    "samples that do not fit their volume": Fault(SCRAPE, "size: 12288MB", "size: 122880MB"),
    "scrape rarer than the windows of the rules": Fault(SCRAPE, "scrape_interval: 15s", "scrape_interval: 10m"),
    "page that is repeated after days": Fault(
        "deploy/observability/alertmanager/alertmanager.yaml", "repeat_interval: 1h", "repeat_interval: 100h"
    ),
    "collector that may use more than it has": Fault(
        "deploy/observability/otel-collector/config.yaml", "limit_mib: 205", "limit_mib: 2050"
    ),
}  # fmt: skip
FAULTY_METRICS: dict[str, Fault] = {
    "metric that nobody emits": Fault(
        "deploy/observability/grafana/dashboards/service.json", "event_loop_lag_seconds", "event_loop_delay_seconds", case="user-service"
    ),
    "label that nobody sets": Fault(
        "deploy/observability/grafana/dashboards/service.json", 'state=\\"used\\"', 'state=\\"busy\\"', case="user-service"
    ),
    "alert on a metric of another name": Fault(CAUSES, "http_server_in_flight_limit", "http_server_in_flight_max", case="user-service"),
}  # fmt: skip


@pytest.fixture
def broken(trees: dict[str, Path], tmp_path: Path) -> Callable[[Fault], Path]:
    """Break a copy of a tree."""

    def copy(fault: Fault) -> Path:
        tree = tmp_path / fault.case
        shutil.copytree(trees[fault.case], tree, ignore=shutil.ignore_patterns(".venv", ".mypy*", "__pycache__"))
        fault.put_into(tree)
        return tree

    return copy


def test_there_are_enough_of_them() -> None:
    assert len(CAUGHT) + len(FAULTY_METRICS) >= 40


@pytest.mark.parametrize("name", CAUGHT)
def test_a_fault_is_caught(name: str, broken: Callable[[Fault], Path]) -> None:
    fault, by = CAUGHT[name]
    tree = broken(fault)
    with pytest.raises((AssertionError, KeyError, ValueError)):
        check(by, tree)


@pytest.mark.parametrize(("case", "by"), sorted({(fault.case, by) for fault, by in CAUGHT.values()}))
def test_without_a_fault_nothing_is_caught(case: str, by: str, trees: dict[str, Path]) -> None:
    check(by, trees[case])


async def test_faults_of_metrics_are_caught(trees: dict[str, Path], tmp_path: Path) -> None:
    """Run the service once, and hold every broken tree to what it emits."""
    ((name, service),) = test_manifests.blueprint(trees["user-service"])["services"].items()
    samples = await test_observability.scrape(trees["user-service"], name, service)
    assert test_observability.complaints(trees["user-service"], samples) == set()
    for number, fault in enumerate(FAULTY_METRICS.values()):
        tree = tmp_path / str(number)
        shutil.copytree(trees[fault.case] / "deploy/observability", tree / "deploy/observability")
        fault.put_into(tree)
        assert test_observability.complaints(tree, samples) != set()


@pytest.mark.parametrize("name", NOT_CAUGHT)
def test_what_is_said_to_be_missed_is(name: str, broken: Callable[[Fault], Path]) -> None:
    """A fault that something has begun to catch belongs to those that are caught."""
    tree = broken(NOT_CAUGHT[name])
    for by in sorted({by for fault, by in CAUGHT.values() if fault.case == "tickets"}):
        check(by, tree)
