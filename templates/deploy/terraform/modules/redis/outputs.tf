output "host" {
  description = "Name in the network of the node that takes writes."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "port" {
  description = "Port of the cache."
  value       = aws_elasticache_replication_group.this.port
}

output "id" {
  description = "Name by which the token is changed."
  value       = aws_elasticache_replication_group.this.id
}
