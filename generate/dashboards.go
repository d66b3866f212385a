package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// A dashboard in the model that Grafana stores, as far as it is used here; what
// is left out has Grafana's default.
type (
	dashboard struct {
		UID           string              `json:"uid"`
		Title         string              `json:"title"`
		Description   string              `json:"description"`
		Tags          []string            `json:"tags"`
		SchemaVersion int                 `json:"schemaVersion"`
		Editable      bool                `json:"editable"`
		GraphTooltip  int                 `json:"graphTooltip"`
		Refresh       string              `json:"refresh"`
		Timezone      string              `json:"timezone"`
		Time          dashboardTime       `json:"time"`
		Templating    dashboardTemplating `json:"templating"`
		Links         []dashboardLink     `json:"links"`
		Panels        []dashboardPanel    `json:"panels"`
	}
	dashboardTime struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	dashboardTemplating struct {
		List []dashboardVariable `json:"list"`
	}
	dashboardVariable struct {
		Name       string         `json:"name"`
		Label      string         `json:"label"`
		Type       string         `json:"type"`
		Query      any            `json:"query"`
		Datasource *datasourceRef `json:"datasource,omitempty"`
		Refresh    int            `json:"refresh,omitempty"`
		Sort       int            `json:"sort,omitempty"`
		Current    any            `json:"current,omitempty"`
	}
	dashboardLink struct {
		Title       string   `json:"title"`
		Type        string   `json:"type"`
		URL         string   `json:"url,omitempty"`
		Tags        []string `json:"tags"`
		AsDropdown  bool     `json:"asDropdown"`
		IncludeVars bool     `json:"includeVars"`
		KeepTime    bool     `json:"keepTime"`
		TargetBlank bool     `json:"targetBlank"`
		Icon        string   `json:"icon"`
		Tooltip     string   `json:"tooltip"`
	}
	datasourceRef struct {
		Type string `json:"type"`
		UID  string `json:"uid"`
	}
	dashboardPanel struct {
		ID          int               `json:"id"`
		Type        string            `json:"type"`
		Title       string            `json:"title"`
		Description string            `json:"description,omitempty"`
		GridPos     gridPosition      `json:"gridPos"`
		Datasource  *datasourceRef    `json:"datasource,omitempty"`
		Targets     []dashboardTarget `json:"targets,omitempty"`
		FieldConfig *fieldConfig      `json:"fieldConfig,omitempty"`
		Options     map[string]any    `json:"options,omitempty"`
		Collapsed   *bool             `json:"collapsed,omitempty"` // of a row
		Panels      *[]dashboardPanel `json:"panels,omitempty"`    // of a collapsed row
	}
	gridPosition struct {
		X int `json:"x"`
		Y int `json:"y"`
		W int `json:"w"`
		H int `json:"h"`
	}
	dashboardTarget struct {
		RefID        string        `json:"refId"`
		Datasource   datasourceRef `json:"datasource"`
		Expr         string        `json:"expr"`
		LegendFormat string        `json:"legendFormat,omitempty"`
		Instant      bool          `json:"instant,omitempty"`
	}
	fieldConfig struct {
		Defaults  fieldDefaults `json:"defaults"`
		Overrides []any         `json:"overrides"`
	}
	fieldDefaults struct {
		Unit       string           `json:"unit,omitempty"`
		Min        *float64         `json:"min,omitempty"`
		Max        *float64         `json:"max,omitempty"`
		Thresholds *fieldThresholds `json:"thresholds,omitempty"`
		Links      []fieldLink      `json:"links,omitempty"`
		Custom     map[string]any   `json:"custom,omitempty"`
	}
	fieldThresholds struct {
		Mode  string           `json:"mode"`
		Steps []thresholdColor `json:"steps"`
	}
	thresholdColor struct {
		Color string   `json:"color"`
		Value *float64 `json:"value"`
	}
	fieldLink struct {
		Title string `json:"title"`
		URL   string `json:"url"`
	}
)

const (
	grafanaSchema = 42 // of dashboards, since Grafana 12
	gridColumns   = 24
	panelHeight   = 8
	statHeight    = 4
)

var prometheusRef = datasourceRef{Type: "prometheus", UID: "${datasource}"}

// panelSpec is what differs from panel to panel.
type panelSpec struct {
	kind, title, about string
	width              int
	unit               string
	queries            []querySpec
	limit              *float64 // drawn as a line, or from which a figure is red
	worseBelow         bool     // the limit is a floor
	share              bool     // the axis goes from 0 to 1
	perService         bool     // each series leads to the dashboard of its service
	rowOnly            bool
}

type querySpec struct{ expr, legend string }

