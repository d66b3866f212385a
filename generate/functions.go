package generate

import "codex-design/model"

// onLambda tells whether the services run as functions of AWS.
func onLambda(s *SystemView) bool { return s.System.Architecture == model.Serverless }

// Functional is onLambda for templates.
func (s *SystemView) Functional() bool { return onLambda(s) }

// FunctionImports is the import block of gen/functions.py.
func (s *ServiceView) FunctionImports() string {
	imports := pythonImports{
		"sys":                       {""},
		"kit.command":               {"main"},
		"kit.functions":             {"commands"},
		s.Package + ".gen.settings": {"Settings"},
		s.Package + ".main":         {"create"},
	}
	if s.HasEvents() {
		imports.add("kit.messaging.functions", "commands as event_commands")
		imports.add(s.Package+".gen.settings", "EventSettings")
		imports.add(s.Package+".gen.messaging", "MESSAGING")
	}
	return imports.block(s.Package)
}
