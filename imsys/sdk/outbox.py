"""The outbox: texts are sent in order, thread by thread, until the server acknowledges them."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.texts import TextItem, TextRequest, TextResponse, VerifiedText
from imsys.sdk.connection import Disconnected
from imsys.sdk.model import Message, parse_time
from imsys.sdk.outgoing import Outgoing
from imsys.util.backoff import Backoff

DAY = 86400.0
_BATCH = 100
"""Texts of one request, at most (docs/protocol.md, 2.3)."""
_BATCH_BYTES = 60000
"""Bytes of the texts of one request, at most, so that it fits into a frame."""
_MISTAKES = 10
"""Answers INTERNAL_ERROR (75) to a text that was sent alone, after which it fails: after 20 to 30 s. Other
faults of the server are retried; but a text that always makes its code fail would hold back those after it
until it is too old."""
_SILENCES = 2
"""Unanswered requests in a row after which the connection is dropped: the server is alive but loses texts."""

_log = Logger()


@dataclass(slots=True)
class _Queue:
    """The texts of one thread; at most one request or one wait is pending."""

    backoff: Backoff
    items: deque[Outgoing] = field(default_factory=deque)
    busy: bool = False
    timer: IDelayedCall | None = None


class Outbox:
    """Sends texts, with one pending request per thread: a text that must wait delays only its own thread.

    :param request: sends a request on the present connection and expects a given response type.
    :param receiver: returns the other user of a thread (0 for a group).
    :param stored: called with each message that is stored, and the id before it in its thread.
    :param stuck: called when the connection exists but is of no use.
    :param limit: texts that wait, at most.
    :param keep: seconds after which a text fails.
    """

    def __init__(
        self,
        clock: IReactorTime,
        request: Callable[..., Deferred[Any]],
        receiver: Callable[[int], Awaitable[int]],
        stored: Callable[[Message, int], None],
        stuck: Callable[[], None],
        *,
        limit: int = 1000,
        keep: float = DAY,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self.me = 0
        self._clock = clock
        self._request = request
        self._receiver = receiver
        self._stored = stored
        self._stuck = stuck
        self._limit = limit
        self._keep = keep
        self._backoff = backoff
        self._queues: dict[int, _Queue] = {}
        self._oldest: IDelayedCall | None = None
        self._open = False
        self._silences = 0

    def __len__(self) -> int:
        return sum(len(queue.items) for queue in self._queues.values())

    def post(self, unique_id: str, thread_id: int, text: str) -> Outgoing:
        """Queue a text. :raises Refused: SERVER_BUSY (73), too many wait."""
        if len(self) >= self._limit:
            raise Refused(Status.SERVER_BUSY, "Too many messages wait for the connection.")
        outgoing = Outgoing(unique_id, thread_id, text, self._clock.seconds(), self._forget)
        queue = self._queues.get(thread_id)
        if queue is None:
            queue = self._queues[thread_id] = _Queue(self._backoff())
        queue.items.append(outgoing)
        if self._oldest is None:
            self._oldest = self._clock.callLater(self._keep, self._expire)
        self._pump(thread_id)
        return outgoing

    def start(self, me: int) -> None:
        """Send the waiting texts on a new connection of this user, those that were pending before first."""
        self.me = me
        self._open = True
        self._silences = 0
        for thread_id, queue in tuple(self._queues.items()):
            self._cancel(queue)
            queue.backoff.reset()
            self._pump(thread_id)

    def stop(self) -> None:
        """Stop sending: there is no connection. The texts are kept for the next one."""
        self._open = False
        for queue in self._queues.values():
            self._cancel(queue)

    def fail(self, reason: BaseException) -> None:
        """Fail all texts with this reason."""
        queues, self._queues = self._queues, {}
        self._rest()
        for queue in queues.values():
            self._cancel(queue)
            for outgoing in queue.items:
                outgoing.settle(reason)

    # one request

    def _pump(self, thread_id: int) -> None:
        queue = self._queues.get(thread_id)
        if queue is None:
            return
        if not queue.items and not queue.busy:
            self._cancel(queue)
            del self._queues[thread_id]
            self._rest()
        if not self._open or queue.busy or queue.timer is not None or not queue.items:
            return
        queue.busy = True
        batch: list[Outgoing] = []
        sent = Deferred.fromCoroutine(self._send(thread_id, queue, batch))
        sent.addCallbacks(
            self._acknowledged, self._refused, (thread_id, queue, batch), {}, (thread_id, queue, batch)
        )
        sent.addErrback(self._broken)

    async def _send(self, thread_id: int, queue: _Queue, batch: list[Outgoing]) -> tuple[TextResponse, int]:
        receiver = await self._receiver(thread_id)
        batch += self._batch(queue, receiver)
        texts = TextRequest(
            text_sender=str(self.me),
            text_receiver=str(receiver),
            thread_id=str(thread_id),
            text_msg=[self._item(outgoing, receiver) for outgoing in batch],
        )
        for outgoing in batch:
            outgoing.sent = True
        return await self._request(texts, TextResponse), receiver

    def _batch(self, queue: _Queue, receiver: int) -> list[Outgoing]:
        batch: list[Outgoing] = []
        size = 0
        for outgoing in queue.items:
            size += len(msgspec.json.encode(self._item(outgoing, receiver))) + 1
            if batch and (outgoing.alone or size > _BATCH_BYTES or len(batch) >= _BATCH):
                break
            batch.append(outgoing)
            if outgoing.alone:
                break
        return batch

    def _item(self, outgoing: Outgoing, receiver: int) -> TextItem:
        return TextItem(
            unique_id=outgoing.unique_id,
            msg_sender=str(self.me),
            msg_receiver=str(receiver),
            msg_content=outgoing.text,
        )

    def _acknowledged(
        self, answer: tuple[TextResponse, int], thread_id: int, queue: _Queue, batch: list[Outgoing]
    ) -> None:
        response, receiver = answer
        queue.busy = False
        self._silences = 0
        verified = {item.unique_id: item for item in response.verified_msg}
        done = [outgoing for outgoing in batch if outgoing.unique_id in verified]
        self._take(queue, done)
        for outgoing in done:
            self._stored_now(outgoing, receiver, verified[outgoing.unique_id])
        if done:
            queue.backoff.reset()
            self._pump(thread_id)
        elif self._queues.get(thread_id) is queue:
            self._later(thread_id, queue)

    def _stored_now(self, outgoing: Outgoing, receiver: int, item: VerifiedText) -> None:
        message = Message(
            id=int(item.msg_id),
            thread_id=int(item.thread_id),
            sender=self.me,
            receiver=receiver,
            text=outgoing.text,
            sent_at=parse_time(item.timestamp),
            mine=True,
            unique_id=outgoing.unique_id,
        )
        self._stored(message, int(item.prev_id))
        outgoing.settle(message)

    def _refused(self, reason: Failure, thread_id: int, queue: _Queue, batch: list[Outgoing]) -> None:
        queue.busy = False
        if self._queues.get(thread_id) is not queue:
            return  # failed in the meantime
        problem = reason.value
        if not queue.items:
            self._pump(thread_id)  # they were withdrawn
            return
        if isinstance(problem, Disconnected):
            return  # the next connection sends them first
        if isinstance(problem, Unavailable):
            self._silences += 1
            if self._silences >= _SILENCES:
                self._stuck()
            else:
                self._pump(thread_id)
            return
        self._silences = 0
        if not isinstance(problem, Refused):
            _log.failure("A text could not be sent.", reason)
            problem = Refused(Status.INTERNAL_ERROR, "The client made a mistake; it is in its log.")
        if problem.status is Status.LOGIN_UNSUCCESSFUL:
            self._stuck()  # there is no session behind this connection any more
        elif problem.status.retryable:  # not the fault of a text, so none fails for it
            self._later(thread_id, queue, problem.retry_after or 0.0)
        else:
            self._blame(problem, thread_id, queue, batch or [queue.items[0]])

    def _blame(self, problem: Refused, thread_id: int, queue: _Queue, batch: list[Outgoing]) -> None:
        """Send each of these texts alone, since at least one was refused; fail one that was sent alone."""
        mistake = problem.status is Status.INTERNAL_ERROR
        if len(batch) > 1:
            for outgoing in batch:
                outgoing.alone = True
        else:
            (outgoing,) = batch
            outgoing.mistakes += mistake
            if not mistake or outgoing.mistakes >= _MISTAKES:
                self._take(queue, batch)
                outgoing.settle(problem)
                mistake = False
        if mistake:
            self._later(thread_id, queue)
        else:
            self._pump(thread_id)

    def _later(self, thread_id: int, queue: _Queue, at_least: float = 0.0) -> None:
        if self._open:
            queue.timer = self._clock.callLater(queue.backoff.next(at_least), self._now, thread_id, queue)

    def _now(self, thread_id: int, queue: _Queue) -> None:
        queue.timer = None
        self._pump(thread_id)

    def _broken(self, reason: Failure) -> None:
        _log.failure("An acknowledgement could not be taken.", reason)
        self._stuck()

    # what is taken out

    def _forget(self, outgoing: Outgoing) -> None:
        queue = self._queues.get(outgoing.thread_id)
        if queue is not None:
            self._take(queue, (outgoing,))
            self._pump(outgoing.thread_id)

    def _expire(self) -> None:
        """Fail the texts that are too old."""
        self._oldest = None
        now = self._clock.seconds()
        for thread_id, queue in tuple(self._queues.items()):
            old = [outgoing for outgoing in queue.items if now - outgoing.since >= self._keep]
            self._take(queue, old)
            for outgoing in old:
                outgoing.settle(
                    Unavailable(Status.NETWORK_ERROR, "The server has not taken the message in time.")
                )
            self._pump(thread_id)
        oldest = min(
            (outgoing.since for queue in self._queues.values() for outgoing in queue.items), default=None
        )
        if oldest is not None and self._oldest is None:
            self._oldest = self._clock.callLater(max(0.0, oldest + self._keep - now), self._expire)

    def _take(self, queue: _Queue, some: Iterable[Outgoing]) -> None:
        taken = set(map(id, some))
        if taken:
            queue.items = deque(outgoing for outgoing in queue.items if id(outgoing) not in taken)

    def _cancel(self, queue: _Queue) -> None:
        if queue.timer is not None:
            queue.timer.cancel()
            queue.timer = None

    def _rest(self) -> None:
        """Cancel the timer of the oldest text if no text waits."""
        if not self._queues and self._oldest is not None:
            self._oldest.cancel()
            self._oldest = None
