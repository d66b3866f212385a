output "url" {
  description = "Where the API answers."
  value       = module.api.url
}

output "migrations" {
  description = "What a release invokes before it, for each service."
  value       = { for service in keys(var.services) : service => module.function["${service}-migrate"].alias_arn }
}

output "database" {
  description = "Hosts of the database for the secrets: of the proxy, and of the database itself."
  value       = { proxy = module.database.proxy_endpoint, direct = module.database.endpoint }
}

output "cache" {
  description = "Where Redis is, and the name by which its token is changed; null without a cache."
  value       = one([for each in module.redis : { host = each.host, port = each.port, id = each.id }])
}

output "secrets" {
  description = "Entries to fill in: SERVICE, SERVICE/direct and SERVICE/login."
  value       = module.secrets.arns
}

output "alarm_topic_arn" {
  description = "Topic that whoever is to be woken subscribes to."
  value       = aws_sns_topic.alarms.arn
}
