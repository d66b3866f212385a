locals {
  port    = 9096 # SASL/SCRAM over TLS
  subnets = slice(sort(var.subnet_ids), 0, min(var.nodes, length(var.subnet_ids)))
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
  from_port         = local.port
  to_port           = local.port
}

resource "aws_msk_configuration" "this" {
  name           = var.name
  kafka_versions = [var.kafka_version]

  # Topics are made by the topology of each service, with the same numbers.
  server_properties = <<-EOT
    auto.create.topics.enable=false
    default.replication.factor=${var.copies}
    min.insync.replicas=${max(1, var.copies - 1)}
    unclean.leader.election.enable=false
  EOT

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/msk/${var.name}"
  kms_key_id        = var.kms_key_arn
  retention_in_days = 365
}

# Users of the broker are secrets with this prefix. Terraform makes the first one, and never sees what it holds.
resource "aws_secretsmanager_secret" "user" {
  #checkov:skip=CKV2_AWS_57:A password changes in the services' secrets at the same time; no function here could
  name                    = "AmazonMSK_${var.name}"
  description             = "User of the services: username and password."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = 30
}

resource "aws_msk_cluster" "this" {
  cluster_name           = var.name
  kafka_version          = var.kafka_version
  number_of_broker_nodes = ceil(var.nodes / length(local.subnets)) * length(local.subnets)

  broker_node_group_info {
    instance_type   = var.node_type
    client_subnets  = local.subnets
    security_groups = [aws_security_group.this.id]
    storage_info {
      ebs_storage_info {
        volume_size = var.storage_gib
      }
    }
  }

  configuration_info {
    arn      = aws_msk_configuration.this.arn
    revision = aws_msk_configuration.this.latest_revision
  }

  client_authentication {
    unauthenticated = false
    sasl {
      scram = true
    }
  }

  encryption_info {
    encryption_at_rest_kms_key_arn = var.kms_key_arn
    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }

  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.this.name
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
