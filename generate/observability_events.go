package generate

import (
	"fmt"
	"strings"

	"codex-design/model"
)

// ownContainers selects the containers of the services among those of the namespace.
func (s *SystemView) ownContainers() string {
	if !s.BrokerApart() {
		return `container="api"`
	}
	return `container=~"` + strings.Join(s.Serving(), "|") + `"`
}

// ownJobs selects what the services' pods say of themselves.
func (s *SystemView) ownJobs() string {
	if !s.BrokerApart() {
		return `job="services"`
	}
	return `job=~"services|processes"`
}

// apiAlone leaves out the processes that carry events: a worker that catches up uses all that it has.
func (s *SystemView) apiAlone() string {
	if !s.BrokerApart() {
		return ""
	}
	return `job="services", `
}

// lateEvents is the share of the events that took effect later than promised.
func (s *SystemView) lateEvents(of string) string {
	return fmt.Sprintf("1 - sum by (service) (rate(consumer_delay_seconds_bucket{%[1]sle=\"%[2]s\"}[%[3]s]))\n"+
		"/ sum by (service) (rate(consumer_delay_seconds_count%[4]s[%[3]s]))",
		of, formatFloat(s.Alerts.ConsumerDelay.Value), s.RateWindow(), selector(of))
}

func selector(of string) string {
	if of == "" {
		return ""
	}
	return "{" + strings.TrimSuffix(of, ", ") + "}"
}

// eventAlerts are about what carries events.
func (s *SystemView) eventAlerts() []CauseRule {
	limits, service := s.Alerts, s.ServiceDashboardURL()
	hold, window := limits.Hold.Int()/60, s.Span(limits.DeadWindow)
	rules := []CauseRule{
		{Name: "OutboxLagging", minutes: hold, DashboardURL: service,
			Expr:    `max by (service) (outbox_oldest_age_seconds) > ` + plainText(limits.OutboxAge.Value),
			Summary: "An event of {{ $labels.service }} waits for {{ $value | humanizeDuration }} to be published"},
	}
	if !s.Works() {
		return rules
	}
	return append(rules,
		CauseRule{Name: "ConsumerDisconnected", minutes: hold, DashboardURL: service,
			Expr:    `min by (service) (consumer_connected) == 0`,
			Summary: "A worker of {{ $labels.service }} does not read from the broker"},
		CauseRule{Name: "EventsLate", minutes: hold, DashboardURL: service,
			Expr: s.lateEvents("") + " > " + plainText(limits.LateShare.Value),
			Summary: "{{ $value | humanizePercentage }} of the events that {{ $labels.service }} consumes take effect after more than " +
				s.Span(limits.ConsumerDelay)},
		CauseRule{Name: "DeadLetters", DashboardURL: service,
			Expr:    fmt.Sprintf("sum by (service) (increase(dead_letter_events_total[%s])) > 0", window),
			Summary: "{{ $labels.service }} could not apply {{ $value | humanize }} events within " + window},
	)
}

// eventPanels show one service's events on their way out and in.
func (s *SystemView) eventPanels(of string) []panelSpec {
	rate := s.RateWindow()
	panels := []panelSpec{
		{rowOnly: true, title: "Events published"},
		{kind: "timeseries", title: "Events that wait", width: 8, queries: []querySpec{{"max(outbox_pending_events" + of + ")", "waiting"}}},
		{kind: "timeseries", title: "Age of the oldest", width: 8, unit: "s", limit: &s.Alerts.OutboxAge.Value,
			queries: []querySpec{{"max(outbox_oldest_age_seconds" + of + ")", "oldest"}}},
		{kind: "timeseries", title: "Published", width: 8, unit: "cps", queries: []querySpec{
			{"sum(rate(outbox_published_events_total" + of + "[" + rate + "]))", "events"},
			{"sum(rate(outbox_publish_failures_total" + of + "[" + rate + "]))", "failed batches"}}},
	}
	if !s.Works() {
		return panels
	}
	if s.KeepsReadModels() {
		panels = append(panels,
			panelSpec{rowOnly: true, title: "Read model"},
			panelSpec{kind: "timeseries", title: "Lag of the read model", about: "Time from a change to its row in the lists, at the 99th percentile.",
				width: 24, unit: "s", limit: &s.Alerts.ConsumerDelay.Value, queries: []querySpec{{
					`histogram_quantile(0.99, sum by (le) (rate(consumer_delay_seconds_bucket{service="$service", consumer=~".+-read-model"}[` + rate + `])))`, "lag"}}})
	}
	return append(panels,
		panelSpec{rowOnly: true, title: "Events consumed"},
		panelSpec{kind: "timeseries", title: "Events by what became of them", width: 8, unit: "cps",
			queries: []querySpec{{"sum by (event, outcome) (rate(consumer_events_total" + of + "[" + rate + "]))", "{{event}} {{outcome}}"}}},
		panelSpec{kind: "timeseries", title: "Late events", about: "Share that took effect after more than " + s.Span(s.Alerts.ConsumerDelay) + ".", width: 8,
			unit: "percentunit", share: true, limit: &s.Alerts.LateShare.Value, queries: []querySpec{{s.lateEvents(`service="$service", `), "late"}}},
		panelSpec{kind: "timeseries", title: "Dead letters in " + s.Span(s.Alerts.DeadWindow), width: 8, limit: ptr(1.0),
			queries: []querySpec{{"sum by (event) (increase(dead_letter_events_total" + of + "[" + s.Span(s.Alerts.DeadWindow) + "]))", "{{event}}"}}},
	)
}

