"""What waits to be acknowledged: sent in order, thread by thread, until the server has it."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.texts import TextItem, TextRequest, TextResponse, VerifiedText
from imsys.sdk.backoff import Backoff
from imsys.sdk.model import Message, parse_time

_BATCH = 100
"""Texts of one request (wire protocol, section 4)."""
_BATCH_BYTES = 60000
"""Bytes of the texts of one request, so that it fits into a frame."""
_TRIES = 5
"""Answers that blame a fault of the server, after which a text is given up."""

_PASSING = {Status.SERVER_BUSY, Status.RATE_LIMITED}
_FAULTS = {
    Status.NETWORK_ERROR,
    Status.GRPC_ERROR,
    Status.REDIS_UNKNOWN_ERROR,
    Status.MYSQL_INTERNAL_ERROR,
    Status.INTERNAL_ERROR,
}

_log = Logger()


class Outgoing:
    """A text on its way; ``unique_id`` is the same however often it is sent."""

    __slots__ = ("_result", "_waiting", "alone", "text", "thread_id", "unique_id")

    def __init__(self, unique_id: str, thread_id: int, text: str) -> None:
        self.unique_id = unique_id
        self.thread_id = thread_id
        self.text = text
        self.alone = False
        """It was in a request that was refused, and goes by itself, since another text may have been the reason."""
        self._result: Message | BaseException | None = None
        self._waiting: list[Deferred[Message]] = []

    def when_stored(self) -> Deferred[Message]:
        """The message as the server has it; fails with what prevents that. May be asked for any number of times."""
        waiting: Deferred[Message] = Deferred()
        if self._result is None:
            self._waiting.append(waiting)
        else:
            _settle(waiting, self._result)
        return waiting

    def settle(self, result: Message | BaseException) -> None:
        """The server has it, or it is given up."""
        self._result = result
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            _settle(one, result)


def _settle(waiting: Deferred[Message], result: Message | BaseException) -> None:
    if waiting.called:
        return  # who waited has given up
    if isinstance(result, BaseException):
        waiting.errback(result)
    else:
        waiting.callback(result)


@dataclass(slots=True)
class _Queue:
    items: deque[Outgoing] = field(default_factory=deque)
    busy: bool = False
    faults: int = 0
    timer: IDelayedCall | None = None


class Outbox:
    """Texts per thread, one request under way for each, so that a text that must wait holds back those after it.

    :param request: sends a request of a given response type on the present connection.
    :param receiver: tells the other user of a thread (0 for a group).
    :param stored: called with each message that is stored, and the id before it in its thread.
    :param stuck: called when the server did not answer a request in time twice running.
    :param limit: texts that wait at most.
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
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self.me = 0
        self._clock = clock
        self._request = request
        self._receiver = receiver
        self._stored = stored
        self._stuck = stuck
        self._limit = limit
        self._backoffs = backoff
        self._backoff = backoff()
        self._queues: dict[int, _Queue] = {}
        self._open = False
        self._silences = 0

    def __len__(self) -> int:
        return sum(len(queue.items) for queue in self._queues.values())

    def add(self, outgoing: Outgoing) -> None:
        """Take a text. :raises Refused: too many wait."""
        if len(self) >= self._limit:
            raise Refused(Status.SERVER_BUSY, "Too many messages wait for the connection.")
        queue = self._queues.setdefault(outgoing.thread_id, _Queue())
        queue.items.append(outgoing)
        self._pump(outgoing.thread_id)

    def start(self, me: int) -> None:
        """There is a connection of this user: send what waits, what was under way before first."""
        self.me = me
        self._open = True
        self._silences = 0
        self._backoff = self._backoffs()
        for thread_id in tuple(self._queues):
            self._pump(thread_id)

    def stop(self) -> None:
        """There is no connection; texts are kept for the next one."""
        self._open = False
        for queue in self._queues.values():
            if queue.timer is not None and queue.timer.active():
                queue.timer.cancel()
            queue.timer = None

    def fail(self, reason: BaseException) -> None:
        """Give all texts up."""
        queues, self._queues = self._queues, {}
        for queue in queues.values():
            if queue.timer is not None and queue.timer.active():
                queue.timer.cancel()
            for outgoing in queue.items:
                outgoing.settle(reason)

    def _pump(self, thread_id: int) -> None:
        queue = self._queues[thread_id]
        if not self._open or queue.busy or queue.timer is not None:
            return
        if not queue.items:
            del self._queues[thread_id]
            return
        queue.busy = True
        batch: list[Outgoing] = []
        sent = Deferred.fromCoroutine(self._send(thread_id, queue, batch))
        sent.addCallbacks(self._acknowledged, self._refused, (thread_id, queue), {}, (thread_id, queue, batch))
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
        return TextItem(unique_id=outgoing.unique_id, msg_sender=str(self.me), msg_receiver=str(receiver), msg_content=outgoing.text)

    def _acknowledged(self, answer: tuple[TextResponse, int], thread_id: int, queue: _Queue) -> None:
        response, receiver = answer
        queue.busy = False
        self._silences = 0
        verified = {item.unique_id: item for item in response.verified_msg}
        done = [outgoing for outgoing in queue.items if outgoing.unique_id in verified]
        queue.items = deque(outgoing for outgoing in queue.items if outgoing.unique_id not in verified)
        if done:
            queue.faults = 0
            self._backoff.reset()
        for outgoing in done:
            self._stored_now(outgoing, receiver, verified[outgoing.unique_id])
        if not done:
            self._later(thread_id, queue, 0.0)
        elif self._queues.get(thread_id) is queue:
            self._pump(thread_id)

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
            return  # given up in the meantime
        problem = reason.value
        if isinstance(problem, Unavailable) or not isinstance(problem, Refused):
            if self._open:  # the connection is there, but no answer
                self._silences += 1
                if self._silences >= 2:
                    self._stuck()
                else:
                    self._pump(thread_id)
            return
        self._silences = 0
        passing = problem.status in _PASSING
        if passing or (problem.status in _FAULTS and queue.faults < _TRIES - 1):
            queue.faults += 0 if passing else 1
            self._later(thread_id, queue, problem.retry_after or 0.0)
        elif len(batch) > 1:
            for outgoing in batch:
                outgoing.alone = True
            self._pump(thread_id)
        else:
            queue.faults = 0
            batch = batch or [queue.items[0]]
            queue.items.remove(batch[0])
            batch[0].settle(problem)
            self._pump(thread_id)

    def _later(self, thread_id: int, queue: _Queue, at_least: float) -> None:
        if self._open and self._queues.get(thread_id) is queue:
            queue.timer = self._clock.callLater(self._backoff.next(at_least), self._now, thread_id, queue)

    def _now(self, thread_id: int, queue: _Queue) -> None:
        queue.timer = None
        if self._queues.get(thread_id) is queue:
            self._pump(thread_id)

    def _broken(self, reason: Failure) -> None:
        _log.failure("An acknowledgement could not be taken.", reason)
        self._stuck()
