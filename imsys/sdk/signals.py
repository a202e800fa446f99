"""Events: anyone may subscribe, in the order of subscription."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.logger import Logger

T = TypeVar("T")

_log = Logger()


class Signal(Generic[T]):
    """One kind of event. What a handler raises is logged and stops nobody else."""

    def __init__(self) -> None:
        self._handlers: list[Callable[[T], object]] = []

    def subscribe(self, handler: Callable[[T], object]) -> Callable[[], None]:
        """Call ``handler`` for each event from now on; the result ends that."""
        self._handlers.append(handler)

        def unsubscribe() -> None:
            if handler in self._handlers:
                self._handlers.remove(handler)

        return unsubscribe

    def emit(self, event: T) -> None:
        """Call every handler that is subscribed now."""
        for handler in tuple(self._handlers):
            try:
                handler(event)
            except Exception:
                _log.failure("A handler of an event failed.")
