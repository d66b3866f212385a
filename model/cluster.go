package model

// ClusterPlan is what the services ask of a Kubernetes cluster. Each environment
// is a cluster of its own, so the same names serve in all of them.
type ClusterPlan struct {
	Registry           string // host of the images: registry.example.com
	Namespace          string
	PriorityClass      string
	GatewayNamespace   string // from where requests of the outside come in
	TelemetryNamespace string // of the collector and of Prometheus
	OTLPPort           int

	Utilisation     Quantity // percent of the CPU request that the autoscaler aims at
	ScaleUp         ScalingPlan
	ScaleDown       ScalingPlan
	SurgePercent    Quantity // of the replicas, that a rollout adds at once
	MinReady        Quantity // s that a new pod must be ready before the next one goes
	ProgressTimeout Quantity // s without progress after which a rollout has failed
	RolloutTimeout  Quantity // s after which a rollout that progresses is over too
	DeployTimeout   Quantity // min for a whole deployment by the pipeline
	Startup         ProbePlan
	Readiness       ProbePlan
	Liveness        ProbePlan
	Priority        Quantity // value of the PriorityClass

	ScratchMiB   Quantity // size limit of /tmp
	DiskRequest  Quantity // MiB of ephemeral storage, per pod
	DiskLimit    Quantity // MiB
	Migration    TaskPlan
	Sidecar      SidecarPlan // zero without a mesh of sidecars
	Limits       LimitPlan
	Environments []EnvironmentPlan // production last
}

// ScalingPlan bounds how fast the autoscaler moves in one direction.
type ScalingPlan struct {
	Percent Quantity // of the replicas
	Period  Quantity // s
	Window  Quantity // s over which the most careful recommendation wins
}

// ProbePlan is one probe of a pod.
type ProbePlan struct {
	Period   Quantity // s
	Timeout  Quantity // s
	Failures Quantity
}

// TaskPlan is the Job that migrates one database.
type TaskPlan struct {
	CPURequest Quantity // millicores
	CPULimit   Quantity // millicores
	Memory     Quantity // MiB, request = limit
	Retries    Quantity
	Deadline   Quantity // s, all tries together
	Keep       Quantity // s for which a finished Job can be read
}

// SidecarPlan is what the proxy beside each service takes.
type SidecarPlan struct {
	CPURequest Quantity // millicores
	CPULimit   Quantity // millicores
	Memory     Quantity // MiB, request = limit
}

// LimitPlan is what one container may ask for, and what it gets if it asks for nothing.
type LimitPlan struct {
	MaxCPU    Quantity // millicores
	MaxMemory Quantity // MiB
}

// EnvironmentPlan is one place where the system runs.
type EnvironmentPlan struct {
	Name        string // dev
	Title       string // Development
	Production  bool
	OneZone     bool          // its nodes may all be in one zone, or name none
	Host        string        // under which the outside reaches the system
	Network     string        // CIDR of all its nodes and pods
	DataNetwork string        // CIDR of the database and the cache, within Network
	Replicas    []ReplicaPlan // in the order of the deployables
	Processes   []ProcessPlan // that carry events, in the order of the services
	Quota       QuotaPlan
}

// ReplicaPlan bounds the pods of one deployable in one environment.
type ReplicaPlan struct {
	Service    string
	Min, Max   Quantity
	Rollout    Quantity // pods there can be at once in the middle of a rollout
	Disruption Quantity // pods that a node drain may take at once
}

// QuotaPlan is the ResourceQuota of an environment's namespace.
type QuotaPlan struct {
	RolloutPods     Quantity // of all workloads, every one in the middle of a rollout
	RolloutCPU      Quantity // millicores that they ask for
	RolloutCPULimit Quantity // millicores that they may use
	RolloutMemory   Quantity // MiB that they hold
	Pods            Quantity
	CPURequests     Quantity // millicores
	CPULimits       Quantity // millicores
	Memory          Quantity // MiB, requests and limits
	DiskRequests    Quantity // MiB
	DiskLimits      Quantity // MiB
}

