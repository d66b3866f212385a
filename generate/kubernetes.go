package generate

import (
	"fmt"
	"slices"
	"strings"

	"codex-design/model"
)

// firstTag is the version of the images until a pipeline writes the digest that it built.
const firstTag = "1.0.0"

// Image is the name of the service's container image, without tag.
func (s *ServiceView) Image() string {
	return s.System.Cluster.Registry + "/" + s.System.System.Name + "/" + s.Name
}

// ImageTag is the image's tag before anything was built.
func (s *SystemView) ImageTag() string { return firstTag }

// Namespace is the namespace of the workloads, as YAML.
func (s *SystemView) Namespace() string { return yamlScalar(s.Cluster.Namespace) }

// Namespace is that of the system, as YAML.
func (s *ServiceView) Namespace() string { return s.System.Namespace() }

// Label is the service's name, as YAML: a service may be called "on".
func (s *ServiceView) Label() string { return yamlScalar(s.Name) }

// OTLPEndpoint is where pods send their traces.
func (s *SystemView) OTLPEndpoint() string {
	return fmt.Sprintf("http://otel-collector.%s:%d", s.Cluster.TelemetryNamespace, s.Cluster.OTLPPort)
}

// ExternalSecrets says whether the cluster copies the secrets from a vault.
func (s *SystemView) ExternalSecrets() bool { return s.Security.Secrets == "external-secrets" }

// Sidecars says whether a proxy runs beside each service.
func (s *SystemView) Sidecars() bool { return s.Cluster.Sidecar.Memory.Formula != "" }

// Production is the environment whose numbers the base holds.
func (s *SystemView) Production() *EnvironmentView {
	return &s.Environments[len(s.Environments)-1]
}

// Replicas bounds the service's pods in production.
func (s *ServiceView) Replicas() model.ReplicaPlan {
	return s.System.Production().replicas(s.Name)
}

func (e *EnvironmentView) replicas(service string) model.ReplicaPlan {
	i := slices.IndexFunc(e.Replicas, func(r model.ReplicaPlan) bool { return r.Service == service })
	return e.Replicas[i]
}

// CPU writes millicores as Kubernetes does: 500m, "2".
func (s *SystemView) CPU(q model.Quantity) string {
	if q.Int()%1000 == 0 {
		return fmt.Sprintf("%q", fmt.Sprint(q.Int()/1000))
	}
	return fmt.Sprintf("%dm", q.Int())
}

// Bytes writes MiB as Kubernetes does: 320Mi, 2Gi.
func (s *SystemView) Bytes(q model.Quantity) string {
	if q.Int()%1024 == 0 {
		return fmt.Sprintf("%dGi", q.Int()/1024)
	}
	return fmt.Sprintf("%dMi", q.Int())
}

// ReplicaRange says how many pods of a service run there: 1 to 2, 3 to 6–9.
func (e *EnvironmentView) ReplicaRange() string {
	var least, most []int
	for _, r := range e.Replicas {
		least, most = append(least, r.Min.Int()), append(most, r.Max.Int())
	}
	return span(least) + " to " + span(most)
}

// span is a number, or the least and the greatest of several.
func span(numbers []int) string {
	if low, high := slices.Min(numbers), slices.Max(numbers); low != high {
		return fmt.Sprintf("%d–%d", low, high)
	}
	return fmt.Sprint(numbers[0])
}

// Patch is one change that an overlay makes to objects of the base.
type Patch struct {
	Kind, Name string // Name is empty where every object of the kind is meant
	Operations []PatchOperation
}

// PatchOperation sets one value.
type PatchOperation struct{ Operator, Path, Value string }

// Patches are what the environment has different from the base.
func (e *EnvironmentView) Patches() []Patch {
	patches := []Patch{{Kind: "NetworkPolicy", Name: strings.Join(e.System.dataPolicies(), "|"),
		Operations: replaced("/spec/egress/0/to/0/ipBlock/cidr", e.DataNetwork)}}
	if e.Production {
		return patches
	}
	if e.System.Delivery.Gateway != "none" {
		patches = append(patches, Patch{Kind: "Gateway", Name: e.System.System.Name,
			Operations: replaced("/spec/listeners/0/hostname", e.Host)})
	}
	patches = append(patches, Patch{Kind: "Deployment", Operations: e.deploymentPatch()})
	patches = append(patches, e.perService("HorizontalPodAutoscaler", bounds)...)
	patches = append(patches, e.perService("PodDisruptionBudget", disruptions)...)
	patches = append(patches, e.processPatches()...)
	patches = append(patches, e.topologyPatches()...)
	return append(patches, e.quotaPatches()...)
}

// deploymentPatch says where the pods run: the name of the environment, and how they spread.
func (e *EnvironmentView) deploymentPatch() []PatchOperation {
	operations := replaced("/spec/template/spec/containers/0/env/0/value", e.Name)
	if e.OneZone {
		operations = append(operations, replaced("/spec/template/spec/topologySpreadConstraints/0/whenUnsatisfiable", "ScheduleAnyway")...)
	}
	return operations
}

func replaced(path, value string) []PatchOperation {
	return []PatchOperation{{"replace", path, value}}
}

