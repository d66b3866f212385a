"""What can be done with users."""

from kit.app import Resources
from kit.crud import CrudService, Pages
from user_service.gen.user.repository import LISTING, UserRepository, UserRow
from user_service.gen.user.schemas import User, UserCreate, UserPatch
from user_service.rules.user import UserRules


class UserService(CrudService[UserRow, UserCreate, UserPatch, User]):
    """Creates, reads, lists, changes and deletes users, by your rules."""

    def __init__(self, resources: Resources) -> None:
        super().__init__(
            resources,
            title="User",
            view=User,
            repository=UserRepository(),
            pages=Pages(UserRow, LISTING),
            rules=UserRules(),
        )
