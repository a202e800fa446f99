"""Convert stored rows to messages of the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from imsys.errors import Refused
from imsys.files.sniffing import kind
from imsys.protocols.identifiers import encode_id
from imsys.protocols.messages.contacts import (
    Friend,
    FriendRequestItem,
    FriendRequestPush,
    FriendshipPush,
    HelloMessage,
)
from imsys.protocols.messages.entries import Entry
from imsys.protocols.messages.files import FileContent
from imsys.protocols.messages.live import LivePush
from imsys.protocols.messages.people import Card, ProfilePush
from imsys.protocols.messages.presence import PresencePush
from imsys.protocols.messages.presence import State as PresenceState
from imsys.protocols.messages.registry import service_id
from imsys.protocols.messages.texts import Forward, IncomingText, VerifiedText
from imsys.protocols.messages.threads import Position, PositionPush
from imsys.protocols.messages.timed import ScheduledPush, ScheduledText
from imsys.server.dispatch import frame
from imsys.store.appending import Stored
from imsys.store.contacts import Contact, Friendship, Pending
from imsys.store.files import File
from imsys.store.ids import moment, timestamp
from imsys.store.live import LiveStream
from imsys.store.people import Person
from imsys.store.scheduled import Scheduled
from imsys.store.threads import Mark

if TYPE_CHECKING:
    from imsys.chat.presence import State
    from imsys.server.session import Session


def card_fields(person: Person) -> dict[str, str | int]:
    """Return the fields of a user's card."""
    return {
        "uuid": str(person.uuid),
        "username": person.username,
        "nickname": person.nickname,
        "avator": person.avatar,
        "description": person.description,
        "sex": person.sex,
    }


def card(person: Person) -> Card:
    """Make a user's card."""
    return Card(**card_fields(person))  # type: ignore[arg-type]


def profile_push(person: Person) -> ProfilePush:
    """Make the push of a changed card."""
    return ProfilePush(**card_fields(person))  # type: ignore[arg-type]


def friend(contact: Contact) -> Friend:
    """Make an item of a page of friends."""
    fields = card_fields(contact.person)
    return Friend(**fields, alternative_name=contact.alternative_name, thread_id=str(contact.thread_id))  # type: ignore[arg-type]


def request_item(pending: Pending) -> FriendRequestItem:
    """Make an item of a page of pending friend requests."""
    person = pending.person
    return FriendRequestItem(
        src_uuid=str(person.uuid),
        dst_uuid=str(pending.dst),
        username=person.username,
        avator=person.avatar,
        nickname=pending.nickname or person.nickname,
        description=person.description,
        message=pending.message,
        sex=person.sex,
    )


def request_push(pending: Pending) -> FriendRequestPush:
    """Make the push of a friend request for its receiver."""
    person = pending.person
    return FriendRequestPush(
        src_uuid=str(person.uuid),
        dst_uuid=str(pending.dst),
        src_nickname=pending.nickname or person.nickname,
        src_message=pending.message,
        src_avator=person.avatar,
        src_username=person.username,
        src_desc=person.description,
        src_sex=person.sex,
    )


def friendship_push(friendship: Friendship, friend: Person) -> FriendshipPush:
    """Make the push of a friendship for the user whose new friend is ``friend``."""
    return FriendshipPush(
        friend_uuid=str(friend.uuid),
        friend_username=friend.username,
        friend_nickname=friend.nickname,
        friend_avator=friend.avatar,
        friend_desc=friend.description,
        friend_sex=friend.sex,
        thread_id=str(friendship.thread_id),
        hello_msg=[
            HelloMessage(
                msg_id=str(message.msg_id),
                msg_sender=str(message.sender),
                msg_receiver=str(message.receiver),
                msg_content=message.content,
                msg_type=message.kind,
                prev_id=str(message.prev_id),
                timestamp=timestamp(message.msg_id),
            )
            for message in friendship.hello
        ],
    )


def verified(text: IncomingText) -> VerifiedText:
    """Make the acknowledgement of a text from what its receivers get: most of it takes long enough to be written once."""
    return VerifiedText(
        thread_id=text.thread_id,
        unique_id=text.unique_id,
        msg_id=text.msg_id,
        prev_id=text.prev_id,
        timestamp=text.timestamp,
        expires=text.expires,
    )