// What the cluster is assumed to be like.
var (
	scaleUpPercent   = Constant{"scale_up", 100, "%", "judgement: double until the load is met"}
	scaleUpPeriod    = Constant{"scale_up_period", 30, "s", "two decisions of the autoscaler, 15 s each"}
	scaleUpWindow    = Constant{"scale_up_window", 0, "s", "a rising load is met at once"}
	scaleDownPercent = Constant{"scale_down", 25, "%", sourceJudgement}
	scaleDownPeriod  = Constant{"scale_down_period", 60, "s", sourceJudgement}
	scaleDownWindow  = Constant{"scale_down_window", 300, "s", "Kubernetes: default; longer than a pod takes to start"}
	minReadySeconds  = Constant{"min_ready", 10, "s", "judgement: two readiness probes"}
	nodeStart        = Constant{"node_start", 180, "s", "judgement: a new node joins the cluster and pulls the image"}
	coldStart        = Constant{"cold_start", 30, "s", "the service's own wait for its database (startup_timeout_s)"}
	startupPeriod    = Constant{"startup_period", 2, "s", "a pod is noticed soon after it is up"}
	startupTimeout   = Constant{"startup_timeout", 2, "s", "no more than the period"}
	readyPeriod      = Constant{"readiness_period", 5, "s", sourceJudgement}
	readyTimeout     = Constant{"readiness_timeout", 2, "s", sourceJudgement}
	readyFailures    = Constant{"readiness_failures", 3, "", "Kubernetes: default"}
	livePeriod       = Constant{"liveness_period", 10, "s", "Kubernetes: default"}
	liveTimeout      = Constant{"liveness_timeout", 3, "s", sourceJudgement}
	stuckSeconds     = Constant{"stuck", 60, "s", "judgement: restarting a pod that is only slow makes it worse"}
	priorityValue    = Constant{"priority", 1000, "", "above pods without a class, far below the system's own"}
	scratchMiB       = Constant{"scratch", 64, "MiB", "the service itself writes nothing; libraries may"}
	diskRequest      = Constant{"disk_request", 64, "MiB", "the scratch space"}
	diskLimit        = Constant{"disk_limit", 256, "MiB", "the scratch space and the container's log until it is rotated"}
	taskCPURequest   = Constant{"task_cpu", 100, "millicores", "the database does the work"}
	taskCPULimit     = Constant{"task_cpu_limit", 500, "millicores", sourceJudgement}
	taskMemory       = Constant{"task_memory", 256, "MiB", "Python, asyncpg and the files of one service"}
	taskRetries      = Constant{"task_retries", 2, "", "a migration that fails three times needs a person"}
	deploySetup      = Constant{"deploy_setup", 600, "s", "judgement: a runner installs, looks up images and runs the smoke test"}
	taskDeadline     = Constant{"task_deadline", 900, "s", "judgement: what takes longer is split, or run outside the release"}
	taskKeep         = Constant{"task_keep", 3600, "s", "judgement: long enough to read the log"}
	proxyCPURequest  = Constant{"proxy_cpu", 100, "millicores", "Istio: default of the sidecar"}
	proxyCPULimit    = Constant{"proxy_cpu_limit", 1000, "millicores", sourceJudgement}
	proxyMemory      = Constant{"proxy_memory", 256, "MiB", "judgement: twice what Istio asks for, so that request and limit can agree"}
	quotaHeadroom    = Constant{"quota_headroom", 1.1, "", "a debugging pod, and a service that is resized before the quota is"}
	idleReplicas     = Constant{"idle_replicas", 1, "pods", "nobody is woken by it"}
	idleMost         = Constant{"idle_most", 2, "pods", "enough to see that two pods agree"}
	rehearsalFloor   = Constant{"rehearsal_replicas", 2, "pods", "the fewest with which a rollout is like production's"}
	nodeMemory       = Constant{"node_memory", 16384, "MiB", "a node of 4 vCPU in the general-purpose class of every large provider"}
	nodeUse          = Constant{"node_use", 0.9, "", "the rest belongs to the system's own pods"}
)

const sourceQuota = "every workload rolls out while every migration and topology runs"

