variable "name" {
  description = "Prefix of what belongs to the network."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 40
    error_message = "Lower-case words with single hyphens between them, 40 characters at most."
  }
}

variable "vpc_id" {
  description = "Network of the functions."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "A VPC is named vpc-0123456789abcdef0."
  }
}

variable "cidr" {
  description = "Addresses of the network."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr)) && !startswith(var.cidr, "0.")
    error_message = "A private IPv4 network, such as 10.0.0.0/16."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the functions, each in a zone of its own."
  type        = set(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Two subnets at least."
  }
}

variable "ports" {
  description = "What functions connect to inside the network, by what it is."
  type        = map(number)
  default     = { PostgreSQL = 5432, Endpoints = 443 }

  validation {
    condition     = alltrue([for port in values(var.ports) : port > 0 && port < 65536])
    error_message = "A port is a number from 1 to 65535."
  }
}

variable "services" {
  description = "Services of AWS that are reached by endpoints of the network."
  type        = set(string)
  default     = ["secretsmanager"]

  validation {
    condition     = contains(var.services, "secretsmanager")
    error_message = "Every function reads its settings from Secrets Manager when it starts."
  }
}

variable "outside_cidrs" {
  description = "Networks outside that functions may call over HTTPS: of the issuer of access tokens, or of a proxy. A NAT gateway has to lead there."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.outside_cidrs : can(cidrnetmask(cidr))])
    error_message = "An IPv4 network each, such as 192.0.2.0/24."
  }
}
