# Functions come and go faster than PostgreSQL likes connections to: the proxy keeps them, and lends them for a transaction.
resource "aws_security_group" "proxy" {
  #checkov:skip=CKV2_AWS_5:The proxy below belongs to it
  name        = "${var.name}-proxy"
  description = "The proxy of PostgreSQL, for the functions alone."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "proxy" {
  security_group_id            = aws_security_group.proxy.id
  description                  = "PostgreSQL from the functions"
  referenced_security_group_id = var.client_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "proxy" {
  security_group_id            = aws_security_group.proxy.id
  description                  = "PostgreSQL"
  referenced_security_group_id = aws_security_group.database.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

data "aws_iam_policy_document" "proxy" {
  statement {
    sid       = "Logins"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = values(var.login_secret_arns)
  }
  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]
  }
}

resource "aws_iam_role" "proxy" {
  name               = "${var.name}-proxy"
  description        = "Reads the logins that functions use."
  assume_role_policy = data.aws_iam_policy_document.assume["rds.amazonaws.com"].json
}

resource "aws_iam_role_policy" "proxy" {
  name   = "logins"
  role   = aws_iam_role.proxy.id
  policy = data.aws_iam_policy_document.proxy.json
}

resource "aws_db_proxy" "this" {
  name                   = var.name
  engine_family          = "POSTGRESQL"
  role_arn               = aws_iam_role.proxy.arn
  vpc_subnet_ids         = var.subnet_ids
  vpc_security_group_ids = [aws_security_group.proxy.id]
  require_tls            = true
  idle_client_timeout    = 1800

  dynamic "auth" {
    for_each = var.login_secret_arns

    content {
      description               = "The login of ${auth.key}."
      auth_scheme               = "SECRETS"
      client_password_auth_type = "POSTGRES_SCRAM_SHA_256" #checkov:skip=CKV_SECRET_6:The name of a method
      iam_auth                  = "DISABLED"
      secret_arn                = auth.value
    }
  }
}

resource "aws_db_proxy_default_target_group" "this" {
  db_proxy_name = aws_db_proxy.this.name

  connection_pool_config {
    max_connections_percent      = var.proxy_percent
    max_idle_connections_percent = ceil(var.proxy_percent / 2)
    connection_borrow_timeout    = var.borrow_timeout_s
  }
}

resource "aws_db_proxy_target" "this" {
  db_proxy_name         = aws_db_proxy.this.name
  target_group_name     = aws_db_proxy_default_target_group.this.name
  db_cluster_identifier = aws_rds_cluster.this.cluster_identifier

  depends_on = [aws_rds_cluster_instance.this]
}
