"""Streams over HTTP, as FLV that never ends: for players in browsers, and for other servers of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Refused, Status
from imsys.protocols.basic_media import basic
from imsys.protocols.flv import encode_tag, header
from imsys.protocols.media import Media
from imsys.resources.live.broadcast import Broadcast
from imsys.resources.live.players import Encoding
from imsys.resources.live.sockets import keep_little
from imsys.resources.live.stream_manager import StreamManager
from imsys.resources.live.viewing import Keys
from imsys.web.answers import Headers, Response
from imsys.web.pushing import Outlet, chunk
from imsys.web.requests import Request
from imsys.web.routing import Endpoint

_log = Logger()

SUFFIX = ".flv"

WAIT = 10.0
"""Seconds that somebody waits for a stream that has not begun, or that is being brought here."""

LOOK, LOOKS = 0.1, 10
"""Seconds between looks at a stream that has only just begun, and how many there are."""

LINGER = 10.0
"""Seconds that a peer has to take its last bytes."""

PEER = 0
"""The user of the keys that our servers make for each other; nobody else has that number."""

_HEADERS: Headers = (
    ("Content-Type", "video/x-flv"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Accel-Buffering", "no"),  # nginx as a proxy passes on what there is
)


class _Tags:
    """Tags, for HTTP/1.0.

    :param view: what of a message is sent, and how; ``None``: nothing.
    """

    def __init__(self, view: Callable[[Media], Media | None]) -> None:
        self._view = view

    def encode(self, media: Media) -> bytes:
        """A tag."""
        seen = self._view(media)
        return b"" if seen is None else encode_tag(seen)

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """One after the other."""
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Chunks(_Tags):
    """Tags in chunks of HTTP/1.1: one for all that is written at once."""

    def join(self, pieces: Sequence[bytes]) -> bytes:
        """One chunk; none for no bytes, which would be the end."""
        return chunk(pieces) if any(pieces) else b""


def _all(media: Media) -> Media:
    return media


class _Form(NamedTuple):
    """How a stream is sent, by HTTP/1.0 and by HTTP/1.1."""

    plain: Encoding
    chunked: Encoding


WHOLE = _Form(_Tags(_all), _Chunks(_all))
"""All that the publisher sends."""

BASIC = _Form(_Tags(basic), _Chunks(basic))
"""For players that know little: :mod:`imsys.protocols.basic_media`."""


class FlvPlayer:
    """Somebody who watches over HTTP: a :class:`~imsys.resources.live.players.Player` whose bytes are a
    pushed body.

    It joins the stream before anything can be sent, so that it is refused, or told that there is nothing to
    be seen, while there is still a status to say so with.
    """

    length: None = None

    def __init__(
        self, clock: IReactorTime, broadcast: Broadcast, form: _Form = WHOLE, *, watches: bool
    ) -> None:
        """:raises Refused: ``SERVER_BUSY``, there are too many."""
        self._form = form
        self._clock = clock
        self._broadcast = broadcast
        self._outlet: Outlet | None = None
        self._first = b""
        self._arrived: Deferred[None] = Deferred()
        self._over = False
        self._deadline: IDelayedCall | None = None
        self.encoding = form.plain
        self.let_go: Callable[[], None] = lambda: None
        """Called when it is over, one way or another."""
        broadcast.join(self, watches=watches)

    async def begun(self) -> None:
        """Wait until there is something to send. :raises Refused: ``STREAM_NOT_FOUND``, there is nothing."""
        try:
            await self._arrived.addTimeout(WAIT, self._clock)
        except DeferredTimeout:
            self.gone()
            raise Refused(Status.STREAM_NOT_FOUND, "Nobody sends this live stream now.") from None

    # -- for the connection

    def begin(self, outlet: Outlet) -> None:
        """Begin with what came first."""
        self._broadcast.hold(self)  # with whom it may be in step until now
        self._outlet = outlet
        keep_little(outlet.transport)
        if outlet.chunked:
            self.encoding = self._form.chunked
        outlet.write(self.encoding.join([header(self._broadcast.kinds), self._first]))
        self._first = b""
        if self._over:
            outlet.end()
        else:
            self._broadcast.resume(self)

    def resume(self) -> None:
        """The connection has room again."""
        if not self._over:
            self._broadcast.resume(self)
        elif self._outlet is not None:
            self._outlet.end()

    def gone(self) -> None:
        """Nobody is there any more."""
        self._over = True
        self.let_go()
        self._broadcast.leave(self)
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    # -- for the stream

    @property
    def behind(self) -> bool:
        """Whether the connection is full, or has not begun and has something to begin with."""
        return bool(self._first) if self._outlet is None else self._outlet.choked

    def write(self, data: bytes) -> None:
        """Send."""
        if not data:
            return
        if self._outlet is not None:
            self._outlet.write(data)
            return
        if not self._first:
            self._clock.callLater(0, self._arrive, 0)  # not within the stream's round of its players
        self._first += data

    def _arrive(self, looks: int) -> None:
        """There is something to send.

        What kinds of things there will be is told in the first bytes, and may not be known yet.
        """
        if self._over or self._arrived.called:
            return
        if self._broadcast.settled or looks == LOOKS:
            self._arrived.callback(None)
        else:
            self._clock.callLater(LOOK, self._arrive, looks + 1)

    def ended(self, reason: str) -> None:
        """Whoever watches may do so no more."""
        self._broadcast.leave(self)
        self.over(reason)

    def over(self, reason: str) -> None:
        """The body ends, when its last bytes were taken; they have to be soon."""
        self._over = True
        self.let_go()
        if self._outlet is None:
            if not self._arrived.called:
                self._arrived.errback(Refused(Status.STREAM_NOT_FOUND, "This live stream is over."))
            return
        if self._outlet.choked:
            _log.debug(
                "closing the live stream over HTTP to {peer}: {reason}", peer=self._outlet.peer, reason=reason
            )
            self._deadline = self._clock.callLater(LINGER, self._outlet.abort)
        else:
            self._outlet.end()


class _Unsent:
    """The body of a response to HEAD."""

    length: None = None

    def begin(self, outlet: Outlet) -> None:
        """There is none."""
        outlet.end()

    def resume(self) -> None:
        """Nothing was waited for."""

    def gone(self) -> None:
        """Nothing is held."""


class FlvHandler:
    """``GET /live/<stream id>.flv``."""

    def __init__(self, clock: IReactorTime, keys: Keys, streams: StreamManager) -> None:
        self._clock = clock
        self._keys = keys
        self._streams = streams

    def routes(self) -> list[Endpoint]:
        """The paths of the streams."""
        return [
            Endpoint("/live/{}", {"GET": self.get, "HEAD": self.get}),
            Endpoint("/live/{}/watchers/{}/{}", {"PUT": self.watched}),
        ]

    async def get(self, request: Request, name: str) -> Response:
        """A stream, from its newest key frame on; with ``?basic=1`` for players that know little.

        :raises Problem: 401 or 403, as the key is; 404, there is no such stream.
        :raises Refused: ``STREAM_NOT_FOUND``, it is over, or nobody sends it; ``SERVER_BUSY``, too many watch
            it.
        """
        if not name.endswith(SUFFIX):
            raise Refused(Status.STREAM_NOT_FOUND, "There is no such live stream.")
        ticket = await self._keys.read(request, name.removesuffix(SUFFIX))
        peer = ticket.user == PEER
        # what another server wants is here, or nowhere: it would else go round in a circle
        broadcast = self._streams.own(ticket.file_id) if peer else await self._streams.watch(ticket.file_id)
        if request.method == "HEAD":
            return Response(200, _HEADERS, _Unsent())
        player = FlvPlayer(
            self._clock, broadcast, BASIC if request.field("basic") else WHOLE, watches=not peer
        )
        held = self._keys.grants.hold(ticket, player.ended)
        player.let_go = partial(self._keys.grants.release, held)
        await player.begun()
        return Response(200, _HEADERS, player)

    async def watched(self, request: Request, name: str, server: str, count: str) -> Response:
        """Another server that fetches a stream says how many watch it there.

        :raises Problem: 401 or 403, it is none; 400, it is no number.
        :raises Refused: ``STREAM_NOT_FOUND``, the stream is not published here.
        """
        ticket = await self._keys.read(request, name)
        if ticket.user != PEER:
            raise Refused(Status.PERMISSION_DENIED, "This is for servers.")
        if not re.fullmatch(r"[0-9]{1,9}", count):
            raise Refused(Status.INVALID_FIELD, "This is not a number of watchers.")
        self._streams.own(ticket.file_id).watched_elsewhere(server, int(count))
        return Response(204)
