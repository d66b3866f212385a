"""The control plane admits what is right, rejects what is wrong by its own message, and runs pods."""

import pytest

from cluster import ControlPlane

NAMESPACE = """apiVersion: v1
kind: Namespace
metadata:
  name: {name}
  labels: {{pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/warn: restricted}}
"""
DEPLOYMENT = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: good}
spec:
  replicas: 2
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: api
          image: example.com/a:1.0.0
          resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 64Mi}}
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""
JOB = """---
apiVersion: batch/v1
kind: Job
metadata: {name: a, namespace: good}
spec:
  template:
    spec:
      restartPolicy: Never
      securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: migrate
          image: example.com/a:1.0.0
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""
AUTOSCALER = """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a, namespace: default}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: a}
  minReplicas: 2
  maxReplicas: 4
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
"""
ROUTE = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: a, namespace: default}
spec:
  parentRefs: [{name: a}]
  rules: [{timeouts: {request: 2s}, retry: {attempts: 1, codes: [503]}, backendRefs: [{name: a, port: 80}]}]
"""
VIRTUAL_SERVICE = """apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: default}
spec: {hosts: [a], http: [{timeout: 2s, route: [{destination: {host: a}}]}]}
"""
MONITOR = """apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: a, namespace: default}
spec: {selector: {matchLabels: {app: a}}, podMetricsEndpoints: [{port: metrics, interval: 30s}]}
"""
SECRET = """apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: a, namespace: default}
spec:
  secretStoreRef: {kind: ClusterSecretStore, name: a}
  data: [{secretKey: a, remoteRef: {key: a}}]
"""
PLUGIN = """apiVersion: configuration.konghq.com/v1
kind: KongPlugin
metadata: {name: a, namespace: default}
plugin: cors
"""

# what is applied, a fault to put into it, what the API server says about that
EXAMPLES: dict[str, tuple[str, str, str, str]] = {
    "autoscaling": (AUTOSCALER, "minReplicas: 2", "minReplicas: 5", "must be greater than or equal to `minReplicas`"),
    "unknown field": (AUTOSCALER, "maxReplicas", "maximumReplicas", "field not declared in schema"),
    "Gateway API": (ROUTE, "2s", "soon", "Invalid value"),
    "Istio": (VIRTUAL_SERVICE, "2s", "soon", "must be a valid duration"),
    "Prometheus Operator": (MONITOR, "30s", "often", "should match"),
    "External Secrets": (SECRET, "ClusterSecretStore", "Store", "Unsupported value"),
    "Kong": (PLUGIN, "plugin: cors", "protocols: [grp]", "Unsupported value"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_api_server_tells_good_from_bad(name: str, cluster: ControlPlane) -> None:
    good, right, wrong, message = EXAMPLES[name]
    assert right in good
    assert cluster.problem_with(good) is None
    assert message in (cluster.problem_with(good.replace(right, wrong)) or "")


def test_deployments_become_available_and_jobs_complete(cluster: ControlPlane) -> None:
    assert cluster.problem_with(NAMESPACE.format(name="good") + DEPLOYMENT + JOB) is None
    assert cluster.rollout_problem("good") is None


def test_pod_security_is_enforced(cluster: ControlPlane) -> None:
    privileged = DEPLOYMENT.replace("runAsNonRoot: true, ", "").replace("good", "bad")
    assert "would violate PodSecurity" in (cluster.problem_with(NAMESPACE.format(name="bad") + privileged) or "")


def test_selector_must_match(cluster: ControlPlane) -> None:
    mismatch = DEPLOYMENT.replace("labels: {app: a}}\n    spec", "labels: {app: b}}\n    spec")
    assert "does not match template" in (cluster.problem_with(NAMESPACE.format(name="good") + mismatch) or "")
