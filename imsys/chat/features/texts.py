"""Texts: check, store, acknowledge and deliver them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from imsys.chat.context import Context
from imsys.chat.drafting import draft, to_json
from imsys.chat.views import incoming, verified
from imsys.errors import Refused, Status
from imsys.protocols.fitting import split
from imsys.protocols.messages.registry import service_id
from imsys.protocols.messages.texts import (
    Forward,
    IncomingText,
    TextItem,
    TextPush,
    TextRequest,
    TextResponse,
)
from imsys.server.dispatch import frame, handles_in_two
from imsys.server.fields import parse_id
from imsys.server.outcome import Outcome, outcome_of
from imsys.store.appending import Appended, Draft, Submission

PUSH = service_id(TextPush)

TEXTS = 100
"""Texts in one request, at most."""

CHARACTERS = 4096
"""Characters of a text, at most."""


def _stored(context: Context, request: TextRequest, appended: Appended) -> TextResponse:
    """Deliver the texts, which are durable now, and acknowledge them."""
    outbound, sender = context.chat.outbound, context.user
    if appended.in_doubt:
        outbound.tell_again(appended, sender, context.session)
    items = [incoming(message) for message in appended.messages]
    fresh = [item for item, message in zip(items, appended.messages, strict=True) if not message.resent]
    if fresh:
        pushes = (_push(request, fresh),) if len(fresh) == 1 else split(fresh, partial(_push, request))
        for push in pushes:
            outbound.tell(appended, sender, frame(PUSH, push), context.session)
    return TextResponse(
        text_sender=request.text_sender,
        text_receiver=request.text_receiver,
        verified_msg=[verified(item) for item in items],
    )


@handles_in_two(TextRequest, _stored, overlapping=True)
def texts(context: Context, request: TextRequest) -> Outcome[Appended]:
    """Store all texts of the request or none; they are acknowledged and delivered once they are durable."""
    sender = context.own(request.text_sender)
    receiver = parse_id(request.text_receiver, "text_receiver")
    thread_id = parse_id(request.thread_id, "thread_id")
    if not 1 <= len(request.text_msg) <= TEXTS:
        raise Refused(Status.INVALID_FIELD, f"A request has 1 to {TEXTS} texts.")
    drafts = []
    answers = forwards = False
    for item in request.text_msg:
        _check(request, item)
        if item.reply_to is item.mentions is item.forward is item.expires is UNSET:
            drafts.append(Draft(item.unique_id, item.msg_content))
        else:
            drafts.append(draft(item.unique_id, item.msg_content, item.reply_to, item.mentions, item.expires))
            answers = answers or item.reply_to is not UNSET
            forwards = forwards or item.forward is not UNSET
    submission = Submission(sender, receiver, thread_id, tuple(drafts), None, answers)
    if forwards:
        return outcome_of(_forward(context, request, submission))
    return _append(context, submission)


def _append(context: Context, submission: Submission) -> Outcome[Appended]:
    chat = context.chat
    chat.allowances.texts(submission.sender, len(submission.drafts))
    return chat.log.append(submission, context.session)


async def _forward(context: Context, request: TextRequest, submission: Submission) -> Appended:
    """Append texts of which some are forwarded: these are as their first authors wrote them."""
    drafts = []
    for item, text in zip(request.text_msg, submission.drafts, strict=True):
        drafts.append(text if item.forward is UNSET else await _original(context, item.forward, text))
    return await _append(context, replace(submission, drafts=tuple(drafts))).deferred()


def _push(request: TextRequest, items: Sequence[IncomingText]) -> TextPush:
    return TextPush(text_sender=request.text_sender, text_receiver=request.text_receiver, text_msg=items)


def _check(request: TextRequest, item: TextItem) -> None:
    if item.msg_sender != request.text_sender:
        raise Refused(Status.PERMISSION_DENIED, "A text has another sender than its request.")
    if item.msg_receiver != request.text_receiver:
        raise Refused(Status.PERMISSION_DENIED, "A text has another receiver than its request.")
    if not 1 <= len(item.unique_id) <= 64:
        raise Refused(Status.INVALID_FIELD, "A unique_id has 1 to 64 characters.")
    if not 1 <= len(item.msg_content) <= CHARACTERS and not item.forward:
        raise Refused(Status.MESSAGE_TOO_LONG, f"A text has 1 to {CHARACTERS} characters.")


async def _original(context: Context, forward: Forward, text: Draft) -> Draft:
    thread_id, msg_id = (
        parse_id(forward.thread_id, "forward.thread_id"),
        parse_id(forward.msg_id, "forward.msg_id"),
    )
    original = await context.chat.stores.conversations.text(context.user, thread_id, msg_id)
    extra = msgspec.json.decode(text.extra) if text.extra else {}
    first = msgspec.json.decode(original.extra).get("forward") if original.extra else None
    source = {"thread_id": str(thread_id), "msg_id": str(msg_id), "sender": str(original.sender)}
    extra["forward"] = first or source
    return replace(text, content=original.content, extra=to_json(extra))
