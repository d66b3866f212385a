# The whole system as functions: what it is made of is here, how large it is comes from the environment.
data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  functions = merge([for service, plan in var.services : {
    for role, size in plan.functions : role == "api" ? service : "${service}-${role}" => merge(size, { service = service, role = role })
  }]...)
  # Those that hold a lock of their session, or own the tables, get to the database itself.
  direct    = ["relay", "migrate"]
  consumers = merge([for service, plan in var.services : { for name, consumer in plan.consumers : name => merge(consumer, { service = service }) }]...)
}

resource "aws_kms_key" "this" {
  description             = "Data of ${var.name}."
  enable_key_rotation     = true
  deletion_window_in_days = var.recovery_days

  # The account's administrators give access to it by IAM, as to everything else.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "kms:*"
        Resource  = "*"
        Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
      },
      { # logs
        Effect    = "Allow"
        Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
        Resource  = "*"
        Principal = { Service = "logs.${data.aws_region.current.region}.amazonaws.com" }
      },
      { # events on their way, and alarms
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"]
        Resource  = "*"
        Principal = { Service = ["cloudwatch.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com"] }
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
    ]
  })

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}

# Whoever is to be woken subscribes here.
resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = aws_kms_key.this.arn
}

# For each service what its functions read (SERVICE), what those read that get to the database itself (SERVICE/direct),
# and the login that the proxy uses (SERVICE/login).
module "secrets" {
  source = "../secrets"

  prefix        = var.name
  names         = toset(flatten([for service in keys(var.services) : [service, "${service}/direct", "${service}/login"]]))
  kms_key_arn   = aws_kms_key.this.arn
  recovery_days = var.recovery_days
}

module "network" {
  source = "../network"

  name          = var.name
  vpc_id        = var.network.vpc_id
  cidr          = var.network.cidr
  subnet_ids    = var.network.subnet_ids
  services      = length(local.consumers) > 0 || anytrue([for plan in var.services : plan.publishes]) ? ["secretsmanager", "events", "sqs"] : ["secretsmanager"]
  ports         = merge({ PostgreSQL = 5432, Endpoints = 443 }, var.cache == null ? {} : { Redis = 6379 })
  outside_cidrs = var.network.outside_cidrs
}

module "database" {
  source = "../aurora"

  name                     = var.name
  vpc_id                   = var.network.vpc_id
  subnet_ids               = var.network.subnet_ids
  client_security_group_id = module.network.security_group_id
  kms_key_arn              = aws_kms_key.this.arn
  instances                = var.database.instances
  capacity                 = { min = var.database.min_capacity, max = var.database.max_capacity }
  max_connections          = var.database.max_connections
  timeouts                 = var.database.timeouts
  login_secret_arns        = { for service in keys(var.services) : service => module.secrets.arns["${service}/login"] }
  proxy_percent            = var.database.proxy_percent
  backup_days              = var.database.backup_days
  alarm_topic_arn          = aws_sns_topic.alarms.arn
}

module "redis" {
  source = "../redis"
  count  = var.cache == null ? 0 : 1

  name             = var.name
  vpc_id           = var.network.vpc_id
  subnet_ids       = var.network.subnet_ids
  client_cidr      = var.network.cidr
  kms_key_arn      = aws_kms_key.this.arn
  node_type        = var.cache.node_type
  nodes            = var.cache.nodes
  reserved_percent = var.cache.reserved_percent
}

module "events" {
  source = "../events"
  count  = length(local.consumers) > 0 ? 1 : 0

  name = var.name
  consumers = {
    for name, consumer in local.consumers : name => {
      types            = consumer.types
      function_timeout = var.services[consumer.service].functions["worker"].timeout_s
      window_s         = 0
      visibility_s     = consumer.visibility_s
    }
  }
  retention_s      = var.events.retention_s
  dead_retention_s = var.events.dead_retention_s
  max_receives     = 100
  late_s           = var.events.late_s
  kms_key_arn      = aws_kms_key.this.arn
  alarm_topic_arn  = aws_sns_topic.alarms.arn
}

module "function" {
  source   = "../function"
  for_each = local.functions

  name                    = "${var.name}-${each.key}"
  description             = "${each.value.service}: ${each.value.role}."
  image                   = var.services[each.value.service].image
  command                 = ["python", "-m", "${var.services[each.value.service].package}.gen.functions", each.value.role]
  memory_mib              = each.value.memory_mib
  timeout_s               = each.value.timeout_s
  reserved_concurrency    = each.value.reserved
  provisioned_concurrency = each.value.provisioned
  secret_arn              = module.secrets.arns[contains(local.direct, each.value.role) ? "${each.value.service}/direct" : each.value.service]
  kms_key_arn             = aws_kms_key.this.arn
  subnet_ids              = var.network.subnet_ids
  security_group_ids      = [module.network.security_group_id]
  log_days                = var.log_days
  alarm_topic_arn         = aws_sns_topic.alarms.arn
  schedule                = each.value.role == "relay" ? "rate(1 minute)" : null

  environment = merge(var.services[each.value.service].environment, { for name in var.services[each.value.service].peers : name => module.api.url }, {
    BROKER_NAMESPACE = var.name
    BROKER_URL       = "aws://${data.aws_region.current.region}"
    DB_POOLER        = tostring(!contains(local.direct, each.value.role))
    DB_POOL_MAX      = tostring(each.value.pool_size)
    DB_POOL_MIN      = "1"
    DRAIN_DELAY_S    = "0"
    ENVIRONMENT      = var.environment
  })

  queues = each.value.role != "worker" ? {} : {
    for name, consumer in local.consumers : name => {
      arn         = module.events[0].queues[name].arn
      dead_arn    = module.events[0].queues[name].dead_arn
      batch_size  = consumer.batch_size
      window_s    = 0
      concurrency = consumer.readers
    } if consumer.service == each.value.service
  }
  statements = each.value.role != "relay" ? [] : [{
    sid       = "Publish"
    actions   = ["events:PutEvents"]
    resources = [module.events[0].bus_arn]
  }]
}

module "api" {
  source = "../api"

  name = var.name
  functions = {
    for service, plan in var.services : service => {
      name                 = module.function[service].name
      alias                = module.function[service].alias
      invoke_arn           = module.function[service].invoke_arn
      reserved_concurrency = plan.functions["api"].reserved
      paths                = plan.paths
    }
  }
  issuer          = var.api.issuer
  cors_origins    = var.api.cors_origins
  domain          = var.api.domain
  timeout_ms      = var.api.timeout_ms
  throttle        = var.api.throttle
  error_share     = var.api.error_share
  latency_ms      = var.api.latency_ms
  log_days        = var.log_days
  kms_key_arn     = aws_kms_key.this.arn
  alarm_topic_arn = aws_sns_topic.alarms.arn
}

# What one plan cannot see by itself: the numbers of all functions together.
check "account" {
  assert {
    condition     = sum([for size in values(local.functions) : size.reserved]) <= var.account_concurrency - 100
    error_message = "The functions reserve more than the account allows, less the hundred that AWS keeps free: ask for a higher quota."
  }
}

check "connections" {
  assert {
    condition     = sum(concat([0], [for size in values(local.functions) : size.reserved * size.pool_size if contains(local.direct, size.role)])) <= var.database.max_connections * (100 - var.database.proxy_percent) / 100
    error_message = "Relays and migrations may open more connections than the proxy leaves them."
  }
}
