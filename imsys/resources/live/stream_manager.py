"""All live streams of this server: who publishes them, when they begin, pause and end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, LogLevel

from imsys.config import LiveConfig
from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.identifiers import encode_id
from imsys.resources.budget import Budget
from imsys.resources.live.broadcast import Broadcast
from imsys.resources.live.cache import Cache
from imsys.resources.live.telling import Tell, Telling
from imsys.store.live import LiveState, LiveStore, LiveStream
from imsys.util.background import Background
from imsys.util.outages import Outage
from imsys.util.tallies import Tally

_log = Logger()

TAKE_OVER = 5.0
"""Seconds without media after which another publisher may have the stream of one that is, as it seems, dead.
"""

BEAT = 5.0
"""Seconds between two beats: what is live here is told, and what was ended elsewhere is heard of."""

LOOK = 1.0
"""Seconds between two looks at who is too late with something."""

LINES = 20
"""Lines of a minute in which streams come and go; the others are counted."""

MOST_MESSAGES = 20_000
"""Messages of a group of pictures that are kept at most: the bytes of many small ones are mostly their
objects'.
"""


class StreamSource(Protocol):
    """Who sends a stream to this server."""

    def dropped(self, reason: str) -> None:
        """Nothing more of it is wanted: the stream is over, or somebody else sends it. It is to be closed."""
        ...


Pull = Callable[[LiveStream, Broadcast], StreamSource]
"""Fetches a stream from the server that has it, into a broadcast; see :meth:`StreamManager.watch`."""

Record = Callable[[LiveStream, Broadcast], None]
"""Records a stream that is to be, from now on; called whenever its publisher comes (back)."""


class _Here:
    """A stream that is here: somebody publishes it, or watches, or has just done so."""

    __slots__ = ("broadcast", "doubt", "lock", "ours", "since", "source", "stream")

    def __init__(self, stream: LiveStream, broadcast: Broadcast, since: float) -> None:
        self.stream = stream
        self.broadcast = broadcast
        self.source: StreamSource | None = None
        self.since = since
        """Since when nobody publishes it."""
        self.ours = False
        """It was live here, as the database has it."""
        self.doubt = False
        """The database did not say that it has it as paused."""
        self.lock = DeferredLock()
        """What the database is told of it is told in order."""


class StreamManager(Service):
    """Manages the streams of a server: one publisher and any players of each, and what the database is told
    of it.

    :param server: the name of this resources server.
    :param tell: called when a stream has begun, paused or ended.
    """

    def __init__(self, reactor: Any, config: LiveConfig, server: str, store: LiveStore, tell: Tell) -> None:
        self._reactor = reactor
        self._config = config
        self._server = server
        self._store = store
        self._telling = Telling(reactor, tell)
        self._outage = Outage(reactor.seconds, "Telling the database of live streams")
        self._said = Tally(reactor, _log, LogLevel.info, "live stream {stream} {what}", lines=LINES)
        self._at_turn_end = getattr(reactor, "callAtTurnEnd", None) or partial(reactor.callLater, 0)
        self._here: dict[bytes, _Here] = {}
        self._kept = Budget(config.caches)
        self._loops: list[LoopingCall] = []
        self._looked = 0.0
        self._background = Background(
            _log, "what became of a live stream could not be told", refused=self._refused
        )
        self.pull: Pull | None = None
        """Set where streams of other servers can be fetched."""
        self.record: Record | None = None
        """Set where streams can be recorded."""

    def __len__(self) -> int:
        return len(self._here)

    # -- who publishes

    async def publish(self, stream_id: bytes, user: int, source: StreamSource) -> Broadcast:
        """Take a stream from this source, until it is :meth:`left` or dropped.

        :param user: who wants to publish.
        :raises Refused: ``STREAM_NOT_FOUND``, there is no such stream, or it is over; ``PERMISSION_DENIED``,
            it is not this user's; that, ``NOT_FRIENDS`` or ``BLOCKED``, they may not write in its thread any
            more; ``SERVER_BUSY``, somebody else sends it.
        :raises Unavailable: the database does not answer.
        """
        here = self._here.get(stream_id) or self._keep(await self._known(stream_id))
        if here.stream.owner != user:
            self._unused(here)
            raise Refused(Status.PERMISSION_DENIED, "Only who started a live stream may publish it.")
        self._take_over(here)
        here.source = source
        here.broadcast.fed_at = self._reactor.seconds()  # not silent, nor dead, while the database is asked
        try:
            await here.lock.run(self._begin, here)
        except BaseException:
            if here.source is source:
                self._lose(here)
                self._background.run(self._paused(here))  # if it took over from somebody, it has left as well
            raise
        if here.source is not source:
            raise Refused(Status.STREAM_NOT_FOUND, "This live stream is over, or was taken over.")
        here.broadcast.restart()
        here.broadcast.fed_at = self._reactor.seconds()
        self._say(stream_id, "begins")
        self._telling.soon(stream_id)
        if self.record is not None and here.stream.record:
            self.record(here.stream, here.broadcast)
        return here.broadcast

    def left(self, stream_id: bytes, source: StreamSource) -> None:
        """A source sends no more; nothing happens if it is not the one that is wanted (any more)."""
        here = self._here.get(stream_id)
        if here is not None and here.source is source:
            self._lose(here)
            if here.ours:  # else it was fetched from another server
                self._say(stream_id, "has no publisher any more")
            self._background.run(self._paused(here))

    def _take_over(self, here: _Here) -> None:
        silent = self._reactor.seconds() - here.broadcast.fed_at
        if here.source is None:
            return
        if silent < TAKE_OVER:
            raise Refused(
                Status.SERVER_BUSY, "Somebody publishes this live stream already.", retry_after=TAKE_OVER
            )
        source, here.source = here.source, None
        source.dropped("another publisher has taken over")

    def _begin(self, here: _Here) -> Deferred[None]:
        async def begin() -> None:
            stream = await self._store.mark_live(here.stream.stream_id, self._server, away=self._config.away)
            if stream is None:
                raise _over()
            here.stream, here.ours, here.doubt = stream, True, False

        return Deferred.fromCoroutine(begin())

    def _lose(self, here: _Here) -> None:
        here.source = None
        here.since = self._reactor.seconds()
        self._unused(here)

    async def _paused(self, here: _Here) -> None:
        """Tell the database that nobody publishes it, if that is so still."""

        async def pause() -> None:
            if here.source is not None or not here.ours:
                return
            try:
                paused = await self._store.mark_waiting(
                    here.stream.stream_id, self._server, away=self._config.away
                )
            except Unavailable:  # it may have it; the next beat asks
                here.doubt = True
                raise
            doubt, here.doubt = here.doubt, False
            here.stream = here.stream if paused is None else paused
            if paused is not None or doubt:
                self._telling.soon(here.stream.stream_id)

        await here.lock.run(lambda: Deferred.fromCoroutine(pause()))

    # -- who watches

    def find(self, stream_id: bytes) -> Broadcast | None:
        """A stream that is here."""
        here = self._here.get(stream_id)
        return None if here is None else here.broadcast

    def own(self, stream_id: bytes) -> Broadcast:
        """A stream that is published here, for another server.

        :raises Refused: ``STREAM_NOT_FOUND``, it is not.
        """
        here = self._here.get(stream_id)
        if here is None or not here.ours:
            raise Refused(Status.STREAM_NOT_FOUND, "This live stream is not published here.")
        return here.broadcast

    async def watch(self, stream_id: bytes) -> Broadcast:
        """A stream to watch: one that is here, or is fetched, or is waited for.

        Nobody publishes it for ``[live] away`` seconds: it is over for those who wait.

        :raises Refused: ``STREAM_NOT_FOUND``, there is no such stream, it is over, or is at another server
            from which it cannot be fetched.
        :raises Unavailable: the database does not answer.
        """
        here = self._here.get(stream_id)
        if here is not None:
            return here.broadcast
        stream = await self._known(stream_id)
        if stream_id not in self._here and self._is_elsewhere(stream):
            if self.pull is None:
                raise Refused(Status.STREAM_NOT_FOUND, "This live stream is at another server.")
            self._fetch(self._keep(stream), stream, self.pull)
        return self._keep(stream).broadcast

    def _is_elsewhere(self, stream: LiveStream) -> bool:
        return stream.state is LiveState.LIVE and stream.server != self._server

    def _fetch(self, here: _Here, stream: LiveStream, pull: Pull) -> None:
        here.broadcast.restart()
        here.broadcast.fed_at = self._reactor.seconds()
        here.source = pull(stream, here.broadcast)

    async def _known(self, stream_id: bytes) -> LiveStream:
        stream = await self._store.find(stream_id)
        if stream is None or stream.state is LiveState.ENDED:
            raise _over()
        return stream

    def _keep(self, stream: LiveStream) -> _Here:
        here = self._here.get(stream.stream_id)
        if here is None:
            if not self.running:
                raise Refused(Status.SERVER_BUSY, "This server is about to stop.")
            config, seconds = self._config, self._reactor.seconds
            cache = Cache(config.cache, MOST_MESSAGES, seconds, self._kept)
            broadcast = Broadcast(cache, self._reactor, self._at_turn_end, config.players, config.behind)
            here = self._here[stream.stream_id] = _Here(stream, broadcast, seconds())
        return here

    def _unused(self, here: _Here) -> None:
        """Forget a stream that nobody has to do with any more."""
        if here.source is None and not here.ours and here.broadcast.idle:
            self._forget(here)

    def _forget(self, here: _Here) -> None:
        if self._here.get(here.stream.stream_id) is here:
            del self._here[here.stream.stream_id]
            here.broadcast.over("nobody has to do with it")

    # -- the end

    def end(self, stream_id: bytes, reason: str = "the stream is over") -> None:
        """Close the publisher and the players of a stream, if it is here."""
        here = self._here.pop(stream_id, None)
        if here is None:
            return
        if here.ours or here.source is not None:
            self._say(stream_id, f"ends: {reason}")
        else:  # it was never here, and may yet begin
            self._say(stream_id, f"is waited for no more: {reason}")
        source, here.source = here.source, None
        if source is not None:
            source.dropped(reason)
        here.broadcast.over(reason)

    def startService(self) -> None:
        """Look at what is late, and tell of what is live, from time to time."""
        super().startService()
        self._looked = self._reactor.seconds()
        for work, interval in ((self._look, LOOK), (self._beat, BEAT)):
            loop = LoopingCall(work)
            loop.clock = self._reactor
            loop.start(interval, now=False).addErrback(
                lambda reason: _log.failure("live streams are not looked after any more", reason)
            )
            self._loops.append(loop)

    def stopService(self) -> Deferred[None]:
        """Close everybody; publishers may come back to another server, or to this one when it is there again."""
        super().stopService()
        for loop in self._loops:
            loop.stop()
        self._loops.clear()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        streams = list(self._here.values())
        for here in streams:
            self.end(here.stream.stream_id, "this server stops")
        for here in streams:
            try:
                await self._paused(here)
            except Refused as refused:
                self._outage.failed(str(refused))
        await self._background.idle()
        await self._telling.stop()
        self._said.stop()

    def _say(self, stream_id: bytes, what: str) -> None:
        self._said.add(stream=encode_id(stream_id), what=what)

    # -- from time to time

    def _look(self) -> None:
        """Who is too late: a publisher that is silent or away, a player that is behind."""
        now, config = self._reactor.seconds(), self._config
        stalled, self._looked = now - self._looked - LOOK, now
        for here in list(self._here.values()):
            # nobody was read or written to: it is not their fault, and what they sent meanwhile comes after
            # this
            if stalled > LOOK:
                here.since += stalled
                here.broadcast.excuse(stalled)
            here.broadcast.look()
            if here.source is not None and now - here.broadcast.fed_at > config.silence:
                source = here.source
                self.left(here.stream.stream_id, source)
                source.dropped(f"it has sent nothing for {config.silence:g} s")
            elif here.source is None and now - here.since > config.away:
                # the chat servers end it, as any that nobody is heard of: whoever ends it must be the one to
                # tell
                self.end(here.stream.stream_id, f"nobody has published it for {config.away:g} s")
            else:
                self._unused(here)

    async def _beat(self) -> None:
        viewers = {stream_id: here.broadcast.players for stream_id, here in self._here.items() if here.ours}
        sources = {stream_id: here.source for stream_id, here in self._here.items()}
        waiting = [here for here in self._here.values() if not here.ours and here.source is None]
        try:
            for doubtful in [here for here in self._here.values() if here.doubt]:
                await self._paused(doubtful)
            if viewers:
                for stream_id in await self._store.beat(self._server, viewers, away=self._config.away):
                    here = self._here.get(stream_id)
                    # else it has begun since: the next beat tells
                    if here is not None and here.source is sources[stream_id]:
                        self.end(stream_id)
            for here in waiting:
                await self._look_elsewhere(here)
        except Refused as refused:
            self._outage.failed(str(refused))
        except Exception:
            _log.failure("live streams could not be told of")
        else:
            if viewers or waiting:
                self._outage.works()

    async def _look_elsewhere(self, here: _Here) -> None:
        """Fetch a stream that players wait for here, if by now it is live at another server."""
        stream = await self._store.find(here.stream.stream_id)
        if here.source is not None or self._here.get(here.stream.stream_id) is not here:
            return
        if stream is None or stream.state is LiveState.ENDED:
            self.end(here.stream.stream_id)
        elif self._is_elsewhere(stream) and self.pull is not None:
            self._fetch(here, stream, self.pull)

    def _refused(self, refused: Refused) -> None:
        self._outage.failed(str(refused))


def _over() -> Refused:
    return Refused(Status.STREAM_NOT_FOUND, "There is no such live stream, or it is over.")
