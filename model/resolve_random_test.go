package model

import (
	"fmt"
	"math/rand/v2"
)

// randomAnswers makes a design of up to eight services with any load that the
// grammar takes, calls in any direction included.
func randomAnswers(r *rand.Rand) Answers {
	a := Answers{Version: 1, Name: "random", Architecture: Microservices, Scale: oneAtRandom(r, Small, Medium, Large),
		Datastores: Datastores{Database: "postgresql", Cache: oneAtRandom(r, "redis", "none"), Broker: "none"}}
	a.Load = randomLoad(r)
	count := 1 + r.IntN(8)
	for i := range count {
		service := Service{Name: fmt.Sprintf("svc-%d", i), Cache: r.IntN(2) == 0}
		if r.IntN(3) == 0 {
			service.Share = ptr(r.Float64() / float64(count))
		}
		for j := range count {
			if j != i && r.IntN(4) == 0 {
				service.Calls = append(service.Calls, fmt.Sprintf("svc-%d", j))
			}
		}
		for j := range 1 + r.IntN(4) {
			service.Entities = append(service.Entities, randomEntity(r, j))
		}
		a.Services = append(a.Services, service)
	}
	return a
}

func randomLoad(r *rand.Rand) Load {
	var load Load
	maybe := func(field **float64, low, high float64) {
		if r.IntN(3) == 0 {
			*field = ptr(low + r.Float64()*(high-low))
		}
	}
	maybe(&load.DailyUsers, 1, 5_000_000)
	maybe(&load.RequestsPerUser, 1, 1000)
	maybe(&load.PeakFactor, 1, 20)
	maybe(&load.PeakRPS, 1, 50_000)
	maybe(&load.ReadShare, 0, 1)
	maybe(&load.DataGiB, 1, 20_000)
	maybe(&load.AvailabilitySLO, 90, 99.999)
	maybe(&load.LatencyP99Millis, 10, 5000)
	maybe(&load.TraceSamplePercent, 0, 100)
	maybe(&load.RPOMinutes, 0.5, 600)
	if r.IntN(3) == 0 {
		load.Zones = ptr(1 + r.IntN(4))
	}
	if r.IntN(3) == 0 {
		load.LogDays = ptr(1 + r.IntN(365))
	}
	return load
}

// randomEntity refers to any other entity of its service, itself and cycles included.
func randomEntity(r *rand.Rand, index int) Entity {
	entity := Entity{Name: fmt.Sprintf("thing_%d", index)}
	for k := range 1 + r.IntN(6) {
		field := Field{Name: fmt.Sprintf("field_%d", k), Required: r.IntN(2) == 0, Unique: r.IntN(6) == 0, Index: r.IntN(3) == 0}
		field.Type = oneAtRandom(r, Type{Kind: KindString, Length: 40}, Type{Kind: KindInt}, Type{Kind: KindBool}, Type{Kind: KindTimestamp},
			Type{Kind: KindDecimal, Precision: 12, Scale: 2}, Type{Kind: KindEnum, Values: []string{"on", "off"}})
		if index > 0 && r.IntN(3) == 0 {
			field.Type = Type{Kind: KindRef, Entity: fmt.Sprintf("thing_%d", r.IntN(index+1))}
		}
		entity.Fields = append(entity.Fields, field)
	}
	return entity
}

func oneAtRandom[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }
