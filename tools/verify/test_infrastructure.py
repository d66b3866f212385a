"""Each consumer of infrastructure accepts a good file and rejects a bad one, by its own message."""

from pathlib import Path

import pytest

from consumers import Consumer
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

DOCKERFILE = """FROM example.com/base:1.0.0 AS build
WORKDIR /app
COPY . .
HEALTHCHECK CMD ["true"]
USER 10001
CMD ["run"]
"""
COMPOSE = "name: x\nservices: {a: {image: b, depends_on: {c: {condition: service_started}}}, c: {image: d}}\n"
WORKFLOW = """name: test
on: push
permissions: {}
concurrency: {group: test, cancel-in-progress: true}
jobs:
  test:
    name: Test
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - name: Say hello
        run: echo hello
"""
CHECKOUT = WORKFLOW + "      - uses: actions/checkout@v4\n"
GITLAB = "stages: [test]\na:\n  stage: test\n  script: [make test]\n"
ASYNCAPI = """asyncapi: 3.0.0
info: {title: a, version: 1.0.0}
channels:
  paid:
    address: a.paid
    messages:
      Paid:
        payload: {type: object, required: [id], properties: {id: {type: integer}}}
        examples: [{payload: {id: 1}}]
operations:
  pay: {action: send, channel: {$ref: "#/channels/paid"}}
"""
CATALOG = """apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: a}
spec: {owner: b}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: c}
spec: {type: openapi, lifecycle: production, owner: b, system: a, definition: "openapi: 3.1.0"}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: d}
spec: {type: service, lifecycle: production, owner: b, system: a, providesApis: [c]}
"""
ALERTMANAGER = "route: {receiver: a}\nreceivers: [{name: a}]\n"
COLLECTOR = """receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:4318}}}}
processors: {batch: {}}
exporters: {debug: {}}
service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [debug]}}}
"""
RULES = "groups: [{name: a, rules: [{record: 'job:up:sum', expr: 'sum by (job) (up)'}]}]\n"
SCRAPE = "scrape_configs: [{job_name: a, static_configs: [{targets: ['a:9000']}]}]\n"
RULE_TEST = """rule_files: []
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series: [{series: up, values: 1 1 1}]
    promql_expr_test: [{expr: sum(up), eval_time: 1m, exp_samples: [{labels: '{}', value: 1}]}]
"""
TERRAFORM = """terraform {
  required_providers {
    aws        = { source = "hashicorp/aws", version = "~> 6.25" }
    kubernetes = { source = "hashicorp/kubernetes", version = "~> 2.38" }
    random     = { source = "hashicorp/random", version = "~> 3.7" }
  }
}

provider "aws" {
  region = "eu-central-1"
}

resource "random_password" "database" {
  length = 24
}

resource "aws_db_instance" "a" {
  instance_class    = "db.t4g.small"
  allocated_storage = 20
  password          = random_password.database.result
}

resource "kubernetes_secret_v1" "a" {
  metadata {
    name = "a"
  }
  data = { host = aws_db_instance.a.address }
}
"""
KONG = """_format_version: "3.0"
services:
  - name: a
    host: a.example.com
    retries: 0
    routes: [{name: a, paths: [/a]}]
plugins:
  - {name: cors, service: a}
"""
MESH = """apiVersion: v1
kind: Namespace
metadata: {name: a, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: a, namespace: a}
spec: {selector: {app: a}, ports: [{port: 80, name: http, targetPort: 8000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: a}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec: {containers: [{name: a, image: a}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: a, namespace: a}
spec: {selector: {matchLabels: {app: a}}, action: ALLOW, rules: [{to: [{operation: {methods: [GET]}}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: a, namespace: a}
spec: {host: a.a.svc.cluster.local, subsets: [{name: stable, labels: {app: a}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: a}
spec:
  hosts: [a.a.svc.cluster.local]
  http:
    - timeout: 2s
      retries: {attempts: 1, retryOn: connect-failure}
      route: [{destination: {host: a.a.svc.cluster.local, subset: stable}}]
"""
SCANNED = "FROM python:3.13-slim\nUSER 10001\nHEALTHCHECK CMD true\n"

