variable "name" {
  description = "Name of the namespace, its quota and its limit range."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.name))
    error_message = "A namespace has a DNS label for its name."
  }
}

variable "labels" {
  description = "Labels of every object."
  type        = map(string)

  validation {
    condition     = alltrue([for value in values(var.labels) : length(value) <= 63])
    error_message = "A label has 63 characters at most."
  }
}

variable "quota" {
  description = "What all pods of the namespace may ask for together: CPU in millicores, memory and disk in MiB."
  type = object({
    pods              = number
    cpu_requests_m    = number
    cpu_limits_m      = number
    memory_mib        = number
    disk_requests_mib = number
    disk_limits_mib   = number
  })

  validation {
    condition     = alltrue([for amount in values(var.quota) : amount > 0 && floor(amount) == amount])
    error_message = "Every amount of a quota is a whole number above 0."
  }

  validation {
    condition     = var.quota.cpu_limits_m >= var.quota.cpu_requests_m && var.quota.disk_limits_mib >= var.quota.disk_requests_mib
    error_message = "The quota of limits cannot be less than that of requests."
  }
}

variable "limits" {
  description = "The largest container of the namespace, and what one gets that asks for nothing (a task's share)."
  type = object({
    max_cpu_m          = number
    max_memory_mib     = number
    task_cpu_request_m = number
    task_cpu_limit_m   = number
    task_memory_mib    = number
    disk_request_mib   = number
    disk_limit_mib     = number
  })

  validation {
    condition     = var.limits.task_cpu_request_m <= var.limits.task_cpu_limit_m && var.limits.task_cpu_limit_m <= var.limits.max_cpu_m
    error_message = "CPU: request <= limit <= max."
  }

  validation {
    condition     = var.limits.task_memory_mib <= var.limits.max_memory_mib && var.limits.disk_request_mib <= var.limits.disk_limit_mib
    error_message = "A default cannot be more than the maximum."
  }
}

variable "priority_class" {
  description = "PriorityClass of the services; the class belongs to the whole cluster."
  type = object({
    name  = string
    value = number
  })

  validation {
    condition     = var.priority_class.value > 0 && var.priority_class.value < 1000000000
    error_message = "From 1000000000 on priorities belong to the cluster itself."
  }
}

variable "telemetry" {
  description = "Where the collector and Prometheus live, and the ports of both directions."
  type = object({
    namespace    = string
    metrics_port = number
    otlp_port    = number
  })

  validation {
    condition     = alltrue([for port in [var.telemetry.metrics_port, var.telemetry.otlp_port] : port > 0 && port < 65536])
    error_message = "A port is between 1 and 65535."
  }
}

variable "data_cidr" {
  description = "Network of the database and the cache."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.data_cidr))
    error_message = "An IPv4 network is written as 10.0.0.0/20."
  }
}

variable "cached_services" {
  description = "Services that use the cache."
  type        = set(string)
  default     = []
}

variable "sidecars" {
  description = "Whether a mesh puts a proxy beside each service."
  type        = bool
  default     = false
  nullable    = false
}

variable "issuer_port" {
  description = "Port at which the services fetch the keys of an identity provider; null where they need none."
  type        = number
  default     = null

  validation {
    condition     = var.issuer_port == null ? true : var.issuer_port > 0 && var.issuer_port < 65536
    error_message = "A port is between 1 and 65535."
  }
}
