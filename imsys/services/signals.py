"""Signals of the operating system, beside those that Twisted handles."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any


def on_signal(name: str, react: Callable[[], None]) -> Callable[[], None]:
    """Call ``react`` (not on the reactor) on a signal such as ``SIGHUP``, besides whoever listened before.

    :returns: what ends that. Where there is no such signal, nothing happens.
    """
    number = getattr(signal, name, None)
    if number is None or threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = signal.getsignal(number)

    def handler(received: int, frame: Any) -> None:
        react()
        if callable(before):
            before(received, frame)

    signal.signal(number, handler)

    def restore() -> None:
        if signal.getsignal(number) is handler:
            signal.signal(number, before)

    return restore
