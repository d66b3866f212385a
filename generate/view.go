package generate

import "codex-design/model"

// SystemView is what a template sees whose path names no service.
type SystemView struct {
	model.Blueprint
	Services     []ServiceView // hides Blueprint.Services
	Environments []EnvironmentView
}

// EnvironmentView is what a template sees below {environment}: one place where the system runs.
type EnvironmentView struct {
	model.EnvironmentPlan
	System *SystemView
}

// ServiceView is what a template sees below {service}: the service, with the system around it.
type ServiceView struct {
	model.ServicePlan
	System    *SystemView
	Entities  []EntityView // hides ServicePlan.Entities
	Published []EventView
	Consumed  []EventView

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
		service.ServicePlan, service.System, service.SchemaVersion = plan, system, "001"
		service.APIVersion = model.ContractOf(b, plan).Version
		service.Entities = make([]EntityView, len(plan.Entities))
		for j, entity := range plan.Entities {
			service.Entities[j] = EntityView{EntityPlan: entity, Service: service}
		}
	}
	system.linkEvents()
	for _, plan := range b.Cluster.Environments {
		system.Environments = append(system.Environments, EnvironmentView{EnvironmentPlan: plan, System: system})
	}
	return system
}
