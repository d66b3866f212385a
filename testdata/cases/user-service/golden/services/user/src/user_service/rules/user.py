"""Your rules for users. This file is yours: it was created once and stays as you leave it."""

from kit.crud import Hooks
from user_service.gen.user.repository import UserRow
from user_service.gen.user.schemas import UserCreate, UserPatch


class UserRules(Hooks[UserRow, UserCreate, UserPatch]):
    """What must hold when users are written.

    Override a method of Hooks, such as `before_create`, and raise `kit.problems.Problem` to refuse
    a request. Reads and writes through its `db` happen in the same transaction.
    """
