locals {
  # As Kubernetes writes amounts itself, so that a plan finds no difference where there is none.
  cpu = {
    for key, m in {
      default_request = var.limits.task_cpu_request_m
      default         = var.limits.task_cpu_limit_m
      max             = var.limits.max_cpu_m
      requests        = var.quota.cpu_requests_m
      limits          = var.quota.cpu_limits_m
    } : key => m % 1000 == 0 ? tostring(m / 1000) : "${m}m"
  }
  bytes = {
    for key, mib in {
      default       = var.limits.task_memory_mib
      max           = var.limits.max_memory_mib
      memory        = var.quota.memory_mib
      default_disk  = var.limits.disk_request_mib
      max_disk      = var.limits.disk_limit_mib
      requests_disk = var.quota.disk_requests_mib
      limits_disk   = var.quota.disk_limits_mib
    } : key => mib % 1024 == 0 ? "${mib / 1024}Gi" : "${mib}Mi"
  }
}

resource "kubernetes_namespace_v1" "this" {
  metadata {
    name = var.name
    labels = merge(var.labels, {
      "pod-security.kubernetes.io/enforce" = "restricted"
      "pod-security.kubernetes.io/audit"   = "restricted"
      "pod-security.kubernetes.io/warn"    = "restricted"
    }, var.sidecars ? { "istio-injection" = "enabled" } : {})
  }
}

# Every service in the middle of a rollout at full scale while every database migrates, and a tenth more.
resource "kubernetes_resource_quota_v1" "this" {
  metadata {
    name      = var.name
    namespace = kubernetes_namespace_v1.this.metadata[0].name
    labels    = var.labels
  }

  spec {
    hard = {
      "pods"                       = tostring(var.quota.pods)
      "requests.cpu"               = local.cpu.requests
      "limits.cpu"                 = local.cpu.limits
      "requests.memory"            = local.bytes.memory
      "limits.memory"              = local.bytes.memory
      "requests.ephemeral-storage" = local.bytes.requests_disk
      "limits.ephemeral-storage"   = local.bytes.limits_disk
    }
  }
}

# The defaults are for what a person starts by hand: every workload here says what it needs.
resource "kubernetes_limit_range_v1" "this" {
  metadata {
    name      = var.name
    namespace = kubernetes_namespace_v1.this.metadata[0].name
    labels    = var.labels
  }

  spec {
    limit {
      type            = "Container"
      min             = { "cpu" = "10m", "memory" = "16Mi", "ephemeral-storage" = "1Mi" }
      default_request = { "cpu" = local.cpu.default_request, "memory" = local.bytes.default, "ephemeral-storage" = local.bytes.default_disk }
      default         = { "cpu" = local.cpu.default, "memory" = local.bytes.default, "ephemeral-storage" = local.bytes.max_disk }
      max             = { "cpu" = local.cpu.max, "memory" = local.bytes.max, "ephemeral-storage" = local.bytes.max_disk }
    }
  }
}

resource "kubernetes_priority_class_v1" "this" {
  metadata {
    name   = var.priority_class.name
    labels = var.labels
  }
  value          = var.priority_class.value
  global_default = false
  description    = "Services that answer people; above batch work, below the cluster's own pods."
}
