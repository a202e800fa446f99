"""Group commit: all waiting messages go into one transaction, and are acknowledged when it is durable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from functools import partial
from typing import Protocol

from msgspec.structs import replace
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.chat.node import Node
from imsys.chat.set_aside import SetAside
from imsys.errors import Refused, Status, Unavailable
from imsys.server.outcome import Outcome
from imsys.store.appending import LOCKED, Appended, Submission
from imsys.store.messages import MessageStore
from imsys.util.events import Event
from imsys.util.fair_queue import FairQueue

_log = Logger()

Results = Sequence[Appended | Refused]

BATCH_BYTES = 2 * 1024 * 1024
"""Bytes of one transaction's messages, at most."""

CHANGES = 50
"""Changes to conversations in one transaction, at most: each takes statements of its own, and messages wait
meanwhile."""

OVERHEAD = 200
"""Bytes that a waiting message takes besides its content, roughly."""

CHANGE_SIZE = BATCH_BYTES // CHANGES
"""What a waiting change counts for: so many of them fill a transaction."""

AT_ONCE = 64
"""Requests answered in one turn of the reactor, so that clients receive answers while the next are
prepared."""

SHARE = 100
"""Messages of one source that may wait before it is held: as many as one request may have."""

RESERVE = 4
"""For a source with nothing waiting the queue is larger by 1/RESERVE, so that busy sources cannot shut it
out."""

PATIENCE = 5.0
"""Seconds for which messages are kept while the database does not answer: the time that it takes to
restart."""

RETRY = 0.2
"""Seconds between two attempts to store them meanwhile."""

LOCKED_PATIENCE = 8.0
"""Seconds for which messages of a locked thread are kept: longer than the locks of a dead server last."""

CONTENDED = 5.0
"""Seconds after a locked thread in which no lock is waited for: a dead server leaves more than one lock
behind."""


class Sender(Protocol):
    """A source of messages: a connection that can be kept from sending more."""

    waiting: int
    """Messages that are not stored yet; counted by the log."""

    def hold(self, hold: bool) -> None:
        """Stop reading from it, or resume."""
        ...

    def overtake(self) -> None:
        """Let later requests be answered first, since one of its messages waits for a locked thread."""
        ...


class _Entry(Outcome[Appended]):
    __slots__ = ("count", "since", "size", "source", "submission", "thread_id")

    def __init__(self, submission: Submission, source: Sender, since: float) -> None:
        Outcome.__init__(self)  # what super() is takes as long to find out
        self.submission = submission
        self.source = source
        self.thread_id = submission.thread_id
        self.since = since
        size = 0
        for draft in submission.drafts:
            size += OVERHEAD + 4 * len(draft.content)
        self.count = len(submission.drafts)
        if submission.change is not None:
            self.count, size = 1, CHANGE_SIZE
        self.size = size


