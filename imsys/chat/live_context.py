"""What the handlers of live streams work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from imsys.config import LiveConfig
from imsys.protocols.identifiers import encode_id
from imsys.security.tickets import Right, Tickets
from imsys.store.live import LiveStream


class LivePlace(Protocol):
    """A resources server, as a client is told of it; a port that is 0 is closed."""

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
    """Chooses resources servers for live streams, and finds them again; see :class:`imsys.cluster.resources_directory.Places`."""

    async def pick_live(self, *, plaintext: bool) -> LivePlace:
        """One that takes live streams. :raises Refused: 11, there is none."""
        ...

    async def named(self, name: str, *, plaintext: bool) -> LivePlace:
        """The one of a name. :raises Refused: 11, it is away."""
        ...


class StreamServers(Protocol):
    """The resources servers, to be told; see :class:`imsys.cluster.streams.ResourcesServers`."""

    async def end(self, server: str, stream_id: bytes) -> None:
        """A stream is over. :raises Refused: it could not be told now."""
        ...


class LiveNews(Protocol):
    """Tells of live streams; see :class:`imsys.chat.live_announcer.LiveAnnouncer`."""

    async def announce(self, stream_id: bytes) -> None:
        """A stream has been started. :raises Refused: its thread cannot have a message of it."""
        ...

    def announce_in_time(self, stream_id: bytes) -> None:
        """Something may have become of a stream that nobody was told of."""
        ...

    def call_off(self, stream_id: bytes) -> None:
        """A stream may have been started, and nobody is to hear of it: it is to end."""
        ...

    async def over(self, stream: LiveStream) -> None:
        """A stream is over, since just now or before."""
        ...


@dataclass(frozen=True, slots=True)
class WatchUrls:
    """Where somebody watches a stream, with a key of theirs."""

    play_url: str
    flv_url: str
    watch_url: str
    key_expires: int
    """Until when a player may begin; Unix time in seconds."""


@dataclass(frozen=True, slots=True)
class LiveContext:
    """Where live streams are asked for; ``calendar`` gives Unix seconds."""

    config: LiveConfig
    tickets: Tickets
    places: LivePlaces
    news: LiveNews
    calendar: Callable[[], float]

    def publish_url(self, stream: LiveStream, place: LivePlace, *, plaintext: bool, sign_in: str) -> str:
        """Where its owner sends a stream, until it has to end.

        :param plaintext: without TLS, where that port is open.
        :param sign_in: digest of the token by which the owner is logged in.
        """
        life = max(0.0, stream.latest_ms / 1000 - self.calendar())
        key = self.tickets.issue(stream.stream_id, stream.owner, Right.PUBLISH, life, sign_in=sign_in)
        return f"{_rtmp(place, plaintext)}/live/{encode_id(stream.stream_id)}?key={key}"

    def watch_urls(self, stream: LiveStream, user: int, place: LivePlace, *, plaintext: bool, sign_in: str) -> WatchUrls:
        """Where a user, who is logged in by the token of this digest, watches a stream."""
        expires = int(self.calendar() + self.config.play_key)
        query = f"?key={self.tickets.issue(stream.stream_id, user, Right.PLAY, self.config.play_key, sign_in=sign_in)}"
        name, web = encode_id(stream.stream_id), f"https://{_bracketed(place.host)}:{place.http_port}"
        return WatchUrls(
            f"{_rtmp(place, plaintext)}/live/{name}{query}", f"{web}/live/{name}.flv{query}", f"{web}/watch/{name}{query}", expires
        )


def _rtmp(place: LivePlace, plaintext: bool) -> str:
    tls = bool(place.rtmps_port) and not (plaintext and place.rtmp_port)
    host = _bracketed(place.host)
    return f"rtmps://{host}:{place.rtmps_port}" if tls else f"rtmp://{host}:{place.rtmp_port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
