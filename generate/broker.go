package generate

import (
	"strings"

	"codex-design/model"
)

// BrokerSecret is the Secret with the address of the broker: the API does not get to see it.
func (s *ServiceView) BrokerSecret() string { return s.Name + "-broker-secrets" }

// brokerForms are the addresses of the brokers, as the services take them.
var brokerForms = map[string]string{
	"nats":     "tls://USER:PASSWORD@HOST:4222",
	"rabbitmq": "amqps://USER:PASSWORD@HOST:5671/",
	"kafka":    "kafka+ssl://USER:PASSWORD@HOST:9096,HOST:9096",
}

// BrokerApart says whether a server of its own carries the events, and processes of
// the services beside their APIs.
func (s *SystemView) BrokerApart() bool {
	return s.Broker != nil && s.System.Architecture == model.Microservices
}

// BrokerForm is how the address of the broker is written.
func (s *SystemView) BrokerForm() string { return brokerForms[s.Broker.Kind] }

// brokerPackages are what Debian and Ubuntu call the servers; they have none of Kafka.
var brokerPackages = map[string]string{"nats": "nats-server", "rabbitmq": "rabbitmq-server"}

// BrokerPackage is the package of the broker's server, or "" where there is none.
func (s *SystemView) BrokerPackage() string {
	if s.Broker == nil {
		return ""
	}
	return brokerPackages[s.Broker.Kind]
}

var brokerTitles = map[string]string{"postgresql": "PostgreSQL", "eventbridge": "EventBridge", "nats": "NATS", "rabbitmq": "RabbitMQ", "kafka": "Kafka"}

// BrokerTitle is the name of the broker: RabbitMQ.
func (s *SystemView) BrokerTitle() string { return brokerTitles[s.Broker.Kind] }

// Stores names what keeps data: PostgreSQL, Redis and NATS.
func (s *SystemView) Stores() string {
	stores := []string{"PostgreSQL"}
	if s.Cache != nil {
		stores = append(stores, "Redis")
	}
	if s.Broker != nil && s.Broker.Kind != "postgresql" {
		stores = append(stores, s.BrokerTitle())
	}
	last := len(stores) - 1
	if last == 0 {
		return stores[0]
	}
	return strings.Join(stores[:last], ", ") + " and " + stores[last]
}
