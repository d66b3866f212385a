package model

import (
	"os"
	"testing"
)

func TestShapesCompareWhatTheDesignComesTo(t *testing.T) {
	shop := Examples()[0].Answers
	shapes := map[Architecture]Shape{}
	for _, shape := range Shapes(shop) {
		shapes[shape.Architecture] = shape
		if shape.Low <= 0 || shape.High <= shape.Low {
			t.Errorf("%s costs %v to %v a month", shape.Architecture, shape.Low, shape.High)
		}
	}
	services, host := shapes[Microservices], shapes[Monolith]
	if services.Deployables != len(shop.Services) || host.Deployables != 1 || host.Databases != 1 {
		t.Errorf("%d services: %+v and %+v", len(shop.Services), services, host)
	}
	if host.High >= services.High {
		t.Errorf("one process costs up to %v, %d up to %v", host.High, len(shop.Services), services.High)
	}
	if !host.InProcess || services.InProcess || services.Call == 0 || services.Latency != host.Latency {
		t.Errorf("the same promise, kept with calls over the network or without: %+v and %+v", services, host)
	}
}

// TestAHostIsTheSumOfItsModules holds the numbers of a monolith to those of its modules.
func TestAHostIsTheSumOfItsModules(t *testing.T) {
	content, err := os.ReadFile("../testdata/cases/market/codex-design.yaml")
	if err != nil {
		t.Fatal(err)
	}
	market, problems := Read(content)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, example := range append(Examples(), Example{Name: "market", Answers: market.Answers}) {
		answers := example.Answers
		answers.Architecture = Monolith
		b := Resolve(answers)
		if len(b.Deployables) != 1 {
			t.Fatalf("%s: %d deployables", example.Name, len(b.Deployables))
		}
		host := b.Deployables[0].Sizing
		var rate, flight, pool, perPod float64
		for _, s := range b.Services {
			rate, flight = rate+s.Sizing.RPS.Value, flight+s.Sizing.InFlight.Value
			pool, perPod = pool+s.Sizing.PoolSize.Value, perPod+s.Sizing.RPSPerPod.Value
			if s.Relays() {
				pool++
			}
		}
		if b.Broker != nil {
			pool += eventsPool.Value
		}
		if host.RPS.Value != rate || host.InFlight.Value != flight || host.PoolSize.Value != pool {
			t.Errorf("%s: %v rps, %v in flight, %v connections; want %v, %v, %v", example.Name, host.RPS.Value, host.InFlight.Value, host.PoolSize.Value, rate, flight, pool)
		}
		if difference := host.RPSPerPod.Value - perPod; difference > 1e-6 || difference < -1e-6 {
			t.Errorf("%s: a pod sees %v rps, its modules %v", example.Name, host.RPSPerPod.Value, perPod)
		}
		if full := pool * (host.MaxReplicas.Value + host.Surge.Value); b.Database.SumConnections.Value != full {
			t.Errorf("%s: the database is sized for %v connections, the pods may open %v", example.Name, b.Database.SumConnections.Value, full)
		}
	}
}
