"""Live streams: going live, and listing those to watch."""

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
    """The state of a live stream."""

    WAITING = "waiting"
    """The publisher is not sending: not yet, or it is interrupted."""
    LIVE = "live"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class LiveMention:
    """The live stream that a message announces."""

    stream_id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChange:
    """The state of a live stream in one of this user's threads; ``viewers`` is a few seconds old."""

    stream_id: str
    thread_id: int
    owner: int
    title: str
    state: LiveState
    viewers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStream(LiveChange):
    """A stream that has not ended. Its URLs hold personal keys, and are empty while its server is down."""

    play_url: str = field(default="", repr=False)
    """RTMPS or RTMP."""
    flv_url: str = field(default="", repr=False)
    """HTTP-FLV."""
    watch_url: str = field(default="", repr=False)
    """A page for browsers."""
    key_expires: datetime | None = None
    """Until when a player may start with these three URLs; one that is playing goes on."""
    publish_url: str = field(default="", repr=False)
    """Where to send the stream, if it is this user's own."""


class Ask(Protocol):
    """Sends a request when the client is online, and returns its response."""

    def __call__(self, request: Request, reply: type[R], /) -> Awaitable[R]:
        """Send the request; ``reply`` is the type of its response."""


class LiveStreams:
    """Starts, stops and lists live streams. Every method may raise :class:`imsys.errors.Refused`."""

    def __init__(self, ask: Ask, me: Callable[[], int]) -> None:
        self._ask = ask
        self._me = me

    async def start(self, thread_id: int, title: str, *, record: bool | None = None) -> LiveStream:
        """Create a live stream in a thread and tell its members.

        It begins when a program sends to ``publish_url``.

        :param record: whether a recording becomes a file of the thread at the end; ``None``: as the server is
            configured.
        :raises Refused: PERMISSION_DENIED (65), NOT_FRIENDS (66), BLOCKED (76), SERVER_BUSY (73).
        """
        request = LiveStartRequest(
            thread_id=str(thread_id), title=title, record=UNSET if record is None else record
        )
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
        """End a live stream of this user's; repeating it is harmless.

        :raises Refused: PERMISSION_DENIED (65), STREAM_NOT_FOUND (74).
        """
        await self._ask(LiveStopRequest(stream_id=stream_id), LiveStopResponse)

    def running(self, thread_id: int = 0) -> Pages[LiveStream]:
        """List the streams that have not ended, of one thread or of all (0), with fresh keys."""

        async def read(cursor: str) -> tuple[list[LiveStream], str, bool]:
            request = LiveListRequest(
                thread_id=str(thread_id) if thread_id else UNSET, cursor=cursor, limit=_PAGE
            )
            page = await self._ask(request, LiveListResponse)
            return (
                [stream(item) for item in page.streams if item.state in _STATES],
                page.next,
                page.is_complete,
            )

        return Pages(read, "")


_STATES = frozenset(state.value for state in LiveState)


def mention(text: str) -> LiveMention | None:
    """Parse the content of a message that announces a live stream; return ``None`` if it is another."""
    try:
        content = msgspec.json.decode(text.encode(), type=LiveContent)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return None
    return LiveMention(content.stream_id, content.title)


def change(push: LivePush) -> LiveChange | None:
    """Convert push 131; return ``None`` if this version does not know its state."""
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
    """Convert an item of the list of streams."""
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