def extra_fields(extra: str | None) -> dict[str, Any]:
    """Return what a message says beside its content: ``reply_to``, ``mentions``, ``forward``, ``expires``."""
    if not extra:
        return {}
    found: dict[str, Any] = msgspec.json.decode(extra)
    if "forward" in found:
        found["forward"] = Forward(**found["forward"])
    return found


def entry(stored: Stored) -> Entry:
    """Make an entry's item in the push to the members."""
    body = stored.content.encode()
    if stored.extra:
        body = body[:-1] + b"," + stored.extra.encode()[1:]
    return Entry(
        msg_id=str(stored.msg_id),
        prev_id=str(stored.prev_id),
        thread_id=str(stored.thread_id),
        msg_type=stored.kind,
        msg_sender=str(stored.sender),
        unique_id=stored.unique_id,
        timestamp=timestamp(stored.msg_id),
        body=msgspec.Raw(body),
    )


def incoming(message: Stored) -> IncomingText:
    """Make a text's item in the push to its receivers."""
    item = IncomingText(
        msg_type=message.kind,
        msg_status=0,
        msg_sender=str(message.sender),
        msg_receiver=str(message.receiver),
        msg_id=str(message.msg_id),
        prev_id=str(message.prev_id),
        thread_id=str(message.thread_id),
        unique_id=message.unique_id,
        msg_content=message.content,
        timestamp=timestamp(message.msg_id),
    )
    return item if message.extra is None else replace(item, **extra_fields(message.extra))


def position(mark: Mark) -> Position:
    """Make an item of a page of positions."""
    return Position(
        thread_id=str(mark.thread_id), uuid=str(mark.user), delivered=str(mark.delivered), read=str(mark.read)
    )


def position_push(mark: Mark) -> PositionPush:
    """Make the push of a member's position."""
    return PositionPush(
        thread_id=str(mark.thread_id), uuid=str(mark.user), delivered=str(mark.delivered), read=str(mark.read)
    )


def positions_push(marks: Sequence[Mark]) -> PositionPush:
    """Make the push of the positions of some members of one group."""
    first = position_push(marks[0])
    return first if len(marks) == 1 else replace(first, more=[position(mark) for mark in marks[1:]])


def file_kind(mime: str) -> int:
    """Return the message kind for a file of a content type; IMAGE only if clients can show the picture."""
    return int(kind(mime))


def file_content(file: File) -> str:
    """Make the content of a message that carries a complete file."""
    assert file.content is not None
    content = FileContent(
        file_id=encode_id(file.file_id),
        filename=file.filename,
        size=file.size,
        mime=file.mime,
        sha256=file.content.sha256.hex(),
        thumbnail=UNSET if file.thumbnail_id is None else encode_id(file.thumbnail_id),
    )
    return msgspec.json.encode(content).decode()


def presence_state(state: State) -> PresenceState:
    """Make the item of a user in what a watcher sees; of who does not show it, nothing but that."""
    if not state.shown:
        return PresenceState(uuid=str(state.user), state="recently")
    if state.online:
        return PresenceState(uuid=str(state.user), state="online")
    seen = moment(state.minute * 60_000) if state.minute else UNSET
    return PresenceState(uuid=str(state.user), state="offline", last_seen=seen)


def tell_presence(session: Session, states: Sequence[State]) -> None:
    """Push states to a session that watches these users."""
    push = PresencePush(states=[presence_state(state) for state in states])
    session.push(frame(service_id(PresencePush), push))


def scheduled_text(text: Scheduled) -> ScheduledText:
    """Make the item of a text that waits for its time."""
    return ScheduledText(
        **extra_fields(text.extra),
        schedule_id=str(text.schedule_id),
        thread_id=str(text.thread_id),
        unique_id=text.unique_id,
        content=text.content,
        at=moment(text.due_at),
    )


def scheduled_push(text: Scheduled, state: str, refused: Refused | None = None) -> ScheduledPush:
    """Make the push of what became of a text that waited."""
    return ScheduledPush(
        schedule_id=str(text.schedule_id),
        thread_id=str(text.thread_id),
        state=state,
        scheduled=scheduled_text(text) if state == "waiting" else UNSET,
        status=UNSET if refused is None else int(refused.status),
    )


def live_push(stream: LiveStream) -> LivePush:
    """Make the push of a live stream's state."""
    return LivePush(
        stream_id=encode_id(stream.stream_id),
        thread_id=str(stream.thread_id),
        owner=str(stream.owner),
        title=stream.title,
        state=stream.state.name.lower(),
        viewers=stream.viewers,
    )
