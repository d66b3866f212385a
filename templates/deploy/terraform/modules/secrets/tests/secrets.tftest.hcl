mock_provider "aws" {}

variables {
  prefix        = "shop"
  names         = ["catalog", "orders"]
  kms_key_arn   = "arn:aws:kms:eu-central-1:111122223333:key/0"
  recovery_days = 30
}

run "named_as_the_cluster_asks" {
  command = plan

  assert {
    condition     = toset([for secret in aws_secretsmanager_secret.this : secret.name]) == toset(["shop/catalog", "shop/orders"])
    error_message = "The ExternalSecrets look for SYSTEM/SERVICE."
  }
}

run "gone_at_once" {
  command = plan

  variables {
    recovery_days = 0
  }

  expect_failures = [var.recovery_days]
}
