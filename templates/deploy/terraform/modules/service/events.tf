# What carries the events of the service: the processes that publish and apply them, and the Job that
# creates what they need on the broker.
locals {
  process_selector = {
    for key in keys(var.processes) : key => {
      "app.kubernetes.io/name"     = var.name
      "app.kubernetes.io/instance" = "${var.name}-${key}"
    }
  }
  process_labels = {
    for key, selector in local.process_selector : key => merge(var.labels, selector, { "app.kubernetes.io/component" = key })
  }
  process_cpu = {
    for key, p in var.processes : key => p.cpu_request_m % 1000 == 0 ? tostring(p.cpu_request_m / 1000) : "${p.cpu_request_m}m"
  }
  process_memory = {
    for key, p in var.processes : key => p.memory_mib % 1024 == 0 ? "${p.memory_mib / 1024}Gi" : "${p.memory_mib}Mi"
  }
  topology_labels = merge(local.labels, {
    "app.kubernetes.io/instance"  = "${var.name}-topology"
    "app.kubernetes.io/component" = "topology"
  })
}

resource "kubernetes_job_v1" "topology" {
  count = length(var.processes) > 0 ? 1 : 0

  metadata {
    name      = "${var.name}-topology"
    namespace = var.namespace
    labels    = local.topology_labels
  }
  wait_for_completion = true

  timeouts {
    create = "${var.migration.deadline_s}s"
    update = "${var.migration.deadline_s}s"
  }

  spec {
    backoff_limit           = var.migration.retries
    active_deadline_seconds = var.migration.deadline_s

    template {
      metadata { # it talks to the broker only: no proxy
        labels = merge(local.topology_labels, var.sidecar == null ? {} : { "sidecar.istio.io/inject" = "false" })
      }

      spec {
        restart_policy                  = "Never"
        service_account_name            = kubernetes_service_account_v1.this.metadata[0].name
        automount_service_account_token = false
        enable_service_links            = false
        priority_class_name             = var.priority_class

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

        container {
          name              = "topology"
          image             = var.image
          image_pull_policy = "Always"
          command           = ["python", "-m", var.package, "topology"]

          env {
            name  = "BROKER_COPIES"
            value = tostring(var.broker_copies)
          }
          env {
            name  = "SECRETS_DIR"
            value = local.secrets_dir
          }

          resources {
            requests = { "cpu" = local.task_cpu.request, "memory" = local.task_memory, "ephemeral-storage" = local.bytes.disk_request }
            limits   = { "cpu" = local.task_cpu.limit, "memory" = local.task_memory, "ephemeral-storage" = local.bytes.disk_limit }
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
          projected {
            default_mode = "0440"
            sources {
              secret {
                name = local.secrets
              }
            }
            sources {
              secret {
                name = "${var.name}-broker-secrets"
              }
            }
          }
        }
      }
    }
  }
}

resource "kubernetes_deployment_v1" "process" {
  #checkov:skip=CKV_K8S_14:The image is an input, and its rules refuse latest and a missing tag
  for_each   = var.processes
  depends_on = [kubernetes_job_v1.migrate, kubernetes_job_v1.topology]

  metadata {
    name      = "${var.name}-${each.key}"
    namespace = var.namespace
    labels    = local.process_labels[each.key]
  }

  timeouts {
    create = "${var.rollout.timeout_s}s"
    update = "${var.rollout.timeout_s}s"
  }

  spec {
    replicas                  = tostring(each.value.replicas)
    revision_history_limit    = 5
    min_ready_seconds         = var.rollout.min_ready_s
    progress_deadline_seconds = var.rollout.progress_timeout_s

    strategy {
      type = "RollingUpdate"
      rolling_update {
        max_surge       = "1"
        max_unavailable = "0"
      }
    }

    selector {
      match_labels = local.process_selector[each.key]
    }

    template {
      metadata {
        labels      = merge(local.process_labels[each.key], var.sidecar == null || each.value.proxied ? {} : { "sidecar.istio.io/inject" = "false" })
        annotations = each.value.proxied ? local.proxy : {}
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
            match_labels = local.process_selector[each.key]
          }
        }

        affinity {
          pod_anti_affinity {
            preferred_during_scheduling_ignored_during_execution {
              weight = 100
              pod_affinity_term {
                topology_key = "kubernetes.io/hostname"
                label_selector {
                  match_labels = local.process_selector[each.key]
                }
              }
            }
          }
        }

        container {
          name              = each.key
          image             = var.image
          image_pull_policy = "Always"
          command           = ["python", "-m", var.package, each.key]

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

          resources {
            requests = { "cpu" = local.process_cpu[each.key], "memory" = local.process_memory[each.key], "ephemeral-storage" = local.bytes.disk_request }
            limits   = { "cpu" = local.cpu.limit, "memory" = local.process_memory[each.key], "ephemeral-storage" = local.bytes.disk_limit }
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
          projected {
            default_mode = "0440"
            sources {
              secret {
                name = local.secrets
              }
            }
            sources {
              secret {
                name = "${var.name}-broker-secrets"
              }
            }
          }
        }
      }
    }
  }
}

resource "kubernetes_pod_disruption_budget_v1" "process" {
  for_each = var.processes

  metadata {
    name      = "${var.name}-${each.key}"
    namespace = var.namespace
    labels    = local.process_labels[each.key]
  }

  spec {
    max_unavailable = tostring(each.value.disruption)
    selector {
      match_labels = local.process_selector[each.key]
    }
  }
}

# A worker calls what the service calls. Nobody calls it.
resource "kubernetes_network_policy_v1" "worker" {
  count = contains(keys(var.processes), "worker") && length(var.calls) > 0 ? 1 : 0

  metadata {
    name      = "${var.name}-worker"
    namespace = var.namespace
    labels    = local.process_labels["worker"]
  }

  spec {
    pod_selector {
      match_labels = { "app.kubernetes.io/instance" = "${var.name}-worker" }
    }
    policy_types = ["Egress"]

    egress {
      dynamic "to" {
        for_each = var.calls
        content {
          pod_selector {
            match_labels = { "app.kubernetes.io/instance" = to.value }
          }
        }
      }
      ports {
        protocol = "TCP"
        port     = tostring(var.ports.http)
      }
    }
  }
}
