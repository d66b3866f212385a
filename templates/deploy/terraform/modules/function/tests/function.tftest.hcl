mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name                 = "shop-prod-order-worker"
  description          = "Applies the events that order consumes."
  image                = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/order@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  command              = ["python", "-m", "shop_order.gen.functions", "worker"]
  environment          = { BROKER_URL = "aws://eu-central-1" }
  secret_arn           = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop-prod/order-AbCdEf"
  kms_key_arn          = "arn:aws:kms:eu-central-1:111122223333:key/0"
  memory_mib           = 1024
  timeout_s            = 30
  reserved_concurrency = 4
  subnet_ids           = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  security_group_ids   = ["sg-0123456789abcdef0"]
  log_days             = 30
  alarm_topic_arn      = "arn:aws:sns:eu-central-1:111122223333:alarms"
  queues = {
    order = {
      arn         = "arn:aws:sqs:eu-central-1:111122223333:shop-prod-order"
      dead_arn    = "arn:aws:sqs:eu-central-1:111122223333:shop-prod-order-dead"
      batch_size  = 10
      window_s    = 0
      concurrency = 2
    }
  }
}

run "queues" {
  command = plan

  assert {
    condition     = tolist(aws_lambda_event_source_mapping.this["order"].function_response_types) == tolist(["ReportBatchItemFailures"])
    error_message = "Only what failed comes again."
  }
  assert {
    condition     = aws_lambda_function.this.architectures[0] == "arm64" && aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "On arm64, and traced."
  }
  assert {
    condition     = length(aws_scheduler_schedule.this) == 0 && contains(keys(aws_cloudwatch_metric_alarm.this), "duration")
    error_message = "Nobody starts it by the clock, and it has a duration to watch."
  }
  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.this.statement : !contains(statement.resources, "*") if statement.sid != "Logs"])
    error_message = "Exact actions on exact resources."
  }
}

run "schedule" {
  command = plan

  variables {
    queues   = {}
    schedule = "rate(1 minute)"
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.this[0].maximum_retry_attempts == 0
    error_message = "The next start is a minute away."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.silent) == 1 && !contains(keys(aws_cloudwatch_metric_alarm.this), "duration")
    error_message = "It runs to its end each time; what matters is that it is started."
  }
}

run "readers_beyond_the_reserve" {
  command = plan

  variables {
    reserved_concurrency = 1
  }

  expect_failures = [var.queues]
}

run "image_by_tag" {
  command = plan

  variables {
    image = "shop/order:1.0.0"
  }

  expect_failures = [var.image]
}

run "secret_in_the_open" {
  command = plan

  variables {
    environment = { DATABASE_URL = "postgresql://host/order" }
  }

  expect_failures = [var.environment]
}

run "any_action" {
  command = plan

  variables {
    statements = [{ sid = "All", actions = ["events:*"], resources = ["arn:aws:events:eu-central-1:111122223333:event-bus/shop"] }]
  }

  expect_failures = [var.statements]
}