// Formulas of the cluster.
var (
	utilisationTarget = derive("%", "100 * utilisation", sourceQueueing, "SCA-HPA-REQUESTS", "SCA-HPA-CAP")
	surgePercent      = derive("%", "100 * surge_share", "pods come before pods go", "SCA-SURGE")
	startupFailures   = derive("", "ceil(2 * cold_start / startup_period)", "twice what a start may take", "LIF-PROBE-TIMES")
	liveFailures      = derive("", "ceil(stuck / liveness_period)", "a dependency that is slow is no reason to restart", "LIF-PROBE-TIMES")
	progressTimeout   = derive("s", "ceilto(node_start + startup_failures * startup_period + min_ready, 60)",
		"a pod that needs a new node, and the slowest start", "LIF-PROGRESS")
	rolloutTimeout = derive("s", "ceil(100 / surge_percent) * progress_timeout", "surge by surge, each as slow as it may be", "LIF-PROGRESS")
	deployTimeout  = derive("min", "ceilto((task_deadline + 2 * rollout_timeout + deploy_setup) / 60, 5)", "the migrations, the rollout, and the way back", "LIF-PROGRESS")

	idleMin      = derive("pods", "min(idle_replicas, min_replicas)", "nobody waits for it", "CST-IDLE")
	idleMax      = derive("pods", "min(idle_most, max_replicas)", "nobody loads it", "CST-IDLE")
	rehearsalMin = derive("pods", "min(rehearsal_replicas, min_replicas)", "rollouts as in production, at the least cost", "CST-IDLE")
	rehearsalMax = derive("pods", "max_replicas", "a load test at production's size")
	rolloutPods  = derive("pods", "max_replicas + max(1, ceil(surge_share * max_replicas)) + "+
		"min(max_replicas, max(1, ceil(surge_share * max_replicas)) * ceil(grace_period / min_ready))",
		"all replicas, the surge, and the pods that still finish while the next ones start: they count until they are gone", "SCA-QUOTA", "SCA-SURGE")
	disruption = derive("pods", "max(1, ceil((min_replicas - 3) / 4))", "one pod, from eight on a quarter", "SCA-PDB")

	rolloutCPU      = derive("millicores", "rollout_pods * (cpu_request + proxy_cpu)", "what the pods ask for", "SCA-QUOTA")
	rolloutCPULimit = derive("millicores", "rollout_pods * (cpu_limit + proxy_cpu_limit)", "what the pods may use", "SCA-QUOTA")
	rolloutMemory   = derive("MiB", "rollout_pods * (memory + proxy_memory)", "request = limit", "SCA-QUOTA")
	quotaPods       = derive("pods", "ceil(quota_headroom * (rollout_pods + tasks))", sourceQuota, "SCA-QUOTA")
	quotaCPU        = derive("millicores", "ceilto(quota_headroom * (rollout_cpu + tasks * task_cpu), 100)", sourceQuota, "SCA-QUOTA")
	quotaCPULimit   = derive("millicores", "ceilto(quota_headroom * (rollout_cpu_limit + tasks * task_cpu_limit), 100)", sourceQuota, "SCA-QUOTA")
	quotaMemory     = derive("MiB", "ceilto(quota_headroom * (rollout_memory + tasks * task_memory), 64)", sourceQuota, "SCA-QUOTA")
	quotaDisk       = derive("MiB", "ceilto(quota_headroom * (rollout_pods + tasks) * disk_request, 64)", "per pod", "SCA-QUOTA", "RES-EPHEMERAL")
	quotaDiskLimit  = derive("MiB", "ceilto(quota_headroom * (rollout_pods + tasks) * disk_limit, 64)", "per pod", "SCA-QUOTA", "RES-EPHEMERAL")
	limitCPU        = derive("millicores", "max(cpu_limit, proxy_cpu_limit, task_cpu_limit)", "the largest container", "SCA-LIMITRANGE")
)

// environmentsOf names the environments of a scale, production last.
var environmentsOf = map[Scale][]string{
	Small:  {"dev", "prod"},
	Medium: {"dev", "staging", "prod"},
	Large:  {"dev", "staging", "prod"},
}

