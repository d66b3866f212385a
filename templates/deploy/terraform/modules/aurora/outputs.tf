output "proxy_endpoint" {
  description = "Host of the proxy, for requests and events."
  value       = aws_db_proxy.this.endpoint
}

output "endpoint" {
  description = "Host of the database itself, for what holds a lock of its session: migrations and relays."
  value       = aws_rds_cluster.this.endpoint
}

output "master_secret_arn" {
  description = "Secret with the administrator's password."
  value       = aws_rds_cluster.this.master_user_secret[0].secret_arn
}
