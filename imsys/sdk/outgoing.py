"""A text or a change that is being sent to the server."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from imsys.sdk.changing import Change
from imsys.sdk.model import Forwarded, Mentions
from imsys.util.events import Result

T = TypeVar("T")


class Outgoing(Generic[T]):
    """A text, or a change to a conversation, that is sent until the server has it; ``await`` it for the outcome.

    Each attempt has the same ``unique_id``: it is stored once.
    """

    __slots__ = (
        "_forget",
        "_result",
        "_stored",
        "alone",
        "change",
        "expires",
        "forward",
        "mentions",
        "mistakes",
        "reply_to",
        "sent",
        "since",
        "text",
        "thread_id",
        "unique_id",
    )

    def __init__(
        self,
        unique_id: str,
        thread_id: int,
        text: str,
        since: float,
        forget: Callable[[Outgoing[Any]], None],
        *,
        reply_to: int = 0,
        mentions: Mentions = (),
        forward: Forwarded | None = None,
        expires: int = 0,
        change: Change | None = None,
    ) -> None:
        """``since``: when it was posted, by the outbox's clock; ``forget`` removes it from the outbox."""
        self.unique_id = unique_id
        self.thread_id = thread_id
        self.text = text
        self.reply_to = reply_to
        self.mentions = mentions
        self.forward = forward
        self.expires = expires
        self.change = change
        """What it changes, if it is no text."""
        self.since = since
        self.sent = False
        """Whether it was sent in a request: from then on it may be stored, even if no answer came."""
        self.alone = forward is not None or change is not None
        """Whether it must be sent alone: a request with it was refused, perhaps because of another text."""
        self.mistakes = 0
        """How often the server answered INTERNAL_ERROR (75) when it was sent alone."""
        self._forget = forget
        self._result: Result[T] = Result()
        self._stored = False

    @property
    def settled(self) -> bool:
        """Whether it is stored or has failed."""
        return self._result.settled

    def when_stored(self) -> Deferred[T]:
        """Fire with the message or the entry as stored by the server, or fail with the reason.

        Of a change that changes nothing, since all was so already, there is no entry: it fires with ``None``.
        May be called any number of times.
        """
        return self._result.wait()

    def __await__(self) -> Generator[Any, Any, T]:
        return self.when_stored().__await__()

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

    def settle(self, result: T | BaseException) -> None:
        """Set the outcome, what was stored or the reason of a failure; only the first call counts."""
        if not self.settled:
            self._stored = not isinstance(result, BaseException)
            self._result.settle(Failure(result) if isinstance(result, BaseException) else result)
