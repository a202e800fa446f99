"""A text on its way to the server."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from imsys.sdk.model import Message
from imsys.util.events import Result


class Outgoing:
    """A text that is sent until the server has it; ``unique_id`` is the same however often, so it is stored once."""

    __slots__ = ("_forget", "_result", "_stored", "alone", "mistakes", "sent", "since", "text", "thread_id", "unique_id")

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
        self._result: Result[Message] = Result()
        self._stored = False

    @property
    def settled(self) -> bool:
        """Whether the server has it, or it is given up."""
        return self._result.settled

    def when_stored(self) -> Deferred[Message]:
        """The message as the server has it; fails with what prevents that. May be asked for any number of times."""
        return self._result.wait()

    def withdraw(self) -> bool:
        """Send it no more; :meth:`when_stored` fails with ``CancelledError``, unless the outcome is known already.

        :returns: whether nobody will ever see it: it was never sent. Else it may have been stored, with an answer that was lost
            or is still on its way; then it is in the thread like any other, and ``on_sent`` tells of it.
        """
        if not self.settled:
            self._forget(self)
            self.settle(CancelledError())
        return not self.sent and not self._stored

    def settle(self, result: Message | BaseException) -> None:
        """The server has it, or it is given up; what comes later changes nothing."""
        if not self.settled:
            self._stored = isinstance(result, Message)
            self._result.settle(Failure(result) if isinstance(result, BaseException) else result)