// environmentKind is what the environment of a name is for.
type environmentKind struct {
	title    string
	oneZone  bool
	network  string
	data     string
	min, max func(Sizing) Quantity
	replicas func(Quantity) Quantity // of a process beside the API
}

var environmentKinds = map[string]environmentKind{
	"dev": {"Development", true, "10.10.0.0/16", "10.10.240.0/20",
		func(s Sizing) Quantity { return idleMin.of(idleReplicas.input(), s.MinReplicas.named("min_replicas")) },
		func(s Sizing) Quantity { return idleMax.of(idleMost.input(), s.MaxReplicas.named("max_replicas")) },
		func(q Quantity) Quantity { return idleProcess.of(idleReplicas.input(), q.named("replicas")) }},
	"staging": {"Staging", false, "10.20.0.0/16", "10.20.240.0/20",
		func(s Sizing) Quantity {
			return rehearsalMin.of(rehearsalFloor.input(), s.MinReplicas.named("min_replicas"))
		},
		func(s Sizing) Quantity { return rehearsalMax.of(s.MaxReplicas.named("max_replicas")) },
		func(q Quantity) Quantity { return rehearsalProcess.of(rehearsalFloor.input(), q.named("replicas")) }},
	"prod": {"Production", false, "10.30.0.0/16", "10.30.240.0/20",
		func(s Sizing) Quantity { return s.MinReplicas }, func(s Sizing) Quantity { return s.MaxReplicas },
		func(q Quantity) Quantity { return q }},
}

// gatewayNamespaces are where the gateways are installed; without one, the
// platform's own ingress is expected in a namespace of that name.
var gatewayNamespaces = map[string]string{"istio": "istio-ingress", "kong": "kong"}

const (
	imageRegistry      = "registry.example.com"
	systemDomain       = "example.com"
	telemetryNamespace = "observability"
	ingressNamespace   = "ingress"
	otlpPort           = 4318
)

func resolveCluster(b Blueprint) ClusterPlan {
	c := ClusterPlan{
		Registry: imageRegistry, Namespace: b.System.Name, PriorityClass: b.System.Name + "-standard",
		GatewayNamespace: ingressNamespace, TelemetryNamespace: telemetryNamespace, OTLPPort: otlpPort,
		Utilisation:  utilisationTarget.of(utilisation.input()),
		ScaleUp:      ScalingPlan{constantQuantity(scaleUpPercent), constantQuantity(scaleUpPeriod), constantQuantity(scaleUpWindow)},
		ScaleDown:    ScalingPlan{constantQuantity(scaleDownPercent), constantQuantity(scaleDownPeriod), constantQuantity(scaleDownWindow, "SCA-HPA-FLAP")},
		SurgePercent: surgePercent.of(surgeShare.input()),
		MinReady:     constantQuantity(minReadySeconds),
		Priority:     constantQuantity(priorityValue),
		ScratchMiB:   constantQuantity(scratchMiB, "RES-EPHEMERAL"),
		DiskRequest:  constantQuantity(diskRequest, "RES-EPHEMERAL"),
		DiskLimit:    constantQuantity(diskLimit, "RES-EPHEMERAL"),
		Migration: TaskPlan{constantQuantity(taskCPURequest), constantQuantity(taskCPULimit), constantQuantity(taskMemory, "RES-MEM-EQ"),
			constantQuantity(taskRetries), constantQuantity(taskDeadline), constantQuantity(taskKeep)},
	}
	if namespace, ok := gatewayNamespaces[b.Delivery.Gateway]; ok {
		c.GatewayNamespace = namespace
	}
	if b.Delivery.Gateway == "istio" {
		c.Sidecar = SidecarPlan{constantQuantity(proxyCPURequest), constantQuantity(proxyCPULimit), constantQuantity(proxyMemory, "RES-MEM-EQ")}
	}
	c.probes()
	c.Limits = LimitPlan{
		MaxCPU:    limitCPU.of(cpuLimit.input(), c.Sidecar.CPULimit.named("proxy_cpu_limit"), taskCPULimit.input()),
		MaxMemory: largestContainer(b.Deployables, c.Sidecar),
	}
	for _, name := range environmentsOf[knownScale(b.System.Scale)] {
		c.Environments = append(c.Environments, c.environment(b, name))
	}
	return c
}

