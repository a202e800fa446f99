"""The sending end of the relay stream to one peer; it reconnects by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import grpc
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.logger import Logger

from imsys.cluster.calls import send
from imsys.cluster.legacy_calls import UnaryPump
from imsys.cluster.membership import Membership, Peer
from imsys.cluster.outbox import PeerOutbox
from imsys.cluster.pushes import News, RemotePush
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.errors import ConfigError, Status, Unavailable
from imsys.util.backoff import NO_JITTER, Backoff
from imsys.util.events import Event

_log = Logger()

MIN_BACKOFF, MAX_BACKOFF, JITTER = 0.1, 5.0, (0.5, 1.5)
"""Seconds between two attempts to connect: doubled each time, with this jitter."""

CHECK = 0.5
"""Seconds between two checks of a stream."""

IDLE = 1.0
"""Seconds after which an idle peer is asked for an acknowledgement, to see whether it is alive."""

SUSPECT = 0.9
"""Seconds without an expected acknowledgement, or without a stream, after which balance is told to probe
the peer."""

DOUBTS = 15.0
"""Seconds between two such reports, at most: the second follows after 1 s, each further one after twice as
long."""

STALLED = 5.0
"""Seconds without an expected acknowledgement after which the stream is replaced."""

AWAY = 10.0
"""Seconds without a stream after which only the users are remembered, not their pushes."""

FLUSH = 2.0
"""Seconds for a peer to acknowledge the rest when this server stops."""


class PeerConnection:
    """Sends to one incarnation of one peer.

    :param deadline: seconds for a unary call.
    :param suspect: called when the peer seems dead, and repeatedly while that lasts.
    """

    def __init__(
        self,
        reactor: Any,
        trust: Trust,
        membership: Membership,
        peer: Peer,
        deadline: float,
        suspect: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._trust = trust
        self._membership = membership
        self._peer = peer
        self._deadline = deadline
        self._suspect = suspect
        self._outbox = PeerOutbox(peer.incarnation)
        self._channel: grpc.Channel | None = None
        self._credentials = trust.generation  # generation of the channel's credentials
        self._call: Any = None
        self._generation = 0
        self._greeted = False
        self._attempts = Backoff(MIN_BACKOFF, MAX_BACKOFF, jitter=JITTER)
        self._retry: IDelayedCall | None = None
        self._stopped = False
        self._down = reactor.seconds()
        self._moved = self._down
        self._progress = 0
        self._asked = self._down
        self._doubts = Backoff(1.0, DOUBTS, jitter=NO_JITTER)
        self._next_doubt = 0.0
        self._unary: UnaryPump | None = None
        self._streams = 0  # threads that read a stream
        self._closed = Event(is_set=True)
        self.groups = False
        """Whether the peer has said that it takes frames for groups."""

    def start(self) -> None:
        """Connect, and stay connected."""
        try:
            self._channel = self._trust.channel(self._peer.host, self._peer.port)
        except ConfigError as error:
            _log.error("no stream to chat server {name}: {reason}", name=self._peer.name, reason=str(error))
            self._outbox.away()
            return
        self._connect()

    def send(self, pushes: Sequence[RemotePush]) -> None:
        """Send pushes to users of this peer, without waiting."""
        self._outbox.put(pushes)
        if self._unary is not None:
            self._unary.kick()

    def tell(self, news: News, beside: Collection[int] = frozenset()) -> None:
        """Tell this peer who logged in at this server and who left, without waiting."""
        if self._unary is None:  # there is no unary call for it
            self._outbox.tell(news, beside)

    @property
    def told(self) -> int:
        """What the peer was told until now; see :meth:`has_heard`."""
        return self._outbox.told

    def has_heard(self, told: int) -> bool:
        """Return whether the peer knows all that it was told until then, or never will."""
        return self._stopped or self._unary is not None or self._outbox.heard >= told

    def miss(self, users: Iterable[int] | None) -> None:
        """Have users of this peer catch up; ``None``: all of them."""
        self._outbox.miss(users)

    def miss_groups(self, threads: Iterable[int]) -> None:
        """Have the members of groups who are at this peer catch up."""
        self._outbox.miss_groups(threads)

    async def end_session(self, uuid: int, session: str, message: str, device: str = "") -> None:
        """End a session of a device on the peer. :raises Unavailable: the peer did not answer."""
        if self._channel is None:
            raise Unavailable(Status.GRPC_ERROR, f"Chat server {self._peer.name} cannot be reached.")
        request = imsys_v1_pb2.EndSessionRequest(uuid=uuid, session=session, message=message, device=device)
        try:
            try:
                response: Any = await self._unary_call(
                    imsys_v1_pb2_grpc.RelayStub(self._channel).EndSession, request
                )
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                    raise
                plain = message_pb2_grpc.DistributedChattingServiceStub(self._channel)
                response = await self._unary_call(
                    plain.ForceTerminateLoginedUser, message_pb2.TerminationRequest(kick_uuid=uuid)
                )
        except (grpc.RpcError, ValueError):  # ValueError: uuid too large for that call, or closed channel
            raise Unavailable(Status.GRPC_ERROR, f"Chat server {self._peer.name} did not answer.") from None
        if response.error:
            raise Unavailable(
                Status.GRPC_ERROR, f"Chat server {self._peer.name} answered with {response.error}."
            )

    def check(self) -> None:
        """Check that the stream still makes progress; called every :data:`CHECK` seconds."""
        if self._unary is not None or self._channel is None:
            return
        now = self._reactor.seconds()
        if not self._greeted and now - self._down > AWAY:
            self._outbox.away()
        if self._moves(now):
            self._moved = now
            self._doubts.reset()
        elif self._call is not None and now - self._moved > STALLED:
            _log.warn("the stream to chat server {name} does not move: it is given up", name=self._peer.name)
            self._call.cancel()
        if now - (self._moved if self._greeted else self._down) > SUSPECT:
            self._doubt(now)

    def _moves(self, now: float) -> bool:
        progress, self._progress = self._progress, self._outbox.progress
        if progress != self._progress:
            return True
        if not self._greeted:
            return False
        idle = now - self._asked >= IDLE
        if idle:
            self._asked = now
        return not self._outbox.ask(idle=idle)

    def _doubt(self, now: float) -> None:
        """Report the peer as suspect, unless that was done just now."""
        if not self._stopped and (not self._doubts.failures or now >= self._next_doubt):
            self._next_doubt = now + self._doubts.next()
            self._suspect()

    async def stop(self) -> None:
        """Send the rest and a farewell, and close."""
        end = self._reactor.seconds() + FLUSH
        self._outbox.finish()
        while self._call is not None and self._greeted and self._reactor.seconds() < end:
            await deferLater(self._reactor, 0.01)
        self.leave()
        await self._closed.wait()

    def leave(self) -> Sequence[int] | None:
        """Close at once; return the users who may have missed something (``None``: all of the peer's)."""
        self._stopped = True
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        users = self._outbox.leave()
        if self._unary is not None:
            self._unary.stop()
        if self._call is not None:
            self._call.cancel()
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        return users

    def _unary_call(self, call: Any, request: Any) -> Deferred[Any]:
        return send(self._reactor, call, request, self._deadline)

    # -- the stream

    def _connect(self) -> None:
        self._retry = None
        if self._channel is not None and self._credentials != self._trust.generation:
            self._channel.close()
            self._credentials, self._channel = (
                self._trust.generation,
                self._trust.channel(self._peer.host, self._peer.port),
            )
        self._generation = generation = self._outbox.connect()
        self._moved = self._reactor.seconds()
        self._streams += 1
        self._closed.clear()
        self._call = imsys_v1_pb2_grpc.RelayStub(self._channel).Exchange(self._requests(generation))

        def over(code: grpc.StatusCode | None) -> None:
            self._over(generation, code)
            self._streams -= 1
            if not self._streams:
                self._closed.set()

        threading.Thread(
            target=self._read,
            args=(self._call, generation, over),
            name=f"acks-{self._peer.name}",
            daemon=True,
        ).start()

    def _requests(self, generation: int) -> Iterator[imsys_v1_pb2.Batch]:
        membership = self._membership
        yield imsys_v1_pb2.Batch(
            node=membership.name, incarnation=membership.incarnation, to=self._peer.name, devices=True
        )
        while (batch := self._outbox.pull(generation)) is not None:
            yield batch

    def _read(self, call: Any, generation: int, over: Callable[[grpc.StatusCode | None], None]) -> None:
        # In its own thread, so that acknowledgements never wait for the reactor.
        code = None
        greeted = False
        try:
            for ack in call:
                if greeted:
                    self._outbox.acknowledge(ack.sequence)
                else:
                    greeted = True
                    self.groups = ack.groups
                    self._outbox.open(generation, ack.incarnation, ack.sequence, groups=ack.groups)
                    self._reactor.callFromThread(self._opened, generation)
        except grpc.RpcError as error:
            code = error.code()
        self._reactor.callFromThread(over, code)

    def _opened(self, generation: int) -> None:
        if generation == self._generation and not self._stopped:
            self._greeted = True
            self._attempts.reset()
            self._doubts.reset()
            self._moved = self._reactor.seconds()
            _log.info("the stream to chat server {name} is open", name=self._peer.name)

    def _over(self, generation: int, code: grpc.StatusCode | None) -> None:
        if generation != self._generation:
            return
        self._call = None
        if self._greeted:
            self._down = self._reactor.seconds()
        self._greeted = False
        if self._stopped:
            return
        if code is grpc.StatusCode.UNIMPLEMENTED:
            _log.info("chat server {name} takes single calls only", name=self._peer.name)
            stub = message_pb2_grpc.DistributedChattingServiceStub(self._channel)
            self._outbox.no_stream()
            self._unary = UnaryPump(self._reactor, stub, self._outbox, self._peer.name, self._deadline)
            self._unary.kick()
            return
        again = self._attempts.failures > 0
        level = _log.debug if again else _log.info
        level(
            "the stream to chat server {name} is closed: {code}",
            name=self._peer.name,
            code="ended" if code is None else code.name,
        )
        if again:  # reopening it has failed
            self._doubt(self._reactor.seconds())
        self._retry = self._reactor.callLater(self._attempts.next(), self._connect)
