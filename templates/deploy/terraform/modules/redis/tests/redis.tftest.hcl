mock_provider "aws" {}

mock_provider "random" {}

variables {
  name             = "shop-prod"
  vpc_id           = "vpc-0123456789abcdef0"
  subnet_ids       = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_cidr      = "10.30.0.0/16"
  kms_key_arn      = "arn:aws:kms:eu-central-1:111122223333:key/0"
  node_type        = "cache.t4g.small"
  nodes            = 2
  reserved_percent = 25
}

run "encrypted" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && tobool(aws_elasticache_replication_group.this.at_rest_encryption_enabled)
    error_message = "Encrypted on the way and at rest."
  }
  assert {
    condition     = aws_elasticache_replication_group.this.multi_az_enabled && aws_elasticache_replication_group.this.automatic_failover_enabled
    error_message = "Two nodes, and the second one takes over."
  }
}

run "one_node" {
  command = plan

  variables {
    nodes = 1
  }

  assert {
    condition     = !aws_elasticache_replication_group.this.automatic_failover_enabled
    error_message = "ElastiCache refuses failover without a second node."
  }
}

run "no_room_for_copies" {
  command = plan

  variables {
    reserved_percent = 0
  }

  expect_failures = [var.reserved_percent]
}
