"""Tell the other members up to which message a thread was delivered here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.threads import PositionRequest, PositionResponse

_log = Logger()


class Receipts:
    """Sends ``delivered`` marks, at most one per thread in ``interval`` seconds; unsent ones are kept.

    :param request: sends a request on the present connection and expects a given response type.
    """

    def __init__(
        self, clock: IReactorTime, request: Callable[..., Deferred[Any]], interval: float = 1.0
    ) -> None:
        self._clock = clock
        self._request = request
        self._interval = interval
        self._wanted: dict[int, int] = {}  # thread -> the id up to which it has arrived, not told yet
        self._timers: dict[int, IDelayedCall] = {}  # thread -> the end of its present interval
        self._open = False

    def delivered(self, thread_id: int, message_id: int) -> None:
        """Record that a thread was delivered up to this message, and send the mark."""
        self._wanted[thread_id] = max(message_id, self._wanted.get(thread_id, 0))
        if self._open and thread_id not in self._timers:
            self._send(thread_id)

    def told(self, thread_id: int, message_id: int) -> None:
        """Drop a pending mark that another one (``read``) makes unnecessary."""
        if self._wanted.get(thread_id, message_id + 1) <= message_id:
            del self._wanted[thread_id]

    def start(self) -> None:
        """Send the pending marks: there is a connection."""
        self._open = True
        for thread_id in tuple(self._wanted):
            if thread_id not in self._timers:
                self._send(thread_id)

    def stop(self) -> None:
        """Stop sending: there is no connection. The marks are kept for the next one."""
        self._open = False
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _send(self, thread_id: int) -> None:
        delivered = self._wanted.pop(thread_id)
        self._timers[thread_id] = self._clock.callLater(self._interval, self._again, thread_id)
        sent = self._request(
            PositionRequest(thread_id=str(thread_id), delivered=str(delivered)), PositionResponse
        )
        sent.addErrback(self._failed, thread_id, delivered)

    def _again(self, thread_id: int) -> None:
        del self._timers[thread_id]
        if thread_id in self._wanted:
            self._send(thread_id)

    def _failed(self, reason: Failure, thread_id: int, delivered: int) -> None:
        _log.debug("A mark could not be told: {reason}", reason=reason.value)
        problem = reason.value
        if not isinstance(problem, Refused):
            return
        # it may not be stored; or it is, but the other members were not told
        if (
            isinstance(problem, Unavailable)
            or problem.status.retryable
            or problem.status is Status.INTERNAL_ERROR
        ):
            self._wanted[thread_id] = max(delivered, self._wanted.get(thread_id, 0))
