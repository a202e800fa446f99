"""The outbox for one peer: unsent pushes and news, unacknowledged batches, and users who missed something.

The reactor adds pushes; gRPC's threads take batches and acknowledge them. A batch is whatever has gathered,
so a busy server makes few large ones: gRPC's cost of a batch is that of a hundred pushes. Acknowledgements
cost as much, so they are requested when half a window is out, or by the clock.

Everything is bounded. Pushes beyond a bound are dropped, but their users are remembered and asked to catch up
as soon as the rest has been sent.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from imsys.cluster.pushes import News, RemotePush, pack, size
from imsys.cluster.stubs import imsys_v1_pb2

MAX_ENTRIES = 20_000
"""Waiting pushes, at most."""

MAX_BYTES = 16 << 20
"""Bytes of waiting pushes, at most."""

MAX_MISSED = 10_000
"""Users remembered as having missed something, at most; beyond it all of the peer's users count as such."""

MAX_GROUPS = 1000
"""Groups remembered as having missed something, at most; beyond it all of the peer's users count as such."""

MAX_NEWS = 10_000
"""Users whose news wait, at most; beyond it the peer is told that any of its knowledge may be outdated."""

BATCH_ENTRIES = 500
BATCH_BYTES = 256 << 10
WINDOW = 32
"""Unacknowledged batches, at most."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A sent batch.

    ``resync``: users who may have missed something; ``None``: all; ``False``: nobody. ``groups``: so may the members
    of these. ``everything``: see :class:`PeerHandler`.
    """

    sequence: int
    pushes: list[RemotePush]
    resync: tuple[int, ...] | bool | None
    groups: tuple[int, ...]
    news: News
    everything: bool
    beside: frozenset[int]
    told: int

    def batch(self, acknowledge: bool) -> imsys_v1_pb2.Batch:
        batch = imsys_v1_pb2.Batch(sequence=self.sequence, acknowledge=acknowledge)
        if self.pushes:
            batch.pushes.CopyFrom(pack(self.pushes))
        if self.news or self.everything:
            batch.news.users.extend(self.news.keys())
            batch.news.logins.extend(self.news.values())
            batch.news.everything = self.everything
            batch.news.beside.extend(self.beside)
        if self.resync is None:
            batch.resync.all = True
        elif not isinstance(self.resync, bool):
            batch.resync.users.extend(self.resync)
        if self.groups:
            batch.resync.groups.extend(self.groups)
        return batch


