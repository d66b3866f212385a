"""Your reaction to `payment.captured`. This file is yours: it was created once and stays as you leave it."""

from kit.db import Executor
from kit.messaging.events import Event
from shipping_service.gen.events import PaymentCaptured
from shipping_service.gen.services import Services
from shipping_service.gen.shipment.schemas import ShipmentCreate


async def handle(services: Services, event: Event[PaymentCaptured], db: Executor) -> None:
    """Create a shipment.

    What is done through `db` is done once, however often the event is delivered. Raise
    `kit.messaging.consumer.RejectedError` for an event that no further try makes any better.
    """
    new = ShipmentCreate(order_id=event.data.order_id)
    await services.shipment.create(db, new)
