package generate

import (
	"slices"
	"strings"

	"codex-design/model"
)

// ProcessView is a process of a service beside its API.
type ProcessView struct {
	model.ProcessPlan // in production
	Of                *ServiceView
	CPURequest        model.Quantity // millicores
	Memory            model.Quantity // MiB
	Pool              model.Quantity // connections to the database
}

// Processes are those of the service, with the numbers of production.
func (s *ServiceView) Processes() []ProcessView {
	if !s.HasEvents() {
		return nil
	}
	var views []ProcessView
	for _, plan := range s.System.Production().EnvironmentPlan.Processes {
		if plan.Service != s.Name {
			continue
		}
		view := ProcessView{ProcessPlan: plan, Of: s}
		if plan.Process == model.RelayProcess {
			view.CPURequest, view.Memory, view.Pool = s.Relay.CPURequest, s.Relay.Memory, s.Relay.PoolSize
		} else {
			view.CPURequest, view.Memory, view.Pool = s.Sizing.CPURequest, s.Worker.Memory, s.Worker.PoolSize
		}
		views = append(views, view)
	}
	return views
}

// Does says what the process is for.
func (p *ProcessView) Does() string {
	if p.Process == model.RelayProcess {
		return "publishes the events of " + p.Service
	}
	return "applies the events that " + p.Service + " consumes"
}

// Label is the name of the process's workload, as YAML.
func (p *ProcessView) Label() string { return yamlScalar(p.Instance()) }

// Sidecar says whether the mesh's proxy runs beside it.
func (p *ProcessView) Sidecar() bool { return p.Of.System.Sidecars() && p.Of.Proxied(p.Process) }

// Calls are the services that the process calls: a relay calls none.
func (p *ProcessView) Calls() []string {
	if p.Process == model.RelayProcess {
		return nil
	}
	return p.Of.Calls
}

// Callers are the instances that may call the service: those that declare it, and
// their workers.
func (s *ServiceView) Callers() []string {
	var instances []string
	for _, name := range s.CalledBy {
		instances = append(instances, name)
		i := slices.IndexFunc(s.System.Services, func(other ServiceView) bool { return other.Name == name })
		if s.System.Services[i].Works() {
			instances = append(instances, name+"-"+model.WorkerProcess)
		}
	}
	return instances
}

// workers lists the services that apply events.
func (s *SystemView) workers() []string {
	var names []string
	for i := range s.Services {
		if s.Services[i].Works() {
			names = append(names, s.Services[i].Name)
		}
	}
	return names
}

// Carriers are the components of the pods that reach the broker.
func (s *SystemView) Carriers() []string {
	carriers := []string{model.RelayProcess, model.TopologyTask}
	if len(s.workers()) > 0 {
		carriers = append(carriers, model.WorkerProcess)
	}
	return carriers
}

// Serving are the components of the pods that run all the time.
func (s *SystemView) Serving() []string {
	return s.components("api", model.RelayProcess, model.WorkerProcess)
}

// Meshed are the components of the pods that have, or may have, the mesh's proxy beside them.
func (s *SystemView) Meshed() []string { return s.components("api", model.WorkerProcess) }

// Caching are the components of the pods that use the cache.
func (s *SystemView) Caching() []string { return s.Meshed() }

// components keeps those that the system has.
func (s *SystemView) components(names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		switch name {
		case model.RelayProcess:
			return !s.BrokerApart()
		case model.WorkerProcess:
			return !s.WorksApart()
		}
		return false
	})
}

// TaskSelector picks the Jobs of a release.
func (s *SystemView) TaskSelector() string {
	if !s.BrokerApart() {
		return "app.kubernetes.io/component=migration"
	}
	return "app.kubernetes.io/component in (migration, " + model.TopologyTask + ")"
}

// BeforeRollout picks everything but what rolls out.
func (s *SystemView) BeforeRollout() string {
	if !s.BrokerApart() {
		return "app.kubernetes.io/component!=api"
	}
	return "app.kubernetes.io/component notin (" + strings.Join(s.Serving(), ", ") + ")"
}

// Standing picks what neither runs nor ends: namespace, quota, policies, accounts.
func (s *SystemView) Standing() string {
	components := append(s.Serving(), "migration")
	if s.BrokerApart() {
		components = append(components, model.TopologyTask)
	}
	return "app.kubernetes.io/component notin (" + strings.Join(components, ", ") + ")"
}

// Works reports whether any service applies events.
func (s *SystemView) Works() bool { return len(s.workers()) > 0 }

// WorksApart reports whether it does so in a process of its own.
func (s *SystemView) WorksApart() bool { return s.BrokerApart() && s.Works() }

// ProxiedWorker says whether the mesh's proxy runs beside the service's worker too.
func (s *ServiceView) ProxiedWorker() bool { return s.Works() && s.Proxied(model.WorkerProcess) }

// QuotedTasks is TaskSelector as a word of a shell.
func (s *SystemView) QuotedTasks() string {
	if !s.BrokerApart() {
		return s.TaskSelector()
	}
	return "'" + s.TaskSelector() + "'"
}