// OverviewDashboard is the dashboard of the system, as JSON.
func (s *SystemView) OverviewDashboard() (string, error) {
	rate, budgetDays := s.RateWindow(), s.Objectives.Window.Int()
	panels := []panelSpec{
		{rowOnly: true, title: "Promises"},
		{kind: "bargauge", title: "Error budget left", about: fmt.Sprintf("Of the failures that %d days may have. Below 0 the promise is broken.", budgetDays), width: 12, unit: "percentunit",
			queries: []querySpec{{fmt.Sprintf("service:slo_budget_left:ratio%dd", budgetDays), "{{service}} {{slo}}"}}, limit: ptr(0.0), worseBelow: true, perService: true},
		{kind: "table", title: "Alerts that fire", width: 12, queries: []querySpec{{`ALERTS{alertstate="firing", alertname!="Watchdog"}`, ""}}},
		{rowOnly: true, title: "Requests"},
		{kind: "timeseries", title: "Requests", width: 8, unit: "reqps", queries: []querySpec{{"service:http_server_requests:rate" + rate, "{{service}}"}}, perService: true},
		{kind: "timeseries", title: "Failed requests", about: "Share of the requests answered with 5xx. The line is what the objective allows.", width: 8, unit: "percentunit", perService: true,
			queries: []querySpec{{fmt.Sprintf("service:http_server_errors:rate%[1]s / service:http_server_requests:rate%[1]s", rate), "{{service}}"}}, limit: &s.Objectives.Availability.Budget.Value},
		{kind: "timeseries", title: "Latency, p99", about: "The line is the objective of reads.", width: 8, unit: "s", perService: true,
			queries: []querySpec{{"service:http_server_request_duration_seconds:p99_rate" + rate, "{{service}}"}}, limit: s.latencyLimit()},
		{rowOnly: true, title: "Pods"},
		{kind: "timeseries", title: "Pods scraped", width: 8, queries: []querySpec{{`sum by (service) (up{job="services"})`, "{{service}}"}}, perService: true},
		{kind: "timeseries", title: "Autoscaler, share of the greatest number", width: 8, unit: "percentunit", share: true, perService: true, limit: ptr(1.0),
			queries: []querySpec{{"max by (service) (kube_horizontalpodautoscaler_status_current_replicas) / max by (service) (kube_horizontalpodautoscaler_spec_max_replicas)", "{{service}}"}}},
		{kind: "timeseries", title: "Restarts in " + s.Span(s.Alerts.RestartWindow), width: 8, perService: true,
			queries: []querySpec{{fmt.Sprintf(`sum by (service) (increase(kube_pod_container_status_restarts_total{container="api"}[%s]))`, s.Span(s.Alerts.RestartWindow)), "{{service}}"}}},
		{rowOnly: true, title: "Database"},
		{kind: "timeseries", title: "Connections of PostgreSQL in use", width: 12, unit: "percentunit", share: true, limit: &s.Alerts.ConnectionUse.Value,
			queries: []querySpec{{"sum by (instance) (pg_stat_activity_count) / max by (instance) (pg_settings_max_connections)", "{{instance}}"}}},
		{kind: "timeseries", title: "Connections by database", width: 12, queries: []querySpec{{"sum by (datname) (pg_stat_activity_count)", "{{datname}}"}}},
	}
	board := s.newDashboard("overview", s.System.Title+": overview", "Promises, requests, pods and the database of the whole system.", panels)
	return dashboardJSON(board)
}

