"""The RTMP server with a database behind it, in the test's process.

And everything that publishes and plays.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from imsys.config import LiveConfig
from imsys.protocols.crowd import Crowd
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.protocols.rtmp.client import Failed, Purpose
from imsys.resources.granted import Granted
from imsys.resources.live.broadcast import Broadcast
from imsys.resources.live.rtmp_connection import RtmpConnection, RtmpSettings
from imsys.resources.live.rtmp_server import RtmpServer
from imsys.resources.live.stream_manager import StreamManager
from imsys.security.keyring import add_key
from imsys.security.tickets import Right, TicketKeys, Tickets
from imsys.services.common import ListenService
from imsys.services.tls import public_context
from imsys.store.live import LiveState, LiveStream
from tests.resources.live.peer import Peer
from tests.resources.live.programs import Program, programs
from tests.support.children import folder
from tests.support.servers import certificates
from tests.support.stores import OnSqlite

SERVER = "resources1"
PATIENCE = 60.0
"""Seconds in which what is expected has to have happened."""


class LiveCase(OnSqlite):
    """A test with one server, and a thread of two friends of whom one has live streams."""

    timeout = 180.0
    live = LiveConfig(streams=1000)
    settings = RtmpSettings(begin=20.0, bitrate=50_000_000, longest=1 << 22)
    capacity = 1000

    async def setUp(self) -> None:
        await super().setUp()
        self.folder = folder("live")
        self.anna, self.bert = await self.people("anna", "bert")
        self.thread = await self.befriend(self.anna, self.bert)
        keys = self.folder / "tickets.keys"
        add_key(keys, 1)
        self.late = 0.0  # seconds that the clock of tickets is ahead
        self.tickets = Tickets(TicketKeys(keys), lambda: time.time() + self.late, 3600)
        self.told: list[tuple[bytes, LiveState]] = []
        self.streams = StreamManager(self.reactor, self.live, SERVER, self.stores.live, self.tell)
        self.over: set[str] = set()  # digests of the tokens that were revoked
        self.granted = Granted(self.reactor, self._live, 3600)
        crowd = Crowd(self.reactor, self.capacity)
        self.rtmp = RtmpServer(self.reactor, self.settings, self.streams, self.tickets, self.granted, crowd)
        self.plain = ListenService(self.reactor, self.rtmp, "127.0.0.1", 0, None, "rtmp_port")
        self.tls = ListenService(
            self.reactor,
            self.rtmp,
            "127.0.0.1",
            0,
            public_context(certificates(), tickets=False),
            "rtmps_port",
        )
        self.parts: list[Any] = [self.rtmp, self.streams, self.plain, self.tls]
        for part in self.parts:
            part.startService()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.stop()))
        self.programs = programs(self)
        self.lines: list[str] = []
        observer: Any = self._log
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    async def _live(self, held: Sequence[tuple[int, str]]) -> list[bool]:
        return [sign_in not in self.over for _, sign_in in held]

    def _log(self, event: LogEvent) -> None:
        self.lines.append(formatEvent(event))

    def closed(self, reason: str) -> int:
        """How many lines say that a connection was closed for a reason."""
        return sum("closing the RTMP connection from" in line and reason in line for line in self.lines)

    async def stop(self) -> None:
        """Stop the server (idempotent)."""
        parts, self.parts = self.parts, []
        for part in reversed(parts):
            await maybeDeferred(part.stopService)

    def nobody_comes(self) -> None:
        """From now on nobody waits for a publisher that is away."""
        self.streams._config = dataclasses.replace(self.live, away=0.0)

    async def tell(self, stream_id: bytes) -> None:
        """A thread is told of its stream."""
        stream = await self.stores.live.find(stream_id)
        assert stream is not None
        self.told.append((stream_id, stream.state))

    async def stream(self, **changes: Any) -> LiveStream:
        """A stream of Anna's that waits for her."""
        draft = LiveStream(
            stream_id=new_file_id(), owner=self.anna, thread_id=self.thread, title="Cats", server=SERVER
        )
        draft = dataclasses.replace(draft, **changes)
        return await self.stores.live.start(draft, self.live.streams, wait=600, longest=3600)

    def key(self, stream: LiveStream, right: Right, user: int | None = None) -> str:
        """A key for it."""
        return self.tickets.issue(stream.stream_id, self.anna if user is None else user, right)

    def port(self, *, tls: bool) -> int:
        """The port of RTMP or RTMPS."""
        return (self.tls if tls else self.plain).port

    def url(self, stream: LiveStream, right: Right, *, tls: bool = False, key: str | None = None) -> str:
        """Where to publish or play it."""
        scheme = "rtmps" if tls else "rtmp"
        return f"{scheme}://127.0.0.1:{self.port(tls=tls)}/live/{encode_id(stream.stream_id)}?key={key or self.key(stream, right)}"

    def broadcast(self, stream: LiveStream) -> Broadcast:
        """It, which is here."""
        broadcast = self.streams.find(stream.stream_id)
        assert broadcast is not None
        return broadcast

    async def until(self, true: Callable[[], Any], what: str) -> None:
        """Wait until something is so."""
        for _ in range(round(PATIENCE / 0.02)):
            if true():
                return
            await deferLater(self.reactor, 0.02)
        self.fail(f"not in {PATIENCE:g} s: {what}")

    async def until_state(self, stream: LiveStream, state: LiveState) -> None:
        """Wait until the database has it in this state."""
        for _ in range(round(PATIENCE / 0.05)):
            found = await self.stores.live.find(stream.stream_id)
            if found is not None and found.state is state:
                return
            await deferLater(self.reactor, 0.05)
        self.fail(f"the stream was not {state.name} in {PATIENCE:g} s")

    async def until_begun(self, stream: LiveStream) -> None:
        """Wait until a player would get something."""
        await self.until_state(stream, LiveState.LIVE)
        await self.until(lambda: self.broadcast(stream).begun, "something is sent")

    # -- clients of our own

    async def peer(self, url: str, purpose: Purpose, *, greets: bool = True) -> Peer:
        """A connection, which is closed after the test at the latest."""
        peer = Peer(url, purpose)
        peer.greets = greets
        await peer.connect(self.reactor)
        self.addCleanup(peer.close)
        return peer

    async def publisher(self, stream: LiveStream, *, tls: bool = False) -> Peer:
        """Anna, who may begin."""
        peer = await self.peer(self.url(stream, Right.PUBLISH, tls=tls), Purpose.PUBLISH)
        await self.until(lambda: peer.started or peer.failure or peer.gone, "the publisher may begin")
        self.assertTrue(peer.started, peer.failure)
        return peer

    async def player(self, stream: LiveStream, *, tls: bool = False) -> Peer:
        """Bert, who watches."""
        peer = await self.peer(
            self.url(stream, Right.PLAY, tls=tls, key=self.key(stream, Right.PLAY, self.bert)), Purpose.PLAY
        )
        await self.until(lambda: peer.started or peer.failure or peer.gone, "the player may begin")
        self.assertTrue(peer.started, peer.failure)
        return peer

    async def refused(self, url: str, purpose: Purpose, code: str) -> Failed:
        """A connection that is refused, told why, and closed."""
        peer = await self.peer(url, purpose)
        await self.until(lambda: peer.failure, "it is refused")
        assert peer.failure is not None
        self.assertEqual(peer.failure.code, code)
        await self.until(lambda: peer.gone, "it is closed")
        return peer.failure

    async def sees(self, peer: Peer, payloads: list[bytes]) -> None:
        """Wait until a player has seen exactly this."""
        await self.until(
            lambda: len(peer.seen) >= len(payloads) or peer.gone, f"{len(payloads)} messages have come"
        )
        self.assertEqual([media.payload for media in peer.seen], payloads)

    def connection(self, peer: Peer) -> RtmpConnection:
        """The server's side of a client."""
        port = peer.transport.getHost().port
        return next(one for one in self.rtmp.connections if one.transport.getPeer().port == port)

    def run_program(self, *command: str, **more: Any) -> Program:
        """Start a program, which ends with the test at the latest."""
        return self.programs.run(command, **more)
