"""Who is writing: told to those who are online, and forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from imsys.errors import Refused, Status
from imsys.util.batching import BatchingQueue

if TYPE_CHECKING:
    from imsys.store.presence import PresenceStore

K = TypeVar("K")

EVERY = 3.0
"""Seconds between two times that somebody may say so in a thread."""

LARGE = 10.0
"""Seconds for which it is remembered that a thread has too many members."""

AT_ONCE, WAITING = 100, 2000
"""Threads looked up by one statement, and those that wait for it, at most."""

KEPT = 50_000
"""Users in threads, and large threads, that are remembered, at most."""


class Typing:
    """Decides who hears that somebody writes.

    :param seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float], store: PresenceStore) -> None:
        self._seconds = seconds
        self._said: OrderedDict[tuple[int, int], float] = OrderedDict()
        self._large: OrderedDict[int, float] = OrderedDict()
        self._asking: BatchingQueue[tuple[int, int], Sequence[int] | None] = BatchingQueue(
            store.audiences, most=AT_ONCE, queue=WAITING
        )

    async def audience(self, user: int, thread_id: int) -> Sequence[int]:
        """Return whom to tell that a user writes in a thread; nobody where too many would hear it.

        :raises Refused: RATE_LIMITED (64), the user has just said so; PERMISSION_DENIED (65), NOT_FRIENDS (66),
            BLOCKED (76), MUTED (79), READ_ONLY (80), the user may not write there; SERVER_BUSY (73).
        """
        now = self._seconds()
        key = user, thread_id
        wait = self._said.get(key, float("-inf")) + EVERY - now
        if wait > 0:
            raise Refused(Status.RATE_LIMITED, "That was said a moment ago.", retry_after=wait)
        _keep(self._said, key, now)
        if self._large.get(thread_id, now) > now:
            return ()
        found = await self._asking.add(key)
        if found is None:
            _keep(self._large, thread_id, now + LARGE)
            return ()
        return found


def _keep(some: OrderedDict[K, float], key: K, value: float) -> None:
    some[key] = value
    some.move_to_end(key)
    if len(some) > KEPT:
        some.popitem(last=False)
