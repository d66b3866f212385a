variable "name" {
  description = "Name of the API."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 40
    error_message = "Lower-case words with single hyphens between them, 40 characters at most."
  }
}

variable "functions" {
  description = "What answers: the functions of the services, by service, each with the paths that it owns."
  type = map(object({
    name                 = string
    alias                = string
    invoke_arn           = string
    reserved_concurrency = number
    paths                = set(string)
  }))

  validation {
    condition     = alltrue(flatten([for function in values(var.functions) : [for path in function.paths : can(regex("^(/[a-z0-9_-]+)+$", path))]]))
    error_message = "A path is like /v1/orders."
  }
  validation {
    condition     = length(flatten([for function in values(var.functions) : tolist(function.paths)])) == length(distinct(flatten([for function in values(var.functions) : tolist(function.paths)])))
    error_message = "A path belongs to one function."
  }
}

variable "issuer" {
  description = "Who issues access tokens, and for whom; null where tokens are not what callers show."
  type        = object({ url = string, audience = list(string) })
  default     = null

  validation {
    condition     = var.issuer == null || (startswith(try(var.issuer.url, ""), "https://") && length(try(var.issuer.audience, [])) > 0)
    error_message = "An https URL and one audience at least."
  }
}

variable "cors_origins" {
  description = "Web sites whose pages may call."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[^/*]+$", origin))])
    error_message = "One by one, without a path."
  }
}

variable "domain" {
  description = "Name under which the API answers, with its certificate; null for the name that AWS gives."
  type        = object({ name = string, certificate_arn = string })
  default     = null

  validation {
    condition     = var.domain == null || startswith(try(var.domain.certificate_arn, ""), "arn:")
    error_message = "The certificate is named by its ARN."
  }
}

variable "timeout_ms" {
  description = "When a caller is told that the function takes too long."
  type        = number

  validation {
    condition     = var.timeout_ms >= 50 && var.timeout_ms <= 30000
    error_message = "From 50 to 30000: an HTTP API waits no longer."
  }
}

variable "throttle" {
  description = "Most requests a second, how many more for a moment, and how long one takes."
  type        = object({ rps = number, burst = number, duration_s = number })

  validation {
    condition     = var.throttle.rps >= 1 && var.throttle.rps <= 10000 && var.throttle.burst >= 1 && var.throttle.burst <= 5000
    error_message = "Up to 10000 a second and a burst of 5000; more is a quota to ask for."
  }
}

variable "error_share" {
  description = "Share of requests that may fail before somebody looks."
  type        = number

  validation {
    condition     = var.error_share > 0 && var.error_share < 1
    error_message = "A share between 0 and 1."
  }
}

variable "latency_ms" {
  description = "What 99 of 100 requests stay within."
  type        = number

  validation {
    condition     = var.latency_ms >= 10
    error_message = "Ten milliseconds at least."
  }
}

variable "log_days" {
  description = "How long access logs are kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_days)
    error_message = "A number of days that CloudWatch knows, such as 30."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the logs."
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
