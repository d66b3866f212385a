package model

import "strconv"

// ObjectivePlan is what the system promises, and how fast the promise may be
// broken before a person is called.
type ObjectivePlan struct {
	Window       Quantity // days over which a budget is counted
	RateWindow   Quantity // s, of every recorded rate
	MinFailures  Quantity // requests that must fail before anybody is called
	Availability Objective
	Latency      Objective
}

// Objective is one promise about the requests of a service.
type Objective struct {
	Target Quantity // percent of the requests that keep it
	Budget Quantity // share of the requests that may break it
	Alerts []BurnAlert
}

// BurnAlert fires while the budget is spent Factor times too fast in both
// windows: the long one says that it matters, the short one that it still goes on.
type BurnAlert struct {
	Name      string   // page_1h
	Severity  string   // page | ticket
	Spent     Quantity // share of the budget that is gone when it fires at exactly Factor
	Long      Quantity // s
	Short     Quantity // s
	Factor    Quantity
	Threshold Quantity // share of the requests that fail
}

// AlertPlan holds the limits of the alerts that name a cause; shares are of one.
type AlertPlan struct {
	DownHold        Quantity // s without one scraped pod until the service counts as down
	Hold            Quantity // s for which a limit is exceeded until the alert fires
	ScalingHold     Quantity // s at the greatest number of pods
	PoolUse         Quantity
	InFlightUse     Quantity
	LoopLag         Quantity // ms
	MemoryUse       Quantity
	ThrottledShare  Quantity // of the CPU periods
	Restarts        Quantity // in RestartWindow
	RestartWindow   Quantity // s
	ConnectionUse   Quantity // of the database's max_connections
	ReplicationLag  Quantity // s
	OutboxAge       Quantity // s that an event may wait for the relay; zero without events
	ConsumerDelay   Quantity // s from an event to its effect
	LateShare       Quantity // of the events, that may take longer
	DeadWindow      Quantity // s for which a dead letter is told of
	RefusedShare    Quantity // of a service's requests, whose callers were not let in; zero without authentication
	LimitedShare    Quantity // of a service's requests, that were above a limit; zero without one
	RefusalFloor    Quantity // requests/s refused, below which a share of them says nothing
	VolumeUse       Quantity
	WatchdogRepeat  Quantity // s between two signs of life
	PageRepeat      Quantity // s until an open page is sent again
	TicketRepeat    Quantity // s until an open ticket is sent again
	GroupWait       Quantity // s in which alerts of one cause are collected
	GroupInterval   Quantity // s between two messages about one group
	ResolveTimeout  Quantity // s after which an alert that Prometheus no longer repeats is over
	DashboardPeriod Quantity // s that a dashboard shows
}

const (
	sourceWorkbook     = "SRE workbook: alerting on SLOs"
	sourceKubeAlerts   = "kubernetes-mixin"
	sourceAlertmanager = "Alertmanager documentation: route"
)

var (
	sloWindow      = Constant{"slo_window", 30, "days", sourceWorkbook}
	rateWindow     = Constant{"rate_window", 300, "s", "the short window of the fastest alert; ten scrapes or more"}
	minFailures    = Constant{"min_failures", 3, "requests", "one failed request on a quiet night calls nobody"}
	latencyTarget  = Constant{"latency_target", 99, "%", "the latency objective is a p99"}
	holdTime       = Constant{"hold", 600, "s", "judgement: a rollout or a short peak is over by then"}
	scalingHold    = Constant{"scaling_hold", 900, "s", sourceKubeAlerts}
	highUse        = Constant{"high_use", 0.8, "", sourceQueueing}
	loopLagLimit   = Constant{"loop_lag", 100, "ms", "judgement: twenty times what a healthy loop shows"}
	memoryUse      = Constant{"memory_use", 0.9, "", "above it the next request may be the one that kills the process"}
	throttledShare = Constant{"throttled_share", 0.25, "", sourceKubeAlerts}
	restartLimit   = Constant{"restarts", 3, "restarts", "judgement: one is an accident"}
	restartWindow  = Constant{"restart_window", 3600, "s", sourceJudgement}
	watchdogRepeat = Constant{"watchdog_repeat", 60, "s", "the receiver calls when it misses a few"}
	pageRepeat     = Constant{"page_repeat", 3600, "s", sourceAlertmanager}
	ticketRepeat   = Constant{"ticket_repeat", 86400, "s", sourceAlertmanager}
	groupWait      = Constant{"group_wait", 30, "s", sourceAlertmanager}
	groupInterval  = Constant{"group_interval", 300, "s", sourceAlertmanager}
	resolveTimeout = Constant{"resolve_timeout", 300, "s", sourceAlertmanager}
	shownPeriod    = Constant{"dashboard_period", 21600, "s", "the long window of the second page"}
	lagShare       = Constant{"lag_share", 0.5, "", "half of what may be lost is left to act"}
	outboxAge      = Constant{"outbox_age", 60, "s", "judgement: some hundred rounds of the relay, and a restart of it"}
	consumerDelay  = Constant{"consumer_delay", 30, "s", "judgement: longer than a rollout of the workers takes from any event"}
	deadWindow     = Constant{"dead_window", 3600, "s", sourceJudgement}
	lateShare      = Constant{"late_share", 0.05, "", sourceJudgement}
	refusedShare   = Constant{"refused_share", 0.05, "", "judgement: tokens that end on their way are far fewer; more is a broken client or a search for credentials"}
	limitedShare   = Constant{"limited_share", 0.05, "", "judgement: one script is less; more, and clients that the product wants are slowed"}
	scrapesMissed  = Constant{"scrapes_missed", 4, "scrapes", "judgement: one lost scrape is an accident"}
)

