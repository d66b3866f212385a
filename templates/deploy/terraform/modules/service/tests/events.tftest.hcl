mock_provider "kubernetes" {}

variables {
  name              = "orders"
  namespace         = "shop"
  environment       = "staging"
  image             = "registry.example.com/shop/orders:1.0.0"
  ports             = { http = 8000, metrics = 9000 }
  replicas          = { min = 3, max = 6, disruption = 1 }
  priority_class    = "shop-standard"
  otlp_endpoint     = "http://otel-collector.observability:4318"
  gateway_namespace = "ingress"
  calls             = ["catalog"]
  shutdown          = { pre_stop_s = 5, drain_s = 5, grace_s = 22 }
  resources = {
    cpu_request_m    = 500
    cpu_limit_m      = 1000
    memory_mib       = 320
    disk_request_mib = 64
    disk_limit_mib   = 256
    scratch_mib      = 64
  }
  rollout = { surge_percent = 25, min_ready_s = 10, progress_timeout_s = 300, timeout_s = 1200 }
  scaling = {
    utilisation = 65
    up          = { percent = 100, period_s = 30, window_s = 0 }
    down        = { percent = 25, period_s = 60, window_s = 300 }
  }
  probes = {
    startup   = { period_s = 2, timeout_s = 2, failures = 30 }
    readiness = { period_s = 5, timeout_s = 2, failures = 3 }
    liveness  = { period_s = 10, timeout_s = 3, failures = 6 }
  }
  migration     = { cpu_request_m = 100, cpu_limit_m = 500, memory_mib = 256, retries = 2, deadline_s = 900 }
  package       = "orders_service"
  broker_copies = 3
  processes = {
    relay  = { replicas = 2, disruption = 1, cpu_request_m = 100, memory_mib = 256, proxied = false }
    worker = { replicas = 2, disruption = 1, cpu_request_m = 500, memory_mib = 320, proxied = true }
  }
}

run "processes_beside_the_api" {
  command = plan

  assert {
    condition     = toset([for p in kubernetes_deployment_v1.process : p.metadata[0].name]) == toset(["orders-relay", "orders-worker"])
    error_message = "A relay and a worker."
  }
  assert {
    condition = alltrue([
      for key, p in kubernetes_deployment_v1.process :
      p.spec[0].template[0].spec[0].container[0].command == tolist(["python", "-m", "orders_service", key])
    ])
    error_message = "Each process is a command of the service."
  }
  assert {
    condition = alltrue([
      for p in kubernetes_deployment_v1.process :
      p.spec[0].template[0].metadata[0].labels["app.kubernetes.io/instance"] != kubernetes_service_v1.this.spec[0].selector["app.kubernetes.io/instance"]
    ])
    error_message = "A process would get the requests of the API."
  }
  assert {
    condition = alltrue([
      for key, p in kubernetes_deployment_v1.process :
      kubernetes_pod_disruption_budget_v1.process[key].spec[0].selector[0].match_labels == p.spec[0].selector[0].match_labels
    ])
    error_message = "The disruption budget counts other pods."
  }
}

run "the_address_of_the_broker_is_not_the_apis" {
  command = plan

  assert {
    condition     = length([for v in kubernetes_deployment_v1.this.spec[0].template[0].spec[0].volume : v if v.name == "secrets" && length(v.projected) > 0]) == 0
    error_message = "The API has no use for it."
  }
  assert {
    condition = alltrue([
      for p in kubernetes_deployment_v1.process :
      toset([for s in one([for v in p.spec[0].template[0].spec[0].volume : v.projected[0].sources if v.name == "secrets"]) : s.secret[0].name]) == toset(["orders-secrets", "orders-broker-secrets"])
    ])
    error_message = "A process needs the database and the broker."
  }
}

run "the_topology_comes_first" {
  command = plan

  assert {
    condition     = one([for each in kubernetes_job_v1.topology[0].spec[0].template[0].spec[0].container[0].env : each.value if each.name == "BROKER_COPIES"]) == "3"
    error_message = "The broker would keep another number of copies."
  }
}

run "only_workers_call" {
  command = plan

  assert {
    condition     = kubernetes_network_policy_v1.worker[0].spec[0].egress[0].to[0].pod_selector[0].match_labels["app.kubernetes.io/instance"] == "catalog"
    error_message = "The worker calls catalog and cannot reach it."
  }
}

run "no_events" {
  command = plan

  variables {
    processes = {}
  }

  assert {
    condition     = length(kubernetes_deployment_v1.process) == 0 && length(kubernetes_job_v1.topology) == 0 && length(kubernetes_network_policy_v1.worker) == 0
    error_message = "Nothing carries events where there are none."
  }
}

run "a_process_of_another_kind" {
  command = plan

  variables {
    processes = { cron = { replicas = 1, disruption = 1, cpu_request_m = 100, memory_mib = 256, proxied = false } }
  }

  expect_failures = [var.processes]
}
