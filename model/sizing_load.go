package model

// Formulas of the load; a scale or the answers give the rest.
var (
	averageFromUsers = derive("rps", "daily_users * requests_per_user_day / seconds_per_day", "definition")
	averageFromPeak  = derive("rps", "peak_rps / peak_factor", "definition")
	peakFromAverage  = derive("rps", "ceil(average_rps * peak_factor)", "definition")
	usersFromAverage = derive("users", "average_rps * seconds_per_day / requests_per_user_day", "definition")
	factorFromPeak   = derive("", "peak_rps / average_rps", "definition")
	errorBudget      = derive("min", "(1 - availability_slo / 100) * 30 * 24 * 60", "SRE workbook: 30 days of error budget", "OBS-BURN")
)

// givenLoad takes each input from the answers, or else from the scale.
type givenLoad struct {
	scale  Scale
	given  Load
	preset Load
}

func (g givenLoad) number(key, unit string, given, preset *float64) Quantity {
	if given != nil {
		return Quantity{Value: *given, Unit: unit, Formula: "given", Source: "answers: load." + key}
	}
	return Quantity{Value: *preset, Unit: unit, Formula: "given", Source: "scale " + string(g.scale)}
}

func (g givenLoad) whole(key, unit string, given, preset *int) Quantity {
	var exact *float64
	if given != nil {
		exact = ptr(float64(*given))
	}
	return g.number(key, unit, exact, ptr(float64(*preset)))
}

func resolveLoad(a Answers) ResolvedLoad {
	g := givenLoad{scale: a.Scale, given: a.Load, preset: Preset(a.Scale)}
	in, preset := g.given, g.preset
	load := ResolvedLoad{
		DailyUsers:      g.number("daily_users", "users", in.DailyUsers, preset.DailyUsers),
		RequestsPerUser: g.number("requests_per_user_day", "requests/day", in.RequestsPerUser, preset.RequestsPerUser),
		PeakFactor:      g.number("peak_factor", "", in.PeakFactor, preset.PeakFactor),
		PeakRPS:         g.number("peak_rps", "rps", in.PeakRPS, preset.PeakRPS),
		ReadShare:       g.number("read_share", "", in.ReadShare, preset.ReadShare),
		DataGiB:         g.number("data_gib", "GiB", in.DataGiB, preset.DataGiB),
		AvailabilitySLO: g.number("availability_slo", "%", in.AvailabilitySLO, preset.AvailabilitySLO),
		LatencyP99:      g.number("latency_p99_ms", "ms", in.LatencyP99Millis, preset.LatencyP99Millis),
		Zones:           g.whole("zones", "zones", in.Zones, preset.Zones),
		RTOMinutes:      g.number("rto_minutes", "min", in.RTOMinutes, preset.RTOMinutes),
		RPOMinutes:      g.number("rpo_minutes", "min", in.RPOMinutes, preset.RPOMinutes),
		TraceSample:     g.number("trace_sample_percent", "%", in.TraceSamplePercent, preset.TraceSamplePercent),
		LogDays:         g.whole("log_days", "days", in.LogDays, preset.LogDays),
		PodCPU:          Quantity{Value: podCPUOf(a.Scale), Unit: "millicores", Formula: "given", Source: "scale " + string(a.Scale)},
	}
	load.balance(in)
	load.ErrorBudgetMinutes = errorBudget.of(load.AvailabilitySLO.named("availability_slo"))
	return load
}

func podCPUOf(scale Scale) float64 {
	if cpu, ok := podCPU[scale]; ok {
		return cpu
	}
	return podCPU[Medium]
}

// balance derives whichever of users, average, factor and peak was not given. A
// peak of the answers wins over users × factor.
func (l *ResolvedLoad) balance(given Load) {
	users, perUser := l.DailyUsers.named("daily_users"), l.RequestsPerUser.named("requests_per_user_day")
	peak, factor := l.PeakRPS.named("peak_rps"), l.PeakFactor.named("peak_factor")
	switch {
	case given.PeakRPS == nil:
		l.AverageRPS = averageFromUsers.of(users, perUser, secondsPerDay.input())
		l.PeakRPS = peakFromAverage.of(l.AverageRPS.named("average_rps"), factor)
	case given.DailyUsers == nil:
		l.AverageRPS = averageFromPeak.of(peak, factor)
		l.DailyUsers = usersFromAverage.of(l.AverageRPS.named("average_rps"), secondsPerDay.input(), perUser)
	default:
		l.AverageRPS = averageFromUsers.of(users, perUser, secondsPerDay.input())
		if given.PeakFactor == nil {
			l.PeakFactor = factorFromPeak.of(peak, l.AverageRPS.named("average_rps"))
		}
	}
}
