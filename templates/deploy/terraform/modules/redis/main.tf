resource "aws_elasticache_subnet_group" "this" {
  name        = var.name
  description = "Subnets of the cache."
  subnet_ids  = var.subnet_ids
}

resource "aws_security_group" "this" {
  name        = "${var.name}-redis"
  description = "Redis, for the cluster alone."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  security_group_id = aws_security_group.this.id
  description       = "Pods of the cluster"
  cidr_ipv4         = var.client_cidr
  ip_protocol       = "tcp"
  from_port         = 6379
  to_port           = 6379
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${var.name}-valkey8"
  description = "Numbers of the blueprint."
  family      = "valkey8"

  parameter {
    name  = "maxmemory-policy"
    value = "allkeys-lfu"
  }
  parameter {
    name  = "reserved-memory-percent"
    value = tostring(var.reserved_percent)
  }

  lifecycle {
    create_before_destroy = true
  }
}

# The first token only: the state knows it, so it is changed before anything uses the cache (README).
resource "random_password" "first" {
  length  = 64
  special = false
}

# Valkey speaks Redis' protocol; ElastiCache has newer versions of it than of Redis.
resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV2_AWS_50:Without its cache the system is slower, not down: one node where the database has no standby
  replication_group_id = var.name
  description          = "Cache: everything in it is in PostgreSQL too."
  engine               = "valkey"
  engine_version       = var.engine_version
  node_type            = var.node_type
  num_cache_clusters   = var.nodes
  port                 = 6379
  parameter_group_name = aws_elasticache_parameter_group.this.name

  multi_az_enabled           = var.nodes > 1
  automatic_failover_enabled = var.nodes > 1

  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  transit_encryption_enabled = true
  auth_token                 = random_password.first.result

  subnet_group_name        = aws_elasticache_subnet_group.this.name
  security_group_ids       = [aws_security_group.this.id]
  snapshot_retention_limit = 0

  lifecycle {
    ignore_changes = [auth_token]
  }
}
