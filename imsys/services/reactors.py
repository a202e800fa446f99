"""Choose the reactor of the daemons."""

from __future__ import annotations

import sys
import time
from typing import Any


def choose_reactor() -> str:
    """Install our reactor on Linux; elsewhere, or if it does not work, keep Twisted's choice.

    It must be called before anything imports ``twisted.internet.reactor``. ``twistd --reactor`` takes
    precedence.

    :returns: why ours does not work here, or an empty text.
    """
    if sys.platform != "linux" or "twisted.internet.reactor" in sys.modules:
        return ""
    try:
        from imsys import reactor

        reactor.install()
    except Exception as error:  # another version of Twisted may break it anywhere, even at import
        return f"running on Twisted's own reactor, which is slower, and not on imsys.reactor: {error}"
    return ""


def set_clock(reactor: Any) -> None:
    """Switch a reactor of Twisted's to the monotonic clock, since the time of day may be set while it runs.

    A reactor that runs, or has timed calls already, keeps its clock.
    """
    from twisted.internet.base import ReactorBase

    theirs = isinstance(reactor, ReactorBase) and reactor.seconds is ReactorBase.seconds
    if theirs and not reactor.running and not reactor.getDelayedCalls():
        reactor.seconds = time.monotonic
