variable "name" {
  description = "Name of the function and of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 54
    error_message = "Lower-case words with single hyphens between them, 54 characters at most: the role of the schedule adds nine."
  }
}

variable "description" {
  description = "What the function does."
  type        = string

  validation {
    condition     = length(var.description) > 0 && length(var.description) <= 256
    error_message = "A sentence."
  }
}

variable "image" {
  description = "Image of the service by digest, as the pipeline built it."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "An image is named by its digest: registry/name@sha256:…"
  }
}

variable "command" {
  description = "What the image runs."
  type        = list(string)

  validation {
    condition     = length(var.command) > 0
    error_message = "A command."
  }
}

variable "environment" {
  description = "Settings that are no secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = !anytrue([for name, value in var.environment : can(regex("DATABASE_URL|REDIS_URL|API_KEYS|SECRET|PASSWORD", name)) || can(regex("://[^/]*@", value))])
    error_message = "URLs with passwords and other secrets belong into the secret."
  }
}

variable "secret_arn" {
  description = "Secret of Secrets Manager with the other settings: an object of JSON."
  type        = string

  validation {
    condition     = startswith(var.secret_arn, "arn:")
    error_message = "The ARN of a secret."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts settings and logs."
  type        = string

  validation {
    condition     = startswith(var.kms_key_arn, "arn:")
    error_message = "The ARN of a key."
  }
}

variable "memory_mib" {
  description = "Memory; CPU follows it, one core at 1769."
  type        = number

  validation {
    condition     = var.memory_mib >= 512 && var.memory_mib <= 10240
    error_message = "From 512 to 10240: with less, a cold start takes seconds."
  }
}

variable "timeout_s" {
  description = "When an invocation is ended by force."
  type        = number

  validation {
    condition     = var.timeout_s >= 3 && var.timeout_s <= 900
    error_message = "From 3 to 900 seconds."
  }
}

variable "reserved_concurrency" {
  description = "Most invocations at a time; as many are kept free for this function."
  type        = number

  validation {
    condition     = var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "A whole number from 1."
  }
}

variable "provisioned_concurrency" {
  description = "Environments that are always warm."
  type        = number
  default     = 0

  validation {
    condition     = var.provisioned_concurrency >= 0 && var.provisioned_concurrency <= var.reserved_concurrency
    error_message = "Not more than are reserved."
  }
}

variable "subnet_ids" {
  description = "Private subnets, each in a zone of its own."
  type        = set(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Two subnets at least."
  }
}

variable "security_group_ids" {
  description = "What the function belongs to in its network."
  type        = set(string)

  validation {
    condition     = length(var.security_group_ids) > 0
    error_message = "One at least."
  }
}

variable "queues" {
  description = "Queues that the function empties, by the name of the consumer."
  type = map(object({
    arn         = string
    dead_arn    = string
    batch_size  = number
    window_s    = number
    concurrency = number
  }))
  default = {}

  validation {
    condition     = alltrue([for queue in values(var.queues) : queue.concurrency >= 2])
    error_message = "Lambda reads a queue with two readers at least."
  }
  validation {
    condition     = sum(concat([0], [for queue in values(var.queues) : queue.concurrency])) <= var.reserved_concurrency
    error_message = "More readers than may run would throttle each other, and throttled messages end among the dead letters."
  }
  validation {
    condition     = alltrue([for queue in values(var.queues) : queue.batch_size >= 1 && queue.batch_size <= 10000 && (queue.batch_size <= 10 || queue.window_s >= 1)])
    error_message = "More than ten messages in a batch need a window of a second at least."
  }
}

variable "schedule" {
  description = "When the function is started, such as rate(1 minute); null for one that has requests or queues."
  type        = string
  default     = null

  validation {
    condition     = var.schedule == null || can(regex("^(rate|cron)\\(.+\\)$", var.schedule))
    error_message = "rate(…) or cron(…)."
  }
}

variable "statements" {
  description = "What else the function may do: exact actions on exact resources."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
  }))
  default = []

  validation {
    condition     = !anytrue(flatten([for each in var.statements : [for text in concat(each.actions, each.resources) : strcontains(text, "*")]]))
    error_message = "Every action and every resource by its name."
  }
}

variable "log_days" {
  description = "How long logs are kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_days)
    error_message = "A number of days that CloudWatch knows, such as 30."
  }
}

variable "alarm_topic_arn" {
  description = "Topic of SNS that alarms go to."
  type        = string

  validation {
    condition     = startswith(var.alarm_topic_arn, "arn:")
    error_message = "The ARN of a topic."
  }
}
