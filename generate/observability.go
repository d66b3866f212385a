package generate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"codex-design/model"
)

// readsWithAnswer selects what the latency objective is about.
const readsWithAnswer = `method="GET", route!="unmatched", status_class!="5xx"`

// What is read of the programs that are not ours; everything else that they expose is dropped.
var (
	kubeStateMetrics = []string{
		"kube_horizontalpodautoscaler_spec_max_replicas", "kube_horizontalpodautoscaler_status_current_replicas",
		"kube_pod_container_resource_limits", "kube_pod_container_status_restarts_total",
	}
	cadvisorMetrics = []string{"container_cpu_cfs_periods_total", "container_cpu_cfs_throttled_periods_total", "container_cpu_usage_seconds_total"}
	kubeletMetrics  = []string{"kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}
)

// KubeStateMetrics lists what is kept of kube-state-metrics.
func (s *SystemView) KubeStateMetrics() []string { return kubeStateMetrics }

// CadvisorMetrics lists what is kept of cAdvisor.
func (s *SystemView) CadvisorMetrics() []string { return cadvisorMetrics }

// KubeletMetrics lists what is kept of the kubelet.
func (s *SystemView) KubeletMetrics() []string { return kubeletMetrics }

// Reads selects the series that the latency objective is about.
func (s *SystemView) Reads() string { return readsWithAnswer }

// Span is a number of seconds as Prometheus and its kin write it: 30s, 5m, 1d.
func (s *SystemView) Span(q model.Quantity) string { return spanText(q.Int()) }

func spanText(seconds int) string {
	for _, unit := range []struct {
		suffix string
		length int
	}{{"d", 86400}, {"h", 3600}, {"m", 60}} {
		if seconds > 0 && seconds%unit.length == 0 {
			return strconv.Itoa(seconds/unit.length) + unit.suffix
		}
	}
	return strconv.Itoa(seconds) + "s"
}

// Plain is a number without the last bits of its arithmetic: 0.0144, 99.9.
func (s *SystemView) Plain(q model.Quantity) string { return plainText(q.Value) }

func plainText(value float64) string {
	if value == 0 {
		return "0"
	}
	scale := math.Pow(10, 6-math.Ceil(math.Log10(math.Abs(value))))
	return strconv.FormatFloat(math.Round(value*scale)/scale, 'f', -1, 64)
}

// LatencyBound is the latency objective in seconds as the services' histogram writes it: 0.4, 1.0.
func (s *SystemView) LatencyBound() string {
	return formatFloat(float64(s.Load.LatencyP99.Int()) / 1000)
}

// RateWindow is the window of every recorded rate.
func (s *SystemView) RateWindow() string { return s.Span(s.Objectives.RateWindow) }

// RunbookURL is where the runbook of an alert can be read.
func (s *SystemView) RunbookURL(alert string) string {
	return fmt.Sprintf("https://git.example.com/%s/blob/main/deploy/observability/runbooks/%s.md", s.System.Name, alert)
}

// Window is a span of time over which failures are counted.
type Window struct {
	Seconds int
	Name    string // 6h
	Range   string // what it reads: 6h; days are read in steps of the rate window
	Counted string // the same in steps, so that a sum over them times Step is a number of requests
	Step    int    // s
}

func (s *SystemView) window(q model.Quantity) Window {
	w := Window{Seconds: q.Int(), Name: s.Span(q), Range: s.Span(q), Step: 60}
	if w.Seconds > 3600 {
		w.Step = s.Objectives.RateWindow.Int()
	}
	if w.Seconds >= 86400 {
		w.Range += ":" + s.RateWindow()
	}
	w.Counted = w.Name + ":" + spanText(w.Step)
	return w
}

// LongWindows lists the windows of the burn alerts, the shortest first, without the rate window itself.
func (s *SystemView) LongWindows() []Window {
	var windows []Window
	for _, objective := range s.objectives() {
		for _, alert := range objective.Alerts {
			windows = append(windows, s.window(alert.Long), s.window(alert.Short))
		}
	}
	slices.SortFunc(windows, func(a, b Window) int { return a.Seconds - b.Seconds })
	windows = slices.Compact(windows)
	return slices.DeleteFunc(windows, func(w Window) bool { return w.Seconds <= s.Objectives.RateWindow.Int() })
}

// namedObjective is an objective with what it is called.
type namedObjective struct {
	model.Objective
	slo, alert, failing string
}

func (s *SystemView) objectives() []namedObjective {
	return []namedObjective{
		{s.Objectives.Availability, "availability", "AvailabilityBudgetBurn", "fail"},
		{s.Objectives.Latency, "latency", "LatencyBudgetBurn", fmt.Sprintf("take longer than %d ms", s.Load.LatencyP99.Int())},
	}
}

// BurnRule is one alert about an error budget.
type BurnRule struct {
	Alert, SLO, Severity string
	Long, Short          Window
	Threshold, Spent     string // shares of one, and as a percentage
	Summary              string
}

// BurnAlerts lists the alerts of both objectives, the most urgent first.
func (s *SystemView) BurnAlerts() []BurnRule {
	var rules []BurnRule
	for _, objective := range s.objectives() {
		for _, alert := range objective.Alerts {
			rules = append(rules, BurnRule{
				Alert: objective.alert, SLO: objective.slo, Severity: alert.Severity, Long: s.window(alert.Long), Short: s.window(alert.Short),
				Threshold: plainText(alert.Threshold.Value), Spent: s.Percent(alert.Spent), Summary: mustQuote(s.burnSummary(objective, alert)),
			})
		}
	}
	return rules
}

func (s *SystemView) burnSummary(objective namedObjective, alert model.BurnAlert) string {
	return fmt.Sprintf("{{ $value | humanizePercentage }} of the requests to {{ $labels.service }} %s over %s: "+
		"the error budget of %d days burns more than %s times too fast",
		objective.failing, s.Span(alert.Long), s.Objectives.Window.Int(), plainText(alert.Factor.Value))
}

// CauseRule is one alert that names a cause.
type CauseRule struct {
	Name, Expr, For, Severity, Summary, DashboardURL string

	minutes int                    // For, in minutes
	when    func(*SystemView) bool // nil: always
}

// CauseAlerts lists the alerts about causes that hold for all services alike.
func (s *SystemView) CauseAlerts() []CauseRule {
	limits := s.Alerts
	hold, scaling, window := limits.Hold.Int()/60, limits.ScalingHold.Int()/60, s.Objectives.RateWindow.Int()/60
	service, overview := s.ServiceDashboardURL(), s.OverviewURL()
	rules := []CauseRule{
		{Name: "TargetDown", minutes: hold, DashboardURL: overview,
			Expr:    `up == 0`,
			Summary: "Prometheus does not reach {{ $labels.job }} at {{ $labels.instance }}"},
		{Name: "PodRestarting", DashboardURL: service,
			Expr: fmt.Sprintf(`sum by (service) (increase(kube_pod_container_status_restarts_total{%s}[%s])) >= %d`,
				s.ownContainers(), s.Span(limits.RestartWindow), limits.Restarts.Int()),
			Summary: "Pods of {{ $labels.service }} restarted {{ $value | humanize }} times within " + s.Span(limits.RestartWindow)},
		{Name: "MemoryNearLimit", minutes: hold, DashboardURL: service,
			Expr: "max by (service) (\n  process_resident_memory_bytes{" + s.ownJobs() + "}\n" +
				"  / on (namespace, pod) group_left () kube_pod_container_resource_limits{" + s.ownContainers() + ", resource=\"memory\"}\n" +
				") > " + plainText(limits.MemoryUse.Value),
			Summary: "A pod of {{ $labels.service }} uses {{ $value | humanizePercentage }} of its memory"},
		{Name: "CpuThrottled", minutes: hold, DashboardURL: service,
			Expr: fmt.Sprintf("sum by (service) (rate(container_cpu_cfs_throttled_periods_total{%[3]s}[%[1]s]))\n"+
				"/ sum by (service) (rate(container_cpu_cfs_periods_total{%[3]s}[%[1]s])) > %[2]s",
				s.RateWindow(), plainText(limits.ThrottledShare.Value), s.ownContainers()),
			Summary: "{{ $labels.service }} waits for CPU in {{ $value | humanizePercentage }} of the periods"},
		{Name: "AutoscalerAtMaximum", minutes: scaling, DashboardURL: service,
			Expr: "max by (service) (kube_horizontalpodautoscaler_status_current_replicas)\n" +
				">= max by (service) (kube_horizontalpodautoscaler_spec_max_replicas)",
			Summary: "{{ $labels.service }} runs its greatest number of pods, {{ $value }}"},
		{Name: "DatabasePoolSaturated", minutes: hold, DashboardURL: service,
			Expr:    `max by (service) (db_pool_connections{` + s.apiAlone() + `state="used"} / ignoring (state) db_pool_size_limit) > ` + plainText(limits.PoolUse.Value),
			Summary: "A pod of {{ $labels.service }} uses {{ $value | humanizePercentage }} of its database connections"},
		{Name: "InFlightSaturated", minutes: hold, DashboardURL: service,
			Expr: fmt.Sprintf(`max by (service) (avg_over_time(http_server_in_flight_requests[%s]) / http_server_in_flight_limit) > %s`,
				s.RateWindow(), plainText(limits.InFlightUse.Value)),
			Summary: "A pod of {{ $labels.service }} is at {{ $value | humanizePercentage }} of the requests that it admits at once"},
		{Name: "EventLoopLagging", minutes: hold, DashboardURL: service,
			Expr:    fmt.Sprintf(`max by (service) (avg_over_time(event_loop_lag_seconds[%s])) > %s`, s.RateWindow(), plainText(limits.LoopLag.Value/1000)),
			Summary: "The event loop of a pod of {{ $labels.service }} is {{ $value | humanizeDuration }} late"},
		{Name: "CacheUnavailable", minutes: hold, DashboardURL: service, when: func(s *SystemView) bool { return s.Cache != nil },
			Expr:    `min by (service) (cache_available) == 0`,
			Summary: "A pod of {{ $labels.service }} does not reach Redis: its reads all go to the database"},
		{Name: "DatabaseConnectionsNearLimit", minutes: hold, DashboardURL: overview,
			Expr:    `sum by (instance) (pg_stat_activity_count) / max by (instance) (pg_settings_max_connections) > ` + plainText(limits.ConnectionUse.Value),
			Summary: "PostgreSQL has given out {{ $value | humanizePercentage }} of its connections"},
		{Name: "DatabaseReplicationLag", minutes: window, DashboardURL: overview, when: func(s *SystemView) bool { return s.Database.Standbys.Value > 0 },
			Expr:    `max by (instance) (pg_replication_lag_seconds) > ` + plainText(limits.ReplicationLag.Value),
			Summary: fmt.Sprintf("The standby is {{ printf \"%%.0f\" $value }} s behind; %s min may be lost", plainText(s.Load.RPOMinutes.Value))},
		{Name: "VolumeAlmostFull", minutes: hold, DashboardURL: overview,
			Expr:    "1 - kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes > " + plainText(limits.VolumeUse.Value),
			Summary: "The volume {{ $labels.persistentvolumeclaim }} in {{ $labels.namespace }} is {{ $value | humanizePercentage }} full"},
	}
	rules = append(rules, s.refusalAlerts()...)
	if s.Broker != nil {
		rules = append(rules, s.eventAlerts()...)
	}
	rules = slices.DeleteFunc(rules, func(r CauseRule) bool { return r.when != nil && !r.when(s) })
	for i := range rules {
		rules[i].Severity = "ticket"
		if rules[i].minutes > 0 {
			rules[i].For = spanText(rules[i].minutes * 60)
		}
	}
	return rules
}

// mustQuote is quote for text of this program.
func mustQuote(text string) string {
	quoted, err := quote(text)
	if err != nil {
		panic(err)
	}
	return quoted
}

// PercentOf is a share of one, written as text, as a percentage.
func (s *SystemView) PercentOf(share string) (string, error) {
	value, err := strconv.ParseFloat(share, 64)
	return plainText(value*100) + " %", err
}

// Target is the share of requests that an objective asks for: 0.999.
func (s *SystemView) Target(q model.Quantity) string { return plainText(q.Value / 100) }

// dashboardUID is stable over generations; Grafana takes 40 characters.
func (s *SystemView) dashboardUID(kind string) string {
	name := s.System.Name
	if most := 40 - len(kind) - 1; len(name) > most {
		sum := sha256.Sum256([]byte(name))
		name = strings.TrimRight(name[:most-9], "-") + "-" + hex.EncodeToString(sum[:4])
	}
	return name + "-" + kind
}

const grafanaURL = "https://grafana.example.com"

// OverviewURL is where the dashboard of the system is.
func (s *SystemView) OverviewURL() string { return grafanaURL + "/d/" + s.dashboardUID("overview") }

// ServiceDashboardURL is where the dashboard of the service of an alert is.
func (s *SystemView) ServiceDashboardURL() string {
	return mustQuote(s.DashboardOf("{{ $labels.service }}"))
}

// DashboardOf is where the dashboard of a service is.
func (s *SystemView) DashboardOf(service string) string {
	return grafanaURL + "/d/" + s.dashboardUID("service") + "?var-service=" + service
}

// SLOText says what the service is for; OpenSLO takes 1050 characters.
func (s *ServiceView) SLOText() string {
	text := []rune(s.Description)
	if len(text) == 0 {
		return "The " + s.Name + " service of " + s.System.System.Title + "."
	}
	return string(text[:min(len(text), 1050)])
}
