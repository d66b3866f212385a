output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "alias" {
  description = "Name of the alias that gets the invocations."
  value       = aws_lambda_alias.live.name
}

output "alias_arn" {
  description = "The alias, for whatever invokes the function."
  value       = aws_lambda_alias.live.arn
}

output "invoke_arn" {
  description = "The same, as an API names it."
  value       = aws_lambda_alias.live.invoke_arn
}

output "role_arn" {
  description = "Role of the function."
  value       = aws_iam_role.this.arn
}
