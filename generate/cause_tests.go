package generate

import (
	"fmt"
	"strings"
)

// causeTest moves one alert from calm to trouble and back. Gauges hold the two
// values; counters grow by them each minute.
type causeTest struct {
	alert  string
	series []string // what moves
	fixed  []yamlMap
	calm   float64
	worse  float64
	grows  bool              // a counter
	shown  string            // the value as the summary has it
	labels map[string]string // of the alert, besides severity and team
	memory int               // minutes for which the expression looks back
}

const (
	calmMinutes = 20
	overMinutes = 10 // for which it goes on after the alert has to fire
)

func (s *SystemView) causeTests() []causeTest {
	name := s.Services[0].Name
	of := map[string]string{"service": name}
	server := map[string]string{"instance": "postgres-exporter.observability:9187"}
	pod := fmt.Sprintf(`job="services", service="%s", namespace="%s", pod="%s-7d4b9-x2x4z"`, name, s.System.Name, name)
	kube := fmt.Sprintf(`service="%s", namespace="%s", pod="%s-7d4b9-x2x4z"`, name, s.System.Name, name)
	fixed := func(series string, value int) []yamlMap {
		return []yamlMap{{{"series", series}, {"values", fmt.Sprintf("%dx%d", value, 2*minutesInTest)}}}
	}
	limit := s.Alerts.ReplicationLag.Value
	return append(append(s.eventTests(), s.refusalTests()...), []causeTest{
		{alert: "TargetDown", series: []string{`up{job="postgres", instance="postgres-exporter.observability:9187"}`}, calm: 1, worse: 0,
			labels: map[string]string{"job": "postgres", "instance": server["instance"]}},
		{alert: "PodRestarting", series: []string{"kube_pod_container_status_restarts_total{container=\"api\", " + kube + "}"}, worse: 1, grows: true,
			shown: "6", labels: of, memory: s.Alerts.RestartWindow.Int()/60 + 1},
		{alert: "MemoryNearLimit", series: []string{`process_resident_memory_bytes{` + pod + `}`}, calm: 85, worse: 95,
			fixed: fixed(`kube_pod_container_resource_limits{container="api", resource="memory", `+kube+`}`, 100), shown: "95%", labels: of},
		{alert: "CpuThrottled", series: []string{`container_cpu_cfs_throttled_periods_total{container="api", ` + kube + `}`}, calm: 120, worse: 180, grows: true,
			fixed: []yamlMap{{{"series", `container_cpu_cfs_periods_total{container="api", ` + kube + `}`}, {"values", fmt.Sprintf("0+600x%d", 2*minutesInTest)}}}, shown: "30%", labels: of},
		{alert: "AutoscalerAtMaximum", series: []string{`kube_horizontalpodautoscaler_status_current_replicas{service="` + name + `"}`}, calm: 5, worse: 6,
			fixed: fixed(`kube_horizontalpodautoscaler_spec_max_replicas{service="`+name+`"}`, 6), shown: "6", labels: of},
		{alert: "DatabasePoolSaturated", series: []string{`db_pool_connections{state="used", ` + pod + `}`}, calm: 8, worse: 9,
			fixed: fixed(`db_pool_size_limit{`+pod+`}`, 10), shown: "90%", labels: of},
		{alert: "InFlightSaturated", series: []string{`http_server_in_flight_requests{` + pod + `}`}, calm: 80, worse: 90,
			fixed: fixed(`http_server_in_flight_limit{`+pod+`}`, 100), shown: "90%", labels: of},
		{alert: "EventLoopLagging", series: []string{`event_loop_lag_seconds{` + pod + `}`}, calm: 0.05, worse: 0.2, shown: "200ms", labels: of},
		{alert: "CacheUnavailable", series: []string{`cache_available{` + pod + `}`}, calm: 1, worse: 0, labels: of},
		{alert: "DatabaseConnectionsNearLimit", series: []string{`pg_stat_activity_count{instance="postgres-exporter.observability:9187", datname="any", state="idle"}`}, calm: 75, worse: 85,
			fixed: fixed(`pg_settings_max_connections{instance="postgres-exporter.observability:9187"}`, 100), shown: "85%", labels: server},
		{alert: "DatabaseReplicationLag", series: []string{`pg_replication_lag_seconds{instance="postgres-exporter.observability:9187"}`}, calm: limit, worse: limit + 1,
			shown: fmt.Sprintf("%.0f", limit+1), labels: server},
		{alert: "VolumeAlmostFull", series: []string{`kubelet_volume_stats_available_bytes{namespace="observability", persistentvolumeclaim="prometheus"}`}, calm: 25, worse: 10,
			fixed: fixed(`kubelet_volume_stats_capacity_bytes{namespace="observability", persistentvolumeclaim="prometheus"}`, 100), shown: "90%",
			labels: map[string]string{"namespace": "observability", "persistentvolumeclaim": "prometheus"}},
	}...)
}

const minutesInTest = 60

// CauseTests are the tests of the alerts that name a cause, as YAML.
func (s *SystemView) CauseTests() string {
	rules := map[string]CauseRule{}
	for _, rule := range s.CauseAlerts() {
		rules[rule.Name] = rule
	}
	tests := yamlList{s.downTest()}
	if s.BrokerApart() {
		tests = append(tests, s.processDownTest())
	}
	for _, test := range s.causeTests() {
		if rule, ok := rules[test.alert]; ok {
			tests = append(tests, s.causeTest(test, rule))
		}
	}
	tests = append(tests, s.watchdogTest())
	return yamlDocument(yamlMap{
		{"rule_files", yamlFlow{"../rules/causes.yaml"}},
		{"evaluation_interval", "1m"},
		{"tests", tests},
	})
}

