mock_provider "aws" {}

variables {
  name = "shop-prod"
  functions = {
    order = {
      name                 = "shop-prod-order"
      alias                = "live"
      invoke_arn           = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-central-1:111122223333:function:shop-prod-order:live/invocations"
      reserved_concurrency = 40
      paths                = ["/v1/orders", "/v1/lines"]
    }
  }
  issuer          = { url = "https://id.example.com", audience = ["shop"] }
  timeout_ms      = 5000
  throttle        = { rps = 400, burst = 800, duration_s = 0.1 }
  error_share     = 0.01
  latency_ms      = 400
  log_days        = 30
  kms_key_arn     = "arn:aws:kms:eu-central-1:111122223333:key/0"
  alarm_topic_arn = "arn:aws:sns:eu-central-1:111122223333:alarms"
}

run "tokens" {
  command = plan

  assert {
    condition     = toset(keys(aws_apigatewayv2_route.this)) == toset(["ANY /v1/orders", "ANY /v1/orders/{proxy+}", "ANY /v1/lines", "ANY /v1/lines/{proxy+}"])
    error_message = "Each path, and what is below it."
  }
  assert {
    condition     = alltrue([for route in values(aws_apigatewayv2_route.this) : route.authorization_type == "JWT"])
    error_message = "No route without a token."
  }
  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].throttling_rate_limit == 400
    error_message = "The throttle of the blueprint."
  }
}

run "no_tokens" {
  command = plan

  variables {
    issuer = null
  }

  assert {
    condition     = length(aws_apigatewayv2_authorizer.this) == 0
    error_message = "Nothing judges tokens that nobody shows."
  }
}

run "too_slow" {
  command = plan

  variables {
    timeout_ms = 60000
  }

  expect_failures = [var.timeout_ms]
}

run "more_than_the_functions_take" {
  command = plan

  variables {
    throttle = { rps = 4000, burst = 800, duration_s = 0.1 }
  }

  expect_failures = [check.throttle_fits]
}

run "one_path_twice" {
  command = plan

  variables {
    functions = {
      order = { name = "a", alias = "live", invoke_arn = "arn:a", reserved_concurrency = 100, paths = ["/v1/orders"] }
      store = { name = "b", alias = "live", invoke_arn = "arn:b", reserved_concurrency = 100, paths = ["/v1/orders"] }
    }
  }

  expect_failures = [var.functions]
}
