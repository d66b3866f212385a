mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name        = "shop-prod"
  environment = "prod"

  services = {
    order = {
      image     = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/order@sha256:0000000000000000000000000000000000000000000000000000000000000000"
      package   = "order_service"
      paths     = ["/v1/orders"]
      publishes = true
      functions = {
        api     = { memory_mib = 1024, timeout_s = 3, reserved = 80, provisioned = 4, pool_size = 2 }
        relay   = { memory_mib = 512, timeout_s = 65, reserved = 2, pool_size = 2 }
        migrate = { memory_mib = 512, timeout_s = 900, reserved = 1, pool_size = 2 }
      }
    }
    payment = {
      image   = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/payment@sha256:1111111111111111111111111111111111111111111111111111111111111111"
      package = "payment_service"
      paths   = ["/v1/payments"]
      functions = {
        api     = { memory_mib = 1024, timeout_s = 3, reserved = 20, pool_size = 2 }
        worker  = { memory_mib = 1024, timeout_s = 20, reserved = 2, pool_size = 4 }
        migrate = { memory_mib = 512, timeout_s = 900, reserved = 1, pool_size = 2 }
      }
      consumers = {
        payment = { types = ["order.placed"], batch_size = 10, readers = 2, visibility_s = 120 }
      }
    }
  }

  network = {
    vpc_id     = "vpc-0123456789abcdef0"
    cidr       = "10.30.0.0/16"
    subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  }

  database = {
    instances       = 2
    min_capacity    = 1
    max_capacity    = 8
    max_connections = 100
    proxy_percent   = 80
    backup_days     = 30
    timeouts        = { statement_ms = 2000, lock_ms = 1000, idle_in_transaction_ms = 10000, slow_ms = 500 }
  }

  events = { retention_s = 259200, dead_retention_s = 518400, late_s = 300 }

  api = {
    timeout_ms  = 3300
    throttle    = { rps = 400, burst = 800, duration_s = 0.2 }
    error_share = 0.01
    latency_ms  = 400
  }

  log_days = 30
}

run "a_function_for_each_role" {
  command = plan

  assert {
    condition     = toset(keys(module.function)) == toset(["order", "order-relay", "order-migrate", "payment", "payment-worker", "payment-migrate"])
    error_message = "Not every role has its function."
  }
  assert {
    condition     = toset(keys(output.migrations)) == toset(["order", "payment"])
    error_message = "A release migrates every service."
  }
  assert {
    condition     = toset(keys(output.secrets)) == toset(["order", "order/direct", "order/login", "payment", "payment/direct", "payment/login"])
    error_message = "Three entries for each service."
  }
}

run "a_cache_where_one_is_asked_for" {
  command = plan

  variables {
    cache = { node_type = "cache.t4g.small", nodes = 2, reserved_percent = 25 }
  }

  assert {
    condition     = length(module.redis) == 1
    error_message = "No cache."
  }
}

run "nothing_travels_by_events" {
  command = plan

  variables {
    events = null
    services = {
      note = {
        image   = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/notes/note@sha256:0000000000000000000000000000000000000000000000000000000000000000"
        package = "note_service"
        paths   = ["/v1/notes"]
        functions = {
          api     = { memory_mib = 1024, timeout_s = 3, reserved = 100, pool_size = 2 }
          migrate = { memory_mib = 512, timeout_s = 900, reserved = 1, pool_size = 2 }
        }
      }
    }
  }

  assert {
    condition     = length(module.events) == 0
    error_message = "A bus that nobody uses."
  }
}

run "a_relay_of_nothing" {
  command = plan

  variables {
    services = {
      note = {
        image   = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/notes/note@sha256:0000000000000000000000000000000000000000000000000000000000000000"
        package = "note_service"
        paths   = ["/v1/notes"]
        functions = {
          api     = { memory_mib = 1024, timeout_s = 3, reserved = 100, pool_size = 2 }
          relay   = { memory_mib = 512, timeout_s = 65, reserved = 2, pool_size = 2 }
          migrate = { memory_mib = 512, timeout_s = 900, reserved = 1, pool_size = 2 }
        }
      }
    }
  }

  expect_failures = [var.services]
}

run "more_than_the_account_allows" {
  command = plan

  variables {
    account_concurrency = 150
  }

  expect_failures = [check.account]
}
