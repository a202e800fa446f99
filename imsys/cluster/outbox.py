"""What waits for one peer: pushes not yet sent, batches not yet acknowledged, and users who missed something.

The reactor puts pushes in; gRPC's threads take batches out and acknowledge them.
Everything is bounded. What does not fit is not kept, but its users are, and they
are asked to catch up as soon as the rest has been sent.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imsys.cluster.pushes import RemotePush, size, to_batch
from imsys.cluster.stubs import imsys_v1_pb2

MAX_ENTRIES = 20_000
"""Pushes that wait at most."""

MAX_BYTES = 16 << 20
"""Bytes of pushes that wait at most."""

MAX_MISSED = 10_000
"""Users remembered as having missed something; beyond, all of the peer's have."""

BATCH_ENTRIES = 500
BATCH_BYTES = 256 << 10
WINDOW = 32
"""Batches sent and not yet acknowledged."""


@dataclass(frozen=True, slots=True)
class _Sent:
    sequence: int
    pushes: tuple[RemotePush, ...]
    resync: tuple[int, ...] | bool | None

    def batch(self) -> imsys_v1_pb2.Batch:
        return to_batch(self.sequence, self.pushes, self.resync)


class Outbox:
    """Thread-safe; nothing here waits but :meth:`pull`.

    A *generation* is one stream. What an old stream still asks or says is ignored.
    """

    def __init__(self, incarnation: str) -> None:
        """``incarnation`` is the peer's."""
        self._changed = threading.Condition()
        self._incarnation = incarnation
        self._queue: deque[RemotePush] = deque()
        self._bytes = 0
        self._sent: deque[_Sent] = deque()
        self._again: deque[_Sent] = deque()
        self._missed: set[int] = set()
        self._missed_all = False
        self._sequence = 0
        self._generation = 0
        self._open = False
        self._away = False
        self._finishing = False
        self.progress = 0
        """Changes whenever the peer has acknowledged something, or had nothing to."""

    # -- the reactor's side

    def put(self, pushes: Iterable[RemotePush]) -> None:
        """Send these, or remember their users if there is no room or the peer is away."""
        with self._changed:
            for push in pushes:
                needed = size(push)
                if self._away or len(self._queue) >= MAX_ENTRIES or self._bytes + needed > MAX_BYTES:
                    self._miss(push.users)
                else:
                    self._queue.append(push)
                    self._bytes += needed
            self._changed.notify_all()

    def miss(self, users: Iterable[int] | None) -> None:
        """Have these users asked to catch up; ``None``: all of the peer's."""
        with self._changed:
            self._miss(users)
            self._changed.notify_all()

    def away(self) -> None:
        """The peer has been unreachable for long: keep users, not pushes, until it is back."""
        with self._changed:
            self._away = True
            self._forget()

    def no_stream(self) -> None:
        """The peer has none: what waits is fetched by :meth:`take` from now on."""
        with self._changed:
            self._generation += 1
            self._open = self._away = False
            self._changed.notify_all()

    def take(self, count: int) -> list[RemotePush]:
        """Pushes for a peer that has no stream; they count as sent."""
        with self._changed:
            taken = [self._queue.popleft() for _ in range(min(count, len(self._queue)))]
            self._bytes -= sum(map(size, taken))
            return taken

    def leave(self) -> Sequence[int] | None:
        """End it all, and give back the users who may have missed something; ``None``: all of the peer's."""
        with self._changed:
            self._generation += 1
            self._open = False
            self._forget()
            users, everybody = tuple(self._missed), self._missed_all
            self._missed, self._missed_all = set(), False
            self._changed.notify_all()
            return None if everybody else users

    def finish(self) -> None:
        """End the stream once everything is sent and acknowledged."""
        with self._changed:
            self._finishing = True
            self._changed.notify_all()

    @property
    def idle(self) -> bool:
        """Whether nothing waits, neither to be sent nor to be acknowledged."""
        with self._changed:
            return not (self._queue or self._sent or self._missed or self._missed_all)

    @property
    def unacknowledged(self) -> bool:
        """Whether the peer owes an acknowledgement."""
        with self._changed:
            return bool(self._sent)

    # -- the stream's side

    def connect(self) -> int:
        """Begin a stream: its generation. Nothing is sent before :meth:`open`."""
        with self._changed:
            self._generation += 1
            self._open = False
            self._changed.notify_all()
            return self._generation

    def open(self, generation: int, incarnation: str, sequence: int) -> None:
        """The peer has greeted: it is this incarnation, and has what is up to this sequence already."""
        with self._changed:
            if generation != self._generation:
                return
            if incarnation != self._incarnation:
                # Who was there has logged in anew and caught up; what came between the two is made up for by a resync.
                self._forget()
                self._incarnation = incarnation
            self._acknowledge(sequence)
            if not self._sent:  # an earlier outbox of ours may have counted further
                self._sequence = max(self._sequence, sequence)
            self._again = deque(self._sent)
            self._open, self._away = True, False
            self._changed.notify_all()

    def acknowledge(self, sequence: int) -> None:
        """The peer has everything up to this sequence."""
        with self._changed:
            self._acknowledge(sequence)
            self._changed.notify_all()

    def pull(self, generation: int) -> imsys_v1_pb2.Batch | None:
        """The next batch, waiting for one; ``None`` when the stream is over."""
        with self._changed:
            while True:
                if generation != self._generation:
                    return None
                sent = self._next() if self._open else None
                if sent is not None:
                    break
                if self._finishing and self._open and not self._queue and not self._sent:
                    self._generation += 1
                    return imsys_v1_pb2.Batch(bye=True)
                self._changed.wait()
        return sent.batch()

    def _next(self) -> _Sent | None:
        if self._again:
            return self._again.popleft()
        if len(self._sent) >= WINDOW or not (self._queue or self._missed or self._missed_all):
            return None
        pushes: list[RemotePush] = []
        room = BATCH_BYTES
        while self._queue and len(pushes) < BATCH_ENTRIES and room > 0:
            push = self._queue.popleft()
            pushes.append(push)
            room -= size(push)
        self._bytes = self._bytes - (BATCH_BYTES - room) if self._queue else 0
        resync: tuple[int, ...] | bool | None = False
        if not self._queue and (self._missed or self._missed_all):  # after what there still was to send
            resync = None if self._missed_all else tuple(self._missed)
            self._missed, self._missed_all = set(), False
        self._sequence += 1
        sent = _Sent(self._sequence, tuple(pushes), resync)
        self._sent.append(sent)
        return sent

    # -- under the lock

    def _acknowledge(self, sequence: int) -> None:
        while self._sent and self._sent[0].sequence <= sequence:
            self._sent.popleft()
            self.progress += 1

    def _miss(self, users: Iterable[int] | None) -> None:
        if users is None:
            self._missed_all = True
        elif not self._missed_all:
            self._missed.update(users)
            self._missed_all = len(self._missed) > MAX_MISSED
        if self._missed_all:
            self._missed = set()

    def _forget(self) -> None:
        for sent in self._sent:
            for push in sent.pushes:
                self._miss(push.users)
            if not isinstance(sent.resync, bool):
                self._miss(sent.resync)
        for push in self._queue:
            self._miss(push.users)
        self._sent.clear()
        self._again.clear()
        self._queue.clear()
        self._bytes = 0
