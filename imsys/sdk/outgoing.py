"""A text on its way to the server."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred

from imsys.sdk.model import Message


class Outgoing:
    """A text that is sent until the server has it; ``unique_id`` is the same however often, so it is stored once."""

    __slots__ = ("_forget", "_result", "_waiting", "alone", "mistakes", "sent", "since", "text", "thread_id", "unique_id")

    def __init__(self, unique_id: str, thread_id: int, text: str, since: float, forget: Callable[[Outgoing], None]) -> None:
        """``since`` is when it was posted, by the clock of the outbox; ``forget`` has it sent no more."""
        self.unique_id = unique_id
        self.thread_id = thread_id
        self.text = text
        self.since = since
        self.sent = False
        """Whether it was in a request: from then on it may be stored, whatever became of the answer."""
        self.alone = False
        """It was in a request that was refused, and goes by itself, since another text may have been the reason."""
        self.mistakes = 0
        """How often the server made a mistake of its own (75) when it was sent alone."""
        self._forget = forget
        self._result: Message | BaseException | None = None
        self._waiting: list[Deferred[Message]] = []

    @property
    def settled(self) -> bool:
        """Whether the server has it, or it is given up."""
        return self._result is not None

    def when_stored(self) -> Deferred[Message]:
        """The message as the server has it; fails with what prevents that. May be asked for any number of times."""
        waiting: Deferred[Message] = Deferred()
        if self._result is None:
            self._waiting.append(waiting)
        else:
            _settle(waiting, self._result)
        return waiting

    def withdraw(self) -> bool:
        """Send it no more; :meth:`when_stored` fails with ``CancelledError``, unless the outcome is known already.

        :returns: whether nobody will ever see it: it was never sent. Else it may have been stored, with an answer that was lost
            or is still on its way; then it is in the thread like any other, and ``on_sent`` tells of it.
        """
        if not self.settled:
            self._forget(self)
            self.settle(CancelledError())
        return not self.sent and not isinstance(self._result, Message)

    def settle(self, result: Message | BaseException) -> None:
        """The server has it, or it is given up; what comes later changes nothing."""
        if self._result is not None:
            return
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
