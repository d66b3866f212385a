"""The HTTP operations on users."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from kit.crud import CREATED, FOUND, NOT_MODIFIED
from kit.db import Executor
from kit.etag import expected_versions, matches
from kit.idempotency import fingerprint, run_once
from kit.problems import responses
from kit.replies import json_reply, no_content, not_modified
from kit.types import IdempotencyKey, IfMatch, IfNoneMatch, Uuid
from user_service.gen.services import Wired
from user_service.gen.user import schemas

router = APIRouter(prefix="/v1/users", tags=["users"])


@router.get("", operation_id="list_users")
async def list_users(
    services: Wired,
    query: Annotated[schemas.UserQuery, Query()],
) -> schemas.UserPage:
    """List users."""
    items, next_cursor = await services.user.page(query)
    return schemas.UserPage(items=items, next_cursor=next_cursor)


@router.post(
    "",
    status_code=201,
    response_model=schemas.User,
    operation_id="create_user",
    responses=CREATED | responses(409, 413),
)
async def create_user(
    services: Wired,
    body: schemas.UserCreate,
    key: IdempotencyKey = None,
) -> Response:
    """Create a new user."""

    async def effect(db: Executor) -> Response:
        created = await services.user.create(db, body)
        location = f"/v1/users/{created.id}"
        return json_reply(created, status=201, version=created.version, location=location)

    return await run_once(
        services.db,
        operation="create_user",
        key=key,
        fingerprint=fingerprint(body),
        effect=effect,
    )


@router.get(
    "/{user_id}",
    response_model=schemas.User,
    operation_id="read_user",
    responses=FOUND | NOT_MODIFIED | responses(404),
)
async def read_user(services: Wired, user_id: Uuid, if_none_match: IfNoneMatch = None) -> Response:
    """Read one user."""
    found = await services.user.read(user_id)
    if matches(if_none_match, found.version):
        return not_modified(found.version)
    return json_reply(found.body, version=found.version)


@router.patch(
    "/{user_id}",
    response_model=schemas.User,
    operation_id="update_user",
    responses=FOUND | responses(404, 409, 412, 413, 428),
)
async def update_user(
    services: Wired,
    user_id: Uuid,
    body: schemas.UserPatch,
    if_match: IfMatch = None,
) -> Response:
    """Change fields of one user."""
    versions = expected_versions(if_match)
    changed = await services.user.update(user_id, versions, body)
    return json_reply(changed, version=changed.version)


@router.delete(
    "/{user_id}",
    status_code=204,
    operation_id="delete_user",
    responses=responses(404, 412, 428),
)
async def delete_user(services: Wired, user_id: Uuid, if_match: IfMatch = None) -> Response:
    """Delete one user."""
    await services.user.delete(user_id, expected_versions(if_match))
    return no_content()
