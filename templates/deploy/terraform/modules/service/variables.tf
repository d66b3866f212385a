variable "name" {
  description = "Name of the service: of each object, and under which others reach it."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,45}[a-z0-9])?$", var.name))
    error_message = "A DNS label of 47 characters at most: pods add a suffix to it."
  }
}

variable "namespace" {
  description = "Namespace of the system."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "A namespace has a DNS label for its name."
  }
}

variable "labels" {
  description = "Labels of every object, beside those that name the service."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for value in values(var.labels) : length(value) <= 63])
    error_message = "A label has 63 characters at most."
  }
}

variable "environment" {
  description = "Name of the environment: what traces say, and whether the service shows its documentation."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "The service knows dev, staging and prod."
  }
}

variable "image" {
  description = "Image to run, by tag or, as a pipeline should, by digest."
  type        = string

  validation {
    condition     = can(regex("(:[0-9A-Za-z_][0-9A-Za-z_.-]*|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "An image ends in a tag other than latest, or in a digest."
  }
}

variable "ports" {
  description = "Ports on which the container answers requests and serves its metrics."
  type = object({
    http    = number
    metrics = number
  })

  validation {
    condition     = alltrue([for port in values(var.ports) : port >= 1024 && port < 65536]) && var.ports.http != var.ports.metrics
    error_message = "Two different ports, above 1023: the container does not run as root."
  }
}

variable "replicas" {
  description = "Bounds of the autoscaler, and how many pods a node drain may take at once."
  type = object({
    min        = number
    max        = number
    disruption = number
  })

  validation {
    condition     = var.replicas.min >= 1 && var.replicas.max > var.replicas.min
    error_message = "An autoscaler needs max > min >= 1."
  }

  validation {
    condition     = var.replicas.disruption >= 1 && var.replicas.disruption <= var.replicas.min
    error_message = "Between one pod and all that are certain to run: with none, no node could be drained."
  }
}

variable "resources" {
  description = "What one pod gets: CPU in millicores, memory (request = limit) and disk in MiB."
  type = object({
    cpu_request_m    = number
    cpu_limit_m      = number
    memory_mib       = number
    disk_request_mib = number
    disk_limit_mib   = number
    scratch_mib      = number
  })

  validation {
    condition     = var.resources.cpu_request_m > 0 && var.resources.cpu_limit_m >= var.resources.cpu_request_m
    error_message = "CPU: limit >= request > 0."
  }

  validation {
    condition     = var.resources.disk_limit_mib >= var.resources.disk_request_mib && var.resources.disk_limit_mib > var.resources.scratch_mib
    error_message = "Disk: limit >= request, and room beside the scratch space for the log."
  }
}

variable "one_zone" {
  description = "Whether the nodes may all be in one zone: then pods spread where they can, and run where they cannot."
  type        = bool
  default     = false
  nullable    = false
}

variable "rollout" {
  description = "How a new version comes: surge in percent of the replicas, times in seconds."
  type = object({
    surge_percent      = number
    min_ready_s        = number
    progress_timeout_s = number
    timeout_s          = number
  })

  validation {
    condition     = var.rollout.surge_percent > 0
    error_message = "No pod may go before another has come: the surge is above 0."
  }

  validation {
    condition     = var.rollout.min_ready_s < var.rollout.progress_timeout_s && var.rollout.progress_timeout_s <= var.rollout.timeout_s
    error_message = "min_ready_s < progress_timeout_s <= timeout_s."
  }
}

variable "scaling" {
  description = "What the autoscaler aims at (percent of the CPU request) and how fast it moves."
  type = object({
    utilisation = number
    up          = object({ percent = number, period_s = number, window_s = number })
    down        = object({ percent = number, period_s = number, window_s = number })
  })

  validation {
    condition     = var.scaling.utilisation > 0 && var.scaling.utilisation < 100
    error_message = "Between 1 and 99 percent."
  }

  validation {
    condition     = var.scaling.down.window_s >= 300 && var.scaling.down.window_s > var.scaling.up.window_s
    error_message = "Scaling down waits longer than a pod takes to start, or it swings."
  }
}

variable "probes" {
  description = "Probes of a pod, in seconds."
  type = object({
    startup   = object({ period_s = number, timeout_s = number, failures = number })
    readiness = object({ period_s = number, timeout_s = number, failures = number })
    liveness  = object({ period_s = number, timeout_s = number, failures = number })
  })

  validation {
    condition     = alltrue([for probe in values(var.probes) : probe.timeout_s <= probe.period_s && probe.failures >= 1])
    error_message = "A probe ends before the next one begins."
  }

  validation {
    condition     = var.probes.liveness.period_s * var.probes.liveness.failures > var.probes.readiness.period_s * var.probes.readiness.failures
    error_message = "A pod that is in trouble gets no more requests before it is restarted."
  }
}

variable "shutdown" {
  description = "Seconds before the process hears of its end, in which it closes kept connections, and for all of it."
  type = object({
    pre_stop_s = number
    drain_s    = number
    grace_s    = number
  })

  validation {
    condition     = var.shutdown.grace_s > var.shutdown.pre_stop_s + var.shutdown.drain_s
    error_message = "The grace period covers preStop, the drain and the requests that are under way."
  }
}

variable "migration" {
  description = "The Job that migrates the database: CPU in millicores, memory in MiB, all tries together in seconds."
  type = object({
    cpu_request_m = number
    cpu_limit_m   = number
    memory_mib    = number
    retries       = number
    deadline_s    = number
  })

  validation {
    condition     = var.migration.cpu_limit_m >= var.migration.cpu_request_m && var.migration.deadline_s > 0 && var.migration.retries >= 0
    error_message = "CPU: limit >= request; the deadline is above 0."
  }
}

variable "priority_class" {
  description = "PriorityClass of the pods."
  type        = string

  validation {
    condition     = !startswith(var.priority_class, "system-")
    error_message = "Those of the cluster itself are not for services."
  }
}

variable "otlp_endpoint" {
  description = "Where traces go: an OTLP collector over HTTP."
  type        = string

  validation {
    condition     = can(regex("^https?://[^/]+$", var.otlp_endpoint))
    error_message = "A URL without a path: http://otel-collector.observability:4318."
  }
}

variable "gateway_namespace" {
  description = "Namespace from which requests of the outside come."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.gateway_namespace))
    error_message = "A namespace has a DNS label for its name."
  }
}

variable "calls" {
  description = "Services that this one calls."
  type        = set(string)
  default     = []

  validation {
    condition     = !contains(var.calls, var.name)
    error_message = "A service does not call itself over the network."
  }
}

variable "called_by" {
  description = "Services that call this one."
  type        = set(string)
  default     = []

  validation {
    condition     = !contains(var.called_by, var.name)
    error_message = "A service does not call itself over the network."
  }
}

variable "sidecar" {
  description = "What the mesh's proxy beside the service gets; null without one."
  type = object({
    cpu_request_m = number
    cpu_limit_m   = number
    memory_mib    = number
  })
  default = null

  validation {
    condition     = var.sidecar == null ? true : var.sidecar.cpu_limit_m >= var.sidecar.cpu_request_m
    error_message = "CPU: limit >= request."
  }
}

variable "service_annotations" {
  description = "What a gateway reads from the Service that its routes lead to."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.service_annotations) : can(regex("^[a-z0-9.-]+/[A-Za-z0-9._-]+$", key))])
    error_message = "An annotation is named DOMAIN/NAME."
  }
}

variable "settings" {
  description = "Further settings of the service, as environment variables; secrets are files."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "A setting is named in upper case."
  }
}