// ServiceDashboard is the dashboard of one service at a time, as JSON.
func (s *SystemView) ServiceDashboard() (string, error) {
	const of = `{service="$service"}`
	rate := s.RateWindow()
	panels := []panelSpec{
		{rowOnly: true, title: "Promises"},
		{kind: "stat", title: "Error budget left", width: 6, unit: "percentunit", limit: ptr(0.0), worseBelow: true,
			queries: []querySpec{{fmt.Sprintf(`service:slo_budget_left:ratio%dd`, s.Objectives.Window.Int()) + of, "{{slo}}"}}},
		{kind: "stat", title: "Requests", width: 6, unit: "reqps", queries: []querySpec{{"service:http_server_requests:rate" + rate + of, ""}}},
		{kind: "stat", title: "Latency, p99", width: 6, unit: "s", limit: s.latencyLimit(),
			queries: []querySpec{{"service:http_server_request_duration_seconds:p99_rate" + rate + of, ""}}},
		{kind: "stat", title: "Pods", width: 6, queries: []querySpec{{`sum(up{job="services", service="$service"})`, ""}}},
		{kind: "timeseries", title: "Share of requests that break a promise", about: "Times the factor of an alert, the budget is the limit of that alert.", width: 24, unit: "percentunit",
			queries: s.burnQueries(of)},
		{rowOnly: true, title: "Routes"},
		{kind: "timeseries", title: "Requests", width: 8, unit: "reqps", queries: []querySpec{{"service_method_route:http_server_requests:rate" + rate + of, "{{method}} {{route}}"}}},
		{kind: "timeseries", title: "Failed requests", width: 8, unit: "reqps", queries: []querySpec{{"service_method_route:http_server_errors:rate" + rate + of, "{{method}} {{route}}"}}},
		{kind: "timeseries", title: "Latency, p99", width: 8, unit: "s", limit: s.latencyLimit(),
			queries: []querySpec{{"service_method_route:http_server_request_duration_seconds:p99_rate" + rate + of, "{{method}} {{route}}"}}},
		{rowOnly: true, title: "Saturation"},
		{kind: "timeseries", title: "Requests in flight", about: "Of those that a pod admits at once.", width: 8, unit: "percentunit", share: true, limit: &s.Alerts.InFlightUse.Value,
			queries: []querySpec{{"http_server_in_flight_requests" + of + " / http_server_in_flight_limit" + of, "{{pod}}"}}},
		{kind: "timeseries", title: "Refused requests", width: 8, unit: "reqps",
			queries: []querySpec{{"sum by (reason) (rate(http_server_rejected_requests_total" + of + "[" + rate + "]))", "{{reason}}"}}},
		{kind: "timeseries", title: "Lag of the event loop", width: 8, unit: "s", limit: ptr(s.Alerts.LoopLag.Value / 1000), queries: []querySpec{{"event_loop_lag_seconds" + of, "{{pod}}"}}},
		{kind: "timeseries", title: "Database connections in use", about: "Of the pool of each pod.", width: 8, unit: "percentunit", share: true, limit: &s.Alerts.PoolUse.Value,
			queries: []querySpec{{`db_pool_connections{service="$service", state="used"} / ignoring (state) db_pool_size_limit` + of, "{{pod}}"}}},
		{kind: "timeseries", title: "Waits for a connection that timed out", width: 8, unit: "reqps",
			queries: []querySpec{{"sum by (pod) (rate(db_pool_timeouts_total" + of + "[" + rate + "]))", "{{pod}}"}}},
		{kind: "timeseries", title: "Pods", about: "The line is the greatest number.", width: 8, queries: []querySpec{
			{"kube_horizontalpodautoscaler_status_current_replicas" + of, "now"}, {"kube_horizontalpodautoscaler_spec_max_replicas" + of, "most"}}},
		{kind: "timeseries", title: "Memory", about: "Of the limit of each pod.", width: 8, unit: "percentunit", share: true, limit: &s.Alerts.MemoryUse.Value,
			queries: []querySpec{{"process_resident_memory_bytes" + of + ` / on (namespace, pod) group_left () kube_pod_container_resource_limits{container="api", resource="memory"}`, "{{pod}}"}}},
		{kind: "timeseries", title: "CPU", width: 8, unit: "none",
			queries: []querySpec{{"rate(process_cpu_seconds_total" + of + "[" + rate + "])", "{{pod}}"}}},
		{kind: "timeseries", title: "CPU periods throttled", width: 8, unit: "percentunit", share: true, limit: &s.Alerts.ThrottledShare.Value, queries: []querySpec{{
			fmt.Sprintf(`rate(container_cpu_cfs_throttled_periods_total{service="$service", container="api"}[%[1]s]) / rate(container_cpu_cfs_periods_total{service="$service", container="api"}[%[1]s])`, rate), "{{pod}}"}}},
	}
	if s.Cache != nil {
		panels = append(panels, s.cachePanels(of)...)
	}
	if s.Guarded() {
		panels = append(panels, s.refusalPanels(of)...)
	}
	if s.Broker != nil {
		panels = append(panels, s.eventPanels(of)...)
	}
	board := s.newDashboard("service", s.System.Title+": service", "One service: promises, routes, saturation.", panels)
	first := s.Services[0].Name
	board.Templating.List = append(board.Templating.List, dashboardVariable{
		Name: "service", Label: "Service", Type: "query", Datasource: &prometheusRef, Refresh: 2, Sort: 1,
		Query:   map[string]string{"query": `label_values(up{job="services"}, service)`, "refId": "service"},
		Current: map[string]any{"text": first, "value": first},
	})
	return dashboardJSON(board)
}

func (s *SystemView) cachePanels(of string) []panelSpec {
	rate := s.RateWindow()
	return []panelSpec{
		{rowOnly: true, title: "Cache"},
		{kind: "timeseries", title: "Reads answered by the cache", about: "The line is what the sizes were computed with.", width: 12, unit: "percentunit", share: true,
			limit: &s.Cache.HitRatio.Value, worseBelow: true, queries: []querySpec{{fmt.Sprintf(
				`sum(rate(cache_requests_total{service="$service", result="hit"}[%[1]s])) / sum(rate(cache_requests_total{service="$service", result=~"hit|miss"}[%[1]s]))`, rate), "hits"}}},
		{kind: "timeseries", title: "Pods that reach Redis", width: 12, queries: []querySpec{{"sum(cache_available" + of + ")", "reach it"}, {"count(cache_available" + of + ")", "all"}}},
	}
}

