"""The outbox: texts and changes are sent in order, thread by thread, until the server acknowledges them."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.records import RecordsRequest, RecordsResponse
from imsys.protocols.messages.texts import Forward, TextItem, TextRequest, TextResponse, VerifiedText
from imsys.sdk.changing import Change, mentioning
from imsys.sdk.connection import Disconnected
from imsys.sdk.entries import Entry, Logged
from imsys.sdk.model import Forwarded, Mentions, Message, parse_time, recorded
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

T = TypeVar("T")


@dataclass(slots=True)
class _Queue:
    """What waits for one thread; at most one request or one wait is pending."""

    backoff: Backoff
    items: deque[Outgoing[Any]] = field(default_factory=deque)
    busy: bool = False
    timer: IDelayedCall | None = None


class _Taken(NamedTuple):
    """What the server has of one: the message, or the entry of a change, and the id before it in its thread."""

    outgoing: Outgoing[Any]
    item: Logged | None
    previous: int


class Outbox:
    """Sends texts and changes, with one pending request per thread: what must wait delays only its own thread.

    :param request: sends a request on the present connection and expects a given response type.
    :param receiver: returns the other user of a thread (0 for a group).
    :param stored: called with each message or entry that is stored, and the id before it in its thread.
    :param stuck: called when the connection exists but is of no use.
    :param limit: texts and changes that wait, at most.
    :param keep: seconds after which one fails.
    """

    def __init__(
        self,
        clock: IReactorTime,
        request: Callable[..., Deferred[Any]],
        receiver: Callable[[int], Awaitable[int]],
        stored: Callable[[Logged, int], None],
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

    def post(
        self,
        unique_id: str,
        thread_id: int,
        text: str,
        *,
        reply_to: int = 0,
        mentions: Mentions = (),
        forward: Forwarded | None = None,
        expires: int = 0,
    ) -> Outgoing[Message]:
        """Queue a text. :raises Refused: SERVER_BUSY (73), too many wait."""
        more: dict[str, Any] = {
            "reply_to": reply_to,
            "mentions": mentions,
            "forward": forward,
            "expires": expires,
        }
        return self._queue(Outgoing(unique_id, thread_id, text, self._clock.seconds(), self._forget, **more))

    def change(self, thread_id: int, change: Change) -> Outgoing[Entry | None]:
        """Queue a change. :raises Refused: SERVER_BUSY (73), too many wait."""
        unique_id = change.request.unique_id
        return self._queue(
            Outgoing(unique_id, thread_id, "", self._clock.seconds(), self._forget, change=change)
        )

    def _queue(self, outgoing: Outgoing[T]) -> Outgoing[T]:
        if len(self) >= self._limit:
            raise Refused(Status.SERVER_BUSY, "Too many messages wait for the connection.")
        thread_id = outgoing.thread_id
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
        batch: list[Outgoing[Any]] = []
        sent = Deferred.fromCoroutine(self._send(thread_id, queue, batch))
        sent.addCallbacks(
            self._acknowledged, self._refused, (thread_id, queue, batch), {}, (thread_id, queue, batch)
        )
        sent.addErrback(self._broken)

    async def _send(self, thread_id: int, queue: _Queue, batch: list[Outgoing[Any]]) -> list[_Taken]:
        """Send what comes next; ``batch`` gets what that is."""
        change = queue.items[0].change
        if change is not None:
            batch.append(queue.items[0])
            batch[0].sent = True
            answer = await self._request(change.request, change.reply)
            return [_Taken(batch[0], change.stored(answer, self.me), int(answer.prev_id))]
        receiver = await self._receiver(thread_id)
        batch += self._batch(queue, receiver)
        if not batch:
            return []  # they were withdrawn
        texts = TextRequest(
            text_sender=str(self.me),
            text_receiver=str(receiver),
            thread_id=str(thread_id),
            text_msg=[self._item(outgoing, receiver) for outgoing in batch],
        )
        for outgoing in batch:
            outgoing.sent = True
        response: TextResponse = await self._request(texts, TextResponse)
        verified = {item.unique_id: item for item in response.verified_msg}
        return [
            _Taken(outgoing, await self._message(outgoing, receiver, item), int(item.prev_id))
            for outgoing in batch
            if (item := verified.get(outgoing.unique_id)) is not None
        ]

    def _batch(self, queue: _Queue, receiver: int) -> list[Outgoing[Any]]:
        batch: list[Outgoing[Any]] = []
        size = 0
        for outgoing in queue.items:
            if outgoing.change is not None:
                break
            size += len(msgspec.json.encode(self._item(outgoing, receiver))) + 1
            if batch and (outgoing.alone or size > _BATCH_BYTES or len(batch) >= _BATCH):
                break
            batch.append(outgoing)
            if outgoing.alone:
                break
        return batch

    def _item(self, outgoing: Outgoing[Any], receiver: int) -> TextItem:
        forward = outgoing.forward
        return TextItem(
            unique_id=outgoing.unique_id,
            msg_sender=str(self.me),
            msg_receiver=str(receiver),
            msg_content=outgoing.text,
            reply_to=str(outgoing.reply_to) if outgoing.reply_to else UNSET,
            mentions=mentioning(outgoing.mentions),
            expires=outgoing.expires or UNSET,
            forward=UNSET
            if forward is None
            else Forward(thread_id=str(forward.thread_id), msg_id=str(forward.message_id)),
        )

    def _acknowledged(
        self, taken: list[_Taken], thread_id: int, queue: _Queue, batch: list[Outgoing[Any]]
    ) -> None:
        queue.busy = False
        self._silences = 0
        self._take(queue, [one.outgoing for one in taken])
        for outgoing, item, previous in taken:
            if item is not None:
                self._stored(item, previous)
            outgoing.settle(item)
        if taken or not batch:
            queue.backoff.reset()
            self._pump(thread_id)
        elif self._queues.get(thread_id) is queue:
            self._later(thread_id, queue)

    async def _message(self, outgoing: Outgoing[Any], receiver: int, item: VerifiedText) -> Message:
        """Return a text as the server has stored it. Of one that is forwarded only the server knows the words."""
        if outgoing.forward is not None:
            request = RecordsRequest(
                thread_id=item.thread_id, msg_id=str(int(item.msg_id) - 1), limit=1, details=True
            )
            try:
                page: RecordsResponse = await self._request(request, RecordsResponse)
            except Refused as refused:
                if isinstance(refused, Unavailable) or refused.status.retryable:
                    raise  # sent again, it is acknowledged again
            else:
                for record in page.chat_messages:
                    if record.msg_id == item.msg_id:
                        return recorded(record, self.me, int(page.as_of or 0))
        sent_at = parse_time(item.timestamp)
        expires = item.expires or outgoing.expires  # a server of an earlier version does not say
        return Message(
            id=int(item.msg_id),
            thread_id=int(item.thread_id),
            sender=self.me,
            receiver=receiver,
            text=outgoing.text,
            sent_at=sent_at,
            mine=True,
            unique_id=outgoing.unique_id,
            reply_to=outgoing.reply_to,
            mentions=outgoing.mentions,
            forward=outgoing.forward,
            expires_at=sent_at + timedelta(seconds=expires) if expires else None,
            as_of=int(item.msg_id),
        )

    def _refused(self, reason: Failure, thread_id: int, queue: _Queue, batch: list[Outgoing[Any]]) -> None:
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

    def _blame(self, problem: Refused, thread_id: int, queue: _Queue, batch: list[Outgoing[Any]]) -> None:
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

    def _forget(self, outgoing: Outgoing[Any]) -> None:
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

    def _take(self, queue: _Queue, some: Iterable[Outgoing[Any]]) -> None:
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
