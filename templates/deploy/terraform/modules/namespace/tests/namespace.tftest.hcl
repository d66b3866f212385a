mock_provider "kubernetes" {}

variables {
  name           = "shop"
  labels         = { "app.kubernetes.io/part-of" = "shop" }
  data_cidr      = "10.0.240.0/20"
  priority_class = { name = "shop-standard", value = 1000 }
  telemetry      = { namespace = "observability", metrics_port = 9000, otlp_port = 4318 }
  quota = {
    pods              = 20
    cpu_requests_m    = 4500
    cpu_limits_m      = 20000
    memory_mib        = 6144
    disk_requests_mib = 1280
    disk_limits_mib   = 5120
  }
  limits = {
    max_cpu_m          = 1000
    max_memory_mib     = 320
    task_cpu_request_m = 100
    task_cpu_limit_m   = 500
    task_memory_mib    = 256
    disk_request_mib   = 64
    disk_limit_mib     = 256
  }
}

run "amounts_as_kubernetes_writes_them" {
  command = plan

  assert {
    condition     = kubernetes_resource_quota_v1.this.spec[0].hard["requests.cpu"] == "4500m" && kubernetes_resource_quota_v1.this.spec[0].hard["limits.cpu"] == "20"
    error_message = "CPU: ${jsonencode(kubernetes_resource_quota_v1.this.spec[0].hard)}"
  }
  assert {
    condition     = kubernetes_resource_quota_v1.this.spec[0].hard["limits.memory"] == "6Gi" && kubernetes_resource_quota_v1.this.spec[0].hard["requests.ephemeral-storage"] == "1280Mi"
    error_message = "memory and disk: ${jsonencode(kubernetes_resource_quota_v1.this.spec[0].hard)}"
  }
}

run "restricted_and_closed" {
  command = plan

  assert {
    condition     = kubernetes_namespace_v1.this.metadata[0].labels["pod-security.kubernetes.io/enforce"] == "restricted"
    error_message = "Pods that may do anything would be let in."
  }
  assert {
    condition     = toset(kubernetes_network_policy_v1.default_deny.spec[0].policy_types) == toset(["Ingress", "Egress"])
    error_message = "What no policy allows has to be denied in both directions."
  }
  assert {
    condition     = length(kubernetes_network_policy_v1.cache) == 0 && length(kubernetes_network_policy_v1.mesh) == 0
    error_message = "No way to a cache or a mesh that is not there."
  }
}

run "mesh_and_cache" {
  command = plan

  variables {
    sidecars        = true
    cached_services = ["catalog"]
  }

  assert {
    condition     = kubernetes_namespace_v1.this.metadata[0].labels["istio-injection"] == "enabled" && length(kubernetes_network_policy_v1.mesh) == 1
    error_message = "The mesh puts its proxies into labelled namespaces, and they have to reach istiod."
  }
  assert {
    condition     = one(kubernetes_network_policy_v1.cache[0].spec[0].pod_selector[0].match_expressions[0].values) == "catalog"
    error_message = "Only services that cache reach the cache."
  }
}

run "limits_below_requests" {
  command = plan

  variables {
    quota = {
      pods              = 20
      cpu_requests_m    = 4500
      cpu_limits_m      = 4000
      memory_mib        = 6144
      disk_requests_mib = 1280
      disk_limits_mib   = 5120
    }
  }

  expect_failures = [var.quota]
}
