"""Events between services: at least once on the wire, once in effect.

An event is a row of the table `outbox`, written by the statement that changes the record. The relay
publishes the rows in order; a worker applies each event in one transaction with its row in the
table `inbox`, which makes a repeated delivery a no-op.

| module | gives |
|---|---|
| `events` | the envelope (CloudEvents 1.0) and its typed data |
| `outbox` | `add` for code that publishes by itself, and the relay |
| `consumer` | subscriptions and the worker that serves them |
| `topology` | what is created on the broker, as data |
| `broker` | what the rest asks of a broker; beside it the adapter of the one in use |
| `service` | the processes of a service: relay, worker, topology, redrive |
"""
