"""Incoming messages and entries by thread: delivered in order, held back for a missing one, which is then pulled."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imsys.sdk.entries import Logged
from imsys.sdk.ordering import Line
from imsys.sdk.seen import Seen

_EARLY_LIMIT = 1000
"""Live messages kept, at most, until the first catch-up has told where each thread stands."""


class Inbox:
    """Orders what comes of all threads, each with a :class:`Line`.

    :param deliver: called once with each message and entry, in the order of its thread.
    :param pull: asks for a thread's history after the last message of its line.
    :param patience: seconds that a message waits for an earlier one before its thread is pulled.
    """

    def __init__(
        self,
        clock: IReactorTime,
        deliver: Callable[[Logged], None],
        pull: Callable[[int], None],
        *,
        patience: float = 2.0,
    ) -> None:
        self.since = 0
        self.behind: set[int] = set()
        """Threads that are known to lack messages and have not been read to their end yet."""
        self.room: Callable[[], bool] = lambda: True
        """Returns whether the application can take more now."""
        self._clock = clock
        self._deliver = deliver
        self._pull = pull
        self._patience = patience
        self._lines: dict[int, Line] = {}
        self._timers: dict[int, IDelayedCall] = {}
        self._early: list[tuple[Logged, int]] = []
        self.settled = False
        """Whether the threads of the first login are known; one that appears later is delivered whole."""

    def restore(self, seen: Seen) -> None:
        """Continue where an earlier client stopped."""
        self.since = seen.since
        self._lines = {thread_id: Line(last) for thread_id, last in seen.threads.items()}
        self.settled = True

    def head(self, thread_id: int, last: int) -> bool:
        """Note the newest id of a thread; return whether the thread must be pulled."""
        line = self._lines.get(thread_id)
        if line is None and not self.settled:
            self._lines[thread_id] = Line(last, history=True)
            return False
        return line is None or line.last < last

    def settle(self) -> None:
        """Note that all threads are known, and process the messages that came before that."""
        self.settled = True
        early, self._early = self._early, []
        for item, previous in sorted(early, key=lambda pair: pair[0].id):
            self.live(item, previous)

    def line(self, thread_id: int) -> Line:
        """Return the line of a thread; make it if there is none."""
        line = self._lines.get(thread_id)
        if line is None:
            line = self._lines[thread_id] = Line(0)
        return line

    def knows(self, thread_id: int) -> bool:
        """Whether it is known from where on a thread is this user's; it is not while nothing of it was delivered."""
        line = self._lines.get(thread_id)
        return line is not None and line.last > 0

    def knows_before(self, thread_id: int, entry_id: int) -> bool:
        """Whether a thread is known, and nothing of it after this entry was delivered."""
        line = self._lines.get(thread_id)
        return line is not None and line.last <= entry_id

    def forget(self, thread_id: int) -> None:
        """Note that a thread is this user's no more: if it is once again, it begins then."""
        self._forget_timer(thread_id)
        self._lines.pop(thread_id, None)
        self.behind.discard(thread_id)

    def begin(self, thread_id: int, last: int) -> None:
        """Note that a thread is this user's from the entry after ``last`` on: what was before is its history."""
        line = self._lines.get(thread_id)
        if self.settled and (line is None or line.last < last):
            self._forget_timer(thread_id)
            self._lines[thread_id] = Line(last)

    def positions(self) -> dict[int, int]:
        """Return the id up to which each thread has been delivered."""
        return {thread_id: line.last for thread_id, line in self._lines.items()}

    def live(self, item: Logged, previous: int) -> None:
        """Process a message or entry that was pushed; ``previous`` is the id before it in its thread."""
        if not self.settled and item.thread_id not in self._lines:
            if len(self._early) < _EARLY_LIMIT:
                self._early.append((item, previous))
            return
        if not self.room():
            self.behind.add(item.thread_id)
            return
        line = self.line(item.thread_id)
        self._through(line.live(item, previous))
        if line.overflowed:
            self._forget_timer(item.thread_id)
            self._pull(item.thread_id)
        elif line.held and item.thread_id not in self._timers:
            self._timers[item.thread_id] = self._clock.callLater(
                self._patience, self._missing, item.thread_id
            )
        elif not line.held:
            self._forget_timer(item.thread_id)

    def page(self, thread_id: int, after: int, records: Iterable[Logged]) -> None:
        """Process a page of the history that begins after an id."""
        self._through(self.line(thread_id).page(after, tuple(records)))

    def end_pull(self, thread_id: int, number: int) -> None:
        """Note that the history of a thread has been read to its end."""
        line = self.line(thread_id)
        self._through(line.end_pull(number))
        if not line.held:
            self._forget_timer(thread_id)

    def stop(self) -> None:
        """Stop waiting for missing messages; the lines are kept."""
        for thread_id in tuple(self._timers):
            self._forget_timer(thread_id)

    def _through(self, items: Iterable[Logged]) -> None:
        for item in items:
            self._deliver(item)

    def _missing(self, thread_id: int) -> None:
        del self._timers[thread_id]
        if self.line(thread_id).held:
            self._pull(thread_id)

    def _forget_timer(self, thread_id: int) -> None:
        timer = self._timers.pop(thread_id, None)
        if timer is not None:
            timer.cancel()