SERVICE = """apiVersion: v1
kind: Service
metadata: {name: a, namespace: a}
spec:
  selector: {app: a}
  ports: [{port: 80, name: http, targetPort: 8000}]
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: a, labels: {app: a}}
spec: {containers: []}
"""
ALONE = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: a}\nautomountServiceAccountToken: false\n"

SCRIPT = "import hashlib\n\nprint(hashlib.sha256(b'a').hexdigest())\n"
KIND = "PRIVATE KEY"  # apart, so that nobody takes it for one
LEAK = f"key: |\n  -----BEGIN {KIND}-----\n  {'MC4CAQAwBQYDK2VwBCIEIOtest' * 3}\n  -----END {KIND}-----\n"

# consumer: file name, good, bad, what it says about the bad one
EXAMPLES: dict[str, tuple[Consumer, str, str, str, str]] = {
    "BuildKit": (
        dockerlint, "Dockerfile", DOCKERFILE, DOCKERFILE.replace("WORKDIR /app", "WORKDIR app"), "WorkdirRelativePath",
    ),
    "BuildKit syntax": (
        dockerlint, "Dockerfile", DOCKERFILE, DOCKERFILE.replace("COPY", "COPPY"), "unknown instruction: COPPY",
    ),
    "hadolint": (hadolint, "Dockerfile", DOCKERFILE, DOCKERFILE.replace(":1.0.0", ""), "DL3006"),
    "checkov": (checkov, "Dockerfile", DOCKERFILE, DOCKERFILE.replace("USER 10001\n", ""), "CKV_DOCKER_3"),
    "docker compose": (
        compose, "compose.yaml", COMPOSE, COMPOSE.replace("c: {image", "e: {image"), "depends on undefined service",
    ),
    "actionlint": (
        actionlint, ".github/workflows/a.yml", WORKFLOW, WORKFLOW.replace("echo", "echo ${{ gitub.ref }}"),
        "undefined variable \"gitub\"",
    ),
    "actionlint with shellcheck": (
        actionlint, ".github/workflows/a.yml", WORKFLOW, WORKFLOW.replace("echo hello", "echo $x"), "SC2086",
    ),
    "zizmor": (zizmor, ".github/workflows/a.yml", WORKFLOW, CHECKOUT, "artipacked"),
    "gitlab-ci-local": (gitlab, ".gitlab-ci.yml", GITLAB, GITLAB.replace("script", "scirpt"), "a must have script"),
    "AsyncAPI": (
        asyncapi, "asyncapi.yaml", ASYNCAPI, ASYNCAPI.replace("action: send", "action: publish"), "allowed values",
    ),
    "AsyncAPI examples": (
        asyncapi, "asyncapi.yaml", ASYNCAPI, ASYNCAPI.replace("payload: {id: 1}", "payload: {id: one}"), "must be integer",
    ),
    "Backstage": (
        catalog, "catalog-info.yaml", CATALOG, CATALOG.replace("{type: service, ", "{"), "must have required property 'type'",
    ),
    "Backstage files": (
        catalog, "catalog-info.yaml", CATALOG, CATALOG.replace('"openapi: 3.1.0"', "{$text: ./nowhere.yaml}"), "no such file",
    ),
    "Backstage references": (
        catalog, "catalog-info.yaml", CATALOG, CATALOG.replace("providesApis: [c]", "providesApis: [e]"), "api:default/e, which is nowhere",
    ),
    "amtool": (
        amtool, "alertmanager.yml", ALERTMANAGER, ALERTMANAGER.replace("receiver: a", "receiver: b"), "undefined receiver",
    ),
    "collector": (
        collector, "config.yaml", COLLECTOR, COLLECTOR.replace("batch: {}", "batch: {timeot: 1s}"), "timeot",
    ),
    "collector references": (
        collector, "config.yaml", COLLECTOR, COLLECTOR.replace("[debug]", "[otlp_http]"), "not configured",
    ),
    "promtool check rules": (
        promtool_rules, "rules.yaml", RULES, RULES.replace("(up)", "(up"), "unclosed left parenthesis",
    ),
    "promtool check config": (
        promtool_config, "prometheus.yml", SCRAPE, SCRAPE.replace("job_name", "jobname"), "field jobname not found",
    ),
    "promtool test rules": (
        promtool_tests, "test.yaml", RULE_TEST, RULE_TEST.replace("value: 1}", "value: 2}"), "got:",
    ),
    "terraform: type": (
        terraform, "main.tf", TERRAFORM, TERRAFORM.replace("= 20", '= "large"'), "a number is required",
    ),
    "terraform: argument": (
        terraform, "main.tf", TERRAFORM, TERRAFORM.replace("length ", "lenght "), "Unsupported argument",
    ),
    "terraform: required argument": (
        terraform, "main.tf", TERRAFORM, TERRAFORM.replace("  length = 24\n", ""), '"length" is required',
    ),
    "terraform: block": (
        terraform, "main.tf", TERRAFORM, TERRAFORM.replace("metadata {", "meta {"), "Unsupported block type",
    ),
    "terraform: reference": (
        terraform, "main.tf", TERRAFORM, TERRAFORM.replace("a.address", "a.adress"), 'no argument, nested block, or exported',
    ),
    "Kong": (kong, "kong.yaml", KONG, KONG.replace("retries", "retrys"), "retrys"),
    "Kong references": (kong, "kong.yaml", KONG, KONG.replace("service: a}", "service: b}"), "b"),
    "istioctl validate": (
        istio_validate, "a.yaml", MESH, MESH.replace("connect-failure", "conect-failure"), "not a valid retryOn policy",
    ),
    "istioctl analyze": (istio_analyze, "a.yaml", MESH, MESH.replace("subset: stable", "subset: fast"), "IST0101"),
    "istioctl analyze: pods": (
        istio_analyze, "a.yaml", MESH, MESH.replace("spec: {selector: {matchLabels: {app: a}}, act", "spec: {selector: {matchLabels: {app: b}}, act"), "IST0127",
    ),
    "istioctl analyze: services": (
        istio_analyze, "a.yaml", MESH, MESH.replace("[a.a.svc.cluster.local]", "[b.a.svc.cluster.local]").replace(
            "{host: a.a.svc.cluster.local, subset: stable}", "{host: b.a.svc.cluster.local}"), "IST0101",
    ),
    "kube-score": (kube_score, "a.yaml", ALONE, SERVICE, "CRITICAL"),
    "bandit": (bandit, "a.py", SCRIPT, SCRIPT.replace("sha256", "md5"), "B324"),
    "bandit: programs": (bandit, "a.py", SCRIPT, SCRIPT.replace("hashlib", "subprocess", 1), "B404"),
    "bandit: scripts": (bandit, "scripts/a.py", f"import subprocess\n{SCRIPT}", SCRIPT.replace("sha256", "md5"), "B324"),
    "gitleaks": (gitleaks, "a.yaml", "key: none\n", LEAK, "private-key"),
    "trivy": (trivy, "Dockerfile", SCANNED, SCANNED.replace("USER 10001\n", ""), "USER"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_consumer_tells_good_from_bad(name: str, tmp_path: Path) -> None:
    consumer, file_name, good, bad, message = EXAMPLES[name]
    file = tmp_path / file_name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(good)
    verdict = consumer(tmp_path, [file])
    assert (verdict.accepted, verdict.rejected) == ({file}, {})
    file.write_text(bad)
    verdict = consumer(tmp_path, [file])
    assert verdict.accepted == set()
    assert message in verdict.rejected[file]