class PeerOutbox:
    """A thread-safe outbox; only :meth:`pull` blocks.

    A *generation* is one stream. Calls on behalf of an older stream are ignored.
    """

    def __init__(self, incarnation: str) -> None:
        """``incarnation`` is that of the peer."""
        self._changed = threading.Condition()
        self._incarnation = incarnation
        self._queue: deque[RemotePush] = deque()
        self._bytes = 0
        self._sent: deque[_Sent] = deque()
        self._again: deque[_Sent] = deque()
        self._missed: set[int] = set()
        self._missed_all = False
        self._missed_groups: set[int] = set()
        self._news: dict[int, int] = {}
        self._beside: set[int] = set()  # those of them who have sessions elsewhere, too
        self._everything = True  # the peer knows no news from before this outbox
        self.told = 1
        """Grows with all that the peer is told of logins."""
        self.heard = 0
        """What :attr:`told` was when that happened of which the peer has acknowledged the last."""
        self._sequence = 0
        self._asked = 0
        self._prompt = False
        self._generation = 0
        self._open = False
        self._away = False
        self._finishing = False
        self.progress = 0
        """Changes whenever the peer has acknowledged a batch."""

    # -- the reactor's side

    def put(self, pushes: Sequence[RemotePush]) -> None:
        """Queue pushes, or remember their users if there is no room or the peer is away."""
        needed = list(map(size, pushes))
        total = sum(needed)
        with self._changed:
            if (
                not self._away
                and len(self._queue) + len(pushes) <= MAX_ENTRIES
                and self._bytes + total <= MAX_BYTES
            ):
                self._queue.extend(pushes)
                self._bytes += total
            else:
                self._put_what_fits(pushes, needed)
            self._changed.notify_all()

    def _put_what_fits(self, pushes: Sequence[RemotePush], needed: Sequence[int]) -> None:
        for push, bytes_ in zip(pushes, needed, strict=True):
            if self._away or len(self._queue) >= MAX_ENTRIES or self._bytes + bytes_ > MAX_BYTES:
                self._miss_push(push)
            else:
                self._queue.append(push)
                self._bytes += bytes_

    def tell(self, news: News, beside: Collection[int] = frozenset()) -> None:
        """Queue news; of one user only the last counts."""
        with self._changed:
            self.told += 1
            self._news.update(news)
            self._beside.difference_update(news)
            self._beside.update(beside)
            if self._away or len(self._news) > MAX_NEWS:
                self._doubt_all()
            self._changed.notify_all()

    def miss(self, users: Iterable[int] | None) -> None:
        """Have these users of the peer asked to catch up; ``None``: all."""
        with self._changed:
            self._miss(users)
            self._changed.notify_all()

    def miss_groups(self, threads: Iterable[int]) -> None:
        """Have the members of groups who are at the peer asked to catch up."""
        with self._changed:
            self._miss_groups(threads)
            self._changed.notify_all()

    def away(self) -> None:
        """Keep only users, not pushes, until the peer is back: it has been unreachable for long."""
        with self._changed:
            self._away = True
            self._forget()

    def no_stream(self) -> None:
        """Serve :meth:`take` from now on: the peer does not support the stream."""
        with self._changed:
            self._generation += 1
            self._open = self._away = False
            self._changed.notify_all()

    def take(self, count: int) -> list[RemotePush]:
        """Take pushes for a peer without a stream; they count as sent."""
        with self._changed:
            taken = [self._queue.popleft() for _ in range(min(count, len(self._queue)))]
            self._bytes -= sum(map(size, taken))
            return taken

    def leave(self) -> Sequence[int] | None:
        """Close the outbox; return the users who may have missed something (``None``: all of the peer's).

        Members of groups are not among them: wherever they log in then, that server has the group's frames as well.
        """
        with self._changed:
            self._generation += 1
            self._open = False
            self._forget()
            users, everybody = tuple(self._missed), self._missed_all
            self._missed, self._missed_all = set(), False
            self._missed_groups = set()
            self._changed.notify_all()
            return None if everybody else users

    def finish(self) -> None:
        """End the stream when everything is sent and acknowledged."""
        with self._changed:
            self._finishing = True
            self._changed.notify_all()

    @property
    def idle(self) -> bool:
        """Whether everything is sent and acknowledged."""
        with self._changed:
            return not (self._sent or self._pending())

    def ask(self, *, idle: bool) -> bool:
        """Request an acknowledgement if any batch lacks it.

        Return whether one was requested before and is still missing.

        :param idle: if nothing is unacknowledged, send an empty batch, to learn whether the peer is alive.
        """
        with self._changed:
            owed = bool(self._sent) and self._asked >= self._sent[0].sequence
            if not owed and (self._sent or idle):
                self._prompt = True
                self._changed.notify_all()
            return owed

    # -- the stream's side

    def connect(self) -> int:
        """Begin a stream and return its generation. Nothing is sent before :meth:`open`."""
        with self._changed:
            self._generation += 1
            self._open = False
            self._changed.notify_all()
            return self._generation

    def open(self, generation: int, incarnation: str, sequence: int, *, groups: bool = True) -> None:
        """Start sending after the peer's greeting: its incarnation, and the last sequence it received.

        :param groups: whether it knows groups.
        """
        with self._changed:
            if generation != self._generation:
                return
            if incarnation != self._incarnation:
                # Its former users have logged in again and caught up; a resync covers what was sent in
                # between.
                self._forget()
                self._incarnation = incarnation
            self._acknowledge(sequence)
            if not self._sent:  # an earlier outbox of this server may have counted further
                self._sequence = max(self._sequence, sequence)
            self._again = deque(self._sent)
            self._asked = 0
            if self._missed_groups and not groups:
                self._miss(None)
                self._missed_groups = set()
            self._open, self._away = True, False
            self._changed.notify_all()

    def acknowledge(self, sequence: int) -> None:
        """Record that the peer has received everything up to this sequence."""
        with self._changed:
            self._acknowledge(sequence)
            self._changed.notify_all()

    def pull(self, generation: int) -> imsys_v1_pb2.Batch | None:
        """Return the next batch; block until there is one; ``None``: the stream has ended."""
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
        return bool(
            self._queue
            or self._missed
            or self._missed_all
            or self._missed_groups
            or self._news
            or self._everything
        )

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
        groups: tuple[int, ...] = ()
        if not queue and (self._missed or self._missed_all):  # after the remaining pushes
            resync = None if self._missed_all else tuple(self._missed)
            self._missed, self._missed_all = set(), False
        if not queue and self._missed_groups:
            groups, self._missed_groups = tuple(self._missed_groups), set()
        self._sequence += 1
        sent = _Sent(
            self._sequence,
            pushes,
            resync,
            groups,
            self._news,
            self._everything,
            frozenset(self._beside),
            self.told,
        )
        self._news, self._beside, self._everything = {}, set(), False
        self._sent.append(sent)
        return sent

    def _acknowledge(self, sequence: int) -> None:
        while self._sent and self._sent[0].sequence <= sequence:
            self.heard = max(self.heard, self._sent.popleft().told)
            self.progress += 1

    def _miss(self, users: Iterable[int] | None) -> None:
        if users is None:
            self._missed_all = True
        elif not self._missed_all:
            self._missed.update(users)
            self._missed_all = len(self._missed) > MAX_MISSED
        if self._missed_all:
            self._missed = set()

    def _miss_push(self, push: RemotePush) -> None:
        if push.thread:
            self._miss_groups((push.thread,))
        else:
            self._miss(push.users)

    def _miss_groups(self, threads: Iterable[int]) -> None:
        self._missed_groups.update(threads)
        if len(self._missed_groups) > MAX_GROUPS:
            self._miss(None)
        if self._missed_all:
            self._missed_groups = set()

    def _forget(self) -> None:
        for sent in self._sent:
            for push in sent.pushes:
                self._miss_push(push)
            if not isinstance(sent.resync, bool):
                self._miss(sent.resync)
            self._miss_groups(sent.groups)
        for push in self._queue:
            self._miss_push(push)
        self._sent.clear()
        self._again.clear()
        self._queue.clear()
        self._bytes = 0
        self._doubt_all()

    def _doubt_all(self) -> None:
        self._news, self._beside, self._everything = {}, set(), True
