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
  description = "Private subnets of the broker; a cluster has nodes in all of them."
  type        = set(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Two subnets at least."
  }
}

variable "engine_version" {
  description = "Version of RabbitMQ; patches come by themselves."
  type        = string
  default     = "4.2"

  validation {
    condition     = can(regex("^4\\.[0-9]+$", var.engine_version))
    error_message = "A version such as 4.2: quorum queues count deliveries there."
  }
}

variable "node_type" {
  description = "Size of a node."
  type        = string

  validation {
    condition     = startswith(var.node_type, "mq.")
    error_message = "A node of Amazon MQ is named mq.m7g.large."
  }
}

variable "nodes" {
  description = "Nodes: one, or a cluster of three."
  type        = number

  validation {
    condition     = contains([1, 3], var.nodes)
    error_message = "Amazon MQ runs one node, or three."
  }
}
