output "url" {
  description = "Where other services of the namespace reach this one."
  value       = "http://${kubernetes_service_v1.this.metadata[0].name}"
}

output "secret_name" {
  description = "Secret that the pods mount at /etc/secrets; it is not made here."
  value       = local.secrets
}
