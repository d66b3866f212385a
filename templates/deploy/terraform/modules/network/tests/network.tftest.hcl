mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { region = "eu-central-1" }
  }
}

variables {
  name       = "shop-prod"
  vpc_id     = "vpc-0123456789abcdef0"
  cidr       = "10.30.0.0/16"
  subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  services   = ["secretsmanager", "events", "sqs"]
}

run "closed" {
  command = plan

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.outside) == 0
    error_message = "Nothing leads outside unless it has to."
  }
  assert {
    condition     = aws_vpc_endpoint.this["sqs"].service_name == "com.amazonaws.eu-central-1.sqs"
    error_message = "Each service has its endpoint."
  }
}

run "issuer_outside" {
  command = plan

  variables {
    outside_cidrs = ["192.0.2.0/24"]
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.outside["192.0.2.0/24"].to_port == 443
    error_message = "HTTPS, and only to where the issuer is."
  }
}

run "without_secrets" {
  command = plan

  variables {
    services = ["events"]
  }

  expect_failures = [var.services]
}
