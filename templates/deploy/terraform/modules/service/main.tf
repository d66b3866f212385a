locals {
  selector = {
    "app.kubernetes.io/name"     = var.name
    "app.kubernetes.io/instance" = var.name
  }
  labels    = merge(var.labels, local.selector)
  component = merge(local.labels, { "app.kubernetes.io/component" = "api" })
  secrets   = "${var.name}-secrets"

  # Not below /run/secrets, where clouds and Kubernetes mount tokens: a read-only volume leaves them no room.
  secrets_dir = "/etc/secrets"

  # As Kubernetes writes amounts itself, so that a plan finds no difference where there is none.
  cpu = {
    for key, m in { request = var.resources.cpu_request_m, limit = var.resources.cpu_limit_m } :
    key => m % 1000 == 0 ? tostring(m / 1000) : "${m}m"
  }
  bytes = {
    for key, mib in {
      memory       = var.resources.memory_mib
      disk_request = var.resources.disk_request_mib
      disk_limit   = var.resources.disk_limit_mib
      scratch      = var.resources.scratch_mib
    } : key => mib % 1024 == 0 ? "${mib / 1024}Gi" : "${mib}Mi"
  }

  proxy_cpu = {
    for key, m in { request = try(var.sidecar.cpu_request_m, 0), limit = try(var.sidecar.cpu_limit_m, 0) } :
    key => m % 1000 == 0 ? tostring(m / 1000) : "${m}m"
  }
  proxy = var.sidecar == null ? {} : {
    "sidecar.istio.io/proxyCPU"         = local.proxy_cpu.request
    "sidecar.istio.io/proxyCPULimit"    = local.proxy_cpu.limit
    "sidecar.istio.io/proxyMemory"      = "${var.sidecar.memory_mib}Mi"
    "sidecar.istio.io/proxyMemoryLimit" = "${var.sidecar.memory_mib}Mi"
  }
}

resource "kubernetes_service_account_v1" "this" {
  metadata {
    name      = var.name
    namespace = var.namespace
    labels    = local.labels
  }
  automount_service_account_token = false
}

