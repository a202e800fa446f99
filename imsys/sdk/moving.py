"""Move to another server when the present one asks for it, while its connection stays in use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from automat import TypeMachineBuilder
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused
from imsys.util.backoff import Backoff

_LONGEST = 3600.0
"""Seconds after which a client moves, at most, whatever delay its server asks for."""

_log = Logger()


class _Move(Protocol):
    """The inputs of the state machine."""

    def ask(self, after: float) -> None:
        """The server asks the client to move in so many seconds."""

    def due(self) -> None:
        """The delay is over."""

    def moved(self) -> None:
        """The client is connected to another server."""

    def failed(self, problem: BaseException) -> None:
        """No other server accepts the client now."""

    def end(self) -> None:
        """The connection to move away from has ended."""


@dataclass
class _Actions:
    schedule: Callable[[float], None]
    begin: Callable[[], None]
    again: Callable[[BaseException], None]
    cancel: Callable[[], None]


def _build() -> Callable[[_Actions], _Move]:
    machine = TypeMachineBuilder(_Move, _Actions)

    staying = machine.state("staying")
    asked = machine.state("asked")
    going = machine.state("going")

    def schedule(_: _Move, actions: _Actions, after: float) -> None:
        actions.cancel()
        actions.schedule(after)

    def begin(_: _Move, actions: _Actions) -> None:
        actions.begin()

    def again(_: _Move, actions: _Actions, problem: BaseException) -> None:
        actions.again(problem)

    def cancel(_: _Move, actions: _Actions) -> None:
        actions.cancel()

    staying.upon(_Move.ask).to(asked)(schedule)
    staying.upon(_Move.end).loop().returns(None)
    asked.upon(_Move.ask).loop()(schedule)
    asked.upon(_Move.due).to(going)(begin)
    asked.upon(_Move.end).to(staying)(cancel)
    going.upon(_Move.ask).loop().returns(None)
    going.upon(_Move.moved).to(staying).returns(None)
    going.upon(_Move.failed).to(asked)(again)
    going.upon(_Move.end).to(staying)(cancel)
    for over in (staying, asked):  # a cancelled move may still report its outcome
        over.upon(_Move.moved).loop().returns(None)
        over.upon(_Move.failed).loop().returns(None)
    for deaf in (staying, going):
        deaf.upon(_Move.due).loop().returns(None)
    return machine.build()


_new_move = _build()


class Moving:
    """Moves a client when its server asks for it, with retries while no other server accepts it.

    :param go: moves to another server; fails with :class:`Refused` if that is not possible.
    """

    def __init__(self, clock: IReactorTime, go: Callable[[], Deferred[None]], backoff: Backoff) -> None:
        self._clock = clock
        self._go = go
        self._backoff = backoff
        self._timer: IDelayedCall | None = None
        self._going: Deferred[None] | None = None
        self._move = _new_move(_Actions(self._schedule, self._begin, self._again, self._cancel))

    def ask(self, after: float) -> None:
        """Move in ``after`` seconds, as the server asks."""
        self._backoff.reset()
        self._move.ask(min(max(after, 0.0), _LONGEST))

    def end(self) -> None:
        """Cancel the move: the connection to move away from has ended."""
        self._move.end()

    def _schedule(self, after: float) -> None:
        self._timer = self._clock.callLater(after, self._due)

    def _due(self) -> None:
        self._timer = None
        self._move.due()

    def _begin(self) -> None:
        self._going = self._go()
        self._going.addCallbacks(self._moved, self._failed)

    def _moved(self, _: None) -> None:
        self._going = None
        self._move.moved()

    def _failed(self, reason: Failure) -> None:
        if self._going is None:
            return  # cancelled meanwhile
        self._going = None
        problem = reason.value
        if not isinstance(problem, Refused):
            _log.failure("Moving to another server failed.", reason)
        self._move.failed(problem or ConnectionError())

    def _again(self, problem: BaseException) -> None:
        delay = self._backoff.next()
        _log.info(
            "The server wants to be left, but no other takes the client now: {problem}", problem=problem
        )
        self._schedule(delay)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        going, self._going = self._going, None
        if going is not None:
            going.cancel()