// burnTiers are the alerts of the SRE workbook, the most urgent first.
var burnTiers = []struct {
	severity    string
	spent       Constant
	long, short Constant
}{
	{"page", Constant{"spent", 0.02, "", sourceWorkbook}, Constant{"long", 3600, "s", sourceWorkbook}, Constant{"short", 300, "s", sourceWorkbook}},
	{"page", Constant{"spent", 0.05, "", sourceWorkbook}, Constant{"long", 21600, "s", sourceWorkbook}, Constant{"short", 1800, "s", sourceWorkbook}},
	{"ticket", Constant{"spent", 0.1, "", sourceWorkbook}, Constant{"long", 86400, "s", sourceWorkbook}, Constant{"short", 7200, "s", sourceWorkbook}},
	{"ticket", Constant{"spent", 0.1, "", sourceWorkbook}, Constant{"long", 259200, "s", sourceWorkbook}, Constant{"short", 21600, "s", sourceWorkbook}},
}

// Formulas of the objectives and of their alerts.
var (
	budgetShare    = derive("", "(100 - target) / 100", "definition", "OBS-BURN")
	burnFactor     = derive("", "spent * slo_window * seconds_per_day / long", sourceWorkbook, "OBS-BURN")
	burnThreshold  = derive("", "factor * budget", sourceWorkbook, "OBS-BURN", "OBS-BURN-POSSIBLE")
	downHold       = derive("s", "scrapes_missed * scrape_interval", "as many scrapes in a row found nothing", "OBS-DEADMAN")
	refusalFloor   = derive("rps", "min_failures / rate_window", "a few refused requests on a quiet night call nobody", "OBS-LOW-TRAFFIC")
	replicationLag = derive("s", "ceil(lag_share * rpo_minutes * 60)", "an alert while the promise still holds", "OBS-DEADMAN")
)

func resolveObjectives(load ResolvedLoad) ObjectivePlan {
	return ObjectivePlan{
		Window:       constantQuantity(sloWindow, "OBS-BURN"),
		RateWindow:   constantQuantity(rateWindow, "OBS-RATE-WINDOW"),
		MinFailures:  constantQuantity(minFailures, "OBS-LOW-TRAFFIC"),
		Availability: objectiveOf(load.AvailabilitySLO),
		Latency:      objectiveOf(constantQuantity(latencyTarget, "OBS-BUCKET")),
	}
}

func objectiveOf(target Quantity) Objective {
	o := Objective{Target: target, Budget: budgetShare.of(target.named("target"))}
	for _, tier := range burnTiers {
		factor := burnFactor.of(tier.spent.input(), sloWindow.input(), secondsPerDay.input(), tier.long.input())
		alert := BurnAlert{
			Name:      tier.severity + "_" + strconv.Itoa(int(tier.long.Value/3600)) + "h",
			Severity:  tier.severity,
			Spent:     constantQuantity(tier.spent, "OBS-BURN"),
			Long:      constantQuantity(tier.long, "OBS-BURN"),
			Short:     constantQuantity(tier.short, "OBS-BURN"),
			Factor:    factor,
			Threshold: burnThreshold.of(factor.named("factor"), o.Budget.named("budget")),
		}
		if alert.Threshold.Value < 1 { // else not even a full outage would fire it
			o.Alerts = append(o.Alerts, alert)
		}
	}
	return o
}

