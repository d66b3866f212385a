# Terraform makes the entries, and never sees what they hold.
resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:A password changes in PostgreSQL first (scripts/databases.sh); no function here could
  for_each = var.names

  name                    = "${var.prefix}/${each.value}"
  description             = "Connections of the service ${each.value}: a URL for each store that it uses."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_days
}
