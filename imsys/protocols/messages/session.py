"""Login, logout, heartbeat."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.contacts import FriendRequestItem
from imsys.protocols.messages.people import Card, CardResponse
from imsys.protocols.messages.registry import UNKNOWN, Push, Request, Response, message


class DevicePart(msgspec.Struct, frozen=True, kw_only=True):
    """The device that a client runs on; ``kind`` is desktop, web, phone, cli or bot."""

    id: str
    """The client's own, kept as long as it is installed there: 1 to 64 characters."""
    name: str
    kind: str


@message(5, reply=6)
class LoginRequest(Request, frozen=True, kw_only=True):
    """Log in with a token from the gateway."""

    uuid: str
    token: str
    client: str | UnsetType = UNSET
    """Random, chosen by each client when it starts: 1 to 64 characters."""
    attempt: int | UnsetType = UNSET
    """Grows with each attempt of this client to log in, on whichever server: an older one never ends the
    session of a newer one.
    """
    device: DevicePart | UnsetType = UNSET
    """Without it this is the session of no device."""


@message(6)
class LoginResponse(CardResponse, frozen=True, kw_only=True):
    """My card, and the first of my pending requests and of my friends."""

    FriendRequestList: list[FriendRequestItem]
    AuthFriendList: list[Card]


@message(7, reply=8)
class LogoutRequest(Request, frozen=True, kw_only=True):
    """Log out; the token is revoked."""

    uuid: str
    token: str


@message(8)
class LogoutResponse(Response, frozen=True, kw_only=True):
    """Logged out; also the push that says "you were signed out" (with ``message``)."""

    uuid: str | UnsetType = UNSET


@message(132)
class MovePush(Push, frozen=True, kw_only=True):
    """This server is going to end, or cannot serve: log in elsewhere. Until then this session goes on."""

    after: float
    """Seconds to wait before that, so that not everybody moves at once."""


@message(32, reply=33)
class HeartbeatRequest(Request, frozen=True, kw_only=True):
    """I am still here."""

    uuid: str | UnsetType = UNSET


@message(33)
class HeartbeatResponse(Response, frozen=True, kw_only=True):
    """So am I."""


@message(UNKNOWN)
class UnknownService(Response, frozen=True, kw_only=True):
    """No service has the id of the request."""