// burnQueries shows each window of the burn alerts, the shortest first.
func (s *SystemView) burnQueries(of string) []querySpec {
	names := []string{s.RateWindow()}
	for _, window := range s.LongWindows() {
		names = append(names, window.Name)
	}
	var queries []querySpec
	for _, name := range names {
		queries = append(queries, querySpec{"service:slo_error_ratio:rate" + name + of, "{{slo}} " + name})
	}
	return queries
}

func (s *SystemView) latencyLimit() *float64 {
	return ptr(float64(s.Load.LatencyP99.Int()) / 1000)
}

func (s *SystemView) newDashboard(kind, title, about string, panels []panelSpec) dashboard {
	return dashboard{
		UID: s.dashboardUID(kind), Title: title, Description: about, Tags: []string{s.System.Name}, SchemaVersion: grafanaSchema,
		GraphTooltip: 1, Refresh: "1m", Timezone: "browser", Time: dashboardTime{From: "now-" + s.Span(s.Alerts.DashboardPeriod), To: "now"},
		Templating: dashboardTemplating{List: []dashboardVariable{{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus"}}},
		Links:      []dashboardLink{{Title: s.System.Title, Type: "dashboards", Tags: []string{s.System.Name}, KeepTime: true, IncludeVars: true, Icon: "external link"}},
		Panels:     s.layOut(panels),
	}
}

// layOut puts panels side by side as long as they fit.
func (s *SystemView) layOut(specs []panelSpec) []dashboardPanel {
	panels := make([]dashboardPanel, len(specs))
	x, y, height := 0, 0, 0
	for i, spec := range specs {
		width, tall := spec.width, panelHeight
		switch {
		case spec.rowOnly:
			width, tall = gridColumns, 1
		case spec.kind == "stat":
			tall = statHeight
		}
		if x+width > gridColumns {
			x, y = 0, y+height
		}
		panels[i] = s.panel(spec, gridPosition{X: x, Y: y, W: width, H: tall})
		panels[i].ID = i + 1
		x, height = x+width, tall
	}
	return panels
}

func (s *SystemView) panel(spec panelSpec, at gridPosition) dashboardPanel {
	if spec.rowOnly {
		return dashboardPanel{Type: "row", Title: spec.title, GridPos: at, Collapsed: ptr(false), Panels: &[]dashboardPanel{}}
	}
	panel := dashboardPanel{Type: spec.kind, Title: spec.title, Description: spec.about, GridPos: at, Datasource: &prometheusRef}
	for i, query := range spec.queries {
		panel.Targets = append(panel.Targets, dashboardTarget{
			RefID: string(rune('A' + i)), Datasource: prometheusRef, Expr: query.expr, LegendFormat: query.legend, Instant: spec.kind != "timeseries",
		})
	}
	field := fieldDefaults{Unit: spec.unit, Thresholds: spec.thresholds()}
	if spec.share {
		field.Min, field.Max = ptr(0.0), ptr(1.0)
	}
	if spec.limit != nil && spec.kind == "timeseries" {
		field.Custom = map[string]any{"thresholdsStyle": map[string]string{"mode": "line"}}
	}
	if spec.perService {
		field.Links = []fieldLink{{Title: "Show the service", URL: "/d/" + s.dashboardUID("service") + "?var-service=${__field.labels.service}&${__url_time_range}"}}
	}
	panel.FieldConfig = &fieldConfig{Defaults: field, Overrides: []any{}}
	panel.Options = panelOptions[spec.kind]
	return panel
}

// thresholds colours what lies on the wrong side of the limit.
func (p panelSpec) thresholds() *fieldThresholds {
	steps := []thresholdColor{{Color: "green"}}
	if p.limit != nil {
		steps = []thresholdColor{{Color: "green"}, {Color: "red", Value: p.limit}}
		if p.worseBelow {
			steps[0].Color, steps[1].Color = "red", "green"
		}
	}
	return &fieldThresholds{Mode: "absolute", Steps: steps}
}

var panelOptions = map[string]map[string]any{
	"timeseries": {"legend": map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}}, "tooltip": map[string]string{"mode": "multi", "sort": "desc"}},
	"stat":       {"colorMode": "value", "graphMode": "area", "reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}},
	"bargauge":   {"displayMode": "basic", "orientation": "horizontal", "reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}},
	"table":      {"showHeader": true},
}

func dashboardJSON(board dashboard) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(board)
	return out.String(), err
}

func ptr[T any](value T) *T { return &value }
