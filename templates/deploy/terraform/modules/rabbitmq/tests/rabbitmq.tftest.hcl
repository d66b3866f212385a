mock_provider "aws" {
  mock_resource "aws_mq_broker" {
    defaults = {
      instances = [{ console_url = "", ip_address = "", endpoints = ["amqps://b-0.mq.eu-central-1.amazonaws.com:5671"] }]
    }
  }
}

mock_provider "random" {}

variables {
  name        = "shop-prod"
  vpc_id      = "vpc-0123456789abcdef0"
  client_cidr = "10.30.0.0/16"
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/0"
  subnet_ids  = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-0123456789abcdef2"]
  node_type   = "mq.m7g.large"
  nodes       = 3
}

run "encrypted_and_private" {
  command = plan

  assert {
    condition     = !aws_mq_broker.this.publicly_accessible && !aws_mq_broker.this.encryption_options[0].use_aws_owned_key
    error_message = "Private, and encrypted with the system's own key."
  }
  assert {
    condition     = aws_mq_broker.this.deployment_mode == "CLUSTER_MULTI_AZ"
    error_message = "Three nodes are a cluster."
  }
}

run "one_node" {
  command = plan

  variables {
    nodes = 1
  }

  assert {
    condition     = length(aws_mq_broker.this.subnet_ids) == 1 && aws_mq_broker.this.deployment_mode == "SINGLE_INSTANCE"
    error_message = "A single instance is in one subnet."
  }
}

run "two_nodes" {
  command = plan

  variables {
    nodes = 2
  }

  expect_failures = [var.nodes]
}
