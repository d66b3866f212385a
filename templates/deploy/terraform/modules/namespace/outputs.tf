output "name" {
  description = "Name of the namespace, known once it stands."
  value       = kubernetes_namespace_v1.this.metadata[0].name
}

output "priority_class" {
  description = "Name of the PriorityClass, known once it stands."
  value       = kubernetes_priority_class_v1.this.metadata[0].name
}
