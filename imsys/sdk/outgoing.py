"""A text that is being sent to the server."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from imsys.sdk.model import Message
from imsys.util.events import Result


class Outgoing:
    """A text that is sent until the server has it.

    Each attempt has the same ``unique_id``: it is stored once.
    """

    __slots__ = (
        "_forget",
        "_result",
        "_stored",
        "alone",
        "mistakes",
        "sent",
        "since",
        "text",
        "thread_id",
        "unique_id",
    )

    def __init__(
        self, unique_id: str, thread_id: int, text: str, since: float, forget: Callable[[Outgoing], None]
    ) -> None:
        """``since``: when it was posted, by the outbox's clock; ``forget`` removes it from the outbox."""
        self.unique_id = unique_id
        self.thread_id = thread_id
        self.text = text
        self.since = since
        self.sent = False
        """Whether it was sent in a request: from then on it may be stored, even if no answer came."""
        self.alone = False
        """Whether it must be sent alone: a request with it was refused, perhaps because of another text."""
        self.mistakes = 0
        """How often the server answered INTERNAL_ERROR (75) when it was sent alone."""
        self._forget = forget
        self._result: Result[Message] = Result()
        self._stored = False

    @property
    def settled(self) -> bool:
        """Whether it is stored or has failed."""
        return self._result.settled

    def when_stored(self) -> Deferred[Message]:
        """Fire with the message as stored by the server, or fail with the reason.

        May be called any number of times.
        """
        return self._result.wait()

    def withdraw(self) -> bool:
        """Stop sending it; :meth:`when_stored` fails with ``CancelledError``, unless it has an outcome.

        :returns: whether it was never sent, so that nobody will ever see it. Otherwise it may be stored
            although the answer was lost or is still to come; then it is in the thread like any other, and
            ``on_sent`` tells of it.
        """
        if not self.settled:
            self._forget(self)
            self.settle(CancelledError())
        return not self.sent and not self._stored

    def settle(self, result: Message | BaseException) -> None:
        """Set the outcome, a stored message or the reason of a failure; only the first call counts."""
        if not self.settled:
            self._stored = isinstance(result, Message)
            self._result.settle(Failure(result) if isinstance(result, BaseException) else result)
