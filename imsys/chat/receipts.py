"""Tell the members of a group how far others have read: gathered, once a second and group."""

from __future__ import annotations

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.chat.outbound import Outbound
from imsys.chat.views import positions_push
from imsys.protocols.messages.registry import service_id
from imsys.protocols.messages.threads import PositionPush
from imsys.server.dispatch import frame
from imsys.store.threads import Mark
from imsys.util.background import run_in_background

_log = Logger()

PUSH = service_id(PositionPush)

EVERY = 1.0
"""Seconds between two pushes of positions to a group, at least."""

GROUPS = 10_000
"""Groups that are told of at once, at most; in further ones nobody is told."""


class Receipts(Service):
    """Tells groups of positions. The first is told at once, those that follow within a second together."""

    def __init__(self, clock: IReactorTime, outbound: Outbound) -> None:
        self._clock = clock
        self._outbound = outbound
        self._gathered: dict[int, tuple[int, dict[int, Mark]]] = {}
        self._calls: dict[int, IDelayedCall] = {}

    def add(self, mark: Mark, version: int) -> None:
        """Tell the members of a group of one's marks; ``version`` is that of their list."""
        thread_id = mark.thread_id
        if thread_id in self._calls:
            _, marks = self._gathered.get(thread_id, (0, {}))
            marks[mark.user] = mark
            self._gathered[thread_id] = version, marks
        elif len(self._calls) < GROUPS and self.running:
            self._calls[thread_id] = self._clock.callLater(EVERY, self._next, thread_id)
            self._tell(thread_id, version, [mark])

    def stopService(self) -> None:
        """Tell nothing more."""
        super().stopService()
        for call in self._calls.values():
            call.cancel()
        self._calls.clear()
        self._gathered.clear()

    def _next(self, thread_id: int) -> None:
        gathered = self._gathered.pop(thread_id, None)
        if gathered is None:
            del self._calls[thread_id]
            return
        self._calls[thread_id] = self._clock.callLater(EVERY, self._next, thread_id)
        self._tell(thread_id, gathered[0], list(gathered[1].values()))

    def _tell(self, thread_id: int, version: int, marks: list[Mark]) -> None:
        push = frame(PUSH, positions_push(marks))
        run_in_background(
            self._outbound.tell_group(thread_id, version, push),
            _log,
            "the positions of a group were not told",
        )
