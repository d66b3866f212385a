# What holds in every environment; all numbers are those of architecture/blueprint.yaml. An environment
# adds its replicas, its quota and the size of its data services.
locals {
  system = "market"

  services = {
    "catalog" = {
      calls         = []
      called_by     = ["order", "order-worker"]
      cpu_request_m = 500
      cpu_limit_m   = 1000
      memory_mib    = 320
      pool          = 4
      cache_pool    = 4
      package       = "catalog_service"
      processes = {
        relay = { cpu_request_m = 150, memory_mib = 256, pool = 2, proxied = false }
      }
    }
    "order" = {
      calls         = ["catalog"]
      called_by     = []
      cpu_request_m = 500
      cpu_limit_m   = 1000
      memory_mib    = 320
      pool          = 5
      cache_pool    = 0
      package       = "order_service"
      processes = {
        relay  = { cpu_request_m = 150, memory_mib = 256, pool = 2, proxied = false }
        worker = { cpu_request_m = 500, memory_mib = 256, pool = 5, proxied = true }
      }
    }
    "payment" = {
      calls         = []
      called_by     = []
      cpu_request_m = 500
      cpu_limit_m   = 1000
      memory_mib    = 320
      pool          = 5
      cache_pool    = 0
      package       = "payment_service"
      processes = {
        relay  = { cpu_request_m = 100, memory_mib = 256, pool = 2, proxied = false }
        worker = { cpu_request_m = 500, memory_mib = 256, pool = 5, proxied = false }
      }
    }
    "shipping" = {
      calls         = []
      called_by     = []
      cpu_request_m = 500
      cpu_limit_m   = 1000
      memory_mib    = 320
      pool          = 5
      cache_pool    = 0
      package       = "shipping_service"
      processes = {
        relay  = { cpu_request_m = 100, memory_mib = 256, pool = 2, proxied = false }
        worker = { cpu_request_m = 500, memory_mib = 256, pool = 5, proxied = false }
      }
    }
    "notification" = {
      calls         = []
      called_by     = []
      cpu_request_m = 500
      cpu_limit_m   = 1000
      memory_mib    = 320
      pool          = 5
      cache_pool    = 0
      package       = "notification_service"
      processes = {
        worker = { cpu_request_m = 500, memory_mib = 256, pool = 5, proxied = false }
      }
    }
    "search" = {
      calls         = []
      called_by     = []
      cpu_request_m = 500
      cpu_limit_m   = 1000
      memory_mib    = 320
      pool          = 4
      cache_pool    = 4
      package       = "search_service"
      processes = {
        worker = { cpu_request_m = 500, memory_mib = 256, pool = 4, proxied = false }
      }
    }
  }

  ports             = { http = 8000, metrics = 9000 }
  gateway_namespace = "istio-ingress"
  otlp_endpoint     = "http://otel-collector.observability:4318"

  telemetry = {
    namespace    = "observability"
    metrics_port = local.ports.metrics
    otlp_port    = 4318
  }
  priority_class = {
    name  = "market-standard"
    value = 1000
  }
  broker_port = 4222
  sidecar = {
    cpu_request_m = 100
    cpu_limit_m   = 1000
    memory_mib    = 256
  }

  service_annotations = {}

  disk = {
    disk_request_mib = 64
    disk_limit_mib   = 256
    scratch_mib      = 64
  }
  limits = {
    max_cpu_m          = 1000
    max_memory_mib     = 320
    task_cpu_request_m = local.migration.cpu_request_m
    task_cpu_limit_m   = local.migration.cpu_limit_m
    task_memory_mib    = local.migration.memory_mib
    disk_request_mib   = local.disk.disk_request_mib
    disk_limit_mib     = local.disk.disk_limit_mib
  }
  migration = {
    cpu_request_m = 100
    cpu_limit_m   = 500
    memory_mib    = 256
    retries       = 2
    deadline_s    = 900
  }
  rollout = {
    surge_percent      = 25
    min_ready_s        = 10
    progress_timeout_s = 300
    timeout_s          = 1200
  }
  scaling = {
    utilisation = 65
    up          = { percent = 100, period_s = 30, window_s = 0 }
    down        = { percent = 25, period_s = 60, window_s = 300 }
  }
  probes = {
    startup   = { period_s = 2, timeout_s = 2, failures = 30 }
    readiness = { period_s = 5, timeout_s = 2, failures = 3 }
    liveness  = { period_s = 10, timeout_s = 3, failures = 6 }
  }
  shutdown = {
    pre_stop_s = 5
    drain_s    = 5
    grace_s    = 22
  }
  timeouts = {
    statement_ms           = 576
    lock_ms                = 288
    idle_in_transaction_ms = 10000
    slow_ms                = 400
  }

  other_connections = 10 # the superuser, people, backups and migrations
  recovery_days     = 30
  cache_clients     = 65000 # that ElastiCache takes
  cache_reserved    = 25
}
