"""The rendered manifests of every environment agree with each other and with the rest of the tree.

Everything is read from files: the numbers that the program had in mind do not count.
"""

import math
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

Manifest = dict[str, Any]

MIB = {"Mi": 1, "Gi": 1024}
FLUSH_AND_MARGIN_S = 10
RELAY_CONNECTIONS = 2  # one leads, one is for the probes: kit.messaging.service


def quantity(text: str | int) -> float:
    """Read a Kubernetes quantity: CPU in cores, bytes in MiB."""
    number, unit = re.fullmatch(r"([\d.]+)(m|Mi|Gi)?", str(text)).groups()  # type: ignore[union-attr]
    return float(number) * (0.001 if unit == "m" else MIB.get(unit, 1))


class Environment:
    """What one overlay renders to."""

    def __init__(self, tree: Path, overlay: Path) -> None:
        command = ["kubectl", "kustomize", overlay]
        rendered = subprocess.run(command, capture_output=True, text=True, check=False)
        assert rendered.returncode == 0, rendered.stderr
        self.tree = tree
        self.name = overlay.name
        self.objects: list[Manifest] = [each for each in yaml.safe_load_all(rendered.stdout) if each]
        self.namespace = yaml.safe_load((tree / "codex-design.yaml").read_text())["name"]

    def all(self, kind: str) -> dict[str, Manifest]:
        """Return the objects of a kind by name, those of the system's own namespace."""
        found = [each for each in self.objects if each["kind"] == kind]
        own = [each for each in found if each["metadata"].get("namespace", self.namespace) == self.namespace]
        return {each["metadata"]["name"]: each for each in own}

    def pods(self) -> dict[str, Manifest]:
        """Return every pod template by the name of its workload."""
        workloads = self.all("Deployment") | self.all("Job")
        return {name: each["spec"]["template"] for name, each in workloads.items()}

    def selected(self, selector: Manifest) -> set[str]:
        """Name the workloads whose pods a label selector picks."""
        return {name for name, pod in self.pods().items() if matches(selector, pod["metadata"]["labels"])}


def matches(selector: Manifest, labels: dict[str, str]) -> bool:
    """Tell whether a label selector picks these labels."""
    wanted = selector.get("matchLabels", {})
    assert set(selector) <= {"matchLabels", "matchExpressions"}, selector
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "In", each
        if labels.get(each["key"]) not in each["values"]:
            return False
    return all(labels.get(key) == value for key, value in wanted.items())


@cache
def environments(tree: Path) -> list[Environment]:
    """Render every overlay of a tree."""
    overlays = sorted((tree / "deploy/kubernetes/overlays").iterdir())
    assert overlays
    return [Environment(tree, overlay) for overlay in overlays]


@cache
def blueprint(tree: Path) -> Manifest:
    """Read the tree's blueprint."""
    content: Manifest = yaml.safe_load((tree / "architecture/blueprint.yaml").read_text())
    return content


def hosted(tree: Path) -> bool:
    """Tell whether the services are modules of one process."""
    return "deployables" in blueprint(tree)


def deployables(tree: Path) -> dict[str, Manifest]:
    """Return the plan of what runs by itself, by its name: of every service, or of what hosts them all."""
    found: dict[str, Manifest] = blueprint(tree).get("deployables") or blueprint(tree)["services"]
    return found


def code(tree: Path, deployable: str) -> Path:
    """Return the folder of a deployable."""
    return Path(os.path.normpath(tree / "architecture" / deployables(tree)[deployable]["code"]))


def settings(tree: Path, deployable: str) -> str:
    """Read the defaults of a deployable's process."""
    (found,) = code(tree, deployable).glob("src/*/settings.py" if hosted(tree) else "src/*/gen/settings.py")
    return found.read_text()


def processes(tree: Path) -> dict[str, str]:
    """Return the service of each process that carries events, by the name of its workload.

    A monolith has none: its one process does that too.
    """
    return {
        f"{service}-{process}": service
        for service, plan in blueprint(tree)["services"].items()
        for process in ("relay", "worker")
        if process in plan and not hosted(tree)
    }


def workloads(tree: Path) -> dict[str, str]:
    """Return the deployable of every Deployment, by its name."""
    return {name: name for name in deployables(tree)} | processes(tree)


