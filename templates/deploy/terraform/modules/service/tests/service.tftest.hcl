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
  migration = { cpu_request_m = 100, cpu_limit_m = 500, memory_mib = 256, retries = 2, deadline_s = 900 }
}

run "selectors_find_the_pods" {
  command = plan

  assert {
    condition = alltrue([
      for key, value in kubernetes_service_v1.this.spec[0].selector :
      kubernetes_deployment_v1.this.spec[0].template[0].metadata[0].labels[key] == value
    ])
    error_message = "The Service selects other pods than the Deployment makes."
  }
  assert {
    condition     = kubernetes_service_v1.this.spec[0].selector == kubernetes_pod_disruption_budget_v1.this.spec[0].selector[0].match_labels
    error_message = "The disruption budget counts other pods than the Service selects."
  }
  assert {
    condition     = kubernetes_job_v1.migrate.spec[0].template[0].metadata[0].labels["app.kubernetes.io/instance"] != var.name
    error_message = "The migration would get the service's requests."
  }
  assert {
    condition     = kubernetes_horizontal_pod_autoscaler_v2.this.spec[0].scale_target_ref[0].name == kubernetes_deployment_v1.this.metadata[0].name
    error_message = "The autoscaler scales something else."
  }
}

run "the_environment_is_known" {
  command = plan

  assert {
    condition     = one([for each in kubernetes_deployment_v1.this.spec[0].template[0].spec[0].container[0].env : each.value if each.name == "ENVIRONMENT"]) == "staging"
    error_message = "The service believes to be somewhere else."
  }
}

run "secrets_leave_room_for_tokens" {
  command = plan

  assert {
    condition = alltrue([
      for pod in [kubernetes_deployment_v1.this.spec[0].template[0].spec[0], kubernetes_job_v1.migrate.spec[0].template[0].spec[0]] :
      one([for each in pod.container[0].env : each.value if each.name == "SECRETS_DIR"]) == one([for each in pod.container[0].volume_mount : each.mount_path if each.name == "secrets"])
    ])
    error_message = "The service looks for its secrets elsewhere than they are."
  }
  assert {
    condition     = !startswith(one([for each in kubernetes_deployment_v1.this.spec[0].template[0].spec[0].container[0].volume_mount : each.mount_path if each.name == "secrets"]), "/run/secrets")
    error_message = "The volume is where tokens of service accounts are mounted."
  }
}

run "an_unknown_environment" {
  command = plan

  variables {
    environment = "production"
  }

  expect_failures = [var.environment]
}

run "network_follows_the_call_graph" {
  command = plan

  assert {
    condition     = length(kubernetes_network_policy_v1.this.spec[0].ingress[0].from) == 1
    error_message = "Nobody calls this service but the gateway."
  }
  assert {
    condition     = kubernetes_network_policy_v1.this.spec[0].egress[0].to[0].pod_selector[0].match_labels["app.kubernetes.io/instance"] == "catalog"
    error_message = "The service calls catalog and cannot reach it."
  }
}

run "a_proxy_beside_the_service" {
  command = plan

  variables {
    sidecar = { cpu_request_m = 100, cpu_limit_m = 1000, memory_mib = 256 }
  }

  assert {
    condition     = kubernetes_deployment_v1.this.spec[0].template[0].metadata[0].annotations["sidecar.istio.io/proxyMemoryLimit"] == "256Mi"
    error_message = "The proxy takes its defaults, which the quota does not know."
  }
  assert {
    condition     = kubernetes_job_v1.migrate.spec[0].template[0].metadata[0].labels["sidecar.istio.io/inject"] == "false"
    error_message = "A proxy beside the migration would never end."
  }
}

run "no_range_to_scale_in" {
  command = plan

  variables {
    replicas = { min = 3, max = 3, disruption = 1 }
  }

  expect_failures = [var.replicas]
}

run "no_pod_may_be_drained" {
  command = plan

  variables {
    replicas = { min = 3, max = 6, disruption = 0 }
  }

  expect_failures = [var.replicas]
}

run "grace_shorter_than_the_drain" {
  command = plan

  variables {
    shutdown = { pre_stop_s = 5, drain_s = 5, grace_s = 10 }
  }

  expect_failures = [var.shutdown]
}

run "an_image_that_changes" {
  command = plan

  variables {
    image = "registry.example.com/shop/orders:latest"
  }

  expect_failures = [var.image]
}

run "restarted_before_it_is_spared" {
  command = plan

  variables {
    probes = {
      startup   = { period_s = 2, timeout_s = 2, failures = 30 }
      readiness = { period_s = 5, timeout_s = 2, failures = 3 }
      liveness  = { period_s = 5, timeout_s = 2, failures = 1 }
    }
  }

  expect_failures = [var.probes]
}