// dataPolicies names the NetworkPolicies that hold the address of the stores.
func (s *SystemView) dataPolicies() []string {
	names := []string{"database"}
	if len(s.RedisDeployables()) > 0 {
		names = append(names, "cache")
	}
	if s.BrokerApart() {
		names = append(names, "broker")
	}
	return names
}

// bounds are how many pods the autoscaler may run. A single pod is what kube-score warns of.
func bounds(is, was model.ReplicaPlan) []PatchOperation {
	operations := changed("/spec/minReplicas", was.Min, is.Min)
	operations = append(operations, changed("/spec/maxReplicas", was.Max, is.Max)...)
	if is.Min.Int() == 1 {
		operations = append(operations, PatchOperation{"add", "/metadata/annotations",
			"{kube-score/ignore: horizontalpodautoscaler-replicas}"})
	}
	return operations
}

func disruptions(is, was model.ReplicaPlan) []PatchOperation {
	return changed("/spec/maxUnavailable", was.Disruption, is.Disruption)
}

func changed(path string, was, is model.Quantity) []PatchOperation {
	if was.Value == is.Value {
		return nil
	}
	return replaced(path, fmt.Sprint(is.Int()))
}

// perService makes the patches of one kind: one for all services where they agree.
func (e *EnvironmentView) perService(kind string, operations func(is, was model.ReplicaPlan) []PatchOperation) []Patch {
	var patches []Patch
	for _, is := range e.Replicas {
		if ops := operations(is, e.System.Production().replicas(is.Service)); len(ops) > 0 {
			patches = append(patches, Patch{Kind: kind, Name: is.Service, Operations: ops})
		}
	}
	agree := func(p Patch) bool { return slices.Equal(p.Operations, patches[0].Operations) }
	alone := kind != "PodDisruptionBudget" || len(e.Processes) == 0 // processes have budgets of their own
	if alone && len(patches) == len(e.Replicas) && !slices.ContainsFunc(patches, func(p Patch) bool { return !agree(p) }) {
		return []Patch{{Kind: kind, Operations: patches[0].Operations}}
	}
	return patches
}

// topologyPatches say how many copies of an event the environment's broker keeps.
func (e *EnvironmentView) topologyPatches() []Patch {
	broker := e.Managed().Broker
	if broker == nil || broker.Copies.Value == e.System.Production().Managed().Broker.Copies.Value {
		return nil
	}
	var patches []Patch
	for _, service := range e.System.Deployables {
		if service.HasEvents() {
			patches = append(patches, Patch{Kind: "Job", Name: service.Name + "-" + model.TopologyTask,
				Operations: replaced("/spec/template/spec/containers/0/env/0/value", fmt.Sprintf("%q", fmt.Sprint(broker.Copies.Int())))})
		}
	}
	return patches
}

// processPatches bound the pods of the processes that carry events. A single pod is what kube-score warns of.
func (e *EnvironmentView) processPatches() []Patch {
	var patches []Patch
	for i, was := range e.System.Production().Processes {
		is := e.Processes[i]
		operations := changed("/spec/replicas", was.Replicas, is.Replicas)
		if is.Replicas.Int() == 1 {
			operations = append(operations, PatchOperation{"add", "/metadata/annotations", "{kube-score/ignore: deployment-replicas}"})
		}
		if len(operations) > 0 {
			patches = append(patches, Patch{Kind: "Deployment", Name: is.Instance(), Operations: operations})
		}
		if operations := changed("/spec/maxUnavailable", was.Disruption, is.Disruption); len(operations) > 0 {
			patches = append(patches, Patch{Kind: "PodDisruptionBudget", Name: is.Instance(), Operations: operations})
		}
	}
	return patches
}

func (e *EnvironmentView) quotaPatches() []Patch {
	var operations []PatchOperation
	base := e.System.Production().QuotaLines()
	for i, line := range e.QuotaLines() {
		if line != base[i] {
			operations = append(operations, replaced("/spec/hard/"+line.Resource, line.Amount)...)
		}
	}
	if len(operations) == 0 {
		return nil
	}
	return []Patch{{Kind: "ResourceQuota", Operations: operations}}
}

// QuotaLine is one bound of a ResourceQuota, as YAML.
type QuotaLine struct{ Resource, Amount string }

// QuotaLines are the bounds of the environment's namespace.
func (e *EnvironmentView) QuotaLines() []QuotaLine {
	s, q := e.System, e.Quota
	return []QuotaLine{
		{"pods", fmt.Sprintf("%q", fmt.Sprint(q.Pods.Int()))},
		{"requests.cpu", s.CPU(q.CPURequests)}, {"limits.cpu", s.CPU(q.CPULimits)},
		{"requests.memory", s.Bytes(q.Memory)}, {"limits.memory", s.Bytes(q.Memory)},
		{"requests.ephemeral-storage", s.Bytes(q.DiskRequests)}, {"limits.ephemeral-storage", s.Bytes(q.DiskLimits)},
	}
}

// MigrationSecret is the Secret that the migration reads: the service's own, unless its role
// may not change the tables.
func (s *ServiceView) MigrationSecret() string {
	if s.System.Security.SplitsRoles() {
		return s.Name + "-migrate-secrets"
	}
	return s.Name + "-secrets"
}
