# Who may call the service, and whom it calls: the edges of the call graph and the gateway.
resource "kubernetes_network_policy_v1" "this" {
  metadata {
    name      = var.name
    namespace = var.namespace
    labels    = local.component
  }

  spec {
    pod_selector {
      match_labels = { "app.kubernetes.io/instance" = var.name }
    }
    policy_types = length(var.calls) > 0 ? ["Ingress", "Egress"] : ["Ingress"]

    ingress {
      from {
        namespace_selector {
          match_labels = { "kubernetes.io/metadata.name" = var.gateway_namespace }
        }
      }
      dynamic "from" {
        for_each = var.called_by
        content {
          pod_selector {
            match_labels = { "app.kubernetes.io/instance" = from.value }
          }
        }
      }
      ports {
        protocol = "TCP"
        port     = tostring(var.ports.http)
      }
    }

    dynamic "egress" {
      for_each = length(var.calls) > 0 ? [var.calls] : []
      content {
        dynamic "to" {
          for_each = egress.value
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
}
