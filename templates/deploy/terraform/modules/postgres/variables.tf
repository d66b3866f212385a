variable "name" {
  description = "Name of the server and prefix of what belongs to it."
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

variable "client_cidr" {
  description = "Network of the pods that may connect."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.client_cidr)) && !startswith(var.client_cidr, "0.")
    error_message = "A private IPv4 network, such as 10.0.0.0/16."
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
  default     = "18"

  validation {
    condition     = can(regex("^1[5-9]$", var.engine_version))
    error_message = "A major version from 15 on."
  }
}

variable "instance_class" {
  description = "Size of the server."
  type        = string

  validation {
    condition     = startswith(var.instance_class, "db.")
    error_message = "A class of RDS is named db.r7g.large."
  }
}

variable "storage_gib" {
  description = "Storage at first, in GiB."
  type        = number

  validation {
    condition     = var.storage_gib >= 20 && floor(var.storage_gib) == var.storage_gib
    error_message = "RDS gives 20 GiB at least."
  }
}

variable "max_storage_gib" {
  description = "Storage up to which the server may grow by itself, in GiB."
  type        = number

  validation {
    condition     = var.max_storage_gib >= 1.1 * var.storage_gib
    error_message = "RDS wants a tenth above the storage at first."
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

variable "multi_az" {
  description = "Whether a standby in another zone takes over."
  type        = bool
  nullable    = false
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
