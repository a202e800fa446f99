"""What waits for one peer: pushes and news not yet sent, batches not yet acknowledged, and users who missed something.

The reactor puts pushes in; gRPC's threads take batches out and acknowledge them.
A batch is whatever has gathered, so that a busy server makes few large ones; its
cost in gRPC is that of a hundred pushes. Acknowledgements cost as much, so they
are asked for when half a window is out, or by the clock.

Everything is bounded. What does not fit is not kept, but its users are, and they
are asked to catch up as soon as the rest has been sent.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imsys.cluster.pushes import News, RemotePush, pack, size
from imsys.cluster.stubs import imsys_v1_pb2

MAX_ENTRIES = 20_000
"""Pushes that wait at most."""

MAX_BYTES = 16 << 20
"""Bytes of pushes that wait at most."""

MAX_MISSED = 10_000
"""Users remembered as having missed something; beyond, all of the peer's have."""

MAX_NEWS = 10_000
"""Users whose coming or going waits to be told; beyond, the peer is told that it knows nothing any more."""

BATCH_ENTRIES = 500
BATCH_BYTES = 256 << 10
WINDOW = 32
"""Batches sent and not yet acknowledged."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """``resync``: users who may have missed something, ``None``: all, ``False``: nobody. ``everything``: see :class:`PeerHandler`."""

    sequence: int
    pushes: list[RemotePush]
    resync: tuple[int, ...] | bool | None
    news: News
    everything: bool

    def batch(self, acknowledge: bool) -> imsys_v1_pb2.Batch:
        batch = imsys_v1_pb2.Batch(sequence=self.sequence, acknowledge=acknowledge)
        if self.pushes:
            batch.pushes.CopyFrom(pack(self.pushes))
        if self.news or self.everything:
            batch.news.users.extend(self.news.keys())
            batch.news.logins.extend(self.news.values())
            batch.news.everything = self.everything
        if self.resync is None:
            batch.resync.all = True
        elif not isinstance(self.resync, bool):
            batch.resync.users.extend(self.resync)
        return batch


class PeerOutbox:
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
        self._news: dict[int, int] = {}
        self._everything = True  # who came and went before this outbox, the peer has not been told
        self._sequence = 0
        self._asked = 0
        self._prompt = False
        self._generation = 0
        self._open = False
        self._away = False
        self._finishing = False
        self.progress = 0
        """Changes whenever the peer has acknowledged something, or had nothing to."""

    # -- the reactor's side

    def put(self, pushes: Sequence[RemotePush]) -> None:
        """Send these, or remember their users if there is no room or the peer is away."""
        needed = list(map(size, pushes))
        total = sum(needed)
        with self._changed:
            if not self._away and len(self._queue) + len(pushes) <= MAX_ENTRIES and self._bytes + total <= MAX_BYTES:
                self._queue.extend(pushes)
                self._bytes += total
            else:
                self._put_what_fits(pushes, needed)
            self._changed.notify_all()

    def _put_what_fits(self, pushes: Sequence[RemotePush], needed: Sequence[int]) -> None:
        for push, bytes_ in zip(pushes, needed, strict=True):
            if self._away or len(self._queue) >= MAX_ENTRIES or self._bytes + bytes_ > MAX_BYTES:
                self._miss(push.users)
            else:
                self._queue.append(push)
                self._bytes += bytes_

    def tell(self, news: News) -> None:
        """Tell who came and went; of one user only the last counts."""
        with self._changed:
            self._news.update(news)
            if self._away or len(self._news) > MAX_NEWS:
                self._news, self._everything = {}, True
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
            return not (self._sent or self._pending())

    def ask(self, *, idle: bool) -> bool:
        """Ask the peer for an acknowledgement, if any is due; whether it was asked before and owes it still.

        :param idle: where nothing is due, ask it to acknowledge that nothing came: so one learns whether it is there.
        """
        with self._changed:
            owed = bool(self._sent) and self._asked >= self._sent[0].sequence
            if not owed and (self._sent or idle):
                self._prompt = True
                self._changed.notify_all()
            return owed

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
            self._asked = 0
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
                if self._finishing and self._open and not self._sent and not self._pending():
                    self._generation += 1
                    return imsys_v1_pb2.Batch(bye=True)
                self._changed.wait()
            acknowledge = self._wants_acknowledgement()
            if acknowledge:
                self._asked, self._prompt = sent.sequence, False
        return sent.batch(acknowledge)

    # -- under the lock

    def _pending(self) -> bool:
        return bool(self._queue or self._missed or self._missed_all or self._news or self._everything)

    def _wants_acknowledgement(self) -> bool:
        if self._prompt or self._finishing:
            return True
        return len(self._sent) >= WINDOW // 2 and self._asked < self._sent[0].sequence

    def _next(self) -> _Sent | None:
        if self._again:
            return self._again.popleft()
        asking = self._prompt or (bool(self._sent) and self._finishing and self._asked < self._sequence)
        if not asking and (not self._pending() or len(self._sent) >= WINDOW):
            return None
        pushes: list[RemotePush] = []
        room = BATCH_BYTES
        queue = self._queue
        while queue and len(pushes) < BATCH_ENTRIES and room > 0:
            push = queue.popleft()
            pushes.append(push)
            room -= size(push)
        self._bytes = self._bytes - (BATCH_BYTES - room) if queue else 0
        resync: tuple[int, ...] | bool | None = False
        if not queue and (self._missed or self._missed_all):  # after what there still was to send
            resync = None if self._missed_all else tuple(self._missed)
            self._missed, self._missed_all = set(), False
        self._sequence += 1
        sent = _Sent(self._sequence, pushes, resync, self._news, self._everything)
        self._news, self._everything = {}, False
        self._sent.append(sent)
        return sent

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
        self._news, self._everything = {}, True
