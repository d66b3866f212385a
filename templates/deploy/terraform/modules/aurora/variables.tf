variable "name" {
  description = "Name of the cluster and prefix of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 40
    error_message = "Lower-case words with single hyphens between them, 40 characters at most."
  }
}

variable "vpc_id" {
  description = "Network of the server."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "A VPC is named vpc-0123456789abcdef0."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the server, in two zones at least."
  type        = set(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS wants subnets in two zones, also without a standby."
  }
}

variable "client_security_group_id" {
  description = "What the functions belong to, which alone may connect."
  type        = string

  validation {
    condition     = startswith(var.client_security_group_id, "sg-")
    error_message = "A security group is named sg-0123456789abcdef0."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts storage, backups and the administrator's password."
  type        = string

  validation {
    condition     = startswith(var.kms_key_arn, "arn:")
    error_message = "The ARN of a key."
  }
}

variable "engine_version" {
  description = "Major version of PostgreSQL; minor ones come by themselves."
  type        = string
  default     = "17"

  validation {
    condition     = can(regex("^1[5-9]$", var.engine_version))
    error_message = "A major version from 15 on."
  }
}

variable "instances" {
  description = "The writer, and a standby for each further one."
  type        = number

  validation {
    condition     = var.instances >= 1 && var.instances <= 16
    error_message = "From 1 to 16."
  }
}

variable "capacity" {
  description = "Least and most capacity of an instance, in units of Aurora: 2 GiB of memory each, with the CPU that goes with it."
  type        = object({ min = number, max = number })

  validation {
    condition     = var.capacity.min >= 0.5 && var.capacity.min <= var.capacity.max && var.capacity.max <= 256
    error_message = "From 0.5 to 256; a database that rests at zero wakes up for longer than a request waits."
  }
}

variable "max_connections" {
  description = "Connections that the server takes."
  type        = number

  validation {
    condition     = var.max_connections >= 20 && var.max_connections <= 5000
    error_message = "Between 20 and 5000: above that a pooler is cheaper than a larger server."
  }
}

variable "timeouts" {
  description = "Limits in ms for sessions that set none of their own, and from when a statement is logged as slow."
  type = object({
    statement_ms           = number
    lock_ms                = number
    idle_in_transaction_ms = number
    slow_ms                = number
  })

  validation {
    condition     = var.timeouts.lock_ms > 0 && var.timeouts.lock_ms < var.timeouts.statement_ms
    error_message = "A lock that is waited for leaves time for the work: 0 < lock_ms < statement_ms."
  }

  validation {
    condition     = var.timeouts.idle_in_transaction_ms > var.timeouts.statement_ms
    error_message = "A transaction may rest for longer than one statement takes."
  }
}

variable "login_secret_arns" {
  description = "Secrets with the logins of the services, by service: username and password, as RDS keeps them."
  type        = map(string)

  validation {
    condition     = length(var.login_secret_arns) > 0 && alltrue([for arn in values(var.login_secret_arns) : startswith(arn, "arn:")])
    error_message = "The ARN of a secret for each service, one at least."
  }
}

variable "proxy_percent" {
  description = "Share of max_connections that the proxy may open; the rest is for migrations, relays and people."
  type        = number

  validation {
    condition     = var.proxy_percent >= 10 && var.proxy_percent <= 90
    error_message = "From 10 to 90."
  }
}

variable "borrow_timeout_s" {
  description = "How long a transaction waits for a connection of the proxy."
  type        = number
  default     = 1

  validation {
    condition     = var.borrow_timeout_s >= 1 && var.borrow_timeout_s <= 300
    error_message = "From 1 to 300 seconds."
  }
}

variable "backup_days" {
  description = "Days to any second of which the server can be restored."
  type        = number

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35
    error_message = "A week at least; RDS keeps 35 days at most."
  }
}

variable "deletion_protection" {
  description = "Whether the server refuses to be deleted. To delete it, apply false first."
  type        = bool
  default     = true
  nullable    = false
}

variable "alarm_topic_arn" {
  description = "Topic of SNS that alarms go to."
  type        = string

  validation {
    condition     = startswith(var.alarm_topic_arn, "arn:")
    error_message = "The ARN of a topic."
  }
}