func knownScale(scale Scale) Scale {
	if _, ok := environmentsOf[scale]; ok {
		return scale
	}
	return Medium
}

func (c *ClusterPlan) probes() {
	c.Startup = ProbePlan{constantQuantity(startupPeriod), constantQuantity(startupTimeout), startupFailures.of(coldStart.input(), startupPeriod.input())}
	c.Readiness = ProbePlan{constantQuantity(readyPeriod), constantQuantity(readyTimeout), constantQuantity(readyFailures)}
	c.Liveness = ProbePlan{constantQuantity(livePeriod), constantQuantity(liveTimeout), liveFailures.of(stuckSeconds.input(), livePeriod.input())}
	c.ProgressTimeout = progressTimeout.of(nodeStart.input(), c.Startup.Failures.named("startup_failures"), startupPeriod.input(), minReadySeconds.input())
	c.RolloutTimeout = rolloutTimeout.of(c.SurgePercent.named("surge_percent"), c.ProgressTimeout.named("progress_timeout"))
	c.DeployTimeout = deployTimeout.of(taskDeadline.input(), c.RolloutTimeout.named("rollout_timeout"), deploySetup.input())
}

// largestContainer is the most memory that any container of the namespace asks for.
func largestContainer(services []ServicePlan, sidecar SidecarPlan) Quantity {
	largest := Input{Name: "largest_service"}
	for _, service := range services {
		largest.Value = max(largest.Value, service.Sizing.Memory.Value)
		for _, p := range service.processesOf() {
			_, memory := service.processSize(p.Process)
			largest.Value = max(largest.Value, memory.Value)
		}
	}
	return derive("MiB", "max(largest_service, proxy_memory, task_memory)", "the largest container", "SCA-LIMITRANGE").
		of(largest, sidecar.Memory.named("proxy_memory"), taskMemory.input())
}

func (c *ClusterPlan) environment(b Blueprint, name string) EnvironmentPlan {
	kind := environmentKinds[name]
	e := EnvironmentPlan{Name: name, Title: kind.title, Production: name == "prod", OneZone: kind.oneZone, Network: kind.network, DataNetwork: kind.data,
		Host: b.System.Name + "." + systemDomain}
	if !e.Production {
		e.Host = name + "." + e.Host
	}
	var held []podsHeld
	for _, service := range b.Deployables {
		r := ReplicaPlan{Service: service.Name, Min: kind.min(service.Sizing), Max: kind.max(service.Sizing)}
		r.Rollout = rolloutPods.of(r.Max.named("max_replicas"), surgeShare.input(), b.Timeouts.GracePeriod.named("grace_period"), minReadySeconds.input())
		r.Disruption = disruption.of(r.Min.named("min_replicas"))
		e.Replicas = append(e.Replicas, r)
		held = append(held, heldBy(service.Name, r.Rollout, service.Sizing.CPURequest, service.Sizing.Memory, c.Sidecar))
		processes, theirs := c.processPods(b, service, kind.replicas)
		e.Processes, held = append(e.Processes, processes...), append(held, theirs...)
	}
	e.Quota = quotaOf(held, b.tasks())
	return e
}

func quotaOf(held []podsHeld, tasks Input) QuotaPlan {
	q := QuotaPlan{
		RolloutPods:     sumHeld("pods", held, func(h podsHeld) Input { return h.pods }),
		RolloutCPU:      sumHeld("millicores", held, func(h podsHeld) Input { return h.cpu }),
		RolloutCPULimit: sumHeld("millicores", held, func(h podsHeld) Input { return h.cpuLimit }),
		RolloutMemory:   sumHeld("MiB", held, func(h podsHeld) Input { return h.memory }),
	}
	headroom, rollout := quotaHeadroom.input(), q.RolloutPods.named("rollout_pods")
	q.Pods = quotaPods.of(headroom, rollout, tasks)
	q.CPURequests = quotaCPU.of(headroom, q.RolloutCPU.named("rollout_cpu"), tasks, taskCPURequest.input())
	q.CPULimits = quotaCPULimit.of(headroom, q.RolloutCPULimit.named("rollout_cpu_limit"), tasks, taskCPULimit.input())
	q.Memory = quotaMemory.of(headroom, q.RolloutMemory.named("rollout_memory"), tasks, taskMemory.input())
	q.DiskRequests = quotaDisk.of(headroom, rollout, tasks, diskRequest.input())
	q.DiskLimits = quotaDiskLimit.of(headroom, rollout, tasks, diskLimit.input())
	return q
}

