output "host" {
  description = "Name of the server in the network."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port of the server."
  value       = aws_db_instance.this.port
}

output "administrator_secret" {
  description = "Secret with the administrator's name and password, for scripts/databases.sh."
  value       = one(aws_db_instance.this.master_user_secret[*].secret_arn)
}
