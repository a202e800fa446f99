"""``imsys.v1.Relay``: the receiving end of the streams between chat servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, NamedTuple

import grpc
from twisted.logger import Logger

from imsys.cluster.membership import Membership, Peer
from imsys.cluster.pushes import News, PeerHandler, RemotePush, unpack
from imsys.cluster.stubs import imsys_v1_pb2
from imsys.errors import Refused, Status

_log = Logger()

MAX_NODES = 1024
"""Peers whose last sequence is remembered, at most."""


class _Received(NamedTuple):
    sequence: int
    pushes: list[RemotePush]
    resync: list[int] | bool | None
    groups: list[int]
    news: News
    everything: bool
    beside: frozenset[int]


def _read(batch: imsys_v1_pb2.Batch) -> _Received:
    """Parse a batch in the stream's thread. A malformed one counts as lost: all users here catch up."""
    resync: list[int] | bool | None = False
    if batch.HasField("resync"):
        resync = None if batch.resync.all else list(batch.resync.users) or False
    news: dict[int, int] = {}
    everything, beside = False, frozenset[int]()
    try:
        pushes = unpack(batch.pushes) if batch.HasField("pushes") else []
        if batch.HasField("news"):
            everything = batch.news.everything
            news = dict(zip(batch.news.users, batch.news.logins, strict=True))
            beside = frozenset(batch.news.beside)
    except ValueError as error:
        _log.error("a batch of another chat server cannot be read: {reason}", reason=str(error))
        pushes, resync, everything = [], None, True
    return _Received(batch.sequence, pushes, resync, list(batch.resync.groups), news, everything, beside)


class RelayServicer:
    """Passes the batches of peers to the reactor. A slow server slows its peers down by acknowledging late.

    A peer that is gone without a farewell may have had pushes for users of this server, so all sessions here
    are asked to catch up.
    """

    def __init__(self, reactor: Any, membership: Membership, handler: PeerHandler) -> None:
        self._reactor = reactor
        self._membership = membership
        self._handler = handler
        self._received: dict[str, tuple[str, int]] = {}
        self._left: dict[str, str] = {}
        self._streams: Counter[tuple[str, str]] = Counter()
        self._gone: dict[str, Peer] = {}
        self._partial: set[str] = set()  # peers that know only one server of a user
        membership.on_change(self._changed)

    def Exchange(
        self, requests: Iterator[imsys_v1_pb2.Batch], context: grpc.ServicerContext
    ) -> Iterator[imsys_v1_pb2.Ack]:
        """Serve one stream, in its own thread."""
        greeting = next(requests, None)
        if greeting is None or not greeting.node or not greeting.incarnation:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a stream begins with a greeting")
        if greeting.to != self._membership.name:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"this is {self._membership.name}")
        node, incarnation = greeting.node, greeting.incarnation
        try:
            received = self._on_reactor(context, self._greeted, node, incarnation, greeting.devices)
            yield imsys_v1_pb2.Ack(sequence=received, incarnation=self._membership.incarnation, groups=True)
            for batch in requests:
                if batch.bye:
                    self._on_reactor(context, self._farewell, node, incarnation)
                    return
                take = self._take, node, incarnation, _read(batch)
                if batch.acknowledge:
                    self._on_reactor(context, *take)
                    yield imsys_v1_pb2.Ack(sequence=batch.sequence)
                else:  # not awaited; the sender's window bounds the number in the reactor's queue
                    self._reactor.callFromThread(*take)
        finally:
            self._reactor.callFromThread(self._over, node, incarnation)

    async def EndSession(self, request: imsys_v1_pb2.EndSessionRequest) -> imsys_v1_pb2.EndSessionResponse:
        """End one session, if it still exists. :raises Refused: INVALID_FIELD (70), no session is named."""
        if not request.session:
            raise Refused(Status.INVALID_FIELD, "A session is ended by its id.")
        return imsys_v1_pb2.EndSessionResponse(
            ended=await self._handler.end_session(
                request.uuid, request.session, request.message, request.device
            )
        )

    def _on_reactor(self, context: grpc.ServicerContext, function: Callable[..., Any], *args: Any) -> Any:
        answer: Future[Any] = Future()

        def run() -> None:
            try:
                answer.set_result(function(*args))
            except Exception as error:
                answer.set_exception(error)

        self._reactor.callFromThread(run)
        while True:
            try:
                return answer.result(1.0)
            except FutureTimeout:
                if not context.is_active():
                    context.abort(grpc.StatusCode.CANCELLED, "the caller is gone")

    # -- on the reactor

    def _greeted(self, node: str, incarnation: str, devices: bool) -> int:
        known, sequence = self._received.pop(node, ("", 0))
        if known != incarnation:
            sequence = 0
        if len(self._received) >= MAX_NODES:
            del self._received[next(iter(self._received))]
        self._received[node] = incarnation, sequence
        if self._left.get(node) == incarnation:
            del self._left[node]
        self._streams[node, incarnation] += 1
        self._partial.discard(node)
        if not devices:
            self._partial.add(node)
        return sequence

    def _take(self, node: str, incarnation: str, batch: _Received) -> None:
        known, last = self._received.get(node, ("", 0))
        if known == incarnation:
            if batch.sequence <= last:
                return  # a repetition after a lost acknowledgement
            self._received[node] = incarnation, batch.sequence
        try:
            if batch.news or batch.everything:
                self._handler.hear(node, batch.news, batch.everything, batch.beside)
            if batch.pushes:
                self._handler.receive(batch.pushes, node in self._partial)
            if not isinstance(batch.resync, bool):
                self._handler.resync(batch.resync)
            if batch.groups:
                self._handler.resync_groups(batch.groups)
        except Exception:
            # it counts as received, so the rest is not sent again
            _log.failure("a batch from {node} was not handed on in full: all sessions catch up", node=node)
            self._handler.resync(None)

    def _farewell(self, node: str, incarnation: str) -> None:
        self._left[node] = incarnation

    def _changed(self, peer: Peer, alive: bool) -> None:
        if not peer.incarnation:
            return  # it has no streams
        if not alive:
            self._gone[peer.name] = peer
            self._judge(peer.name)
        elif self._gone.get(peer.name) == peer:
            del self._gone[peer.name]  # it is back with its state

    def _over(self, node: str, incarnation: str) -> None:
        self._streams[node, incarnation] -= 1
        self._streams += Counter()  # remove zero counts
        if node in self._gone:
            self._judge(node)

    def _judge(self, node: str) -> None:
        """Decide whether a gone peer left in good order.

        Wait while its stream is open, since a farewell may follow.
        """
        peer = self._gone[node]
        if self._streams[node, peer.incarnation]:
            return
        del self._gone[node]
        if self._received.get(node, ("", 0))[0] == peer.incarnation:
            del self._received[node]
        partial = node in self._partial
        self._partial.discard(node)
        if self._left.pop(node, None) == peer.incarnation:
            if partial:
                self._handler.resync_spread()
        elif self._membership.running:
            _log.warn("chat server {name} is gone without a farewell: all sessions catch up", name=node)
            self._handler.resync(None)