// Environment returns the environment of a name; ok is false where there is none.
func (c ClusterPlan) Environment(name string) (e EnvironmentPlan, ok bool) {
	for _, environment := range c.Environments {
		if environment.Name == name {
			return environment, true
		}
	}
	return EnvironmentPlan{}, false
}

func (c ClusterPlan) quantities() []NamedQuantity {
	all := []NamedQuantity{
		{"utilisation", c.Utilisation}, {"surge_percent", c.SurgePercent}, {"min_ready", c.MinReady},
		{"progress_timeout", c.ProgressTimeout}, {"rollout_timeout", c.RolloutTimeout}, {"deploy_timeout", c.DeployTimeout}, {"priority", c.Priority},
		{"scratch_mib", c.ScratchMiB}, {"disk_request", c.DiskRequest}, {"disk_limit", c.DiskLimit},
		{"limits.max_cpu", c.Limits.MaxCPU}, {"limits.max_memory", c.Limits.MaxMemory},
		{"sidecar.cpu_request", c.Sidecar.CPURequest}, {"sidecar.cpu_limit", c.Sidecar.CPULimit}, {"sidecar.memory", c.Sidecar.Memory},
	}
	all = append(all, under("scale_up", c.ScaleUp.quantities())...)
	all = append(all, under("scale_down", c.ScaleDown.quantities())...)
	all = append(all, under("startup", c.Startup.quantities())...)
	all = append(all, under("readiness", c.Readiness.quantities())...)
	all = append(all, under("liveness", c.Liveness.quantities())...)
	all = append(all, under("migration", c.Migration.quantities())...)
	for _, e := range c.Environments {
		all = append(all, under(e.Name, e.quantities())...)
	}
	return all
}

func (s ScalingPlan) quantities() []NamedQuantity {
	return []NamedQuantity{{"percent", s.Percent}, {"period", s.Period}, {"window", s.Window}}
}

func (p ProbePlan) quantities() []NamedQuantity {
	return []NamedQuantity{{"period", p.Period}, {"timeout", p.Timeout}, {"failures", p.Failures}}
}

func (t TaskPlan) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"cpu_request", t.CPURequest}, {"cpu_limit", t.CPULimit}, {"memory", t.Memory},
		{"retries", t.Retries}, {"deadline", t.Deadline}, {"keep", t.Keep},
	}
}

// quantities leaves out the bounds of production: they are the services' own.
func (e EnvironmentPlan) quantities() []NamedQuantity {
	var all []NamedQuantity
	for _, r := range e.Replicas {
		numbers := []NamedQuantity{{"rollout_pods", r.Rollout}, {"disruption", r.Disruption}}
		if !e.Production {
			numbers = append([]NamedQuantity{{"min_replicas", r.Min}, {"max_replicas", r.Max}}, numbers...)
		}
		all = append(all, under("services."+r.Service, numbers)...)
	}
	for _, p := range e.Processes {
		all = append(all, under("processes."+p.Instance(), []NamedQuantity{{"replicas", p.Replicas}, {"rollout_pods", p.Rollout}, {"disruption", p.Disruption}})...)
	}
	return append(all, under("quota", e.Quota.quantities())...)
}

func (q QuotaPlan) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"rollout_pods", q.RolloutPods}, {"rollout_cpu", q.RolloutCPU}, {"rollout_cpu_limit", q.RolloutCPULimit},
		{"rollout_memory", q.RolloutMemory}, {"pods", q.Pods}, {"cpu_requests", q.CPURequests},
		{"cpu_limits", q.CPULimits}, {"memory", q.Memory}, {"disk_requests", q.DiskRequests}, {"disk_limits", q.DiskLimits},
	}
}
