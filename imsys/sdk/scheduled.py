"""Texts that the servers send later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec import UNSET

from imsys.errors import Status
from imsys.protocols.messages.timed import (
    CancelRequest,
    CancelResponse,
    RescheduleRequest,
    RescheduleResponse,
    ScheduledPush,
    ScheduledRequest,
    ScheduledResponse,
    ScheduledText,
    ScheduleRequest,
    ScheduleResponse,
)
from imsys.sdk.changing import checked, mentioning
from imsys.sdk.contacts import Ask
from imsys.sdk.gateway import status_of
from imsys.sdk.model import Mentions, mentioned, parse_time
from imsys.sdk.pages import Pages

_PAGE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A text of this user's that waits until ``at``. ``expires``: seconds after which it is gone then; 0, never."""

    schedule_id: int
    thread_id: int
    text: str
    at: datetime
    reply_to: int = 0
    mentions: Mentions = ()
    expires: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledNews:
    """What became of a text that waits: ``state`` is ``waiting`` (it is new, or was changed: ``scheduled``),
    ``cancelled``, ``sent``, or ``failed``, with the ``status`` for which it was refused.
    """

    schedule_id: int
    thread_id: int
    state: str
    scheduled: Scheduled | None = None
    status: Status | None = None


class Schedule:
    """This user's texts that are sent later, at most 100. Every method may raise :class:`imsys.errors.Refused`."""

    def __init__(self, ask: Ask, new_id: Callable[[], str]) -> None:
        self._ask = ask
        self._new_id = new_id

    async def add(
        self,
        thread_id: int,
        text: str,
        at: datetime,
        *,
        reply_to: int = 0,
        mentions: Mentions = (),
        expires: int = 0,
        unique_id: str = "",
    ) -> Scheduled:
        """Have a text sent at a time to come, within a year: once, whatever happens to this program.

        :param at: with a time zone.
        :param unique_id: of a call that was not answered, so that it is not sent twice.
        :raises Refused: INVALID_FIELD (70), the time; TOO_MANY (82); as for a text.
        :raises ValueError: the time has no time zone.
        """
        request = ScheduleRequest(
            thread_id=str(thread_id),
            unique_id=unique_id or self._new_id(),
            content=checked(text),
            at=_moment(at),
            reply_to=str(reply_to) if reply_to else UNSET,
            mentions=mentioning(mentions),
            expires=expires or UNSET,
        )
        response = await self._ask(request, ScheduleResponse)
        return Scheduled(
            schedule_id=int(response.schedule_id),
            thread_id=thread_id,
            text=text,
            at=parse_time(response.at),
            reply_to=reply_to,
            mentions=mentions,
            expires=expires,
        )

    def waiting(self) -> Pages[Scheduled]:
        """List the texts that wait, by their time."""

        async def read(cursor: str) -> tuple[list[Scheduled], str, bool]:
            page = await self._ask(ScheduledRequest(cursor=cursor, limit=_PAGE), ScheduledResponse)
            return [_scheduled(one) for one in page.scheduled], page.next, page.is_complete

        return Pages(read, "")

    async def change(
        self, schedule_id: int, *, text: str | None = None, at: datetime | None = None
    ) -> Scheduled:
        """Change the words or the time of one that waits.

        :raises Refused: CHATRECORD_NOT_EXIST (24), there is none; TOO_LATE (78), it is being sent.
        """
        request = RescheduleRequest(
            schedule_id=str(schedule_id),
            content=UNSET if text is None else checked(text),
            at=UNSET if at is None else _moment(at),
        )
        return _scheduled((await self._ask(request, RescheduleResponse)).scheduled)

    async def cancel(self, schedule_id: int) -> None:
        """Do not send it. :raises Refused: as for :meth:`change`."""
        await self._ask(CancelRequest(schedule_id=str(schedule_id)), CancelResponse)


def news(push: ScheduledPush) -> ScheduledNews:
    """Convert push 139."""
    return ScheduledNews(
        schedule_id=int(push.schedule_id),
        thread_id=int(push.thread_id),
        state=push.state,
        scheduled=_scheduled(push.scheduled) if push.scheduled else None,
        status=status_of(push.status) if push.status else None,
    )


def _moment(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("The time of a text that is sent later needs a time zone.")
    return at.isoformat(timespec="milliseconds")


def _scheduled(one: ScheduledText) -> Scheduled:
    return Scheduled(
        schedule_id=int(one.schedule_id),
        thread_id=int(one.thread_id),
        text=one.content,
        at=parse_time(one.at),
        reply_to=int(one.reply_to or 0),
        mentions=mentioned(one.mentions),
        expires=one.expires or 0,
    )
