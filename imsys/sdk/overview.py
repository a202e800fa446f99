"""The list of a user's threads, as a first screen shows it, and how the user keeps each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from imsys.protocols.messages import overview as wire
from imsys.sdk.contacts import Ask
from imsys.sdk.model import MessageKind, kind_of, parse_time
from imsys.sdk.pages import Pages

_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMessage:
    """The last message of a thread; of a text, its first 200 characters."""

    id: int
    sender: int
    kind: MessageKind | int
    text: str
    sent_at: datetime
    recalled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadSettings:
    """How this user keeps a thread. Settings follow them to all their devices."""

    thread_id: int
    muted_until: datetime | None
    pinned: bool
    archived: bool
    draft: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One thread of the list. Of a private one, ``uuid`` is the other one (0 in a group), ``title`` and ``avatar`` are
    theirs, and ``peer_delivered`` and ``peer_read`` say how far they are; ``unread`` is 1,000 where it is more than 999.

    ``last_id`` is the last entry of its log; ``active_id`` that by which it has its place in the list: the last message, or
    the last entry by which somebody came into a group. ``timer``: seconds after which messages expire; 0, never.
    ``settings.draft`` has its first 200 characters.
    """

    thread_id: int
    private: bool
    uuid: int
    title: str
    avatar: str
    members: int
    last_id: int
    active_id: int
    last: LastMessage | None
    unread: int
    mentioned: bool
    delivered: int
    read: int
    peer_delivered: int
    peer_read: int
    timer: int
    settings: ThreadSettings


class Threads:
    """This user's list of threads. Every method may raise :class:`imsys.errors.Refused`."""

    def __init__(self, ask: Ask, noted: Callable[[str | UnsetType], Any]) -> None:
        self._ask = ask
        self._noted = noted

    def overview(self, *, archived: bool | None = None) -> Pages[Overview]:
        """List the threads: those that are pinned, then the others by last activity, the newest first.

        :param archived: only those that are, or that are not.
        """

        async def read(cursor: str) -> tuple[list[Overview], str, bool]:
            request = wire.OverviewRequest(
                cursor=cursor, limit=_PAGE, archived=UNSET if archived is None else archived
            )
            page = await self._ask(request, wire.OverviewResponse)
            return [_overview(one) for one in (*page.pinned, *page.threads)], page.next, page.is_complete

        return Pages(read, "")

    async def settings(self, thread_id: int) -> ThreadSettings:
        """Return how this user keeps a thread."""
        return settings(
            await self._ask(wire.SettingsRequest(thread_id=str(thread_id)), wire.SettingsResponse)
        )

    async def change(
        self,
        thread_id: int,
        *,
        muted_until: datetime | None = None,
        unmute: bool = False,
        pinned: bool | None = None,
        archived: bool | None = None,
        draft: str | None = None,
    ) -> ThreadSettings:
        """Change what is given; return all settings as they are now."""
        until = muted_until.isoformat(timespec="milliseconds") if muted_until is not None else UNSET
        request = wire.ChangeSettingsRequest(
            thread_id=str(thread_id),
            muted_until="" if unmute else until,
            pinned=UNSET if pinned is None else pinned,
            archived=UNSET if archived is None else archived,
            draft=UNSET if draft is None else draft,
        )
        response = await self._ask(request, wire.ChangeSettingsResponse)
        self._noted(response.own_number)
        return settings(response)


def settings(
    found: wire.ThreadSettings | wire.SettingsPush | wire.KeptThread | wire.ThreadView,
) -> ThreadSettings:
    """Convert the settings of a thread."""
    return ThreadSettings(
        thread_id=int(found.thread_id),
        muted_until=parse_time(found.muted_until) if found.muted_until else None,
        pinned=found.pinned,
        archived=found.archived,
        draft=found.draft,
    )


def _overview(view: wire.ThreadView) -> Overview:
    last = view.last
    return Overview(
        thread_id=int(view.thread_id),
        private=view.type == "PRIVATE",
        uuid=int(view.uuid),
        title=view.title,
        avatar=view.avator,
        members=view.members,
        last_id=int(view.last_msg_id),
        active_id=int(view.active_id or view.last_msg_id),
        last=None
        if last is UNSET
        else LastMessage(
            id=int(last.msg_id),
            sender=int(last.msg_sender),
            kind=kind_of(last.msg_type),
            text=last.msg_content,
            sent_at=parse_time(last.timestamp),
            recalled=last.status == 2,
        ),
        unread=view.unread,
        mentioned=view.mentioned,
        delivered=int(view.delivered),
        read=int(view.read),
        peer_delivered=int(view.peer_delivered or 0),
        peer_read=int(view.peer_read or 0),
        timer=view.timer,
        settings=settings(view),
    )
