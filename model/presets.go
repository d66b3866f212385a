package model

// presets are the inputs that each scale stands for; every one can be overridden.
var presets = map[Scale]Load{
	Small: {
		DailyUsers: ptr(2_000.0), RequestsPerUser: ptr(200.0), PeakFactor: ptr(10.0), PeakRPS: ptr(47.0), ReadShare: ptr(0.85),
		DataGiB: ptr(10.0), AvailabilitySLO: ptr(99.5), LatencyP99Millis: ptr(500.0), Zones: ptr(2),
		RTOMinutes: ptr(240.0), RPOMinutes: ptr(60.0), TraceSamplePercent: ptr(100.0), LogDays: ptr(7),
	},
	Medium: {
		DailyUsers: ptr(40_000.0), RequestsPerUser: ptr(200.0), PeakFactor: ptr(5.0), PeakRPS: ptr(463.0), ReadShare: ptr(0.90),
		DataGiB: ptr(200.0), AvailabilitySLO: ptr(99.9), LatencyP99Millis: ptr(400.0), Zones: ptr(3),
		RTOMinutes: ptr(60.0), RPOMinutes: ptr(5.0), TraceSamplePercent: ptr(10.0), LogDays: ptr(30),
	},
	Large: {
		DailyUsers: ptr(700_000.0), RequestsPerUser: ptr(200.0), PeakFactor: ptr(3.0), PeakRPS: ptr(4_862.0), ReadShare: ptr(0.90),
		DataGiB: ptr(2_000.0), AvailabilitySLO: ptr(99.95), LatencyP99Millis: ptr(300.0), Zones: ptr(3),
		RTOMinutes: ptr(15.0), RPOMinutes: ptr(1.0), TraceSamplePercent: ptr(1.0), LogDays: ptr(90),
	},
}

// podCPU is the millicores that a pod requests at each scale: larger systems
// take larger pods, so that the count stays small.
var podCPU = map[Scale]float64{Small: 250, Medium: 500, Large: 1000}

// Preset returns the inputs that a scale stands for; every field is set. An
// unknown scale gives those of medium.
func Preset(scale Scale) Load {
	load, ok := presets[scale]
	if !ok {
		load = presets[Medium]
	}
	return load.clone()
}

// clone copies what the pointers hold, so that nobody edits a preset.
func (l Load) clone() Load {
	for _, field := range []**float64{&l.DailyUsers, &l.RequestsPerUser, &l.PeakFactor, &l.PeakRPS, &l.ReadShare, &l.DataGiB,
		&l.AvailabilitySLO, &l.LatencyP99Millis, &l.RTOMinutes, &l.RPOMinutes, &l.TraceSamplePercent} {
		if *field != nil {
			*field = ptr(**field)
		}
	}
	for _, field := range []**int{&l.Zones, &l.LogDays} {
		if *field != nil {
			*field = ptr(**field)
		}
	}
	return l
}

func ptr[T any](value T) *T { return &value }
