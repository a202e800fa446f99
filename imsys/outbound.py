"""Delivering pushes: to a session here, to another server, or not at all — what is stored is found by catching up."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imsys.cluster.peers import RemotePush
from imsys.errors import Refused
from imsys.protocols.framing import CHAT
from imsys.protocols.messages.catch_up import ResyncPush
from imsys.protocols.messages.registry import Message, encode, service_id

if TYPE_CHECKING:
    from imsys.directory import Directory

_log = Logger()

QUEUE = 20_000
"""Pushes waiting for a route beyond which their receivers are asked to catch up instead."""

QUEUE_BYTES = 32 << 20
"""The same in bytes."""

MISSED = 50_000
"""Users remembered as having missed something; beyond, nobody in particular is: everybody is."""

SPREAD = 3.0
"""Seconds over which many sessions are asked to catch up."""

RETRY = 1.0
"""Seconds until those who could not be reached are looked for again."""

FORWARDS = 1
"""How often a push goes on from a server that its receiver has left."""

SendToPeer = Callable[[str, Sequence[RemotePush]], None]


class Outbound:
    """Sends pushes to users, wherever they are, in order for each of them."""

    def __init__(self, clock: IReactorTime, directory: Directory, send_to_peer: SendToPeer | None) -> None:
        """``send_to_peer`` takes a node and what to push there; ``None`` where there are no other servers."""
        self._clock = clock
        self._directory = directory
        self._send_to_peer = send_to_peer
        self._queue: deque[RemotePush] = deque()
        self._queued_bytes = 0
        self._routing = False
        self._missed: set[int] = set()
        directory.replaced = self.resync_elsewhere
        directory.rebuilt = self.resync

    @property
    def missing(self) -> int:
        """How many users are known to have missed something, and were not told yet."""
        return len(self._missed)

    def deliver(self, users: Iterable[int], push: Message) -> None:
        """Send a push to users; who is offline gets nothing. It is encoded once.

        :raises ValueError: it does not fit into a frame.
        """
        self._deliver(RemotePush(tuple(users), service_id(type(push)), encode(push)))

    def deliver_frame(self, users: Sequence[int], frame: bytes) -> None:
        """Send a push that is a chat frame already."""
        for user in users:
            session = self._directory.local(user)
            if session is None:
                break
            session.push(frame)
        else:
            return
        service, _ = CHAT.header.unpack_from(frame)
        self._deliver(RemotePush(tuple(users[users.index(user) :]), service, frame[CHAT.header.size :]))

    def catch_up(self, users: Iterable[int]) -> None:
        """Ask users to catch up, wherever they are, in a moment: they may have missed something that was stored."""
        self._miss(users)

    def receive(self, pushes: Sequence[RemotePush]) -> None:
        """Pushes from another server; one whose receiver has moved on is forwarded, once."""
        for push in pushes:
            self._deliver(push)

    def _deliver(self, push: RemotePush) -> None:
        frame = b""
        elsewhere = []
        for user in push.users:
            session = self._directory.local(user)
            if session is None:
                elsewhere.append(user)
                continue
            frame = frame or CHAT.encode(push.service, push.body)
            session.push(frame)
        if elsewhere and self._send_to_peer is not None:
            if len(self._queue) >= QUEUE or self._queued_bytes >= QUEUE_BYTES or push.hops > FORWARDS:
                self._miss(elsewhere)
                return
            self._queued_bytes += len(push.body)
            self._queue.append(RemotePush(tuple(elsewhere), push.service, push.body, push.hops + 1, push.threads))
            if not self._routing:
                self._routing = True
                Deferred.fromCoroutine(self._route()).addErrback(lambda reason: _log.failure("routing pushes failed", reason))

    async def _route(self) -> None:
        """Look routes up for everything that has gathered, one lookup at a time, so that order is kept."""
        try:
            while self._queue:
                pushes, self._queue, self._queued_bytes = self._queue, deque(), 0
                users = list({user: None for push in pushes for user in push.users})
                try:
                    where, doubtful = await self._directory.locate(users)
                except Refused as refused:
                    _log.warn("pushes to {count} users found no route: {reason}", count=len(users), reason=str(refused))
                    self._miss(users)
                    continue
                self._send(pushes, where)
                if doubtful:
                    self._miss(doubtful)
        finally:
            self._routing = False

    def _send(self, pushes: Iterable[RemotePush], where: dict[int, str]) -> None:
        assert self._send_to_peer is not None
        by_node: dict[str, list[RemotePush]] = {}
        for push in pushes:
            nodes: dict[str, list[int]] = {}
            for user in push.users:
                if (session := self._directory.local(user)) is not None:  # came here meanwhile
                    session.push(CHAT.encode(push.service, push.body))
                elif user in where:
                    nodes.setdefault(where[user], []).append(user)
            for node, users in nodes.items():
                by_node.setdefault(node, []).append(RemotePush(tuple(users), push.service, push.body, push.hops, push.threads))
        for node, parts in by_node.items():
            self._send_to_peer(node, parts)

    # -- when pushes were lost

    def resync(self, users: Iterable[int] | None) -> None:
        """Ask sessions of this server to catch up, spread over a few seconds where they are many; ``None``: all of them."""
        here = [user for user in (self._directory.users() if users is None else users) if self._directory.local(user) is not None]
        frame = CHAT.encode(service_id(ResyncPush), encode(ResyncPush()))
        for user in here:
            if len(here) <= 10:
                self._resync_one(user, frame)
            else:
                self._clock.callLater(random.random() * SPREAD, self._resync_one, user, frame)  # noqa: S311

    def resync_elsewhere(self, user: int) -> None:
        """Ask a user whose session has moved to another server to catch up."""
        self._deliver(RemotePush((user,), service_id(ResyncPush), encode(ResyncPush())))

    def _resync_one(self, user: int, frame: bytes) -> None:
        session = self._directory.local(user)
        if session is not None:
            session.push(frame)

    def _miss(self, users: Iterable[int]) -> None:
        """Remember who could not be reached, and ask them to catch up as soon as routes can be found."""
        if not self._missed:
            self._clock.callLater(RETRY, self._retry_missed)
        for user in users:
            if len(self._missed) >= MISSED:
                _log.error("more than {count} users missed pushes at once; the others catch up with their next message", count=MISSED)
                return
            self._missed.add(user)

    def _retry_missed(self) -> None:
        missed, self._missed = self._missed, set()
        here = [user for user in missed if self._directory.local(user) is not None]
        self.resync(here)
        away = tuple(missed.difference(here))
        for start in range(0, len(away), 1000):
            self._deliver(RemotePush(away[start : start + 1000], service_id(ResyncPush), encode(ResyncPush())))
