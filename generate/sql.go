package generate

import "codex-design/model"

// CreateSchema is the SQL that makes every table of the service.
func (s *ServiceView) CreateSchema() string { return model.CreateSchema(s.Schema) }

// DropSchema is the SQL that undoes CreateSchema.
func (s *ServiceView) DropSchema() string { return model.DropSchema(s.Schema) }
