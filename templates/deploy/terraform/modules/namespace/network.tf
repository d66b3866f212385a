# Nothing may talk to anything, but for what these policies and those of the services allow.
resource "kubernetes_network_policy_v1" "default_deny" {
  metadata {
    name      = "default-deny"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
    labels    = var.labels
  }

  spec {
    pod_selector {}
    policy_types = ["Ingress", "Egress"]
  }
}

resource "kubernetes_network_policy_v1" "dns" {
  metadata {
    name      = "dns"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
    labels    = var.labels
  }

  spec {
    pod_selector {}
    policy_types = ["Egress"]

    egress {
      to {
        namespace_selector {
          match_labels = { "kubernetes.io/metadata.name" = "kube-system" }
        }
        pod_selector {
          match_labels = { "k8s-app" = "kube-dns" }
        }
      }
      ports {
        protocol = "UDP"
        port     = "53"
      }
      ports {
        protocol = "TCP"
        port     = "53"
      }
    }
  }
}

# PostgreSQL, for the services and their migrations.
resource "kubernetes_network_policy_v1" "database" {
  metadata {
    name      = "database"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
    labels    = var.labels
  }

  spec {
    pod_selector {}
    policy_types = ["Egress"]

    egress {
      to {
        ip_block {
          cidr = var.data_cidr
        }
      }
      ports {
        protocol = "TCP"
        port     = "5432"
      }
    }
  }
}

# Redis, for the services that cache. It lives beside PostgreSQL.
resource "kubernetes_network_policy_v1" "cache" {
  count = length(var.cached_services) > 0 ? 1 : 0

  metadata {
    name      = "cache"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
    labels    = var.labels
  }

  spec {
    pod_selector {
      match_labels = { "app.kubernetes.io/component" = "api" }
      match_expressions {
        key      = "app.kubernetes.io/name"
        operator = "In"
        values   = var.cached_services
      }
    }
    policy_types = ["Egress"]

    egress {
      to {
        ip_block {
          cidr = var.data_cidr
        }
      }
      ports {
        protocol = "TCP"
        port     = "6379"
      }
    }
  }
}

# Traces go to the collector; Prometheus comes for the metrics.
resource "kubernetes_network_policy_v1" "telemetry" {
  metadata {
    name      = "telemetry"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
    labels    = var.labels
  }

  spec {
    pod_selector {
      match_labels = { "app.kubernetes.io/component" = "api" }
    }
    policy_types = ["Ingress", "Egress"]

    ingress {
      from {
        namespace_selector {
          match_labels = { "kubernetes.io/metadata.name" = var.telemetry.namespace }
        }
      }
      ports {
        protocol = "TCP"
        port     = tostring(var.telemetry.metrics_port)
      }
    }

    egress {
      to {
        namespace_selector {
          match_labels = { "kubernetes.io/metadata.name" = var.telemetry.namespace }
        }
      }
      ports {
        protocol = "TCP"
        port     = tostring(var.telemetry.otlp_port)
      }
    }
  }
}

# The proxies get their certificates and configuration from istiod.
resource "kubernetes_network_policy_v1" "mesh" {
  count = var.sidecars ? 1 : 0

  metadata {
    name      = "mesh"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
    labels    = var.labels
  }

  spec {
    pod_selector {
      match_labels = { "app.kubernetes.io/component" = "api" }
    }
    policy_types = ["Egress"]

    egress {
      to {
        namespace_selector {
          match_labels = { "kubernetes.io/metadata.name" = "istio-system" }
        }
      }
      ports {
        protocol = "TCP"
        port     = "15012"
      }
    }
  }
}
