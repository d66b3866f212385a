package generate

import (
	"fmt"
	"math"
	"strings"

	"codex-design/model"
)

// The unit tests of the rules, for promtool. Time is counted in minutes: the
// rules are evaluated, and the series have a sample, once in each.
const (
	busyRequests = 60_000 // a minute: enough that one failure more or less moves no share
	quietDay     = 1440   // before an incident, so that the long windows have something to weigh it against
	quietMorning = 360
	settle       = 6 // the rate window, and one more: what happened before has left it
)

// segment is a stretch of a counter that grows evenly.
type segment struct {
	minutes   int
	perMinute float64
}

// counterValues is a counter in promtool's notation.
func counterValues(segments ...segment) string {
	var parts []string
	total := 0.0
	for _, s := range segments {
		parts = append(parts, fmt.Sprintf("%s+%sx%d", plainText(total), plainText(s.perMinute), s.minutes-1))
		total += s.perMinute * float64(s.minutes)
	}
	return strings.Join(parts, " ")
}

// incident is a time in which a share of the requests fails, after a quiet time.
type incident struct {
	before, during, after int // minutes
	share                 float64
	perMinute             float64
}

func (in incident) split(share float64) []segment {
	all := []segment{{in.before, 0}, {in.during, share}, {in.after, 0}}
	var segments []segment
	for _, s := range all {
		if s.minutes > 0 {
			segments = append(segments, s)
		}
	}
	return segments
}

// values are those of the counter of requests that fail, or of those that do not.
func (in incident) values(failing bool) string {
	segments := in.split(in.share)
	for i := range segments {
		if !failing {
			segments[i].perMinute = 1 - segments[i].perMinute
		}
		segments[i].perMinute *= in.perMinute
	}
	return counterValues(segments...)
}

// shareOver is the share that failed in the window that ends at a minute.
func (in incident) shareOver(seconds, minute int) float64 {
	from := max(0, minute-seconds/60)
	failed := min(minute, in.before+in.during) - max(from, in.before)
	return in.share * float64(max(0, failed)) / float64(minute-from)
}

// firing lists the alerts of an objective that fire at a minute of the incident.
func (o namedObjective) firing(in incident, minute int) []model.BurnAlert {
	var firing []model.BurnAlert
	for _, alert := range o.Alerts {
		limit := alert.Threshold.Value
		if in.shareOver(alert.Long.Int(), minute) > limit && in.shareOver(alert.Short.Int(), minute) > limit {
			firing = append(firing, alert)
		}
	}
	return firing
}

// series are the metrics of a service during an incident: failed answers, or late ones.
func (s *SystemView) series(slo string, in incident) yamlList {
	const count, bucket = "http_server_request_duration_seconds_count", "http_server_request_duration_seconds_bucket"
	labels := func(status string) string {
		return fmt.Sprintf(`service="%s", method="GET", route="/v1/things", status_class="%s"`, s.Services[0].Name, status)
	}
	item := func(series, values string) yamlMap { return yamlMap{{"series", series}, {"values", values}} }
	if slo == "availability" {
		return yamlList{
			item(count+"{"+labels("2xx")+"}", in.values(false)),
			item(count+"{"+labels("5xx")+"}", in.values(true)),
		}
	}
	every := in
	every.share = 0
	return yamlList{
		item(count+"{"+labels("2xx")+"}", every.values(false)),
		item(bucket+"{"+labels("2xx")+`, le="`+s.LatencyBound()+`"}`, in.values(false)),
	}
}

// ObjectiveTests are the tests of the alerts about error budgets, as YAML.
func (s *SystemView) ObjectiveTests() string {
	var tests yamlList
	for _, objective := range s.objectives() {
		for _, alert := range objective.Alerts {
			limit := alert.Threshold.Value
			in := incident{during: 31, share: min(1.2*limit, (1+limit)/2), perMinute: busyRequests}
			tests = append(tests, s.alertTest(objective, in, fmt.Sprintf("%s: above the limit of %s", objective.alert, s.Span(alert.Long)), 30))
		}
		tests = append(tests, s.quietTests(objective)...)
	}
	tests = append(tests, s.incidentTest(s.objectives()[0]))
	return yamlDocument(yamlMap{
		{"rule_files", yamlFlow{"../rules/objectives.yaml"}},
		{"evaluation_interval", "1m"},
		{"tests", tests},
	})
}

