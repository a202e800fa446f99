"""Which reactor our daemons run on, when nobody has said."""

from __future__ import annotations

import sys
import time
from typing import Any


def choose_reactor() -> str:
    """Install ours on Linux; elsewhere, or where it does not work, Twisted's choice is left alone.

    To be called before anything imports ``twisted.internet.reactor``, which is
    final. ``twistd --reactor`` has come before, and is respected.

    :returns: why ours does not work here, or nothing.
    """
    if sys.platform != "linux" or "twisted.internet.reactor" in sys.modules:
        return ""
    try:
        from imsys import reactor

        reactor.install()
    except Exception as error:  # another Twisted can break it anywhere, from its first import on
        return f"running on Twisted's own reactor, which is slower, and not on imsys.reactor: {error}"
    return ""


def set_clock(reactor: Any) -> None:
    """Have a reactor of Twisted's go by the monotonic clock, and not by the time of day, which may be set while it runs.

    One that runs, or has timed calls already, keeps the clock that those were made by.
    """
    from twisted.internet.base import ReactorBase

    theirs = isinstance(reactor, ReactorBase) and reactor.seconds is ReactorBase.seconds
    if theirs and not reactor.running and not reactor.getDelayedCalls():
        reactor.seconds = time.monotonic
