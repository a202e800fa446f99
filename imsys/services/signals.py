"""Handle signals of the operating system besides those that Twisted handles."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any


def on_signal(name: str, react: Callable[[], None], *, alone: bool = False) -> Callable[[], None]:
    """Call ``react`` (not on the reactor) on a signal such as ``SIGHUP``, in addition to the former handler.

    :param alone: replace the former handler.
    :returns: a function that restores it. If the system has no such signal, nothing happens.
    """
    number = getattr(signal, name, None)
    if number is None or threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = signal.getsignal(number)

    def handler(received: int, frame: Any) -> None:
        react()
        if callable(before) and not alone:
            before(received, frame)

    signal.signal(number, handler)

    def restore() -> None:
        if signal.getsignal(number) is handler:
            signal.signal(number, before)

    return restore


def while_stopping(reactor: Any, hurry: Callable[[], None]) -> Callable[[], None]:
    """Call ``hurry`` on the reactor if the process is told to end again while it is stopping.

    Twisted would treat the second signal as an error.

    :returns: a function that restores the former handlers.
    """
    restore = [
        on_signal(name, lambda: reactor.callFromThread(hurry), alone=True) for name in ("SIGTERM", "SIGINT")
    ]

    def end() -> None:
        for one in restore:
            one()

    return end
