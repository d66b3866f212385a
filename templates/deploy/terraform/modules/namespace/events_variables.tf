variable "broker_port" {
  description = "Port of the broker, which is in the network of the database."
  type        = number

  validation {
    condition     = var.broker_port > 0 && var.broker_port < 65536
    error_message = "A port is between 1 and 65535."
  }
}
