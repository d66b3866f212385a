locals {
  cluster = var.nodes > 1
}

resource "aws_security_group" "this" {
  name        = "${var.name}-broker"
  description = "The broker, for the cluster alone."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  security_group_id = aws_security_group.this.id
  description       = "Pods of the cluster"
  cidr_ipv4         = var.client_cidr
  ip_protocol       = "tcp"
  from_port         = 5671
  to_port           = 5671
}

# The first password only: the state knows it, so it is changed before anything uses the broker (README).
resource "random_password" "first" {
  length  = 32
  special = false
}

resource "aws_mq_broker" "this" {
  broker_name                = var.name
  engine_type                = "RabbitMQ"
  engine_version             = var.engine_version
  host_instance_type         = var.node_type
  deployment_mode            = local.cluster ? "CLUSTER_MULTI_AZ" : "SINGLE_INSTANCE"
  subnet_ids                 = local.cluster ? sort(var.subnet_ids) : slice(sort(var.subnet_ids), 0, 1)
  security_groups            = [aws_security_group.this.id]
  publicly_accessible        = false
  auto_minor_version_upgrade = true

  encryption_options {
    kms_key_id        = var.kms_key_arn
    use_aws_owned_key = false
  }

  logs {
    general = true
  }

  user {
    username = "services"
    password = random_password.first.result
  }

  lifecycle {
    ignore_changes  = [user]
    prevent_destroy = true
  }
}
