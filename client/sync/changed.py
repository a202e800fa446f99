"""What a change to a conversation makes of a message that is stored here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from client.core.model import EVERYBODY, Kind, Message, Reaction
from imsys import sdk

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def targets(entry: sdk.Entry) -> tuple[int, ...]:
    """Ids of the messages that it changes."""
    match entry:
        case sdk.Edit() | sdk.Reaction() | sdk.Pin():
            return (entry.target,)
        case sdk.Recall():
            return entry.targets
    return ()


def changed(message: Message, entry: sdk.Entry) -> Message:
    """The message after it; the same object where it has that already. The library's rules hold."""
    before = sdk.Message(
        id=message.id,
        thread_id=message.conversation,
        sender=message.sender,
        receiver=0,
        text=message.text,
        sent_at=_NEVER,
        mine=message.mine,
        mentions=mentions_of(message),
        reactions=tuple(
            sdk.ReactionCount(emoji=one.emoji, count=one.count, mine=one.mine) for one in message.reactions
        ),
        pinned=message.pinned,
        as_of=message.as_of,
    )
    after = sdk.applied(before, entry)
    if after is before:
        return message
    if after.recalled:
        return replace(recalled(message), as_of=after.as_of)
    return replace(
        message,
        text=after.text,
        edited_ms=milliseconds(after.edited_at) or message.edited_ms,
        mentions=mentions(after.mentions),
        reactions=reactions(after),
        pinned=after.pinned,
        as_of=after.as_of,
    )


def recalled(message: Message) -> Message:
    """A message without what was in it."""
    return Message(
        message.key,
        message.conversation,
        message.sender,
        message.at_ms,
        Kind.TEXT,
        "",
        message.id,
        message.mine,
        message.mark,
        recalled=True,
        as_of=message.as_of,
    )


def milliseconds(at: datetime | None) -> int:
    """A time as the client has it; 0: none."""
    return int(at.timestamp() * 1000) if at is not None else 0


def reactions(said: sdk.Message) -> tuple[Reaction, ...]:
    """Those of a message."""
    return tuple(Reaction(one.emoji, one.count, one.mine) for one in said.reactions)


def mentions(said: sdk.Mentions) -> tuple[int, ...]:
    """Whom a text mentions."""
    return (EVERYBODY,) if isinstance(said, str) else said


def mentions_of(message: Message) -> sdk.Mentions:
    """The same for the library."""
    return sdk.EVERYBODY if EVERYBODY in message.mentions else message.mentions
