"""What the client library says, as values of :mod:`client.core.model`."""

from __future__ import annotations

from dataclasses import replace

from client.core import model
from client.core.model import Attachment, Forward, Kind, Link, Mark, Message, Person, Quote, Stream
from client.sync import changed
from imsys import sdk
from imsys.sdk import ConnectionState, LiveState, MessageKind

LINKS = {
    ConnectionState.OFFLINE: Link.OFFLINE,
    ConnectionState.SIGNING_IN: Link.CONNECTING,
    ConnectionState.ONLINE: Link.ONLINE,
    ConnectionState.WAITING: Link.WAITING,
    ConnectionState.SIGNED_OUT: Link.SIGNED_OUT,
}
_KINDS = {
    MessageKind.DEFAULT: Kind.TEXT,
    MessageKind.TEXT: Kind.TEXT,
    MessageKind.IMAGE: Kind.IMAGE,
    MessageKind.FILE: Kind.FILE,
    MessageKind.AUDIO: Kind.AUDIO,
    MessageKind.VIDEO: Kind.VIDEO,
}
STAGES = {
    sdk.Stage.HASHING: model.Stage.HASHING,
    sdk.Stage.MOVING: model.Stage.MOVING,
    sdk.Stage.WAITING: model.Stage.WAITING,
    sdk.Stage.FINISHING: model.Stage.FINISHING,
}


def message(said: sdk.Message) -> Message:
    """A message that the server has. One of mine that was written here has its ``unique_id`` for a key."""
    kind = _KINDS.get(said.kind, Kind.UNKNOWN) if isinstance(said.kind, MessageKind) else Kind.UNKNOWN
    text, stream, attachment = said.text, "", None
    if said.live is not None:
        kind, text, stream = Kind.LIVE, said.live.title, said.live.stream_id
    elif said.recalled:
        kind, text = Kind.TEXT, ""
    elif kind not in (Kind.TEXT, Kind.UNKNOWN):
        file = said.attachment
        if file is None:
            kind = Kind.UNKNOWN
        else:
            text = ""
            attachment = Attachment(
                file.filename, file.size, file.mime, file.file_id, file.sha256, file.thumbnail
            )
    key = said.unique_id if said.mine and said.unique_id and ":" not in said.unique_id else f"#{said.id}"
    mark = Mark.READ if said.mine and said.read else Mark.STORED
    at_ms = int(said.sent_at.timestamp() * 1000)
    return Message(
        key,
        said.thread_id,
        said.sender,
        at_ms,
        kind,
        text,
        said.id,
        said.mine,
        mark,
        attachment=attachment,
        stream=stream,
        edited_ms=changed.milliseconds(said.edited_at),
        recalled=said.recalled,
        quote=Quote(said.reply_to, 0, "") if said.reply_to else None,  # the store knows what is in it
        reactions=changed.reactions(said),
        mentions=changed.mentions(said.mentions),
        forward=forward(said.forward),
        pinned=said.pinned,
        as_of=said.as_of,
        expires_ms=changed.milliseconds(said.expires_at),
    )


def forward(said: sdk.Forwarded | None) -> Forward | None:
    """Where a text was written first."""
    return Forward(said.thread_id, said.message_id, said.sender) if said is not None else None


def person(card: sdk.Person, known: Person | None) -> Person:
    """Somebody's card, with what is known of them here."""
    before = known or Person(card.uuid, card.username)
    return replace(
        before,
        username=card.username,
        nickname=card.nickname,
        avatar=card.avatar,
        description=card.description,
        sex=card.sex,
        alias=card.alias if isinstance(card, sdk.Friend) and card.alias else before.alias,
        friend=before.friend or isinstance(card, sdk.Friend),
    )


def stream(live: sdk.LiveChange, known: Stream | None) -> Stream:
    """A live stream; the URLs that are known stay."""
    before = known or Stream(live.stream_id, live.thread_id, live.owner, live.title)
    changed = replace(
        before,
        title=live.title,
        running=live.state is not LiveState.ENDED,
        paused=live.state is LiveState.WAITING,
        viewers=live.viewers,
    )
    if isinstance(live, sdk.LiveStream):
        changed = replace(
            changed,
            play_url=live.play_url or live.flv_url,
            publish_url=live.publish_url or before.publish_url,
            flv_url=live.flv_url,
            watch_url=live.watch_url,
        )
    return changed
