output "servers" {
  description = "Servers with their ports, as broker_url takes them after the user."
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_scram
}

output "user" {
  description = "Secret that holds the name and the password of the services' user."
  value       = aws_secretsmanager_secret.user.arn
}
