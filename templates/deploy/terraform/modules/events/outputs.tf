output "bus_arn" {
  description = "The bus, for those who may publish."
  value       = aws_cloudwatch_event_bus.this.arn
}

output "queues" {
  description = "Queue and dead letters of each consumer, for the functions that empty them."
  value = {
    for name in keys(var.consumers) : name => {
      arn      = aws_sqs_queue.this[name].arn
      dead_arn = aws_sqs_queue.dead[name].arn
    }
  }

  depends_on = [aws_sqs_queue_policy.this]
}
