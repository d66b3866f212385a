output "servers" {
  description = "Server with its port, as broker_url takes it after the user."
  value       = [for each in aws_mq_broker.this.instances[0].endpoints : trimprefix(each, "amqps://") if startswith(each, "amqps://")][0]
}

output "user" {
  description = "Name of the services' user."
  value       = "services"
}
