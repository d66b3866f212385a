variable "name" {
  description = "Name of the broker and prefix of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 40
    error_message = "Lower-case words with single hyphens between them, 40 characters at most."
  }
}

variable "vpc_id" {
  description = "Network of the broker."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "A VPC is named vpc-0123456789abcdef0."
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

variable "subnet_ids" {
  description = "Private subnets of the broker, each in another zone."
  type        = set(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Two subnets at least."
  }
}

variable "kafka_version" {
  description = "Version of Kafka."
  type        = string
  default     = "3.9.x"

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.(x|[0-9]+)(\\.kraft)?$", var.kafka_version))
    error_message = "A version of Amazon MSK is named 3.9.x."
  }
}

variable "node_type" {
  description = "Size of a node."
  type        = string

  validation {
    condition     = startswith(var.node_type, "kafka.")
    error_message = "A node of Amazon MSK is named kafka.m7g.large."
  }
}

variable "nodes" {
  description = "Nodes at the least: Amazon MSK has as many in each zone."
  type        = number

  validation {
    condition     = var.nodes >= 2
    error_message = "Two at least."
  }
}

variable "copies" {
  description = "Copies of an event where a topic does not say it."
  type        = number

  validation {
    condition     = var.copies >= 1 && var.copies <= var.nodes
    error_message = "No node holds two copies."
  }
}

variable "storage_gib" {
  description = "Disk of one node."
  type        = number

  validation {
    condition     = var.storage_gib >= 1 && var.storage_gib <= 16384
    error_message = "Between 1 and 16384 GiB."
  }
}
