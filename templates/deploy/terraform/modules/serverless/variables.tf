variable "name" {
  description = "Name of the system in its environment, such as shop-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 40
    error_message = "Lower-case words with single hyphens between them, 40 characters at most."
  }
}

variable "environment" {
  description = "What the services know it as."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "dev, staging or prod."
  }
}

variable "services" {
  description = "Each service: its image by digest, its package, the paths that it owns, its functions by role, and what its consumers read."
  type = map(object({
    image       = string
    package     = string
    paths       = set(string)
    environment = optional(map(string), {})
    peers       = optional(set(string), []) # settings that say where a called service is: at the API, as everybody's
    publishes   = optional(bool, false)
    functions = map(object({
      memory_mib  = number
      timeout_s   = number
      reserved    = number
      provisioned = optional(number, 0)
      pool_size   = number
    }))
    consumers = optional(map(object({
      types        = set(string)
      batch_size   = number
      readers      = number
      visibility_s = number
    })), {})
  }))

  validation {
    condition     = alltrue([for plan in values(var.services) : contains(keys(plan.functions), "api") && contains(keys(plan.functions), "migrate")])
    error_message = "Each service answers requests and migrates its database."
  }
  validation {
    condition     = alltrue([for plan in values(var.services) : contains(keys(plan.functions), "worker") == (length(plan.consumers) > 0)])
    error_message = "A worker where something is consumed, and only there."
  }
  validation {
    condition     = alltrue([for plan in values(var.services) : contains(keys(plan.functions), "relay") == plan.publishes])
    error_message = "A relay where something is published, and only there."
  }
  validation {
    condition     = !anytrue([for plan in values(var.services) : plan.publishes]) || anytrue([for plan in values(var.services) : length(plan.consumers) > 0])
    error_message = "Somebody consumes what is published."
  }
}

variable "network" {
  description = "A network that is there: its private subnets, its addresses, and where outside the functions may call."
  type = object({
    vpc_id        = string
    cidr          = string
    subnet_ids    = set(string)
    outside_cidrs = optional(set(string), [])
  })

  validation {
    condition     = length(var.network.subnet_ids) >= 2
    error_message = "Two subnets at least."
  }
}

variable "database" {
  description = "Size of the database and of its proxy, and the limits of sessions in ms."
  type = object({
    instances       = number
    min_capacity    = number
    max_capacity    = number
    max_connections = number
    proxy_percent   = number
    backup_days     = number
    timeouts = object({
      statement_ms           = number
      lock_ms                = number
      idle_in_transaction_ms = number
      slow_ms                = number
    })
  })

  validation {
    condition     = var.database.max_capacity >= var.database.min_capacity
    error_message = "The most is no less than the least."
  }
}

variable "cache" {
  description = "Size of Redis; null where nothing is cached."
  type = object({
    node_type        = string
    nodes            = number
    reserved_percent = number
  })
  default = null

  validation {
    condition     = try(var.cache.nodes <= length(var.network.subnet_ids), var.cache == null)
    error_message = "A zone for each node."
  }
}

variable "events" {
  description = "How long events and dead letters wait, and from which age somebody has to look, in seconds."
  type = object({
    retention_s      = number
    dead_retention_s = number
    late_s           = number
  })
  default = null

  validation {
    condition     = try(var.events.dead_retention_s >= var.events.retention_s, var.events == null)
    error_message = "A dead letter waits no shorter than an event."
  }
}

variable "api" {
  description = "The API: who issues tokens, which pages may call, its domain, and its limits."
  type = object({
    issuer       = optional(object({ url = string, audience = list(string) }))
    cors_origins = optional(list(string), [])
    domain       = optional(object({ name = string, certificate_arn = string }))
    timeout_ms   = number
    throttle     = object({ rps = number, burst = number, duration_s = number })
    error_share  = number
    latency_ms   = number
  })

  validation {
    condition     = var.api.timeout_ms <= 30000
    error_message = "An HTTP API waits no longer than 30 seconds."
  }
}

variable "account_concurrency" {
  description = "Invocations at once that the account allows in this region."
  type        = number
  default     = 1000

  validation {
    condition     = var.account_concurrency >= 110
    error_message = "A hundred stay free, and something has to run."
  }
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number

  validation {
    condition     = var.log_days >= 1
    error_message = "A day at least."
  }
}

variable "recovery_days" {
  description = "Days for which a deleted key or secret can be brought back."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_days >= 7 && var.recovery_days <= 30
    error_message = "From 7 to 30."
  }
}
