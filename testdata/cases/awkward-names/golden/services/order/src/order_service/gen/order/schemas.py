"""What the API accepts and says about orders."""

from typing import Annotated, Literal

from pydantic import Field

from kit.crud import ListQuery
from kit.schema import Model, Page, Patch, View, absent
from kit.types import Date, Int32, Text, Timestamp, Uuid
from order_service.gen.clients.group import Group as GroupGroup
from order_service.gen.clients.user import User as UserUser

OrderClass = Annotated[Text, Field(max_length=20)]
OrderDesc = Annotated[Text, Field(max_length=65536)]
OrderSort = Literal["created_at", "-created_at", "from", "-from", "class", "-class"]
OrderExpansion = Literal["group", "user"]


class OrderCreate(Model):
    """A new order."""

    from_: Timestamp = Field(alias="from")
    to: Timestamp | None = None
    class_: OrderClass = Field(alias="class")
    group_id: Uuid
    user_id: Uuid | None = None
    select: Int32 | None = None
    limit: Int32 | None = None
    desc: OrderDesc | None = None
    end: Date | None = None


class OrderPatch(Patch):
    """The fields of a order to change; a field that is left out keeps its value."""

    from_: Timestamp = absent(alias="from")
    to: Timestamp | None = absent()
    class_: OrderClass = absent(alias="class")
    group_id: Uuid = absent()
    user_id: Uuid | None = absent()
    select: Int32 | None = absent()
    limit: Int32 | None = absent()
    desc: OrderDesc | None = absent()
    end: Date | None = absent()


class Order(View):
    """An order; --not a comment, {{ nor }} a template, "nor" the end of a docstring '''."""

    id: Uuid
    from_: Timestamp = Field(alias="from")
    to: Timestamp | None
    class_: str = Field(alias="class")
    group_id: Uuid
    user_id: Uuid | None
    select: int | None
    limit: int | None
    desc: str | None
    end: Date | None
    created_at: Timestamp
    updated_at: Timestamp
    version: int = Field(ge=1)


class OrderPage(Page[Order]):
    """One page of orders."""


class OrderQuery(ListQuery):
    """The order and filters of a list of orders."""

    sort: OrderSort = "-created_at"
    from_: Timestamp | None = Field(default=None, alias="from")
    from_from: Timestamp | None = None
    from_to: Timestamp | None = None
    to: Timestamp | None = None
    to_from: Timestamp | None = None
    to_to: Timestamp | None = None
    class_: OrderClass | None = Field(default=None, alias="class")
    group_id: Uuid | None = None
    user_id: Uuid | None = None
    expand: list[OrderExpansion] | None = None


class ExpandedOrder(Order):
    """The same with the records of other services that were asked for."""

    group: GroupGroup | None = None
    user: UserUser | None = None
    degraded: list[OrderExpansion] | None = Field(
        default=None, description="Asked for, but its service did not answer."
    )


class ExpandedOrderPage(Page[ExpandedOrder]):
    """One page of them."""
