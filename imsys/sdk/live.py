"""Live streams: going live, and what there is to watch."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import msgspec
from msgspec import UNSET

from imsys.protocols.messages.live import (
    LiveContent,
    LiveItem,
    LiveListRequest,
    LiveListResponse,
    LivePush,
    LiveStartRequest,
    LiveStartResponse,
    LiveStopRequest,
    LiveStopResponse,
)
from imsys.protocols.messages.registry import Request, Response
from imsys.sdk.pages import Pages

_PAGE = 100

R = TypeVar("R", bound=Response)


class LiveState(enum.Enum):
    """How far a live stream is."""

    WAITING = "waiting"
    """Nobody sends it: not yet, or for a moment."""
    LIVE = "live"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class LiveMention:
    """What a message says of the live stream that began with it."""

    stream_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChange:
    """A live stream of a thread of mine was started, goes on, pauses or is over; ``viewers`` were there a few seconds ago."""

    stream_id: str
    thread_id: int
    owner: int
    title: str
    state: LiveState
    viewers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStream(LiveChange):
    """One that is not over, and where it is watched; the URLs hold keys of mine, and are empty while its server is away."""

    play_url: str = field(default="", repr=False)
    """RTMPS, or RTMP."""
    flv_url: str = field(default="", repr=False)
    """HTTP-FLV."""
    watch_url: str = field(default="", repr=False)
    """A page for browsers."""
    key_expires: datetime | None = None
    """Until when a player may begin by these three; what has begun goes on."""
    publish_url: str = field(default="", repr=False)
    """Where I send it, if it is mine."""


class Ask(Protocol):
    """Sends a request when the client is online; its response."""

    def __call__(self, request: Request, reply: type[R], /) -> Awaitable[R]:
        """Send it."""


class LiveStreams:
    """What a user can do about live streams. Everything may raise :class:`imsys.errors.Refused`."""

    def __init__(self, ask: Ask, me: Callable[[], int]) -> None:
        self._ask = ask
        self._me = me

    async def start(self, thread_id: int, title: str, *, record: bool | None = None) -> LiveStream:
        """Go live in a thread (``PERMISSION_DENIED``, ``NOT_FRIENDS``, ``BLOCKED``, ``SERVER_BUSY``); its members are told.

        It begins when a program sends to ``publish_url``.

        :param record: whether it becomes a file of the thread when it is over; ``None``: as the server is configured.
        """
        request = LiveStartRequest(thread_id=str(thread_id), title=title, record=UNSET if record is None else record)
        response = await self._ask(request, LiveStartResponse)
        return LiveStream(
            stream_id=response.stream_id,
            thread_id=thread_id,
            owner=self._me(),
            title=title,
            state=LiveState.WAITING,
            play_url=response.play_url,
            flv_url=response.flv_url,
            watch_url=response.watch_url,
            key_expires=datetime.fromtimestamp(response.key_expires, UTC),
            publish_url=response.publish_url,
        )

    async def stop(self, stream_id: str) -> None:
        """End a live stream of mine (``PERMISSION_DENIED``, ``STREAM_NOT_FOUND``); to do so again changes nothing."""
        await self._ask(LiveStopRequest(stream_id=stream_id), LiveStopResponse)

    def running(self, thread_id: int = 0) -> Pages[LiveStream]:
        """What is live in a thread of mine, or in all of them, with fresh keys; what waits for its publisher as well."""

        async def read(cursor: str) -> tuple[list[LiveStream], str, bool]:
            request = LiveListRequest(thread_id=str(thread_id) if thread_id else UNSET, cursor=cursor, limit=_PAGE)
            page = await self._ask(request, LiveListResponse)
            return [stream(item) for item in page.streams if item.state in _STATES], page.next, page.is_complete

        return Pages(read, "")


_STATES = frozenset(state.value for state in LiveState)


def mention(text: str) -> LiveMention | None:
    """Read the content of a message that a live stream begins with; ``None``: it is no such content."""
    try:
        content = msgspec.json.decode(text.encode(), type=LiveContent)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return None
    return LiveMention(content.stream_id, content.title)


def change(push: LivePush) -> LiveChange | None:
    """Read push 131; ``None``: its state is none that this version knows."""
    if push.state not in _STATES:
        return None
    return LiveChange(
        stream_id=push.stream_id,
        thread_id=int(push.thread_id),
        owner=int(push.owner),
        title=push.title,
        state=LiveState(push.state),
        viewers=push.viewers,
    )


def stream(item: LiveItem) -> LiveStream:
    """Read an item of the list."""
    return LiveStream(
        stream_id=item.stream_id,
        thread_id=int(item.thread_id),
        owner=int(item.owner),
        title=item.title,
        state=LiveState(item.state),
        viewers=item.viewers,
        play_url=item.play_url or "",
        flv_url=item.flv_url or "",
        watch_url=item.watch_url or "",
        key_expires=datetime.fromtimestamp(item.key_expires, UTC) if item.key_expires else None,
        publish_url=item.publish_url or "",
    )
