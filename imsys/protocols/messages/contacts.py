"""Friends: requests, confirmations, lists, blocks."""

from __future__ import annotations

import msgspec

from imsys.protocols.messages.people import Card
from imsys.protocols.messages.registry import Push, Request, Response, message


class FriendRequestItem(msgspec.Struct, frozen=True, kw_only=True):
    """A pending friend request, with the card of the one who asked."""

    src_uuid: str
    dst_uuid: str
    username: str
    avator: str
    nickname: str
    description: str
    message: str
    sex: int


class Friend(Card, frozen=True, kw_only=True):
    """A friend's card, the name I gave them, and our thread."""

    alternative_name: str
    thread_id: str


@message(17, reply=18)
class FriendRequest(Request, frozen=True, kw_only=True):
    """Ask someone to become friends. ``nickname`` is what the asker calls themselves."""

    src_uuid: str
    dst_uuid: str
    message: str
    nickname: str


@message(18)
class FriendResponse(Response, frozen=True, kw_only=True):
    """The request is stored."""

    src_uuid: str
    dst_uuid: str


@message(19)
class FriendRequestPush(Push, frozen=True, kw_only=True):
    """Someone asks me to become friends."""

    src_uuid: str
    dst_uuid: str
    src_nickname: str
    src_message: str
    src_avator: str
    src_username: str
    src_desc: str
    src_sex: int


@message(20, reply=21)
class ConfirmRequest(Request, frozen=True, kw_only=True):
    """Accept a friend request: ``src_uuid`` asked, ``dst_uuid`` is me."""

    src_uuid: str
    dst_uuid: str
    alternative_name: str = ""


@message(21)
class ConfirmResponse(Response, frozen=True, kw_only=True):
    """The friendship is stored."""


class HelloMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One of the messages a new private thread begins with."""

    msg_id: str
    msg_sender: str
    msg_receiver: str
    msg_content: str
    msg_type: int
    prev_id: str
    timestamp: str


@message(22)
class FriendshipPush(Push, frozen=True, kw_only=True):
    """Two users are friends now; each gets the other's card."""

    friend_uuid: str
    friend_username: str
    friend_nickname: str
    friend_avator: str
    friend_desc: str
    friend_sex: int
    thread_id: str
    chat_type: str = "PRIVATE"
    hello_msg: list[HelloMessage]


@message(86, reply=87)
class FriendsRequest(Request, frozen=True, kw_only=True):
    """A page of my friends."""

    cursor: str = ""
    limit: int = 10


@message(87)
class FriendsResponse(Response, frozen=True, kw_only=True):
    """Friends after the cursor."""

    friends: list[Friend]
    next: str
    is_complete: bool


@message(88, reply=89)
class RequestsRequest(Request, frozen=True, kw_only=True):
    """A page of the friend requests that wait for me."""

    cursor: str = ""
    limit: int = 10


@message(89)
class RequestsResponse(Response, frozen=True, kw_only=True):
    """Pending requests after the cursor."""

    requests: list[FriendRequestItem]
    next: str
    is_complete: bool


@message(94, reply=95)
class DeclineRequest(Request, frozen=True, kw_only=True):
    """Turn a friend request down."""

    src_uuid: str


@message(95)
class DeclineResponse(Response, frozen=True, kw_only=True):
    """The request is gone."""


@message(96, reply=97)
class UnfriendRequest(Request, frozen=True, kw_only=True):
    """End a friendship."""

    friend_uuid: str


@message(97)
class UnfriendResponse(Response, frozen=True, kw_only=True):
    """The friendship has ended."""


@message(98, reply=99)
class BlockRequest(Request, frozen=True, kw_only=True):
    """Block a user, or let them write again."""

    uuid: str
    blocked: bool


@message(99)
class BlockResponse(Response, frozen=True, kw_only=True):
    """The block is as asked for."""
