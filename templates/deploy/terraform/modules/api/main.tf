resource "aws_apigatewayv2_api" "this" {
  name                         = var.name
  description                  = "The API of the system: each path belongs to one function."
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = var.domain != null

  dynamic "cors_configuration" {
    for_each = length(var.cors_origins) > 0 ? [true] : []

    content {
      allow_origins  = var.cors_origins
      allow_methods  = ["GET", "POST", "PATCH", "DELETE"]
      allow_headers  = ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "x-api-key"]
      expose_headers = ["etag", "idempotency-replayed", "location", "retry-after", "x-request-id"]
      max_age        = 600
    }
  }
}

resource "aws_apigatewayv2_authorizer" "this" {
  count = var.issuer == null ? 0 : 1

  api_id           = aws_apigatewayv2_api.this.id
  name             = "access-tokens"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    issuer   = var.issuer.url
    audience = var.issuer.audience
  }
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = var.functions

  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = each.value.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = var.timeout_ms
}

locals {
  routes = merge([for name, function in var.functions : {
    for path in function.paths : path => name
  }]...)
  # A path by itself, and everything below it.
  keys = merge([for path, name in local.routes : { "ANY ${path}" = name, "ANY ${path}/{proxy+}" = name }]...)
}

resource "aws_apigatewayv2_route" "this" {
  #checkov:skip=CKV_AWS_309:The services judge credentials themselves; where they are access tokens, the gateway judges them before
  for_each = local.keys

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.this[each.value].id}"
  authorization_type = var.issuer == null ? "NONE" : "JWT"
  authorizer_id      = var.issuer == null ? null : aws_apigatewayv2_authorizer.this[0].id
}

resource "aws_lambda_permission" "this" {
  for_each = var.functions

  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = each.value.name
  qualifier     = each.value.alias
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*"
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_338:How long logs are kept is a number of the blueprint
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      request_id  = "$context.requestId"
      ip          = "$context.identity.sourceIp"
      time        = "$context.requestTime"
      route       = "$context.routeKey"
      status      = "$context.status"
      bytes       = "$context.responseLength"
      duration_ms = "$context.responseLatency"
      function_ms = "$context.integrationLatency"
      error       = "$context.error.message"
    })
  }

  default_route_settings {
    throttling_rate_limit    = var.throttle.rps
    throttling_burst_limit   = var.throttle.burst
    detailed_metrics_enabled = true
  }
}

resource "aws_apigatewayv2_domain_name" "this" {
  count = var.domain == null ? 0 : 1

  domain_name = var.domain.name

  domain_name_configuration {
    certificate_arn = var.domain.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "this" {
  count = var.domain == null ? 0 : 1

  api_id      = aws_apigatewayv2_api.this.id
  domain_name = aws_apigatewayv2_domain_name.this[0].id
  stage       = aws_apigatewayv2_stage.this.id
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = {
    errors  = { metric = "5xx", statistic = "Average", threshold = var.error_share, says = "Requests fail: the objective allows a share of ${var.error_share}." }
    latency = { metric = "Latency", statistic = "p99", threshold = var.latency_ms, says = "Requests take longer than the objective allows." }
  }

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = "AWS/ApiGateway"
  metric_name         = each.value.metric
  dimensions          = { ApiId = aws_apigatewayv2_api.this.id }
  statistic           = startswith(each.value.statistic, "p") ? null : each.value.statistic
  extended_statistic  = startswith(each.value.statistic, "p") ? each.value.statistic : null
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarm_topic_arn]
  ok_actions          = [var.alarm_topic_arn]
}

# More requests than the functions have concurrency for would be throttled by Lambda, as errors; the API refuses them as 429.
check "throttle_fits" {
  assert {
    condition     = var.throttle.rps * var.throttle.duration_s <= sum([for function in values(var.functions) : function.reserved_concurrency])
    error_message = "The API lets more requests through than its functions have concurrency for."
  }
}
