"""Events: any number of handlers may subscribe; they are called in the order of subscription."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.logger import Logger

T = TypeVar("T")

_log = Logger()


class Signal(Generic[T]):
    """One kind of event. An exception of a handler is logged, and the other handlers are still called."""

    def __init__(self) -> None:
        self._handlers: list[Callable[[T], object]] = []

    def subscribe(self, handler: Callable[[T], object]) -> Callable[[], None]:
        """Call ``handler`` for each event from now on; return a function that unsubscribes it."""
        self._handlers.append(handler)

        def unsubscribe() -> None:
            if handler in self._handlers:
                self._handlers.remove(handler)

        return unsubscribe

    def emit(self, event: T) -> None:
        """Call all present handlers with the event."""
        for handler in tuple(self._handlers):
            try:
                handler(event)
            except Exception:
                _log.failure("A handler of an event failed.")
