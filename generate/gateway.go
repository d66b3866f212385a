package generate

import (
	"fmt"
	"slices"

	"codex-design/model"
)

// maxMatches is how many matches a rule of an HTTPRoute may have; the route may have twice as many.
const maxMatches = 64

// idempotent methods may reach a service twice and have the effect of one (RFC 9110, 9.2.2).
var idempotent = map[string]bool{"GET": true, "HEAD": true, "OPTIONS": true, "PUT": true, "DELETE": true}

// RouteGroup is one HTTPRoute of a service. Few services need a second one.
type RouteGroup struct {
	Name  string
	Paths []string // each with everything below it
}

// RouteGroups are the routes that lead to the service from outside: one path for each entity.
func (s *ServiceView) RouteGroups() []RouteGroup {
	var groups []RouteGroup
	methods := max(1, len(s.RepeatableMethods()))
	for chunk := range slices.Chunk(s.publicPaths(), maxMatches/methods) {
		name := s.Name
		if len(groups) > 0 {
			name = fmt.Sprintf("%s-%d", s.Name, len(groups)+1)
		}
		groups = append(groups, RouteGroup{name, chunk})
	}
	return groups
}

func (s *ServiceView) publicPaths() []string {
	paths := make([]string, len(s.Entities))
	for i := range s.Entities {
		paths[i] = s.Entities[i].Path
	}
	return paths
}

// RepeatableMethods are the methods of the contract that the gateway may send twice.
func (s *ServiceView) RepeatableMethods() []string {
	var methods []string
	for i := range s.Entities {
		for _, route := range s.Entities[i].Routes {
			if idempotent[route.Method] && !slices.Contains(methods, route.Method) {
				methods = append(methods, route.Method)
			}
		}
	}
	return methods
}

// GatewayAccount is the service account of the gateway's pods, which Istio makes.
func (s *SystemView) GatewayAccount() string { return s.System.Name + "-istio" }

// InternalHost is the service's full name inside the cluster.
func (s *ServiceView) InternalHost() string {
	return s.Name + "." + s.System.Cluster.Namespace + ".svc.cluster.local"
}

// Traffic bounds what one proxy sends to the service.
func (s *ServiceView) Traffic() model.TrafficPlan {
	plans := s.System.Gateway.Services
	return plans[slices.IndexFunc(plans, func(p model.TrafficPlan) bool { return p.Service == s.Name })]
}

// Callees are the services that the service calls.
func (s *ServiceView) Callees() []*ServiceView {
	var callees []*ServiceView
	for i := range s.System.Services {
		if slices.Contains(s.Calls, s.System.Services[i].Name) {
			callees = append(callees, &s.System.Services[i])
		}
	}
	return callees
}

// through reports whether requests come in through the gateway of that kind.
func through(kind string) func(*SystemView) bool {
	return func(s *SystemView) bool { return s.Delivery.Gateway == kind }
}

// GatewayPlugin is one plugin of Kong's open source edition, with its settings as YAML writes them.
type GatewayPlugin struct {
	Name   string
	Config []PluginSetting
}

// PluginSetting is one line of a plugin's configuration.
type PluginSetting struct{ Key, Value string }

// GatewayPlugins are the plugins of every route, in the order in which they are listed.
func (s *SystemView) GatewayPlugins() []GatewayPlugin {
	collector := fmt.Sprintf("http://otel-collector.%s:%d/v1/traces", s.Cluster.TelemetryNamespace, s.Cluster.OTLPPort)
	return []GatewayPlugin{
		{"correlation-id", []PluginSetting{{"header_name", "X-Request-ID"}, {"generator", "uuid"}, {"echo_downstream", "false"}}},
		{"request-size-limiting", []PluginSetting{{"allowed_payload_size", fmt.Sprint(s.Gateway.MaxBody.Int())}, {"size_unit", "bytes"}}},
		{"prometheus", []PluginSetting{{"status_code_metrics", "true"}, {"latency_metrics", "true"}, {"upstream_health_metrics", "true"}}},
		{"opentelemetry", []PluginSetting{{"traces_endpoint", collector}, {"sampling_rate", fmt.Sprint(s.Load.TraceSample.Value / 100)},
			{"resource_attributes", fmt.Sprintf("{service.name: %s-gateway}", s.System.Name)}}},
	}
}
