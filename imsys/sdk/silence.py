"""Detect that a server has fallen silent while a request is pending."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Vigil:
    """Watches a connection while a request is pending.

    After half of ``patience`` without a byte it sends a probe, which a server answers at once even if it is
    busy; after the other half it gives up. No timer runs while nothing is pending.

    :param patience: seconds without a byte.
    :param probe: sends the probe.
    :param give_up: called once, when the server has not answered the probe.
    """

    def __init__(
        self, clock: IReactorTime, patience: float, probe: Callable[[], None], give_up: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._half = patience / 2
        self._probe = probe
        self._give_up = give_up
        self._owed: float | None = None  # since when an answer is owed and nothing was heard
        self._probed = 0.0
        self._timer: IDelayedCall | None = None
        self._due = 0.0
        self._lenient = True
        self._ended = False

    def asked(self) -> None:
        """Start watching: a request was sent."""
        if self._owed is None:
            self._owed = self._clock.seconds()
        if self._timer is None and not self._ended:
            self._in(self._half, self._look)

    def heard(self, owed: bool) -> None:
        """Note that bytes were received; ``owed`` tells whether requests are still pending."""
        self._owed = self._clock.seconds() if owed else None

    def end(self) -> None:
        """Stop watching."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _in(self, seconds: float, call: Callable[[], None]) -> None:
        self._due = self._clock.seconds() + seconds
        self._timer = self._clock.callLater(seconds, call)

    def _look(self) -> None:
        self._timer = None
        if self._owed is None:
            return
        quiet = self._clock.seconds() - self._owed
        if quiet < self._half:
            self._in(self._half - quiet, self._look)
            return
        self._probed = self._clock.seconds()
        self._lenient = True
        self._in(self._half, self._judge)
        self._probe()

    def _judge(self) -> None:
        self._timer = None
        if self._owed is None or self._owed >= self._probed:
            self._look()
        elif self._lenient and self._clock.seconds() - self._due > self._half / 4:
            # this program itself was busy: bytes may have arrived that it has not read yet
            self._lenient = False
            self._in(self._half, self._judge)
        else:
            self._ended = True
            self._give_up()
