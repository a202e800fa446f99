"""Texts: check, store, acknowledge and deliver them."""

from __future__ import annotations

from collections.abc import Sequence

from imsys.chat.context import Context
from imsys.chat.views import incoming, verified
from imsys.errors import Refused, Status
from imsys.protocols.fitting import split
from imsys.protocols.messages.registry import service_id
from imsys.protocols.messages.texts import IncomingText, TextItem, TextPush, TextRequest, TextResponse
from imsys.server.dispatch import frame, handles
from imsys.server.fields import parse_id
from imsys.store.appending import Draft, Submission

PUSH = service_id(TextPush)

TEXTS = 100
"""Texts in one request, at most."""

CHARACTERS = 4096
"""Characters of a text, at most."""


@handles(TextRequest, overlapping=True)
async def texts(context: Context, request: TextRequest) -> TextResponse:
    """Store all texts of the request or none; acknowledge and deliver them once they are durable."""
    sender = context.own(request.text_sender)
    receiver = parse_id(request.text_receiver, "text_receiver")
    thread_id = parse_id(request.thread_id, "thread_id")
    if not 1 <= len(request.text_msg) <= TEXTS:
        raise Refused(Status.INVALID_FIELD, f"A request has 1 to {TEXTS} texts.")
    drafts = tuple([_draft(request, item) for item in request.text_msg])
    chat, session = context.chat, context.session
    chat.allowances.texts(sender, len(drafts))
    appended = await chat.log.append(Submission(sender, receiver, thread_id, drafts), session)
    if appended.in_doubt:
        chat.outbound.catch_up(
            appended.receivers if session.siblings is None else [sender, *appended.receivers]
        )
    fresh = [incoming(message) for message in appended.messages if not message.resent]
    if fresh:

        def push_of(some: Sequence[IncomingText]) -> TextPush:
            return TextPush(
                text_sender=request.text_sender, text_receiver=request.text_receiver, text_msg=some
            )

        for push in split(fresh, push_of) if len(fresh) > 1 else (push_of(fresh),):
            pushed = frame(PUSH, push)
            chat.outbound.deliver_frame(appended.receivers, pushed)
            if session.siblings is not None:
                session.siblings.push(pushed, session)
    return TextResponse(
        text_sender=request.text_sender,
        text_receiver=request.text_receiver,
        verified_msg=[verified(message) for message in appended.messages],
    )


def _draft(request: TextRequest, item: TextItem) -> Draft:
    if item.msg_sender != request.text_sender:
        raise Refused(Status.PERMISSION_DENIED, "A text has another sender than its request.")
    if item.msg_receiver != request.text_receiver:
        raise Refused(Status.PERMISSION_DENIED, "A text has another receiver than its request.")
    if not 1 <= len(item.unique_id) <= 64:
        raise Refused(Status.INVALID_FIELD, "A unique_id has 1 to 64 characters.")
    if not 1 <= len(item.msg_content) <= CHARACTERS:
        raise Refused(Status.MESSAGE_TOO_LONG, f"A text has 1 to {CHARACTERS} characters.")
    return Draft(item.unique_id, item.msg_content)
