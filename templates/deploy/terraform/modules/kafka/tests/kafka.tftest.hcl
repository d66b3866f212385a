mock_provider "aws" {}

variables {
  name        = "shop-prod"
  vpc_id      = "vpc-0123456789abcdef0"
  client_cidr = "10.30.0.0/16"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/0"
  subnet_ids  = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-0123456789abcdef2"]
  node_type   = "kafka.m7g.large"
  nodes       = 3
  copies      = 3
  storage_gib = 10
}

run "encrypted_and_closed" {
  command = plan

  assert {
    condition     = aws_msk_cluster.this.encryption_info[0].encryption_in_transit[0].client_broker == "TLS" && aws_msk_cluster.this.client_authentication[0].sasl[0].scram
    error_message = "Encrypted on the way, and no user without a password."
  }
  assert {
    condition     = strcontains(aws_msk_configuration.this.server_properties, "min.insync.replicas=2")
    error_message = "One node may fail without stopping writes, and none may lose an event."
  }
}

run "fewer_zones" {
  command = plan

  variables {
    nodes  = 2
    copies = 1
  }

  assert {
    condition     = length(aws_msk_cluster.this.broker_node_group_info[0].client_subnets) == 2
    error_message = "One node in each zone."
  }
}

run "more_copies_than_nodes" {
  command = plan

  variables {
    copies = 5
  }

  expect_failures = [var.copies]
}

run "as_many_in_each_zone" {
  command = plan

  variables {
    nodes = 4
  }

  assert {
    condition     = aws_msk_cluster.this.number_of_broker_nodes == 6
    error_message = "Two in each of three zones."
  }
}

run "one_node" {
  command = plan

  variables {
    nodes  = 1
    copies = 1
  }

  expect_failures = [var.nodes]
}
