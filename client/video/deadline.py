"""Something that has to happen again and again, or else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall


class Deadline:
    """Calls when nobody has moved it on for so long.

    :param late: what is called then.
    """

    def __init__(self, reactor: Any, late: Callable[[], object]) -> None:
        self._reactor = reactor
        self._late = late
        self._call: IDelayedCall | None = None

    def expect(self, seconds: float) -> None:
        """From now on it is so many seconds away."""
        if self._call is not None and self._call.active():
            self._call.reset(seconds)
        else:
            self._call = self._reactor.callLater(seconds, self._late)

    def cancel(self) -> None:
        """Nothing is expected any more."""
        if self._call is not None and self._call.active():
            self._call.cancel()
