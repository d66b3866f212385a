variable "package" {
  description = "Python package of the service, of which each process is a command."
  type        = string
  default     = null

  validation {
    condition     = var.package == null ? length(var.processes) == 0 : can(regex("^[a-z_][a-z0-9_]*$", var.package))
    error_message = "Processes need the package, which is named like orders_service."
  }
}

variable "processes" {
  description = "What runs beside the API: relay, if the service publishes, and worker, if it consumes. CPU in millicores, memory in MiB."
  type = map(object({
    replicas      = number
    disruption    = number
    cpu_request_m = number
    memory_mib    = number
    proxied       = bool
  }))
  default = {}

  validation {
    condition     = length(setsubtract(keys(var.processes), ["relay", "worker"])) == 0
    error_message = "A process is a relay or a worker."
  }

  validation {
    condition     = alltrue([for p in values(var.processes) : p.replicas >= 1 && p.disruption >= 1 && p.disruption <= p.replicas])
    error_message = "At least one pod; a node drain may take one of them, or no node could be drained."
  }
}

variable "broker_copies" {
  description = "Copies that the broker keeps of an event."
  type        = number
  default     = 1

  validation {
    condition     = var.broker_copies >= 1 && floor(var.broker_copies) == var.broker_copies
    error_message = "A whole number, one at least."
  }
}
