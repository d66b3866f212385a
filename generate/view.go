package generate

import "codex-design/model"

// SystemView is what a template sees whose path names no service.
type SystemView struct {
	model.Blueprint
	Services     []ServiceView  // hides Blueprint.Services
	Deployables  []*ServiceView // hides Blueprint.Deployables: what is built, started and scaled as one
	Environments []EnvironmentView
}

// EnvironmentView is what a template sees below {environment}: one place where the system runs.
type EnvironmentView struct {
	model.EnvironmentPlan
	System *SystemView
}

// ServiceView is what a template sees below {service} and {deployable}: the service, with the
// system around it, or in a monolith the host of all services.
type ServiceView struct {
	model.ServicePlan
	System    *SystemView
	Entities  []EntityView // hides ServicePlan.Entities
	Published []EventView
	Consumed  []EventView
	Modules   []*ServiceView // that run in it: itself, or in a monolith's host every service

	SchemaVersion string // number of the newest migration: 001
	APIVersion    string // 1.0.0
}

// EntityView is what a template sees below {entity}: the entity, with its service around it.
type EntityView struct {
	model.EntityPlan
	Service *ServiceView
}

// NewSystemView wraps a blueprint for the templates. The views are linked to
// each other, so that any template can reach any name.
func NewSystemView(b model.Blueprint) *SystemView {
	system := &SystemView{Blueprint: b, Services: make([]ServiceView, len(b.Services))}
	for i, plan := range b.Services {
		service := &system.Services[i]
		service.SchemaVersion = "001"
		service.APIVersion = model.ContractOf(b, plan).Version
		service.link(system, plan)
	}
	system.linkEvents()
	system.linkDeployables()
	for _, plan := range b.Cluster.Environments {
		system.Environments = append(system.Environments, EnvironmentView{EnvironmentPlan: plan, System: system})
	}
	return system
}

// link puts a plan into its view, with its entities.
func (s *ServiceView) link(system *SystemView, plan model.ServicePlan) {
	s.ServicePlan, s.System, s.Modules = plan, system, []*ServiceView{s}
	s.Entities = make([]EntityView, len(plan.Entities))
	for i, entity := range plan.Entities {
		s.Entities[i] = EntityView{EntityPlan: entity, Service: s}
	}
}

// linkDeployables gives the system what runs as one: its services, or their host.
func (s *SystemView) linkDeployables() {
	services := make([]*ServiceView, len(s.Services))
	for i := range s.Services {
		services[i] = &s.Services[i]
	}
	for _, plan := range s.Blueprint.Deployables {
		if service := s.service(plan.Name); service != nil && !s.Hosted() {
			s.Deployables = append(s.Deployables, service)
			continue
		}
		host := &ServiceView{}
		host.link(s, plan)
		host.Modules = services
		s.Deployables = append(s.Deployables, host)
	}
}
