"""What a service needs on the broker, as data; `python -m <package> topology` creates it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """Where events of one type are kept, for every consumer.

    Args:
        type: of its events, like "order.placed".
        retention_s: how long an event is kept.
        max_bytes: most that is kept in all; the oldest events go first.
        partitions: how many workers can share it, where the broker divides topics (Kafka).
    """

    type: str
    retention_s: int
    max_bytes: int
    partitions: int = 1


@dataclass(frozen=True, slots=True)
class Queue:
    """What one consumer has still to read, and its dead letters.

    Args:
        consumer: the name of the service, or of a part of it that reads by itself.
        topics: what it reads, each as its publisher declares it.
        dead_letter_retention_s: how long a dead letter waits to be moved back.
    """

    consumer: str
    topics: tuple[Topic, ...]
    dead_letter_retention_s: int = 1_209_600


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything of one service.

    Topics of others are created if they are missing, since services start in any order; only
    their publisher changes one that is there.

    Args:
        publishes: its own topics.
        queues: one for each consumer.
        replicas: how many brokers hold a copy of everything.
    """

    publishes: tuple[Topic, ...] = ()
    queues: tuple[Queue, ...] = ()
    replicas: int = 1

    @property
    def foreign(self) -> tuple[Topic, ...]:
        """The topics that other services publish."""
        own = {topic.type for topic in self.publishes}
        read = {topic.type: topic for queue in self.queues for topic in queue.topics}
        return tuple(topic for name, topic in read.items() if name not in own)
