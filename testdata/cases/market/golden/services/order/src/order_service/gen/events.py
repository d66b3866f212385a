"""The data of the events of Order, its own and those of others.

A form that is published never changes, but for members that are added: another one gets a new
version, beside the old one until nobody reads that any more.
"""

from decimal import Decimal
from typing import Annotated, ClassVar

from kit.messaging.events import EventData
from kit.types import DecimalText, Timestamp, Uuid
from order_service.gen.order.schemas import OrderStatus


class OrderTold(EventData):
    """What every event about orders tells: the record as its API shows it."""

    id: Uuid
    customer: Uuid
    product_id: Uuid
    quantity: int
    total: Annotated[Decimal, DecimalText(12, 2)]
    status: OrderStatus
    created_at: Timestamp
    updated_at: Timestamp
    version: int


class OrderPlaced(OrderTold):
    """The status of an order has become placed."""

    event_type: ClassVar[str] = "order.placed"
    event_version: ClassVar[int] = 1


class OrderCancelled(OrderTold):
    """The status of an order has become cancelled."""

    event_type: ClassVar[str] = "order.cancelled"
    event_version: ClassVar[int] = 1


class OrderCreated(OrderTold):
    """An order was created."""

    event_type: ClassVar[str] = "order.created"
    event_version: ClassVar[int] = 1


class OrderUpdated(OrderTold):
    """An order was changed."""

    event_type: ClassVar[str] = "order.updated"
    event_version: ClassVar[int] = 1


class OrderDeleted(OrderTold):
    """An order was deleted."""

    event_type: ClassVar[str] = "order.deleted"
    event_version: ClassVar[int] = 1


class PaymentCaptured(EventData):
    """As payment tells it: the state of a payment has become captured."""

    event_type: ClassVar[str] = "payment.captured"
    event_version: ClassVar[int] = 1

    id: Uuid
    order_id: Uuid
    total: Annotated[Decimal, DecimalText(12, 2)]
    state: str
    created_at: Timestamp
    updated_at: Timestamp
    version: int


class ShipmentDispatched(EventData):
    """As shipping tells it: the state of a shipment has become dispatched."""

    event_type: ClassVar[str] = "shipment.dispatched"
    event_version: ClassVar[int] = 1

    id: Uuid
    order_id: Uuid
    carrier: str | None
    state: str
    created_at: Timestamp
    updated_at: Timestamp
    version: int
