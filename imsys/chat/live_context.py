"""The context of the live stream handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from imsys.config import LiveConfig
from imsys.protocols.identifiers import encode_id
from imsys.security.tickets import Right, Tickets
from imsys.store.live import LiveStream


class LivePlace(Protocol):
    """The addresses of a resources server that clients get; a port of 0 is closed."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def host(self) -> str: ...  # noqa: D102
    @property
    def http_port(self) -> int: ...  # noqa: D102
    @property
    def rtmp_port(self) -> int: ...  # noqa: D102
    @property
    def rtmps_port(self) -> int: ...  # noqa: D102


class LivePlaces(Protocol):
    """Picks and finds servers for live streams; see :class:`imsys.cluster.resources_directory.Places`."""

    async def pick_live(self, *, plaintext: bool) -> LivePlace:
        """Pick a server for a live stream.

        :raises Refused: NO_AVAILABLE_RESOURCES_SERVER (11), there is none.
        """
        ...

    async def named(self, name: str, *, plaintext: bool) -> LivePlace:
        """Find a server by name. :raises Refused: NO_AVAILABLE_RESOURCES_SERVER (11), it is down."""
        ...


class StreamServers(Protocol):
    """Notifies resources servers; see :class:`imsys.cluster.streams.ResourcesServers`."""

    async def end(self, server: str, stream_id: bytes) -> None:
        """Tell a server that a stream has ended. :raises Refused: it could not be told now."""
        ...


class LiveNews(Protocol):
    """Announces live streams; see :class:`imsys.chat.live_announcer.LiveAnnouncer`."""

    async def announce(self, stream_id: bytes) -> None:
        """Announce a stream that was started. :raises Refused: its message cannot be posted in the thread."""
        ...

    def announce_in_time(self, stream_id: bytes) -> None:
        """Announce a stream whose state may have changed, in the background."""
        ...

    def call_off(self, stream_id: bytes) -> None:
        """End a stream that may have been started but was not announced, in the background."""
        ...

    async def over(self, stream: LiveStream) -> None:
        """Announce that a stream has ended, now or earlier."""
        ...


@dataclass(frozen=True, slots=True)
class WatchUrls:
    """The URLs with which a user watches a stream; they hold a personal key."""

    play_url: str
    flv_url: str
    watch_url: str
    key_expires: int
    """Until when a player may start; Unix time in seconds."""


@dataclass(frozen=True, slots=True)
class LiveContext:
    """What the live stream handlers share; ``calendar`` returns Unix seconds."""

    config: LiveConfig
    tickets: Tickets
    places: LivePlaces
    news: LiveNews
    calendar: Callable[[], float]

    def publish_url(self, stream: LiveStream, place: LivePlace, *, plaintext: bool, sign_in: str) -> str:
        """Make the URL to which its owner publishes a stream; it is valid until the stream must end.

        :param plaintext: whether to use RTMP without TLS, if that port is open.
        :param sign_in: digest of the token with which the owner is logged in.
        """
        life = max(0.0, stream.latest_ms / 1000 - self.calendar())
        key = self.tickets.issue(stream.stream_id, stream.owner, Right.PUBLISH, life, sign_in=sign_in)
        return f"{_rtmp(place, plaintext)}/live/{encode_id(stream.stream_id)}?key={key}"

    def watch_urls(
        self, stream: LiveStream, user: int, place: LivePlace, *, plaintext: bool, sign_in: str
    ) -> WatchUrls:
        """Make the URLs with which a user watches a stream; ``sign_in`` is the digest of the user's token."""
        expires = int(self.calendar() + self.config.play_key)
        query = f"?key={self.tickets.issue(stream.stream_id, user, Right.PLAY, self.config.play_key, sign_in=sign_in)}"
        name, web = encode_id(stream.stream_id), f"https://{_bracketed(place.host)}:{place.http_port}"
        return WatchUrls(
            f"{_rtmp(place, plaintext)}/live/{name}{query}",
            f"{web}/live/{name}.flv{query}",
            f"{web}/watch/{name}{query}",
            expires,
        )


def _rtmp(place: LivePlace, plaintext: bool) -> str:
    tls = bool(place.rtmps_port) and not (plaintext and place.rtmp_port)
    host = _bracketed(place.host)
    return f"rtmps://{host}:{place.rtmps_port}" if tls else f"rtmp://{host}:{place.rtmp_port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
