resource "aws_cloudwatch_event_bus" "this" {
  name               = var.name
  kms_key_identifier = var.kms_key_arn
}

resource "aws_sqs_queue" "dead" {
  for_each = var.consumers

  name                              = "${var.name}-${each.key}-dead"
  message_retention_seconds         = var.dead_retention_s
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = 3600
}

resource "aws_sqs_queue" "this" {
  for_each = var.consumers

  name                              = "${var.name}-${each.key}"
  message_retention_seconds         = var.retention_s
  visibility_timeout_seconds        = each.value.visibility_s
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = 3600
  # The last resort: what fails is counted, and buried, by the consumer, which may do so at any of these receives.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead[each.key].arn
    maxReceiveCount     = var.max_receives
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "this" {
  for_each = var.consumers

  queue_url = aws_sqs_queue.dead[each.key].id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this[each.key].arn]
  })
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = var.consumers

  name           = "${var.name}-${each.key}"
  description    = "What ${each.key} consumes."
  event_bus_name = aws_cloudwatch_event_bus.this.name
  event_pattern  = jsonencode({ source = [var.name], detail-type = sort(each.value.types) })
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = var.consumers

  rule           = aws_cloudwatch_event_rule.this[each.key].name
  event_bus_name = aws_cloudwatch_event_bus.this.name
  target_id      = "queue"
  arn            = aws_sqs_queue.this[each.key].arn

  dead_letter_config {
    arn = aws_sqs_queue.dead[each.key].arn
  }
}

# The bus may fill the queue, and, with what the queue did not take, the dead letters: nobody else may send.
data "aws_iam_policy_document" "this" {
  for_each = { for pair in setproduct(keys(var.consumers), ["", "-dead"]) : "${pair[0]}${pair[1]}" => pair }

  statement {
    sid       = "Rule"
    actions   = ["sqs:SendMessage"]
    resources = [each.value[1] == "" ? aws_sqs_queue.this[each.value[0]].arn : aws_sqs_queue.dead[each.value[0]].arn]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.this[each.value[0]].arn]
    }
  }
}

resource "aws_sqs_queue_policy" "this" {
  for_each = data.aws_iam_policy_document.this

  queue_url = endswith(each.key, "-dead") ? aws_sqs_queue.dead[trimsuffix(each.key, "-dead")].id : aws_sqs_queue.this[each.key].id
  policy    = each.value.json
}

resource "aws_cloudwatch_metric_alarm" "dead" {
  for_each = var.consumers

  alarm_name          = "${var.name}-${each.key}-dead-letters"
  alarm_description   = "${each.key} has dead letters: find the reason in their attributes, repair it, and start a redrive."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead[each.key].name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarm_topic_arn]
  ok_actions          = [var.alarm_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "late" {
  for_each = var.consumers

  alarm_name          = "${var.name}-${each.key}-late"
  alarm_description   = "${each.key} applies events later than ${var.late_s} seconds after they came."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.this[each.key].name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.late_s
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarm_topic_arn]
  ok_actions          = [var.alarm_topic_arn]
}
