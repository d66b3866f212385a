output "arns" {
  description = "Entry of each service."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}