// alertTest expects the alerts that fire while an even share of the requests fails, with all that they say.
func (s *SystemView) alertTest(objective namedObjective, in incident, name string, minute int) yamlMap {
	expected := yamlList{}
	for _, alert := range objective.firing(in, minute) {
		long := s.window(alert.Long)
		expected = append(expected, yamlMap{
			{"exp_labels", yamlMap{
				{"service", s.Services[0].Name}, {"slo", objective.slo}, {"severity", alert.Severity}, {"team", s.System.Name}, {"window", long.Name},
			}},
			{"exp_annotations", yamlMap{
				{"summary", strings.NewReplacer(
					"{{ $value | humanizePercentage }}", fmt.Sprintf("%.4g%%", in.share*100), "{{ $labels.service }}", s.Services[0].Name,
				).Replace(s.burnSummary(objective, alert))},
				{"runbook_url", s.RunbookURL(objective.alert)},
				{"dashboard_url", s.DashboardOf(s.Services[0].Name)},
			}},
		})
	}
	return s.test(name, objective, in, "alert_rule_test", yamlList{
		yamlMap{{"eval_time", minutesText(minute)}, {"alertname", objective.alert}, {"exp_alerts", expected}},
	})
}

func (s *SystemView) test(name string, objective namedObjective, in incident, kind string, expectations yamlList) yamlMap {
	return yamlMap{{"name", name}, {"interval", "1m"}, {"input_series", s.series(objective.slo, in)}, {kind, expectations}}
}

// windowsTest expects the windows whose alerts fire at some minutes.
func (s *SystemView) windowsTest(name string, objective namedObjective, in incident, minutes ...int) yamlMap {
	expectations := yamlList{}
	for _, minute := range minutes {
		samples := yamlList{}
		for _, alert := range objective.firing(in, minute) {
			samples = append(samples, yamlMap{{"labels", fmt.Sprintf(`{window="%s"}`, s.Span(alert.Long))}, {"value", 1}})
		}
		expectations = append(expectations, yamlMap{
			{"expr", fmt.Sprintf(`count by (window) (ALERTS{alertname="%s", alertstate="firing"})`, objective.alert)},
			{"eval_time", minutesText(minute)},
			{"exp_samples", samples},
		})
	}
	return s.test(name, objective, in, "promql_expr_test", expectations)
}

// quietTests are what must call nobody.
func (s *SystemView) quietTests(objective namedObjective) yamlList {
	first, last := objective.Alerts[0].Threshold.Value, objective.Alerts[len(objective.Alerts)-1].Threshold.Value
	steady := incident{during: 31, share: 0.8 * last, perMinute: busyRequests}
	spike := incident{before: quietMorning, during: 5, after: 30, share: min(1, 3*first), perMinute: busyRequests}
	single := incident{before: 70, during: 1, after: 20, share: 1, perMinute: 1}
	return yamlList{
		s.alertTest(objective, steady, objective.alert+": what the budget allows", 30),
		s.windowsTest(objective.alert+": a spike of five minutes", objective, spike, spike.before+6, spike.before+30),
		s.silentTest(objective.alert+": one failed request on a quiet night", objective, single, 72, 80),
	}
}

// silentTest expects that nobody is called, whatever the shares say.
func (s *SystemView) silentTest(name string, objective namedObjective, in incident, minutes ...int) yamlMap {
	expectations := yamlList{}
	for _, minute := range minutes {
		expectations = append(expectations, yamlMap{{"eval_time", minutesText(minute)}, {"alertname", objective.alert}, {"exp_alerts", yamlFlow{}}})
	}
	return s.test(name, objective, in, "alert_rule_test", expectations)
}

// incidentTest follows an incident: not yet, in time, and over when it is over. It is long to
// run and the rules of the objectives differ in their limits only, so one is enough.
func (s *SystemView) incidentTest(objective namedObjective) yamlMap {
	in, minutes := s.incident(objective)
	return s.windowsTest(objective.alert+": an incident", objective, in, minutes...)
}

// incident is one that the most urgent alert notices, and the minutes at which to look.
func (s *SystemView) incident(objective namedObjective) (incident, []int) {
	urgent := objective.Alerts[0]
	limit := urgent.Threshold.Value
	share := min(1, 3*limit)
	detected := int(math.Ceil(urgent.Long.Value / 60 * limit / share)) // when the long window has seen enough
	short := urgent.Short.Int() / 60
	in := incident{before: quietDay, during: 3 * detected, after: short + 2*settle, share: share, perMinute: busyRequests}
	end := in.before + in.during
	return in, []int{in.before, in.before + detected/2, in.before + detected + settle, end - 1, end + short + settle}
}

func minutesText(minutes int) string { return fmt.Sprintf("%dm", minutes) }