func (s *SystemView) causeTest(test causeTest, rule CauseRule) yamlMap {
	hold := rule.minutes
	memory := max(test.memory, settle)
	worse := hold + overMinutes
	values := test.values(worse, memory+2*settle)
	var series yamlList
	for _, name := range test.series {
		series = append(series, yamlMap{{"series", name}, {"values", values}})
	}
	for _, other := range test.fixed {
		series = append(series, other)
	}
	return yamlMap{{"name", rule.Name}, {"interval", "1m"}, {"input_series", series}, {"alert_rule_test", yamlList{
		expectAlert(rule.Name, calmMinutes-1),
		expectAlert(rule.Name, calmMinutes+max(hold, 1)-1),
		expectAlert(rule.Name, calmMinutes+hold+settle, s.causeAlert(test, rule)),
		expectAlert(rule.Name, calmMinutes+worse+memory+settle),
	}}}
}

// values go from calm to worse and back.
func (t causeTest) values(worse, after int) string {
	if t.grows {
		return counterValues(segment{calmMinutes, t.calm}, segment{worse, t.worse}, segment{after, t.calm})
	}
	steady := func(value float64, minutes int) string { return fmt.Sprintf("%sx%d", plainText(value), minutes-1) }
	return strings.Join([]string{steady(t.calm, calmMinutes), steady(t.worse, worse), steady(t.calm, after)}, " ")
}

func (s *SystemView) causeAlert(test causeTest, rule CauseRule) yamlMap {
	labels := yamlMap{{"severity", rule.Severity}, {"team", s.System.Name}}
	replaced := []string{"{{ $value | humanizePercentage }}", test.shown, "{{ $value | humanizeDuration }}", test.shown,
		"{{ $value | humanize }}", test.shown, "{{ $value }}", test.shown, `{{ printf "%.0f" $value }}`, test.shown}
	for _, name := range []string{"service", "job", "instance", "namespace", "persistentvolumeclaim"} {
		if value, ok := test.labels[name]; ok {
			labels = append(labels, yamlItem{name, value})
			replaced = append(replaced, "{{ $labels."+name+" }}", value)
		}
	}
	dashboard := s.OverviewURL()
	if service, ok := test.labels["service"]; ok {
		dashboard = s.DashboardOf(service)
	}
	return yamlMap{{"exp_labels", labels}, {"exp_annotations", yamlMap{
		{"summary", strings.NewReplacer(replaced...).Replace(rule.Summary)},
		{"runbook_url", s.RunbookURL(rule.Name)},
		{"dashboard_url", dashboard},
	}}}
}

// expectAlert is one look at an alert: which of its kind fire at a minute.
func expectAlert(name string, minute int, alerts ...yamlMap) yamlMap {
	expected := yamlList{}
	for _, alert := range alerts {
		expected = append(expected, alert)
	}
	look := yamlMap{{"eval_time", minutesText(minute)}, {"alertname", name}}
	if len(expected) == 0 {
		return look.with("exp_alerts", yamlFlow{})
	}
	return look.with("exp_alerts", expected)
}

// downTest loses every pod of the first service; the others stay.
func (s *SystemView) downTest() yamlMap {
	name := s.Deployables[0].Name
	hold := s.Alerts.DownHold.Int() / 60
	series := yamlList{yamlMap{
		{"series", fmt.Sprintf(`up{job="services", service="%s", pod="a"}`, name)},
		{"values", fmt.Sprintf("1x%d 0x%d 1x%d", calmMinutes-1, hold+overMinutes-1, overMinutes)},
	}}
	for _, other := range s.Deployables[1:] {
		series = append(series, yamlMap{
			{"series", fmt.Sprintf(`up{job="services", service="%s", pod="a"}`, other.Name)}, {"values", fmt.Sprintf("1x%d", minutesInTest)},
		})
	}
	alert := yamlMap{
		{"exp_labels", yamlMap{{"service", name}, {"severity", "page"}, {"team", s.System.Name}}},
		{"exp_annotations", yamlMap{
			{"summary", "No pod of " + name + " answers Prometheus"},
			{"runbook_url", s.RunbookURL("ServiceDown")},
			{"dashboard_url", s.DashboardOf(name)},
		}},
	}
	return yamlMap{{"name", "ServiceDown"}, {"interval", "1m"}, {"input_series", series}, {"alert_rule_test", yamlList{
		expectAlert("ServiceDown", calmMinutes-1),
		expectAlert("ServiceDown", calmMinutes+hold-1),
		expectAlert("ServiceDown", calmMinutes+hold, alert),
		expectAlert("ServiceDown", calmMinutes+hold+overMinutes+1),
	}}}
}

func (s *SystemView) watchdogTest() yamlMap {
	return yamlMap{{"name", "Watchdog"}, {"interval", "1m"}, {"input_series", yamlFlow{}}, {"alert_rule_test", yamlList{
		expectAlert("Watchdog", 0, yamlMap{
			{"exp_labels", yamlMap{{"severity", "none"}, {"team", s.System.Name}}},
			{"exp_annotations", yamlMap{
				{"summary", "Alerts get through"}, {"runbook_url", s.RunbookURL("Watchdog")}, {"dashboard_url", s.OverviewURL()},
			}},
		}),
	}}}
}
