"""What the service needs on the broker, and who applies which event."""

from functools import partial

from kit.messaging.consumer import Consumer, Subscription
from kit.messaging.nats import connect
from kit.messaging.service import Messaging
from kit.messaging.topology import Queue, Topic, Topology
from kit.resources import Resources
from order_service.gen import events
from order_service.gen.app import SCHEMA_VERSION
from order_service.gen.order.read_model import OrderReadModel
from order_service.gen.services import Services
from order_service.handlers import payment_captured, shipment_dispatched

# The numbers of the blueprint; architecture/blueprint.yaml says where each comes from.
RETENTION_S = 259_200
MAX_BYTES = 2_483_027_968
PARTITIONS = 6

TOPOLOGY = Topology(
    publishes=(
        Topic("order.placed", RETENTION_S, MAX_BYTES, PARTITIONS),
        Topic("order.cancelled", RETENTION_S, MAX_BYTES, PARTITIONS),
        Topic("order.created", RETENTION_S, MAX_BYTES, PARTITIONS),
        Topic("order.updated", RETENTION_S, MAX_BYTES, PARTITIONS),
        Topic("order.deleted", RETENTION_S, MAX_BYTES, PARTITIONS),
    ),
    queues=(
        Queue(
            "order",
            topics=(
                Topic("payment.captured", RETENTION_S, MAX_BYTES, PARTITIONS),
                Topic("shipment.dispatched", RETENTION_S, MAX_BYTES, PARTITIONS),
            ),
            dead_letter_retention_s=518_400,
        ),
        Queue(
            "order-read-model",
            topics=(
                Topic("order.created", RETENTION_S, MAX_BYTES, PARTITIONS),
                Topic("order.updated", RETENTION_S, MAX_BYTES, PARTITIONS),
                Topic("order.deleted", RETENTION_S, MAX_BYTES, PARTITIONS),
            ),
            dead_letter_retention_s=518_400,
        ),
    ),
)
ORDER_READ_MODEL = OrderReadModel()


def consumers(resources: Resources) -> list[Consumer]:
    """Return what reads events, each by itself."""
    services = Services(resources)
    return [
        Consumer(
            "order",
            [
                Subscription(events.PaymentCaptured, partial(payment_captured.handle, services)),
                Subscription(
                    events.ShipmentDispatched,
                    partial(shipment_dispatched.handle, services),
                ),
            ],
        ),
        Consumer(
            "order-read-model",
            [
                Subscription(events.OrderCreated, ORDER_READ_MODEL.keep),
                Subscription(events.OrderUpdated, ORDER_READ_MODEL.keep),
                Subscription(events.OrderDeleted, ORDER_READ_MODEL.forget),
            ],
        ),
    ]


MESSAGING = Messaging(
    connect=connect,
    source="/market/order",
    schema_version=SCHEMA_VERSION,
    topology=TOPOLOGY,
    consumers=consumers,
    read_models=(ORDER_READ_MODEL,),
)
