package model

import "testing"

func TestManagedSizesHoldInEveryEnvironment(t *testing.T) {
	for _, scale := range []Scale{Small, Medium, Large} {
		for _, example := range Examples() {
			answers := example.Answers
			answers.Scale = scale
			b := Resolve(answers)
			for _, e := range b.Cluster.Environments {
				m := b.Managed(e)
				if m.Connections.Value+m.OtherConnections.Value > m.MaxConnections.Value {
					t.Errorf("%s %s %s: %v connections and %v others do not fit into %v", example.Name, scale, e.Name,
						m.Connections.Value, m.OtherConnections.Value, m.MaxConnections.Value)
				}
				if databaseClasses[m.VCPU.Int()] == "" {
					t.Errorf("%s %s %s: no class of %v vCPU", example.Name, scale, e.Name, m.VCPU.Value)
				}
				if c := m.Cache; c != nil && (cacheClasses[c.NodeMiB.Int()] == "" || c.NodeMiB.Value < c.MemoryMiB.Value || c.Clients.Value > c.MaxClients.Value) {
					t.Errorf("%s %s %s: the cache %s does not hold %v MiB and %v clients", example.Name, scale, e.Name, c.Class, c.MemoryMiB.Value, c.Clients.Value)
				}
				if !e.Production && m.Standbys.Value > 0 {
					t.Errorf("%s %s %s: a standby of what wakes nobody", example.Name, scale, e.Name)
				}
			}
		}
	}
}

// Amazon MSK has as many nodes in each zone, and refuses another number.
func TestKafkaHasAsManyNodesInEachZone(t *testing.T) {
	for _, zones := range []int{2, 3} {
		for _, availability := range []float64{99, 99.9} {
			answers := Examples()[0].Answers
			answers.Datastores.Broker = "kafka"
			answers.Load.Zones, answers.Load.AvailabilitySLO = &zones, &availability
			answers.Services[0].Publishes = []string{answers.Services[0].Entities[0].Name + ".created"}
			b := Resolve(answers)
			production, _ := b.Cluster.Environment("prod")
			nodes := b.Managed(production).Broker.Nodes
			if nodes.Int()%zones != 0 || nodes.Value < b.Broker.Copies.Value {
				t.Errorf("%v zones, %v %%: %v nodes for %v copies", zones, availability, nodes.Value, b.Broker.Copies.Value)
			}
		}
	}
}

func TestProductionRentsWhatTheBlueprintSizes(t *testing.T) {
	b := Resolve(Examples()[0].Answers)
	production, ok := b.Cluster.Environment("prod")
	if !ok {
		t.Fatal("no production")
	}
	m := b.Managed(production)
	for name, pair := range map[string][2]Quantity{
		"connections":     {m.Connections, b.Database.SumConnections},
		"max_connections": {m.MaxConnections, b.Database.MaxConnections},
		"vcpu":            {m.VCPU, b.Database.VCPU},
		"memory":          {m.MemoryGiB, b.Database.MemoryGiB},
		"standbys":        {m.Standbys, b.Database.Standbys},
	} {
		if pair[0].Value != pair[1].Value {
			t.Errorf("%s: %v is rented and %v is needed", name, pair[0].Value, pair[1].Value)
		}
	}
}

// A rung without a name would make a class that no provider has.
func TestEveryRungHasAClass(t *testing.T) {
	for vcpu := range 70 {
		got := idleVCPU.of(Input{"sum_connections", float64(vcpu) * 600}, opsConnections.input(), connectionUse.input(), superuserReserved.input(),
			connectionsPerGiB.input(), memoryPerVCPU.input())
		if databaseClasses[got.Int()] == "" {
			t.Errorf("no class of %v vCPU", got.Value)
		}
	}
	for memory := 256.0; memory < 1_000_000; memory *= 1.5 {
		if got := nodeMiB.of(Input{"memory", memory}); cacheClasses[got.Int()] == "" {
			t.Errorf("no node of %v MiB", got.Value)
		}
	}
}
