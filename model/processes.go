package model

// ProcessPlan is one process of a service beside its API, in one environment. It
// has as many pods as its events ask for: nobody waits for it, so none is added
// while the load rises.
type ProcessPlan struct {
	Service    string
	Process    string // relay | worker
	Replicas   Quantity
	Rollout    Quantity // pods there can be at once in the middle of a rollout
	Disruption Quantity // pods that a node drain may take at once
}

// The processes of a service beside its API, and the step that prepares the broker for them.
const (
	RelayProcess  = "relay"
	WorkerProcess = "worker"
	TopologyTask  = "topology"
)

// Instance names the pods of the process: order-relay.
func (p ProcessPlan) Instance() string { return p.Service + "-" + p.Process }

var (
	idleProcess      = derive("pods", "min(idle_replicas, replicas)", "nobody waits for it", "CST-IDLE")
	rehearsalProcess = derive("pods", "min(rehearsal_replicas, replicas)", "rollouts as in production, at the least cost", "CST-IDLE")
	processRollout   = derive("pods", "replicas + 1 + min(replicas, ceil(grace_period / min_ready))",
		"all replicas, one more, and the pods that still finish while the next ones start", "SCA-QUOTA", "SCA-SURGE")
	processDisruption = derive("pods", "max(1, ceil((replicas - 3) / 4))", "one pod, from eight on a quarter", "SCA-PDB")
)

// eventBrokers are the ports on which the brokers take encrypted connections.
var eventBrokers = map[string]int{"postgresql": 5432, "eventbridge": 443, "nats": 4222, "rabbitmq": 5671, "kafka": 9096}

// processesOf lists the processes of a service in the order of the data: out, then in.
func (s ServicePlan) processesOf() []ProcessPlan {
	var all []ProcessPlan
	if s.Relay != nil {
		all = append(all, ProcessPlan{Service: s.Name, Process: RelayProcess, Replicas: s.Relay.Replicas})
	}
	if s.Worker != nil {
		all = append(all, ProcessPlan{Service: s.Name, Process: WorkerProcess, Replicas: s.Worker.Replicas})
	}
	return all
}

// HasEvents reports whether the service publishes or consumes.
func (s ServicePlan) HasEvents() bool { return s.Relays() || s.Works() }

// Proxied reports whether the mesh's proxy runs beside a process: it is for those
// that call other services, which take no call from outside of the mesh.
func (s ServicePlan) Proxied(process string) bool {
	return process == WorkerProcess && len(s.Calls) > 0
}

// processPods sizes the processes of a service in an environment, with what their pods hold in a rollout.
func (c *ClusterPlan) processPods(b Blueprint, s ServicePlan, replicas func(Quantity) Quantity) (plans []ProcessPlan, held []podsHeld) {
	for _, p := range s.processesOf() {
		p.Replicas = replicas(p.Replicas)
		least := p.Replicas.named("replicas")
		p.Rollout = processRollout.of(least, b.Timeouts.GracePeriod.named("grace_period"), minReadySeconds.input())
		p.Disruption = processDisruption.of(least)
		plans = append(plans, p)
		cpu, memory := s.processSize(p.Process)
		proxy := SidecarPlan{}
		if s.Proxied(p.Process) {
			proxy = c.Sidecar
		}
		held = append(held, heldBy(p.Instance(), p.Rollout, cpu, memory, proxy))
	}
	return plans, held
}

// processSize is what one pod of a process asks for.
func (s ServicePlan) processSize(process string) (cpu, memory Quantity) {
	if process == RelayProcess {
		return s.Relay.CPURequest, s.Relay.Memory
	}
	return s.Sizing.CPURequest, s.Worker.Memory
}

// podsHeld is what the pods of one workload hold in the middle of a rollout.
type podsHeld struct{ pods, cpu, cpuLimit, memory Input }

func heldBy(name string, rollout, cpu, memory Quantity, proxy SidecarPlan) podsHeld {
	pods, name := rollout.named("rollout_pods"), inputName(name)
	return podsHeld{
		pods: rollout.named(name),
		cpu:  rolloutCPU.of(pods, cpu.named("cpu_request"), proxy.CPURequest.named("proxy_cpu")).named(name),
		cpuLimit: rolloutCPULimit.of(pods, cpuLimit.input(), proxy.CPULimit.named("proxy_cpu_limit")).
			named(name),
		memory: rolloutMemory.of(pods, memory.named("memory"), proxy.Memory.named("proxy_memory")).named(name),
	}
}

// sumHeld adds up one part of what the workloads hold.
func sumHeld(unit string, all []podsHeld, part func(podsHeld) Input) Quantity {
	terms := make([]Input, len(all))
	for i, held := range all {
		terms[i] = part(held)
	}
	return sumOf(unit, "every workload in the middle of a rollout at full scale", terms, "SCA-QUOTA")
}

// tasks counts the Jobs of a release: a migration for each deployable, and the
// topology of each that publishes or consumes.
func (b Blueprint) tasks() Input {
	tasks := Input{"tasks", float64(len(b.Deployables))}
	for _, s := range b.Deployables {
		if s.HasEvents() {
			tasks.Value++
		}
	}
	return tasks
}
