# What functions reach from their subnets: the database, the cache, and AWS itself without a way to the internet.
data "aws_region" "current" {}

resource "aws_security_group" "functions" {
  #checkov:skip=CKV2_AWS_5:The functions belong to it, each by its own module
  name        = "${var.name}-functions"
  description = "The functions; nobody connects to them."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "inside" {
  for_each = var.ports

  security_group_id = aws_security_group.functions.id
  description       = each.key
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

# The issuer of access tokens, whose keys the services read, and whatever else lies outside.
resource "aws_vpc_security_group_egress_rule" "outside" {
  for_each = var.outside_cidrs

  security_group_id = aws_security_group.functions.id
  description       = "HTTPS"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_security_group" "endpoints" {
  name        = "${var.name}-endpoints"
  description = "AWS, as seen from the functions."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id            = aws_security_group.endpoints.id
  description                  = "HTTPS from the functions"
  referenced_security_group_id = aws_security_group.functions.id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_endpoint" "this" {
  for_each = var.services

  vpc_id              = var.vpc_id
  service_name        = "com.amazonaws.${data.aws_region.current.region}.${each.value}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = var.subnet_ids
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true
}
