mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:111122223333:queue" }
  }
}

variables {
  name = "shop-prod"
  consumers = {
    payment = { types = ["order.placed"], function_timeout = 30, window_s = 0, visibility_s = 180 }
  }
  retention_s      = 345600
  dead_retention_s = 1209600
  max_receives     = 100
  late_s           = 300
  kms_key_arn      = "arn:aws:kms:eu-central-1:111122223333:key/0"
  alarm_topic_arn  = "arn:aws:sns:eu-central-1:111122223333:alarms"
}

run "a_queue_for_each_consumer" {
  command = apply

  assert {
    condition     = aws_sqs_queue.this["payment"].name == "shop-prod-payment" && aws_sqs_queue.dead["payment"].name == "shop-prod-payment-dead"
    error_message = "Named as the service names them."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.this["payment"].redrive_policy).maxReceiveCount == 100
    error_message = "The last resort is there."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["payment"].event_pattern) == { source = ["shop-prod"], "detail-type" = ["order.placed"] }
    error_message = "Exactly what the consumer reads."
  }
  assert {
    condition     = aws_sqs_queue.this["payment"].kms_master_key_id == var.kms_key_arn
    error_message = "Encrypted with the system's own key."
  }
}

run "visible_too_soon" {
  command = plan

  variables {
    consumers = {
      payment = { types = ["order.placed"], function_timeout = 30, window_s = 5, visibility_s = 180 }
    }
  }

  expect_failures = [var.consumers]
}

run "dead_letters_die_first" {
  command = plan

  variables {
    dead_retention_s = 3600
  }

  expect_failures = [var.dead_retention_s]
}
