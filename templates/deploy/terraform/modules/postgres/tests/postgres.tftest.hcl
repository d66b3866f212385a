mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name            = "shop-prod"
  vpc_id          = "vpc-0123456789abcdef0"
  subnet_ids      = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_cidr     = "10.30.0.0/16"
  kms_key_arn     = "arn:aws:kms:eu-central-1:111122223333:key/0"
  instance_class  = "db.r7g.large"
  storage_gib     = 100
  max_storage_gib = 200
  max_connections = 180
  multi_az        = true
  backup_days     = 30
  timeouts        = { statement_ms = 576, lock_ms = 288, idle_in_transaction_ms = 10000, slow_ms = 400 }
}

run "protected" {
  command = plan

  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.deletion_protection && !aws_db_instance.this.publicly_accessible
    error_message = "Encrypted, protected against deletion, and private."
  }
  assert {
    condition     = aws_db_instance.this.manage_master_user_password
    error_message = "The administrator's password belongs in no state."
  }
}

run "numbers_reach_the_server" {
  command = plan

  assert {
    condition     = { for p in aws_db_parameter_group.this.parameter : p.name => p.value }["max_connections"] == "180"
    error_message = "The pools are sized for max_connections."
  }
  assert {
    condition     = { for p in aws_db_parameter_group.this.parameter : p.name => p.value }["statement_timeout"] == "576"
    error_message = "A statement that nobody waits for has to end."
  }
}

run "lock_outlasts_the_statement" {
  command = plan

  variables {
    timeouts = { statement_ms = 576, lock_ms = 600, idle_in_transaction_ms = 10000, slow_ms = 400 }
  }

  expect_failures = [var.timeouts]
}

run "backups_of_a_day" {
  command = plan

  variables {
    backup_days = 1
  }

  expect_failures = [var.backup_days]
}

run "one_zone" {
  command = plan

  variables {
    subnet_ids = ["subnet-0123456789abcdef0"]
  }

  expect_failures = [var.subnet_ids]
}
