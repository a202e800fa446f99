"""Group commit: all messages that wait go into one transaction, and are acknowledged when it is durable."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.node import Node
from imsys.outcome import Outcome
from imsys.store.appending import Appended, Submission
from imsys.store.messages import MessageStore

_log = Logger()

Results = Sequence[Appended | Refused]

BATCH_BYTES = 2 * 1024 * 1024
"""Bytes of one transaction's contents: as a statement they are about twice that, well below any ``max_allowed_packet``."""

OVERHEAD = 200
"""Bytes a waiting message takes beside its content, roughly."""


AT_ONCE = 64
"""Requests that are answered in one turn of the reactor: while their answers are on the way, the next are made."""

SHARE = 100
"""Messages of one source that may wait before it is held, as many as one request has at most."""


class Source(Protocol):
    """Where messages come from: a connection that can be kept from sending more."""

    waiting: int
    """Messages that are not stored yet; the log's to count."""

    def hold(self, hold: bool) -> None:
        """Read nothing more from it, or go on."""
        ...


class _Entry(Outcome[Appended]):
    __slots__ = ("size", "source", "submission")

    def __init__(self, submission: Submission, source: Source) -> None:
        super().__init__()
        self.submission = submission
        self.source = source
        size = 0
        for draft in submission.drafts:
            size += OVERHEAD + 4 * len(draft.content)
        self.size = size


class MessageLog:
    """One writer: while a transaction runs, the next one gathers. Nothing waits for company, beyond what has arrived already."""

    def __init__(
        self,
        store: MessageStore,
        node: Node,
        *,
        batch: int,
        queue: int,
        queue_bytes: int,
        soon: Callable[[Callable[[], None]], object],
        doubted: Callable[[Iterable[int]], None],
    ) -> None:
        """Make one.

        :param soon: calls a function when everything that has arrived by now is read.
        :param doubted: hears of threads with messages that may be stored although the database did not say so.
        """
        self._soon = soon
        self._doubted = doubted
        self._store = store
        self._node = node
        self._batch = batch
        self._queue = queue
        self._queue_bytes = queue_bytes
        self._entries: deque[_Entry] = deque()
        self._waiting = 0
        self._bytes = 0
        self._writing = False
        self._idle: list[Deferred[None]] = []

    def append(self, submission: Submission, source: Source) -> Outcome[Appended]:
        """Store a submission; there is an outcome after the commit, in the order of the calls for any one thread.

        A source that has more than its share waiting is held until that is
        stored; when half of all there is room for is taken, one that does not
        wait for each answer is.

        It is :class:`Refused` where its sender may not write there, with
        73 when too much is waiting, with 14 when the database does not answer.
        """
        entry = _Entry(submission, source)
        count = len(submission.drafts)
        if self._waiting + count > self._queue or self._bytes + entry.size > self._queue_bytes:
            source.hold(source.waiting > 0)
            entry.fail(Refused(Status.SERVER_BUSY, "More messages are waiting than can be stored now.", retry_after=1.0))
            return entry
        self._entries.append(entry)
        self._waiting += count
        self._bytes += entry.size
        others = source.waiting
        source.waiting = others + count
        if others and (others + count > SHARE or self._waiting * 2 > self._queue or self._bytes * 2 > self._queue_bytes):
            source.hold(True)
        if not self._writing:
            self._writing = True
            self._soon(self._write)
        return entry

    def flushed(self) -> Deferred[None]:
        """Fires when nothing waits."""
        done: Deferred[None] = Deferred()
        if self._writing:
            self._idle.append(done)
        else:
            done.callback(None)
        return done

    def _take(self) -> list[_Entry]:
        """What goes into the next transaction."""
        if self._waiting <= self._batch and self._bytes <= BATCH_BYTES:
            taken = list(self._entries)
            self._entries.clear()
            self._waiting = self._bytes = 0
            return taken
        taken, count, size = [], 0, 0
        while self._entries:
            entry = self._entries[0]
            count += len(entry.submission.drafts)
            size += entry.size
            if taken and (count > self._batch or size > BATCH_BYTES):
                break
            taken.append(self._entries.popleft())
            self._waiting -= len(entry.submission.drafts)
            self._bytes -= entry.size
        return taken

    def _write(self) -> None:
        Deferred.fromCoroutine(self._run()).addErrback(self._broken)

    async def _run(self) -> None:
        batch = self._take()
        storing = self._begin(batch)
        while batch:
            stored, results = batch, await self._finished(batch, storing)
            batch = self._take()
            storing = self._begin(batch)  # the database goes on while the results are sent
            await self._settle(stored, results)
            if not batch:
                batch = self._take()
                storing = self._begin(batch)
        self._ended()

    def _ended(self) -> None:
        self._writing = False
        idle, self._idle = self._idle, []
        for done in idle:
            done.callback(None)

    def _begin(self, batch: Sequence[_Entry]) -> Deferred[Results]:
        if not batch:
            return succeed([])
        return Deferred.fromCoroutine(self._store_batch([entry.submission for entry in batch]))

    async def _store_batch(self, submissions: Sequence[Submission]) -> Results:
        return await self._store.append(self._node.ids, submissions)

    async def _finished(self, batch: Sequence[_Entry], storing: Deferred[Results]) -> Results:
        """What became of each of a batch; where the whole failed for one of them, that one is found, so that it fails alone."""
        try:
            return await storing
        except Refused as refused:
            if refused.status is Status.MYSQL_INTERNAL_ERROR:
                self._doubted(entry.submission.thread_id for entry in batch)
            return [Unavailable(refused.status, refused.message)] * len(batch)
        except Exception:
            self._doubted(entry.submission.thread_id for entry in batch)
            if len(batch) == 1:
                _log.failure("a message could not be stored")
                return [Refused(Status.INTERNAL_ERROR, "The message could not be stored.")]
            middle = len(batch) // 2
            results: list[Appended | Refused] = []
            for part in (batch[:middle], batch[middle:]):
                results += await self._finished(part, self._begin(part))
            return results

    async def _settle(self, batch: Sequence[_Entry], results: Results) -> None:
        """Tell everybody, some at a time."""
        for start in range(0, len(batch), AT_ONCE):
            if start:
                turn: Deferred[None] = Deferred()
                self._soon(partial(turn.callback, None))
                await turn
            self._tell_all(batch[start : start + AT_ONCE], results[start : start + AT_ONCE])

    def _tell_all(self, batch: Sequence[_Entry], results: Results) -> None:
        for entry, result in zip(batch, results, strict=True):
            try:
                self._tell(entry, result)
            except Exception:
                _log.failure("the outcome of a message could not be told")

    def _tell(self, entry: _Entry, result: Appended | Refused) -> None:
        source = entry.source
        source.waiting -= len(entry.submission.drafts)
        if not source.waiting:
            source.hold(False)
        if isinstance(result, Refused):
            entry.fail(result)
        else:
            entry.succeed(result)

    def _broken(self, reason: Failure) -> None:
        _log.failure("the message log failed", reason)
        entries, self._entries = list(self._entries), deque()
        self._waiting = self._bytes = 0
        mistake = Refused(Status.INTERNAL_ERROR, "The message could not be stored.")
        self._tell_all(entries, [mistake] * len(entries))
        self._ended()
