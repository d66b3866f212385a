"""The modules of the process, in the order in which they start."""

import catalog_service.gen.messaging
import catalog_service.gen.settings
import catalog_service.main
import notification_service.gen.messaging
import notification_service.gen.settings
import notification_service.main
import order_service.gen.messaging
import order_service.gen.settings
import order_service.main
import payment_service.gen.messaging
import payment_service.gen.settings
import payment_service.main
import search_service.gen.messaging
import search_service.gen.settings
import search_service.main
import shipping_service.gen.messaging
import shipping_service.gen.settings
import shipping_service.main
from kit.host import Module
from kit.messaging.host import Events

EVENTS = Events("market")

MODULES = (
    Module(
        "catalog",
        create=catalog_service.main.create,
        prefix="CATALOG_",
        address="catalog_url",
        role="catalog",
        owner="catalog",
        part=EVENTS.of(
            catalog_service.gen.messaging.MESSAGING,
            catalog_service.gen.settings.EventSettings,
        ),
    ),
    Module(
        "order",
        create=order_service.main.create,
        prefix="ORDER_",
        address="order_url",
        role="order_service",
        owner="order_service",
        part=EVENTS.of(
            order_service.gen.messaging.MESSAGING,
            order_service.gen.settings.EventSettings,
        ),
    ),
    Module(
        "payment",
        create=payment_service.main.create,
        prefix="PAYMENT_",
        address="payment_url",
        role="payment",
        owner="payment",
        part=EVENTS.of(
            payment_service.gen.messaging.MESSAGING,
            payment_service.gen.settings.EventSettings,
        ),
    ),
    Module(
        "shipping",
        create=shipping_service.main.create,
        prefix="SHIPPING_",
        address="shipping_url",
        role="shipping",
        owner="shipping",
        part=EVENTS.of(
            shipping_service.gen.messaging.MESSAGING,
            shipping_service.gen.settings.EventSettings,
        ),
    ),
    Module(
        "notification",
        create=notification_service.main.create,
        prefix="NOTIFICATION_",
        address="notification_url",
        role="notification",
        owner="notification",
        part=EVENTS.of(
            notification_service.gen.messaging.MESSAGING,
            notification_service.gen.settings.EventSettings,
        ),
    ),
    Module(
        "search",
        create=search_service.main.create,
        prefix="SEARCH_",
        address="search_url",
        role="search",
        owner="search",
        part=EVENTS.of(
            search_service.gen.messaging.MESSAGING,
            search_service.gen.settings.EventSettings,
        ),
    ),
)
