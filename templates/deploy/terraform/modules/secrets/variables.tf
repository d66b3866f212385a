variable "prefix" {
  description = "First part of each entry's name: the system."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+$", var.prefix))
    error_message = "Lower-case letters, digits and hyphens."
  }
}

variable "names" {
  description = "Second part of each entry's name: the services."
  type        = set(string)

  validation {
    condition     = length(var.names) > 0
    error_message = "One service at least."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the entries."
  type        = string

  validation {
    condition     = startswith(var.kms_key_arn, "arn:")
    error_message = "The ARN of a key."
  }
}

variable "recovery_days" {
  description = "Days for which a deleted entry can be brought back."
  type        = number

  validation {
    condition     = var.recovery_days >= 7 && var.recovery_days <= 30
    error_message = "Secrets Manager keeps 7 to 30 days."
  }
}
