"""Live streams: started and listed at the chat server, sent and watched at a resources server."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from imsys.protocols.messages.registry import Push, Request, Response, message


class LiveContent(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the message (type 5) that a live stream begins with, as JSON text."""

    stream_id: str
    title: str


@message(80, reply=81)
class LiveStartRequest(Request, frozen=True, kw_only=True):
    """I want to go live in a thread."""

    thread_id: str
    title: str
    record: bool | UnsetType = UNSET
    """Whether to keep it as a file of the thread; what is configured, if I do not say."""


@message(81)
class LiveStartResponse(Response, frozen=True, kw_only=True):
    """Where to send it, and where to watch; these URLs are secrets."""

    stream_id: str
    """128 bits in base64url."""
    publish_url: str
    """``rtmps://host:port/live/<stream_id>?key=…``, or ``rtmp``; good for as long as the stream may last."""
    play_url: str
    """The same with a key that lets me watch."""
    flv_url: str
    """HTTP-FLV, over HTTPS."""
    watch_url: str
    """A page for browsers."""
    key_expires: int
    """Until when a player may begin by these three; Unix time in seconds."""


@message(82, reply=83)
class LiveStopRequest(Request, frozen=True, kw_only=True):
    """My live stream is over."""

    stream_id: str


@message(83)
class LiveStopResponse(Response, frozen=True, kw_only=True):
    """It is over, now or before."""


@message(84, reply=85)
class LiveListRequest(Request, frozen=True, kw_only=True):
    """What is live in one of my threads, or in all of them."""

    thread_id: str | UnsetType = UNSET
    cursor: str = ""
    limit: int = 10


class LiveItem(msgspec.Struct, frozen=True, kw_only=True):
    """One live stream that is not over; the URLs are missing while its server is away."""

    stream_id: str
    thread_id: str
    owner: str
    title: str
    state: str
    """"waiting" (for its publisher, or for its return) or "live"."""
    viewers: int
    """Players, a few seconds ago."""
    play_url: str | UnsetType = UNSET
    flv_url: str | UnsetType = UNSET
    watch_url: str | UnsetType = UNSET
    key_expires: int | UnsetType = UNSET
    publish_url: str | UnsetType = UNSET
    """Where it is mine."""


@message(85)
class LiveListResponse(Response, frozen=True, kw_only=True):
    """A page of them."""

    streams: list[LiveItem]
    next: str
    is_complete: bool


@message(131)
class LivePush(Push, frozen=True, kw_only=True):
    """A live stream of a thread of mine was started, goes on, pauses or is over."""

    stream_id: str
    thread_id: str
    owner: str
    title: str
    state: str
    """"waiting", "live" or "ended"."""
    viewers: int = 0