func resolveAlerts(b Blueprint) AlertPlan {
	a := AlertPlan{
		DownHold:        downHold.of(scrapesMissed.input(), b.Telemetry.ScrapeInterval.named("scrape_interval")),
		Hold:            constantQuantity(holdTime),
		ScalingHold:     constantQuantity(scalingHold, "OBS-DEADMAN"),
		PoolUse:         constantQuantity(highUse, "OBS-DEADMAN"),
		InFlightUse:     constantQuantity(highUse),
		LoopLag:         constantQuantity(loopLagLimit),
		MemoryUse:       constantQuantity(memoryUse),
		ThrottledShare:  constantQuantity(throttledShare),
		Restarts:        constantQuantity(restartLimit),
		RestartWindow:   constantQuantity(restartWindow),
		ConnectionUse:   constantQuantity(connectionUse, "CON-POOL-BUDGET"),
		ReplicationLag:  replicationLag.of(lagShare.input(), b.Load.RPOMinutes.named("rpo_minutes")),
		VolumeUse:       constantQuantity(storageUse, "OBS-DEADMAN"),
		WatchdogRepeat:  constantQuantity(watchdogRepeat, "OBS-DEADMAN"),
		PageRepeat:      constantQuantity(pageRepeat),
		TicketRepeat:    constantQuantity(ticketRepeat),
		GroupWait:       constantQuantity(groupWait),
		GroupInterval:   constantQuantity(groupInterval),
		ResolveTimeout:  constantQuantity(resolveTimeout),
		DashboardPeriod: constantQuantity(shownPeriod),
	}
	if b.Security.Authentication != "none" {
		a.RefusedShare = constantQuantity(refusedShare, "OBS-DEADMAN")
	}
	if b.Security.RateLimit.PerClientRPS > 0 {
		a.LimitedShare = constantQuantity(limitedShare, "RAT-429")
	}
	if a.RefusedShare.Value > 0 || a.LimitedShare.Value > 0 {
		a.RefusalFloor = refusalFloor.of(minFailures.input(), rateWindow.input())
	}
	if b.Broker != nil {
		a.OutboxAge = constantQuantity(outboxAge, "MSG-LAG")
		a.ConsumerDelay = constantQuantity(consumerDelay, "MSG-LAG")
		a.LateShare = constantQuantity(lateShare, "MSG-LAG")
		a.DeadWindow = constantQuantity(deadWindow, "MSG-DLQ", "OBS-DEADMAN")
	}
	return a
}

func (o ObjectivePlan) quantities() []NamedQuantity {
	all := []NamedQuantity{{"window", o.Window}, {"rate_window", o.RateWindow}, {"min_failures", o.MinFailures}}
	all = append(all, under("availability", o.Availability.quantities())...)
	return append(all, under("latency", o.Latency.quantities())...)
}

func (o Objective) quantities() []NamedQuantity {
	all := []NamedQuantity{{"target", o.Target}, {"budget", o.Budget}}
	for _, alert := range o.Alerts {
		all = append(all, under("alerts."+alert.Name, alert.quantities())...)
	}
	return all
}

func (a BurnAlert) quantities() []NamedQuantity {
	return []NamedQuantity{{"spent", a.Spent}, {"long", a.Long}, {"short", a.Short}, {"factor", a.Factor}, {"threshold", a.Threshold}}
}

func (a AlertPlan) quantities() []NamedQuantity {
	return []NamedQuantity{
		{"down_hold", a.DownHold}, {"hold", a.Hold}, {"scaling_hold", a.ScalingHold}, {"pool_use", a.PoolUse}, {"in_flight_use", a.InFlightUse},
		{"loop_lag", a.LoopLag}, {"memory_use", a.MemoryUse}, {"throttled_share", a.ThrottledShare}, {"restarts", a.Restarts},
		{"restart_window", a.RestartWindow}, {"connection_use", a.ConnectionUse}, {"replication_lag", a.ReplicationLag},
		{"outbox_age", a.OutboxAge}, {"consumer_delay", a.ConsumerDelay}, {"late_share", a.LateShare}, {"dead_window", a.DeadWindow},
		{"refused_share", a.RefusedShare}, {"limited_share", a.LimitedShare}, {"refusal_floor", a.RefusalFloor},
		{"volume_use", a.VolumeUse}, {"watchdog_repeat", a.WatchdogRepeat}, {"page_repeat", a.PageRepeat}, {"ticket_repeat", a.TicketRepeat},
		{"group_wait", a.GroupWait}, {"group_interval", a.GroupInterval}, {"resolve_timeout", a.ResolveTimeout},
		{"dashboard_period", a.DashboardPeriod},
	}
}
