"""The list of a user's threads, and the settings of threads that follow the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from imsys.chat.context import Context
from imsys.errors import Refused, Status
from imsys.protocols.fitting import fit
from imsys.protocols.messages import overview as wire
from imsys.protocols.messages.overview import (
    ChangeSettingsRequest,
    ChangeSettingsResponse,
    OverviewRequest,
    OverviewResponse,
    OwnChangesRequest,
    OwnChangesResponse,
    SettingsPush,
    SettingsRequest,
    SettingsResponse,
)
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id, parse_moment, parse_pair, within
from imsys.store.heads import PRIVATE
from imsys.store.ids import moment, timestamp
from imsys.store.overview import ThreadView
from imsys.store.own_changes import OwnChange
from imsys.store.thread_settings import SettingsChange, ThreadSettings

PAGE = 50
"""Threads in a page, at most."""

DRAFT = 4096
"""Characters of a draft, at most."""


@handles(OverviewRequest)
async def overview(context: Context, request: OverviewRequest) -> OverviewResponse:
    """List the user's threads; pinned ones all with the first page, and with no other."""
    limit = within(request.limit, 1, PAGE, "limit")
    before = parse_pair(request.cursor)
    only = None if request.archived is UNSET else request.archived
    found, pinned = await context.chat.stores.overview.newest(context.user, before, limit + 1, only)
    first = [_view(view) for view in pinned if only is None or view.archived == only]

    def build(some: Sequence[ThreadView]) -> OverviewResponse:
        return OverviewResponse(
            pinned=first,
            threads=[_view(view) for view in some if not view.pinned_at],
            next=f"{some[-1].active_id}:{some[-1].thread_id}" if some else request.cursor,
            is_complete=len(some) == len(found),
        )

    return fit(found[:limit], build)


def _view(view: ThreadView) -> wire.ThreadView:
    last = view.last
    private = view.kind == PRIVATE
    return wire.ThreadView(
        thread_id=str(view.thread_id),
        type="PRIVATE" if private else "GROUP",
        uuid=str(view.peer),
        title=view.title,
        avator=view.avatar,
        members=view.members,
        last_msg_id=str(view.last_id),
        active_id=str(view.active_id),
        last=UNSET
        if last is None
        else wire.LastMessage(
            msg_id=str(last.msg_id),
            msg_sender=str(last.sender),
            msg_type=last.kind,
            status=last.status,
            msg_content=last.content,
            timestamp=timestamp(last.msg_id),
        ),
        unread=view.unread,
        mentioned=view.mentioned,
        delivered=str(view.delivered),
        read=str(view.read),
        peer_delivered=str(view.peer_delivered) if private else UNSET,
        peer_read=str(view.peer_read) if private else UNSET,
        timer=view.timer,
        muted_until=moment(view.muted_until) if view.muted_until else "",
        pinned=bool(view.pinned_at),
        archived=view.archived,
        draft=view.draft,
    )


@handles(ChangeSettingsRequest)
async def change(context: Context, request: ChangeSettingsRequest) -> ChangeSettingsResponse:
    """Change how the user keeps a thread, and tell the user's other sessions."""
    thread_id = parse_id(request.thread_id, "thread_id")
    if request.draft is not UNSET and len(request.draft) > DRAFT:
        raise Refused(Status.MESSAGE_TOO_LONG, f"A draft has at most {DRAFT} characters.")
    muted_until = None
    if request.muted_until is not UNSET:
        muted_until = parse_moment(request.muted_until, "muted_until") if request.muted_until else 0
    wanted = SettingsChange(
        muted_until,
        None if request.pinned is UNSET else request.pinned,
        None if request.archived is UNSET else request.archived,
        None if request.draft is UNSET else request.draft,
    )
    context.chat.allowances.texts(context.user, 1)
    settings, number = await context.chat.stores.thread_settings.change(context.user, thread_id, wanted)
    fields = {**_fields(thread_id, settings), "own_number": str(number)}
    context.chat.outbound.deliver_beside(context.session, SettingsPush(**fields))
    return ChangeSettingsResponse(**fields)


@handles(SettingsRequest)
async def settings(context: Context, request: SettingsRequest) -> SettingsResponse:
    """Answer how the user keeps a thread."""
    thread_id = parse_id(request.thread_id, "thread_id")
    found = await context.chat.stores.thread_settings.get(context.user, thread_id)
    return SettingsResponse(**_fields(thread_id, found))


@handles(OwnChangesRequest)
async def own_changes(context: Context, request: OwnChangesRequest) -> OwnChangesResponse:
    """List what the user has changed for themselves, on any device, after a number."""
    number = parse_id(request.own_number, "own_number")
    found, last, whole = await context.chat.stores.own_changes.after(context.user, number)

    def build(some: Sequence[OwnChange]) -> OwnChangesResponse:
        every = len(some) == len(found)
        return OwnChangesResponse(
            settings=[
                wire.KeptThread(**_fields(one.thread_id, one.settings))
                for one in some
                if one.settings is not None
            ],
            hidden=[
                wire.HiddenMessages(
                    thread_id=str(one.thread_id),
                    msg_ids=[str(msg_id) for msg_id in one.hidden],
                    up_to=str(one.up_to) if one.up_to else UNSET,
                )
                for one in some
                if one.settings is None
            ],
            own_number=str(last if every else some[-1].number),
            is_complete=whole and every,
        )

    return fit(found, build)


def _fields(thread_id: int, settings: ThreadSettings) -> dict[str, Any]:
    return {
        "thread_id": str(thread_id),
        "muted_until": moment(settings.muted_until) if settings.muted_until else "",
        "pinned": bool(settings.pinned_at),
        "archived": settings.archived,
        "draft": settings.draft,
    }