// eventTests move the alerts about events; the service is the first that publishes or consumes.
func (s *SystemView) eventTests() []causeTest {
	if s.Broker == nil {
		return nil
	}
	out, in := s.firstWith((*ServiceView).publishes), s.firstWith((*ServiceView).consumes)
	tests := []causeTest{
		{alert: "OutboxLagging", series: []string{`outbox_oldest_age_seconds{service="` + out + `", pod="a"}`}, calm: s.Alerts.OutboxAge.Value,
			worse: 2 * s.Alerts.OutboxAge.Value, shown: "2m 0s", labels: map[string]string{"service": out}},
	}
	if in == "" {
		return tests
	}
	of, pod := map[string]string{"service": in}, `service="`+in+`", consumer="`+in+`"`
	late := func(perMinute int) yamlMap {
		return yamlMap{{"series", "consumer_delay_seconds_count{" + pod + `, event="a.b"}`}, {"values", fmt.Sprintf("0+%dx%d", perMinute, 2*minutesInTest)}}
	}
	return append(tests,
		causeTest{alert: "ConsumerDisconnected", series: []string{"consumer_connected{" + pod + "}"}, calm: 1, worse: 0, labels: of},
		causeTest{alert: "EventsLate", series: []string{"consumer_delay_seconds_bucket{" + pod + `, event="a.b", le="` + formatFloat(s.Alerts.ConsumerDelay.Value) + `"}`},
			calm: 600, worse: 450, grows: true, fixed: []yamlMap{late(600)}, shown: "25%", labels: of},
		causeTest{alert: "DeadLetters", series: []string{"dead_letter_events_total{" + pod + `, event="a.b"}`}, worse: 1, grows: true,
			shown: "6", labels: of, memory: s.Alerts.DeadWindow.Int()/60 + 1},
	)
}

func (s *ServiceView) publishes() bool { return s.Relays() }
func (s *ServiceView) consumes() bool  { return s.Works() }

// firstWith names the first service of a kind, or nothing.
func (s *SystemView) firstWith(is func(*ServiceView) bool) string {
	for i := range s.Services {
		if is(&s.Services[i]) {
			return s.Services[i].Name
		}
	}
	return ""
}

// processDownTest loses the relay of the first service that has one; everything else stays.
func (s *SystemView) processDownTest() yamlMap {
	name, process := s.firstWith((*ServiceView).publishes), model.RelayProcess
	hold := s.Alerts.DownHold.Int() / 60
	var series yamlList
	for _, other := range s.Production().EnvironmentPlan.Processes {
		values := fmt.Sprintf("1x%d", minutesInTest)
		if other.Service == name && other.Process == process {
			values = fmt.Sprintf("1x%d 0x%d 1x%d", calmMinutes-1, hold+overMinutes-1, overMinutes)
		}
		series = append(series, yamlMap{
			{"series", fmt.Sprintf(`up{job="processes", service="%s", process="%s", pod="a"}`, other.Service, other.Process)}, {"values", values},
		})
	}
	alert := yamlMap{
		{"exp_labels", yamlMap{{"process", process}, {"service", name}, {"severity", "page"}, {"team", s.System.Name}}},
		{"exp_annotations", yamlMap{
			{"summary", "No " + process + " of " + name + " answers Prometheus"},
			{"runbook_url", s.RunbookURL("ProcessDown")},
			{"dashboard_url", s.DashboardOf(name)},
		}},
	}
	return yamlMap{{"name", "ProcessDown"}, {"interval", "1m"}, {"input_series", series}, {"alert_rule_test", yamlList{
		expectAlert("ProcessDown", calmMinutes-1),
		expectAlert("ProcessDown", calmMinutes+hold-1),
		expectAlert("ProcessDown", calmMinutes+hold, alert),
		expectAlert("ProcessDown", calmMinutes+hold+overMinutes+1),
	}}}
}