def owner(tree: Path, workload: str) -> str:
    """Return the deployable that a Deployment or a Job belongs to."""
    return workloads(tree).get(workload) or workload.removesuffix("-migrate").removesuffix("-topology")


@pytest.fixture
def rendered(tree: Path) -> list[Environment]:
    """Every environment of each case."""
    return environments(tree)


def api(pod: Manifest) -> Manifest:
    """Return the only container of a pod."""
    (container,) = pod["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def test_every_environment_has_the_same_objects(rendered: list[Environment]) -> None:
    names = [{(each["kind"], each["metadata"]["name"]) for each in env.objects} for env in rendered]
    assert all(each == names[0] for each in names)
    services = set(deployables(rendered[0].tree))
    for kind in ("Service", "HorizontalPodAutoscaler", "ServiceAccount"):
        assert set(rendered[0].all(kind)) == services
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert set(rendered[0].all(kind)) == set(workloads(rendered[0].tree))
    topologies = {f"{service}-topology" for service in processes(rendered[0].tree).values()}
    assert set(rendered[0].all("Job")) == {f"{service}-migrate" for service in services} | topologies


def test_selectors_pick_their_own_pods_and_no_others(rendered: list[Environment]) -> None:
    for env in rendered:
        for name, deployment in env.all("Deployment").items():
            pod = deployment["spec"]["template"]["spec"]
            (zone,) = pod["topologySpreadConstraints"]
            (near,) = pod["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
            selectors = [
                deployment["spec"]["selector"],
                zone["labelSelector"],
                near["podAffinityTerm"]["labelSelector"],
                env.all("PodDisruptionBudget")[name]["spec"]["selector"],
            ]
            if name in env.all("NetworkPolicy"):
                selectors.append(env.all("NetworkPolicy")[name]["spec"]["podSelector"])
            if name in env.all("Service"):
                selectors.append({"matchLabels": env.all("Service")[name]["spec"]["selector"]})
            assert [env.selected(each) for each in selectors] == [{name}] * len(selectors)
            if name in processes(env.tree):
                assert name not in env.all("Service")  # nobody sends it requests
                assert deployment["spec"]["replicas"] >= 1
                continue
            target = env.all("HorizontalPodAutoscaler")[name]["spec"]
            assert target["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
            assert target["metrics"][0]["containerResource"]["container"] == api(deployment["spec"]["template"])["name"]
            assert "replicas" not in deployment["spec"]


def test_ports_are_the_same_everywhere(rendered: list[Environment]) -> None:
    for env in rendered:
        for name, deployment in env.all("Deployment").items():
            container = api(deployment["spec"]["template"])
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            service = owner(env.tree, name)
            dockerfile = (code(env.tree, service) / "Dockerfile").read_text()
            assert f"EXPOSE {ports['http']} {ports['metrics']}\n" in dockerfile
            own = settings(env.tree, service)
            assert re.search(rf"^    port: .* = {ports['http']}$", own, re.M)
            assert re.search(rf"^    metrics_port: .* = {ports['metrics']}$", own, re.M)
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                assert container[probe]["httpGet"]["port"] in ports
            if name != service:
                continue
            (port,) = env.all("Service")[name]["spec"]["ports"]
            assert port["targetPort"] in ports
            (entry,) = env.all("NetworkPolicy")[name]["spec"]["ingress"]
            assert [each["port"] for each in entry["ports"]] == [ports["http"]]
            (scrape,) = env.all("NetworkPolicy")["telemetry"]["spec"]["ingress"]
            assert [each["port"] for each in scrape["ports"]] == [ports["metrics"]]


def edges(env: Environment, direction: str, side: str) -> Iterator[tuple[str, str]]:
    """List who may reach whom by the policies of one direction, callers first."""
    for name in env.all("Deployment"):
        policy = env.all("NetworkPolicy").get(name, {"spec": {}})
        for entry in policy["spec"].get(direction, []):
            for peer in entry[side]:
                if "podSelector" in peer and "namespaceSelector" not in peer:
                    for other in env.selected(peer["podSelector"]):
                        yield (other, name) if direction == "ingress" else (name, other)


def test_policies_are_the_call_graph(rendered: list[Environment]) -> None:
    for env in rendered:
        declared = {
            (name, callee) for name, service in deployables(env.tree).items() for callee in service.get("calls") or []
        }
        # A worker calls what its service calls; nobody calls a process.
        declared |= {(f"{name}-worker", callee) for name, callee in declared if f"{name}-worker" in processes(env.tree)}
        assert set(edges(env, "ingress", "from")) == declared
        assert set(edges(env, "egress", "to")) == declared
        closed = env.all("NetworkPolicy")["default-deny"]["spec"]
        assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_stores_are_reached_by_those_who_use_them(rendered: list[Environment]) -> None:
    for env in rendered:
        policies = env.all("NetworkPolicy")
        assert env.selected(policies["database"]["spec"]["podSelector"]) == set(env.pods())
        assert [port["port"] for port in policies["database"]["spec"]["egress"][0]["ports"]] == [5432]
        cached = {
            folder.parts[-5]
            for folder in env.tree.glob("services/*/src/*/gen/settings.py")
            if "redis_url: SecretStr" in folder.read_text()
        }
        if hosted(env.tree) and cached:
            cached = set(deployables(env.tree))
        cached |= {
            name for name, service in processes(env.tree).items() if name.endswith("-worker") and service in cached
        }
        selected = env.selected(policies["cache"]["spec"]["podSelector"]) if "cache" in policies else set()
        assert selected == cached


def test_what_carries_events_reaches_the_broker(rendered: list[Environment]) -> None:
    for env in rendered:
        policies = env.all("NetworkPolicy")
        names = processes(env.tree)
        assert ("broker" in policies) == bool(names)
        if names:
            topologies = {f"{service}-topology" for service in names.values()}
            assert env.selected(policies["broker"]["spec"]["podSelector"]) == set(names) | topologies
            (entry,) = policies["broker"]["spec"]["egress"]
            assert [each["port"] for each in entry["ports"]] == [blueprint(env.tree)["broker"]["port"]]
            scraped = env.selected(policies["telemetry"]["spec"]["podSelector"])
            assert scraped == set(env.all("Deployment"))


def test_processes_are_commands_of_their_service(rendered: list[Environment]) -> None:
    for env in rendered:
        for name, service in processes(env.tree).items():
            package = blueprint(env.tree)["services"][service]["package"]
            command = api(env.pods()[name])["command"]
            assert command == ["python", "-m", package, name.removeprefix(f"{service}-")]
            topology = api(env.pods()[f"{service}-topology"])
            assert topology["command"] == ["python", "-m", package, "topology"]
            copies = blueprint(env.tree)["managed"][env.name]["broker"]
            assert variables(env.pods()[f"{service}-topology"])["BROKER_COPIES"] == str(copies["copies"])
            assert copies["copies"] <= copies["nodes"]


def replicas(env: Environment, name: str) -> tuple[int, int]:
    """Return how many pods a Deployment has at most, and how many a rollout adds."""
    deployment = env.all("Deployment")[name]["spec"]
    surge = deployment["strategy"]["rollingUpdate"]["maxSurge"]
    if name in processes(env.tree):
        return deployment["replicas"], surge
    most = int(env.all("HorizontalPodAutoscaler")[name]["spec"]["maxReplicas"])
    return most, math.ceil(most * int(surge.removesuffix("%")) / 100)


def rollout_pods(env: Environment, name: str) -> int:
    """Count the pods that there can be in the middle of a rollout at full scale.

    All replicas, the surge, and those that were told to stop and still finish: a new wave starts
    at most every minReadySeconds, and a pod is gone after its grace period.
    """
    deployment = env.all("Deployment")[name]["spec"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    most, surge = replicas(env, name)
    grace = deployment["template"]["spec"]["terminationGracePeriodSeconds"]
    return most + surge + min(most, surge * math.ceil(grace / deployment["minReadySeconds"]))


PROXY = {  # what a mesh adds to a pod, and to the quota's sum
    "sidecar.istio.io/proxyCPU": "requests.cpu",
    "sidecar.istio.io/proxyCPULimit": "limits.cpu",
    "sidecar.istio.io/proxyMemory": "requests.memory",
    "sidecar.istio.io/proxyMemoryLimit": "limits.memory",
}


def test_quota_holds_a_rollout_of_everything_and_the_migrations(rendered: list[Environment]) -> None:
    for env in rendered:
        (quota,) = env.all("ResourceQuota").values()
        needed: dict[str, float] = dict.fromkeys(quota["spec"]["hard"], 0.0)
        for name, pod in env.pods().items():
            count = rollout_pods(env, name) if name in env.all("Deployment") else 1
            needed["pods"] += count
            for bound, amounts in api(pod)["resources"].items():
                for resource, amount in amounts.items():
                    needed[f"{bound}.{resource}"] += count * quantity(amount)
            for annotation, amount in pod["metadata"].get("annotations", {}).items():
                if annotation in PROXY:
                    needed[PROXY[annotation]] += count * quantity(amount)
        given = {resource: quantity(amount) for resource, amount in quota["spec"]["hard"].items()}
        assert {"requests.cpu", "limits.cpu", "requests.memory", "limits.memory", "pods"} <= set(given)
        short = {resource: (given[resource], need) for resource, need in needed.items() if given[resource] < need}
        assert not short, (env.name, short)
        assert all(given[resource] < 1.5 * need for resource, need in needed.items()), (env.name, given, needed)


def test_containers_fit_the_limit_range(rendered: list[Environment]) -> None:
    for env in rendered:
        (limits,) = (each["spec"]["limits"][0] for each in env.all("LimitRange").values())
        for pod in env.pods().values():
            resources = api(pod)["resources"]
            assert resources["requests"]["memory"] == resources["limits"]["memory"]
            for resource in ("cpu", "memory", "ephemeral-storage"):
                least, most = quantity(limits["min"][resource]), quantity(limits["max"][resource])
                asked, held = (quantity(resources[bound][resource]) for bound in ("requests", "limits"))
                assert least <= asked <= held <= most
            scratch = [
                quantity(volume["emptyDir"]["sizeLimit"]) for volume in pod["spec"]["volumes"] if "emptyDir" in volume
            ]
            assert sum(scratch) <= quantity(resources["limits"]["ephemeral-storage"])


def test_replicas_survive_a_drain(rendered: list[Environment]) -> None:
    for env in rendered:
        for name, scaler in env.all("HorizontalPodAutoscaler").items():
            least, most = scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]
            taken = env.all("PodDisruptionBudget")[name]["spec"]["maxUnavailable"]
            assert 1 <= least < most
            assert 1 <= taken < max(2, least)
            assert least >= 2 or env.name == "dev"


def setting(text: str, name: str) -> float:
    """Read a number of a service's settings."""
    found = re.search(rf"^    {name}: .* = ([\d.]+)$", text, re.M)
    assert found, name
    return float(found[1])


def test_a_pod_has_the_time_to_stop(rendered: list[Environment]) -> None:
    for env in rendered:
        for name in processes(env.tree):  # they get no requests: nothing to wait for before the end of what they do
            pod = env.all("Deployment")[name]["spec"]["template"]
            assert "lifecycle" not in api(pod)
            own = settings(env.tree, owner(env.tree, name))
            assert setting(own, "shutdown_timeout_s") < pod["spec"]["terminationGracePeriodSeconds"]
        for name in deployables(env.tree):
            pod = env.all("Deployment")[name]["spec"]["template"]
            container = api(pod)
            sleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
            drain = float(next(each["value"] for each in container["env"] if each["name"] == "DRAIN_DELAY_S"))
            route = blueprint(env.tree)["timeouts"]["route"] / 1000
            grace = pod["spec"]["terminationGracePeriodSeconds"]
            assert sleep > 0
            assert drain > 0
            assert grace >= sleep + drain + route + FLUSH_AND_MARGIN_S
            own = settings(env.tree, name)
            assert sleep + drain == setting(own, "drain_delay_s")  # what the service waits elsewhere
            assert sleep + drain + setting(own, "shutdown_timeout_s") < grace


def pools(tree: Path, workload: str) -> float:
    """Count the database connections that a pod holds at most."""
    if workload in processes(tree) and workload.endswith("-relay"):
        return RELAY_CONNECTIONS
    if not hosted(tree):
        return setting(settings(tree, owner(tree, workload)), "db_pool_max")
    modules = [file.read_text() for file in tree.glob("services/*/src/*/gen/settings.py")]
    return sum(setting(each, "db_pool_max") for each in modules) + event_connections(tree)


def event_connections(tree: Path) -> int:
    """Count those that carry the events of a monolith: one pool for all modules, and one for each relay that leads."""
    if "broker" not in blueprint(tree):
        return 0
    carrier = (tree / "libs/kit/src/kit/messaging/postgresql.py").read_text()
    shared = re.search(r"^_CONNECTIONS = (\d+)", carrier, re.M)
    assert shared
    return int(shared[1]) + sum("relay" in plan for plan in blueprint(tree)["services"].values())


def test_pools_fit_the_database_in_the_middle_of_a_rollout(rendered: list[Environment]) -> None:
    for env in rendered:
        connections = 0.0
        for name in env.all("Deployment"):
            connections += sum(replicas(env, name)) * pools(env.tree, name)
        database = blueprint(env.tree)["database"]
        assert connections + len(env.all("Job")) <= database["max_connections"] - 3 or database["pooler_required"]


def test_secrets_are_files_where_the_service_looks(rendered: list[Environment]) -> None:
    for env in rendered:
        for name, pod in env.pods().items():
            service = owner(env.tree, name)
            (mount,) = (each for each in api(pod)["volumeMounts"] if each["name"] == "secrets")
            (volume,) = (each for each in pod["spec"]["volumes"] if each["name"] == "secrets")
            assert mount == {"name": "secrets", "mountPath": variables(pod)["SECRETS_DIR"], "readOnly": True}
            if name in processes(env.tree) or name.endswith("-topology"):
                mounted = [each["secret"]["name"] for each in volume["projected"]["sources"]]
                assert mounted == [f"{service}-secrets", f"{service}-broker-secrets"]
            else:
                plans = blueprint(env.tree)["services"]
                plans = plans if hosted(env.tree) else {service: plans[service]}
                owns_tables = name.endswith("-migrate") and any("owner" in plan for plan in plans.values())
                wanted = f"{service}-migrate-secrets" if owns_tables else f"{service}-secrets"
                assert volume["secret"]["secretName"] == wanted
            assert not [each for each in api(pod).get("env", []) if "valueFrom" in each]


def variables(pod: Manifest) -> dict[str, str]:
    """Return the environment variables of a pod's container."""
    return {each["name"]: each["value"] for each in api(pod)["env"]}


def test_tokens_can_be_mounted_beside_the_secrets(rendered: list[Environment]) -> None:
    """Kubernetes and clouds mount theirs below /var/run/secrets, in a container the same as /run/secrets."""
    for env in rendered:
        for pod in env.pods().values():
            places = [Path(each["mountPath"].removeprefix("/var")) for each in api(pod)["volumeMounts"]]
            tokens = Path("/run/secrets")
            assert not [each for each in places if each == tokens or each in tokens.parents or tokens in each.parents]


def test_services_know_where_they_run(rendered: list[Environment]) -> None:
    kit = (rendered[0].tree / "libs/kit/src/kit/settings.py").read_text()
    known = re.search(r"^    environment: Literal\[(.*)\] = \"(.*)\"$", kit, re.M)
    assert known
    assert known[2] == "prod"
    for env in rendered:
        assert f'"{env.name}"' in known[1].split(", ")
        for deployment in env.all("Deployment").values():
            assert variables(deployment["spec"]["template"])["ENVIRONMENT"] == env.name


def test_a_release_pins_every_image(tree: Path) -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    for overlay in sorted((tree / "deploy/kubernetes/overlays").iterdir()):
        images = yaml.safe_load((overlay / "kustomization.yaml").read_text())["images"]
        with tempfile.TemporaryDirectory(dir=tree) as folder:
            release = {
                "resources": [f"../deploy/kubernetes/overlays/{overlay.name}"],
                "images": [{"name": each["name"], "digest": digest} for each in images],
            }
            Path(folder, "kustomization.yaml").write_text(yaml.safe_dump(release))
            result = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        used = re.findall(r"^ +image: (.+)$", result.stdout, re.M)
        beside = processes(tree)
        jobs = len(images) + len(set(beside.values()))
        assert len(used) == len(images) + len(beside) + jobs  # each in its Deployments and its Jobs
        assert all(image.endswith(f"@{digest}") for image in used)
