variable "name" {
  description = "Name of the cache and prefix of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 40
    error_message = "Lower-case words with single hyphens between them, 40 characters at most."
  }
}

variable "vpc_id" {
  description = "Network of the cache."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "A VPC is named vpc-0123456789abcdef0."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the cache, in as many zones as it has nodes."
  type        = set(string)

  validation {
    condition     = length(var.subnet_ids) >= min(2, var.nodes)
    error_message = "Two nodes need two zones."
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
  description = "Key that encrypts what the nodes keep."
  type        = string

  validation {
    condition     = startswith(var.kms_key_arn, "arn:")
    error_message = "The ARN of a key."
  }
}

variable "engine_version" {
  description = "Version of Valkey; patches come by themselves."
  type        = string
  default     = "8.1"

  validation {
    condition     = can(regex("^8\\.[0-9]+$", var.engine_version))
    error_message = "A version of the parameter group's family, valkey8."
  }
}

variable "node_type" {
  description = "Size of a node."
  type        = string

  validation {
    condition     = startswith(var.node_type, "cache.")
    error_message = "A node of ElastiCache is named cache.t4g.small."
  }
}

variable "nodes" {
  description = "Nodes, each in a zone of its own: one, or one and a standby."
  type        = number

  validation {
    condition     = contains([1, 2], var.nodes)
    error_message = "One node, or one and a standby."
  }
}

variable "reserved_percent" {
  description = "Percent of a node's memory that is no room for data."
  type        = number

  validation {
    condition     = var.reserved_percent >= 10 && var.reserved_percent <= 50
    error_message = "Between 10 and 50: less fails when a standby is copied, more is waste."
  }
}
