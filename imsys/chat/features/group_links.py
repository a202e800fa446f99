"""Links by which users come into groups, and who waits to be let in."""

from __future__ import annotations

from imsys.chat import group_fields as fields
from imsys.chat.changing import acknowledged, carry_out, tell_users
from imsys.chat.context import Context
from imsys.protocols.identifiers import encode_id
from imsys.protocols.messages.groups import (
    Asking,
    AskingRequest,
    AskingResponse,
    LetInRequest,
    LetInResponse,
    Link,
    LinkCreateRequest,
    LinkCreateResponse,
    LinkJoinRequest,
    LinkJoinResponse,
    LinkLookRequest,
    LinkLookResponse,
    LinkRevokeRequest,
    LinkRevokeResponse,
    LinksRequest,
    LinksResponse,
)
from imsys.redis.allowances import Kind
from imsys.server.dispatch import handles
from imsys.server.fields import parse_cursor, parse_id, within
from imsys.store.groups import Link as Row
from imsys.store.ids import moment
from imsys.store.membership import Asked, JoinByLink, LetIn

LONGEST = 366 * 86400
"""Seconds that a link lives, at most, where it does not for ever."""

USES = 1_000_000
"""How often a link may be used, at most, where that is bounded."""


@handles(LinkCreateRequest)
async def create(context: Context, request: LinkCreateRequest) -> LinkCreateResponse:
    """Make a link."""
    row = await context.chat.stores.groups.new_link(
        context.user,
        parse_id(request.thread_id, "thread_id"),
        within(request.seconds, 0, LONGEST, "seconds"),
        within(request.uses, 0, USES, "uses"),
        approval=request.approval,
    )
    return LinkCreateResponse(thread_id=request.thread_id, link=_link(row))


@handles(LinksRequest)
async def links(context: Context, request: LinksRequest) -> LinksResponse:
    """List the links of a group."""
    found = await context.chat.stores.groups.links(context.user, parse_id(request.thread_id, "thread_id"))
    return LinksResponse(thread_id=request.thread_id, links=[_link(row) for row in found])


@handles(LinkRevokeRequest)
async def revoke(context: Context, request: LinkRevokeRequest) -> LinkRevokeResponse:
    """End a link; a repetition is harmless."""
    await context.chat.stores.groups.revoke(
        context.user, parse_id(request.thread_id, "thread_id"), fields.link(request.link)
    )
    return LinkRevokeResponse()


@handles(LinkLookRequest)
async def look(context: Context, request: LinkLookRequest) -> LinkLookResponse:
    """Tell what a link leads to."""
    await context.chat.allowances.take(Kind.LOOKUP, context.user)
    row, group = await context.chat.stores.groups.behind(fields.link(request.link))
    return LinkLookResponse(
        title=group.title,
        description=group.description,
        avatar=group.avatar,
        members=group.members,
        channel=fields.is_channel(group.rules),
        approval=row.approval,
    )


@handles(LinkJoinRequest)
async def join(context: Context, request: LinkJoinRequest) -> LinkJoinResponse:
    """Come by a link; where it asks for approval, tell the admins."""
    chat, me = context.chat, context.user
    await chat.allowances.take(Kind.LOOKUP, me)
    row, _ = await chat.stores.groups.behind(link := fields.link(request.link))
    thread = str(row.thread_id)
    appended = await carry_out(
        context, thread, JoinByLink(request.unique_id, link, chat.config.group_members)
    )
    asked = appended.answer
    if isinstance(asked, Asked):
        tell_users(chat, row.thread_id, "asked", me, asked.admins, asked.title, whom=[me])
    return LinkJoinResponse(
        **acknowledged(thread, request.unique_id, appended), waits=isinstance(asked, Asked)
    )


@handles(AskingRequest)
async def asking(context: Context, request: AskingRequest) -> AskingResponse:
    """List who waits to be let in."""
    limit = within(request.limit, 1, 100, "limit")
    found = await context.chat.stores.groups.asking(
        context.user, parse_id(request.thread_id, "thread_id"), parse_cursor(request.cursor), limit + 1
    )
    page = [Asking(uuid=str(user), timestamp=moment(at)) for user, at in found[:limit]]
    return AskingResponse(
        thread_id=request.thread_id,
        asking=page,
        next=page[-1].uuid if page else request.cursor,
        is_complete=len(found) <= limit,
    )


@handles(LetInRequest, overlapping=True)
async def let_in(context: Context, request: LetInRequest) -> LetInResponse:
    """Let somebody in who waits, or not."""
    most = context.chat.config.group_members
    change = LetIn(request.unique_id, parse_id(request.uuid, "uuid"), request.accept, most)
    appended = await carry_out(context, request.thread_id, change)
    return LetInResponse(**acknowledged(request.thread_id, request.unique_id, appended))


def _link(row: Row) -> Link:
    return Link(
        link=encode_id(row.link),
        creator=str(row.created_by),
        created=moment(row.created_at),
        expires=fields.time(row.expires_at),
        uses=row.uses,
        used=row.used,
        approval=row.approval,
    )
