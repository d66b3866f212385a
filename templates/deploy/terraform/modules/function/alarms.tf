# What somebody has to look at; each goes to the topic that the environment names.
locals {
  alarms = merge(
    {
      errors = {
        metric    = "Errors"
        statistic = "Sum"
        threshold = 0
        says      = "Invocations of ${var.name} fail."
      }
      throttles = {
        metric    = "Throttles"
        statistic = "Sum"
        threshold = 0
        says      = "${var.name} has no concurrency left: the blueprint reserves ${var.reserved_concurrency}."
      }
    },
    var.schedule != null ? {} : {
      duration = {
        metric    = "Duration"
        statistic = "p99"
        threshold = 800 * var.timeout_s
        says      = "${var.name} needs more than 80 % of its time-out."
      }
    },
    # A few at a time are all in use whenever there is work.
    var.schedule != null || var.reserved_concurrency < 5 ? {} : {
      concurrency = {
        metric    = "ConcurrentExecutions"
        statistic = "Maximum"
        threshold = floor(0.8 * var.reserved_concurrency)
        says      = "${var.name} uses more than 80 % of the concurrency that is reserved for it."
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
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

# A relay that is not started publishes nothing, and nothing of it fails.
resource "aws_cloudwatch_metric_alarm" "silent" {
  count = var.schedule == null ? 0 : 1

  alarm_name          = "${var.name}-silent"
  alarm_description   = "${var.name} is not started any more."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching"
  alarm_actions       = [var.alarm_topic_arn]
  ok_actions          = [var.alarm_topic_arn]
}
