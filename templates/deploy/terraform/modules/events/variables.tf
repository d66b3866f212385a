variable "name" {
  description = "Name of the bus, and prefix of the queues."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 40 && !startswith(var.name, "aws")
    error_message = "Lower-case words with single hyphens between them, 40 characters at most; aws is taken."
  }
}

variable "consumers" {
  description = "Who reads what, by name: the types of the events, and how long a message stays with a function that has it."
  type = map(object({
    types            = set(string)
    function_timeout = number
    window_s         = number
    visibility_s     = number
  }))

  validation {
    condition     = alltrue([for each in values(var.consumers) : length(each.types) > 0])
    error_message = "Each consumer reads something."
  }
  validation {
    condition     = alltrue([for each in values(var.consumers) : each.visibility_s >= 6 * each.function_timeout + each.window_s && each.visibility_s <= 43200])
    error_message = "Six time-outs of the function and its window at least, so that a throttled batch is not delivered twice."
  }
  validation {
    condition     = alltrue([for name in keys(var.consumers) : !endswith(name, "-dead")])
    error_message = "The names of dead letters end like that."
  }
}

variable "retention_s" {
  description = "How long an event waits for its consumer."
  type        = number

  validation {
    condition     = var.retention_s >= 3600 && var.retention_s <= 1209600
    error_message = "From an hour to 14 days."
  }
}

variable "dead_retention_s" {
  description = "How long a dead letter waits to be moved back."
  type        = number

  validation {
    condition     = var.dead_retention_s >= var.retention_s && var.dead_retention_s <= 1209600
    error_message = "Not less than an event waits, and 14 days at most: the time counts from the first delivery."
  }
}

variable "max_receives" {
  description = "Deliveries after which the queue itself buries a message."
  type        = number

  validation {
    condition     = var.max_receives >= 5 && var.max_receives <= 1000
    error_message = "Five at least: throttled deliveries count too."
  }
}

variable "late_s" {
  description = "Age of the oldest message from which somebody has to look."
  type        = number

  validation {
    condition     = var.late_s >= 60
    error_message = "A minute at least."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts events; its policy lets EventBridge use it."
  type        = string

  validation {
    condition     = startswith(var.kms_key_arn, "arn:")
    error_message = "The ARN of a key."
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
