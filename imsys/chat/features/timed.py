"""Texts that are sent later, and threads whose messages expire."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from imsys.chat.changing import acknowledged, carry_out, check_unique
from imsys.chat.context import Context
from imsys.chat.drafting import draft
from imsys.chat.views import scheduled_push, scheduled_text
from imsys.errors import Refused, Status
from imsys.protocols.fitting import fit
from imsys.protocols.messages.timed import (
    CancelRequest,
    CancelResponse,
    RescheduleRequest,
    RescheduleResponse,
    ScheduledRequest,
    ScheduledResponse,
    ScheduleRequest,
    ScheduleResponse,
    TimerRequest,
    TimerResponse,
)
from imsys.server.dispatch import handles
from imsys.server.fields import parse_id, parse_moment, parse_pair, within
from imsys.store.changes import SetTimer
from imsys.store.expiry import LONGEST
from imsys.store.ids import moment
from imsys.store.scheduled import Scheduled

CHARACTERS = 4096
"""Characters of a text, at most."""

YEAR = 366 * 86_400_000
"""How far ahead a text is scheduled, at most, in milliseconds."""

SHORTEST = 3600
"""Seconds of a thread's timer, at least."""


@handles(ScheduleRequest)
async def schedule(context: Context, request: ScheduleRequest) -> ScheduleResponse:
    """Keep a text to be sent later."""
    thread_id = parse_id(request.thread_id, "thread_id")
    check_unique(request.unique_id)
    content, due_at = _content(request.content), _time(context, request.at)
    checked = draft(request.unique_id, content, request.reply_to, request.mentions, request.expires)
    chat = context.chat
    chat.allowances.texts(context.user, 1)
    text = Scheduled(0, context.user, thread_id, request.unique_id, due_at, content, checked.extra)
    waits = await chat.stores.scheduled.add(text, checked.reply_to, chat.node.ids.now_ms)
    chat.outbound.deliver_beside(context.session, scheduled_push(waits, "waiting"))
    return ScheduleResponse(
        schedule_id=str(waits.schedule_id),
        thread_id=str(waits.thread_id),
        unique_id=waits.unique_id,
        at=moment(waits.due_at),
    )


@handles(ScheduledRequest)
async def scheduled(context: Context, request: ScheduledRequest) -> ScheduledResponse:
    """List the user's texts that wait, by their time."""
    limit = within(request.limit, 1, 100, "limit")
    found = await context.chat.stores.scheduled.of_user(context.user, parse_pair(request.cursor), limit + 1)

    def build(some: Sequence[Scheduled]) -> ScheduledResponse:
        return ScheduledResponse(
            scheduled=[scheduled_text(text) for text in some],
            next=f"{some[-1].due_at}:{some[-1].schedule_id}" if some else request.cursor,
            is_complete=len(some) == len(found),
        )

    return fit(found[:limit], build)


@handles(RescheduleRequest)
async def reschedule(context: Context, request: RescheduleRequest) -> RescheduleResponse:
    """Change a text that waits."""
    text = await context.chat.stores.scheduled.change(
        context.user,
        parse_id(request.schedule_id, "schedule_id"),
        None if request.content is UNSET else _content(request.content),
        None if request.at is UNSET else _time(context, request.at),
    )
    context.chat.outbound.deliver_beside(context.session, scheduled_push(text, "waiting"))
    return RescheduleResponse(scheduled=scheduled_text(text))


@handles(CancelRequest)
async def cancel(context: Context, request: CancelRequest) -> CancelResponse:
    """Remove a text that waits."""
    text = await context.chat.stores.scheduled.cancel(
        context.user, parse_id(request.schedule_id, "schedule_id")
    )
    context.chat.outbound.deliver_beside(context.session, scheduled_push(text, "cancelled"))
    return CancelResponse()


@handles(TimerRequest, overlapping=True)
async def timer(context: Context, request: TimerRequest) -> TimerResponse:
    """Have the messages of a thread expire from now on, or not any more."""
    seconds = request.timer and within(request.timer, SHORTEST, LONGEST, "timer")
    appended = await carry_out(context, request.thread_id, SetTimer(request.unique_id, seconds))
    return TimerResponse(**acknowledged(request.thread_id, request.unique_id, appended))


def _content(content: str) -> str:
    if not 1 <= len(content) <= CHARACTERS:
        raise Refused(Status.MESSAGE_TOO_LONG, f"A text has 1 to {CHARACTERS} characters.")
    return content


def _time(context: Context, text: str) -> int:
    at, now_ms = parse_moment(text, "at"), context.chat.node.ids.now_ms
    if not now_ms < at <= now_ms + YEAR:
        raise Refused(Status.INVALID_FIELD, "The key at is a time to come, within a year.")
    return at
