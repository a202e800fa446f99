"""What a chat is doing: things under way, and things that come and have their turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from imsys.cli.names import Names
from imsys.errors import Refused
from imsys.sdk import explain

T = TypeVar("T")


class Tasks:
    """What commands of a chat have under way, each on its own.

    :param notice: shows why one failed.
    :param calm: called when one has ended.
    """

    def __init__(self, notice: Callable[[str], None], calm: Callable[[], None]) -> None:
        self._notice = notice
        self._calm = calm
        self.pending = 0
        """How many have not ended."""

    def begin(self, work: Awaitable[Any], failed: str = "") -> None:
        """Follow one to its end; ``failed`` comes before the reason if it fails."""

        async def whole() -> None:
            await work

        def ended(result: Any) -> None:
            self.pending -= 1
            if isinstance(result, Failure) and not result.check(CancelledError):
                assert result.value is not None
                self._notice(f"{failed}: {explain(result.value)}" if failed else explain(result.value))
            self._calm()

        self.pending += 1
        Deferred.fromCoroutine(whole()).addBoth(ended)


class Arrivals(Generic[T]):
    """What comes is handled in its order, and at once, unless names of users have to be asked for first.

    :param users: returns the users of whom an item speaks.
    """

    def __init__(
        self, names: Names, users: Callable[[T], Iterable[int]], handle: Callable[[T], None]
    ) -> None:
        self._names = names
        self._users = users
        self._handle = handle
        self._waiting: deque[T] = deque()
        self._busy = False

    def take(self, item: T) -> None:
        """Take the next one."""
        self._waiting.append(item)
        if not self._busy:
            self._busy = True
            Deferred.fromCoroutine(self._work()).addErrback(_given_up)

    async def _work(self) -> None:
        try:
            while self._waiting:
                item = self._waiting[0]
                users = self._names.unknown(self._users(item))
                if users:
                    with suppress(Refused):  # then they are shown without a name
                        await self._names.load(users)
                self._waiting.popleft()
                self._handle(item)
        finally:
            self._busy = False


def _given_up(reason: Failure) -> None:
    reason.trap(CancelledError)