class MessageLog:
    """Writes messages: while a transaction runs, the next one gathers. No message waits for others to arrive.

    Sources take turns. Messages of threads that another server has locked are set aside and retried.
    """

    def __init__(
        self,
        clock: IReactorTime,
        store: MessageStore,
        node: Node,
        *,
        batch: int,
        queue: int,
        queue_bytes: int,
        doubted: Callable[[Iterable[int]], None],
    ) -> None:
        """Create the log.

        :param batch: messages of one transaction, at most.
        :param queue: messages that wait, at most; ``queue_bytes``: their bytes.
        :param doubted: called with the threads of messages that may be stored although the database did not
            answer.
        """
        self._clock = clock
        self._seconds = clock.seconds
        self._soon = partial(clock.callLater, 0.0)
        self._doubted = doubted
        self._store = store
        self._node = node
        self._batch = batch
        self._queue = queue
        self._queue_bytes = queue_bytes
        self._entries: FairQueue[Sender, _Entry] = FairQueue()
        self._aside: SetAside[_Entry] = SetAside(clock.seconds, LOCKED_PATIENCE)
        self._contended_until = float("-inf")
        self._waiting = 0
        self._bytes = 0
        self._idle = Event(is_set=True)

    def append(self, submission: Submission, source: Sender) -> Outcome[Appended]:
        """Store a submission; its outcome follows the commit.

        Those of a source keep their order within a thread.

        A source with more than its share waiting is held until that is stored. When the queue is half full,
        so is a source that sends again before its last submission is stored.

        The outcome is :class:`Refused` if the sender may not write there; with SERVER_BUSY (73) if too much
        is waiting or the thread stays locked by another server; with MYSQL_INTERNAL_ERROR (14) if the
        database did not answer.
        """
        entry = _Entry(submission, source, self._seconds())
        count = entry.count
        others = source.waiting
        waiting, size = self._waiting + count, self._bytes + entry.size
        if waiting > self._queue or size > self._queue_bytes:
            most, most_bytes = self._queue, self._queue_bytes
            if others or waiting > most + most // RESERVE or size > most_bytes + most_bytes // RESERVE:
                source.hold(others > 0)
                entry.fail(
                    Refused(
                        Status.SERVER_BUSY,
                        "More messages are waiting than can be stored now.",
                        retry_after=1.0,
                    )
                )
                return entry
        self._entries.add(source, entry)
        self._waiting, self._bytes = waiting, size
        source.waiting = others + count
        if others and (others + count > SHARE or waiting * 2 > self._queue or size * 2 > self._queue_bytes):
            source.hold(True)
        if self._idle.is_set:
            self._idle.clear()
            self._soon(self._write)
        return entry

    def flushed(self) -> Deferred[None]:
        """Fire when nothing waits."""
        return self._idle.wait()

    # -- what goes into the next transaction

    def _take(self) -> list[_Entry]:
        if self._aside:
            return self._take_around()
        if self._waiting <= self._batch and self._bytes <= BATCH_BYTES:
            self._waiting = self._bytes = 0
            return self._entries.take_all()
        taken: list[_Entry] = []
        count = size = 0
        while self._entries:
            entry = self._entries.first()
            count += entry.count
            size += entry.size
            if taken and (count > self._batch or size > BATCH_BYTES):
                break
            taken.append(self._entries.pop())
        self._leave(taken)
        return taken

    def _take_around(self) -> list[_Entry]:
        """Take a batch while threads are locked: the due messages of these, and those of other threads."""
        late = self._aside.late()
        if late:
            self._leave(late)
            self._tell_all(late, [copy(LOCKED) for _ in late])
        taken = self._aside.due(self._batch)
        count = sum([entry.count for entry in taken])
        size = sum([entry.size for entry in taken])
        while self._entries:
            entry = self._entries.first()
            if entry.thread_id in self._aside:
                self._aside.add(self._entries.pop())
                continue
            count += entry.count
            size += entry.size
            if taken and (count > self._batch or size > BATCH_BYTES):
                break
            taken.append(self._entries.pop())
        self._leave(taken)
        return taken

    def _leave(self, entries: Iterable[_Entry]) -> None:
        for entry in entries:
            self._waiting -= entry.count
            self._bytes -= entry.size

    def _set_aside(self, batch: Sequence[_Entry], results: Results) -> tuple[Sequence[_Entry], Results]:
        """Set entries of locked threads aside; return the other entries of a batch and their results."""
        locked = [entry for entry, result in zip(batch, results, strict=True) if result is LOCKED]
        if not locked:
            return batch, results
        self._contended_until = self._seconds() + CONTENDED
        for entry in locked:
            self._waiting += entry.count
            self._bytes += entry.size
        self._aside.put_back(locked)
        for entry in locked:
            entry.source.overtake()
        rest = [(entry, result) for entry, result in zip(batch, results, strict=True) if result is not LOCKED]
        return [entry for entry, _ in rest], [result for _, result in rest]

    # -- writing

    def _write(self) -> None:
        Deferred.fromCoroutine(self._run()).addErrback(self._broken)

    async def _run(self) -> None:
        batch = self._take()
        storing = self._begin(batch)
        while batch or self._aside:
            if not batch:
                await deferLater(self._clock, self._aside.wait)
            results = await storing
            stored, results = self._set_aside(batch, results)
            batch = self._take()
            storing = self._begin(batch)  # the database goes on while the results are sent
            await self._settle(stored, results)
            if not batch:
                batch = self._take()
                storing = self._begin(batch)
        self._idle.set()

    def _begin(self, batch: Sequence[_Entry]) -> Deferred[Results]:
        return Deferred.fromCoroutine(self._store_all(batch)) if batch else succeed([])

    async def _store_all(self, batch: Sequence[_Entry]) -> Results:
        """Store a batch and return the result of each entry; retry for a while if the database is down.

        If one entry makes the whole fail, find it, so that it fails alone.
        """
        in_doubt = False
        given_up: list[_Entry] = []
        pending = batch
        while True:
            try:
                results = await self._store_once(pending)
            except Refused as refused:
                if refused.status is not Status.MYSQL_INTERNAL_ERROR:
                    return [Unavailable(refused.status, refused.message)] * len(batch)
                in_doubt = True
                self._doubted(entry.thread_id for entry in pending)
                latest = self._seconds() - PATIENCE
                given_up += [entry for entry in pending if entry.since <= latest]
                pending = [entry for entry in pending if entry.since > latest]
                if not pending:
                    return [Unavailable(refused.status, refused.message)] * len(batch)
                await deferLater(self._clock, RETRY)
            except Exception:
                self._doubted(entry.thread_id for entry in pending)
                results = await self._one_by_one(pending)
                break
            else:
                break
        if in_doubt:
            results = [
                replace(result, in_doubt=True) if isinstance(result, Appended) else result
                for result in results
            ]
        if not given_up:
            return results
        known = dict(zip(map(id, pending), results, strict=True))
        away = Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database did not answer.")
        return [known.get(id(entry), away) for entry in batch]

    async def _store_once(self, batch: Sequence[_Entry]) -> Results:
        wait = self._seconds() >= self._contended_until
        return await self._store.append(self._node.ids, [entry.submission for entry in batch], wait=wait)

    async def _one_by_one(self, batch: Sequence[_Entry]) -> Results:
        """Try the halves of a batch that failed, down to the message that cannot be stored."""
        if len(batch) == 1:
            _log.failure("a message could not be stored")
            return [Refused(Status.INTERNAL_ERROR, "The message could not be stored.")]
        middle = len(batch) // 2
        first = await self._store_all(batch[:middle])
        locked = {entry.thread_id for entry, result in zip(batch, first, strict=False) if result is LOCKED}
        # a message must not overtake an earlier one of its thread
        free = [entry for entry in batch[middle:] if entry.thread_id not in locked]
        done = iter(await self._store_all(free) if free else ())
        return [*first, *(LOCKED if entry.thread_id in locked else next(done) for entry in batch[middle:])]

    # -- telling

    async def _settle(self, batch: Sequence[_Entry], results: Results) -> None:
        """Deliver the results, some in each turn of the reactor."""
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
        source.waiting -= entry.count
        if not source.waiting:
            source.hold(False)
        if isinstance(result, Refused):
            entry.fail(result)
        else:
            entry.succeed(result)

    def _broken(self, reason: Failure) -> None:
        _log.failure("the message log failed", reason)
        entries = [*self._aside.take_all(), *self._entries.take_all()]
        self._waiting = self._bytes = 0
        mistake = Refused(Status.INTERNAL_ERROR, "The message could not be stored.")
        self._tell_all(entries, [mistake] * len(entries))
        self._idle.set()
