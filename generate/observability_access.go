package generate

import "fmt"

// refusals is how many requests a second a counter of refused ones counted.
func (s *SystemView) refusals(counter, of string) string {
	return fmt.Sprintf("rate(%s%s[%s])", counter, of, s.RateWindow())
}

// refusedMore says of which services more than a share of the requests were
// refused, leaving out those with so few that a share says nothing.
func (s *SystemView) refusedMore(counter string, share float64) string {
	return fmt.Sprintf("(sum by (service) (%s) > %s)\n/ sum by (service) (%s) > %s",
		s.refusals(counter, ""), plainText(s.Alerts.RefusalFloor.Value), s.refusals("http_server_request_duration_seconds_count", ""), plainText(share))
}

// refusalAlerts are about callers that are not let in, or slowed.
func (s *SystemView) refusalAlerts() []CauseRule {
	limits, service := s.Alerts, s.ServiceDashboardURL()
	hold := limits.Hold.Int() / 60
	return []CauseRule{
		{Name: "CallersRefused", minutes: hold, DashboardURL: service, when: (*SystemView).Authenticated,
			Expr:    s.refusedMore("auth_failures_total", limits.RefusedShare.Value),
			Summary: "{{ $labels.service }} does not let in {{ $value | humanizePercentage }} of the requests"},
		{Name: "ClientsLimited", minutes: hold, DashboardURL: service, when: (*SystemView).RateLimited,
			Expr:    s.refusedMore("rate_limited_requests_total", limits.LimitedShare.Value),
			Summary: "{{ $value | humanizePercentage }} of the requests to {{ $labels.service }} are above the limit of their client"},
	}
}

// refusalPanels show whom one service did not let in, and why.
func (s *SystemView) refusalPanels(of string) []panelSpec {
	panels := []panelSpec{{rowOnly: true, title: "Callers"}}
	if s.Authenticated() {
		panels = append(panels, panelSpec{kind: "timeseries", title: "Callers not let in", about: "By what was wrong with their credentials.", width: 12, unit: "reqps",
			queries: []querySpec{{"sum by (reason) (" + s.refusals("auth_failures_total", of) + ")", "{{reason}}"}}})
	}
	if s.RateLimited() {
		panels = append(panels, panelSpec{kind: "timeseries", title: "Requests above a limit", width: 12, unit: "reqps",
			queries: []querySpec{{"sum by (pod) (" + s.refusals("rate_limited_requests_total", of) + ")", "{{pod}}"}}})
	}
	return panels
}

// refusalTests move the alerts about callers: of 600 requests a minute one in a hundred is refused, then one in five.
func (s *SystemView) refusalTests() []causeTest {
	name := s.Services[0].Name
	pod := fmt.Sprintf(`job="services", service="%s", pod="a"`, name)
	all := []yamlMap{{{"series", "http_server_request_duration_seconds_count{" + pod + "}"}, {"values", fmt.Sprintf("0+600x%d", 2*minutesInTest)}}}
	test := func(alert, series string) causeTest {
		return causeTest{alert: alert, series: []string{series}, fixed: all, calm: 6, worse: 120, grows: true, shown: "20%", labels: map[string]string{"service": name}}
	}
	return []causeTest{
		test("CallersRefused", `auth_failures_total{`+pod+`, reason="expired"}`),
		test("ClientsLimited", `rate_limited_requests_total{`+pod+`}`),
	}
}
