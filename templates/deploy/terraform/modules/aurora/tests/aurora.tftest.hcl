mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/a" }
  }
}

variables {
  name                     = "shop-prod"
  vpc_id                   = "vpc-0123456789abcdef0"
  subnet_ids               = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_id = "sg-0123456789abcdef0"
  kms_key_arn              = "arn:aws:kms:eu-central-1:111122223333:key/0"
  instances                = 2
  capacity                 = { min = 1, max = 8 }
  max_connections          = 200
  timeouts                 = { statement_ms = 2000, lock_ms = 1000, idle_in_transaction_ms = 10000, slow_ms = 500 }
  login_secret_arns        = { order = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop-prod/order/login-AbCdEf" }
  proxy_percent            = 80
  backup_days              = 14
  alarm_topic_arn          = "arn:aws:sns:eu-central-1:111122223333:alarms"
}

run "encrypted_and_pooled" {
  command = plan

  assert {
    condition     = aws_rds_cluster.this.storage_encrypted && aws_rds_cluster.this.manage_master_user_password
    error_message = "Encrypted, and no password in the state."
  }
  assert {
    condition     = aws_db_proxy.this.require_tls && aws_db_proxy_default_target_group.this.connection_pool_config[0].max_connections_percent == 80
    error_message = "The proxy speaks TLS and leaves connections for others."
  }
  assert {
    condition     = alltrue([for instance in aws_rds_cluster_instance.this : instance.promotion_tier <= 1 && !instance.publicly_accessible])
    error_message = "A standby is as large as the writer, and private."
  }
}

run "all_connections" {
  command = plan

  variables {
    proxy_percent = 100
  }

  expect_failures = [var.proxy_percent]
}

run "shrinks_below_nothing" {
  command = plan

  variables {
    capacity = { min = 4, max = 2 }
  }

  expect_failures = [var.capacity]
}
