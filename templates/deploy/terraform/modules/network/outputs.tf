output "security_group_id" {
  description = "What the functions belong to."
  value       = aws_security_group.functions.id

  depends_on = [aws_vpc_security_group_egress_rule.inside, aws_vpc_endpoint.this]
}