resource "kubernetes_deployment_v1" "this" {
  #checkov:skip=CKV_K8S_14:The image is an input, and its rules refuse latest and a missing tag
  depends_on = [kubernetes_job_v1.migrate]

  metadata {
    name      = var.name
    namespace = var.namespace
    labels    = local.component
  }

  timeouts {
    create = "${var.rollout.timeout_s}s"
    update = "${var.rollout.timeout_s}s"
  }

  spec { # without replicas: the autoscaler owns their number
    revision_history_limit    = 5
    min_ready_seconds         = var.rollout.min_ready_s
    progress_deadline_seconds = var.rollout.progress_timeout_s

    strategy {
      type = "RollingUpdate"
      rolling_update {
        max_surge       = "${var.rollout.surge_percent}%"
        max_unavailable = "0"
      }
    }

    selector {
      match_labels = local.selector
    }

    template {
      metadata {
        labels      = local.component
        annotations = local.proxy
      }

      spec {
        service_account_name             = kubernetes_service_account_v1.this.metadata[0].name
        automount_service_account_token  = false
        enable_service_links             = false
        priority_class_name              = var.priority_class
        termination_grace_period_seconds = var.shutdown.grace_s

        security_context {
          run_as_non_root        = true
          run_as_user            = "10001"
          run_as_group           = "10001"
          fs_group               = "10001"
          fs_group_change_policy = "OnRootMismatch"
          seccomp_profile {
            type = "RuntimeDefault"
          }
        }

        topology_spread_constraint {
          topology_key       = "topology.kubernetes.io/zone"
          max_skew           = 1
          when_unsatisfiable = var.one_zone ? "ScheduleAnyway" : "DoNotSchedule"
          node_taints_policy = "Honor" # a zone whose nodes are lost must not hold back the others
          match_label_keys   = ["pod-template-hash"]
          label_selector {
            match_labels = local.selector
          }
        }

        affinity {
          pod_anti_affinity {
            preferred_during_scheduling_ignored_during_execution {
              weight = 100
              pod_affinity_term {
                topology_key = "kubernetes.io/hostname"
                label_selector {
                  match_labels = local.selector
                }
              }
            }
          }
        }

        container {
          name              = "api"
          image             = var.image
          image_pull_policy = "Always"

          port {
            name           = "http"
            container_port = var.ports.http
          }
          port {
            name           = "metrics"
            container_port = var.ports.metrics
          }

          env {
            name  = "ENVIRONMENT"
            value = var.environment
          }
          env {
            name  = "SECRETS_DIR"
            value = local.secrets_dir
          }
          env {
            name  = "OTLP_ENDPOINT"
            value = var.otlp_endpoint
          }
          dynamic "env" {
            for_each = var.settings
            content {
              name  = env.key
              value = env.value
            }
          }
          env {
            name  = "DRAIN_DELAY_S" # the rest of it is preStop's
            value = tostring(var.shutdown.drain_s)
          }

          startup_probe {
            http_get {
              path = "/startupz"
              port = "http"
            }
            period_seconds    = var.probes.startup.period_s
            timeout_seconds   = var.probes.startup.timeout_s
            failure_threshold = var.probes.startup.failures
          }
          readiness_probe {
            http_get {
              path = "/readyz"
              port = "http"
            }
            period_seconds    = var.probes.readiness.period_s
            timeout_seconds   = var.probes.readiness.timeout_s
            failure_threshold = var.probes.readiness.failures
          }
          liveness_probe {
            http_get {
              path = "/livez"
              port = "http"
            }
            period_seconds    = var.probes.liveness.period_s
            timeout_seconds   = var.probes.liveness.timeout_s
            failure_threshold = var.probes.liveness.failures
          }

          lifecycle {
            pre_stop { # serves on while endpoints disappear; the provider has no native sleep yet
              exec {
                command = ["sleep", tostring(var.shutdown.pre_stop_s)]
              }
            }
          }

          resources {
            requests = { "cpu" = local.cpu.request, "memory" = local.bytes.memory, "ephemeral-storage" = local.bytes.disk_request }
            limits   = { "cpu" = local.cpu.limit, "memory" = local.bytes.memory, "ephemeral-storage" = local.bytes.disk_limit }
          }

          security_context {
            allow_privilege_escalation = false
            privileged                 = false
            read_only_root_filesystem  = true
            run_as_non_root            = true
            run_as_user                = "10001"
            run_as_group               = "10001"
            capabilities {
              drop = ["ALL"]
            }
            seccomp_profile {
              type = "RuntimeDefault"
            }
          }

          volume_mount {
            name       = "tmp"
            mount_path = "/tmp"
          }
          volume_mount {
            name       = "secrets"
            mount_path = local.secrets_dir
            read_only  = true
          }
        }

        volume {
          name = "tmp"
          empty_dir {
            size_limit = local.bytes.scratch
          }
        }
        volume {
          name = "secrets"
          secret {
            secret_name  = local.secrets
            default_mode = "0440"
          }
        }
      }
    }
  }
}

resource "kubernetes_service_v1" "this" {
  metadata {
    name        = var.name
    namespace   = var.namespace
    labels      = local.component
    annotations = var.service_annotations
  }

  spec {
    type     = "ClusterIP"
    selector = local.selector

    port {
      name         = "http"
      port         = 80
      target_port  = "http"
      protocol     = "TCP"
      app_protocol = "http"
    }
  }
}

resource "kubernetes_horizontal_pod_autoscaler_v2" "this" {
  metadata {
    name      = var.name
    namespace = var.namespace
    labels    = local.component
  }

  spec {
    min_replicas = var.replicas.min
    max_replicas = var.replicas.max

    scale_target_ref {
      api_version = "apps/v1"
      kind        = "Deployment"
      name        = kubernetes_deployment_v1.this.metadata[0].name
    }

    metric { # of the service alone: a proxy beside it would blur the mean
      type = "ContainerResource"
      container_resource {
        name      = "cpu"
        container = "api"
        target {
          type                = "Utilization"
          average_utilization = var.scaling.utilisation
        }
      }
    }

    behavior {
      scale_up {
        stabilization_window_seconds = var.scaling.up.window_s
        select_policy                = "Max"
        policy {
          type           = "Percent"
          value          = var.scaling.up.percent
          period_seconds = var.scaling.up.period_s
        }
      }
      scale_down {
        stabilization_window_seconds = var.scaling.down.window_s
        select_policy                = "Max"
        policy {
          type           = "Percent"
          value          = var.scaling.down.percent
          period_seconds = var.scaling.down.period_s
        }
      }
    }
  }
}

resource "kubernetes_pod_disruption_budget_v1" "this" {
  metadata {
    name      = var.name
    namespace = var.namespace
    labels    = local.component
  }

  spec {
    max_unavailable = tostring(var.replicas.disruption)
    selector {
      match_labels = local.selector
    }
  }
}
