"""Which reactor our daemons run on, when nobody has said."""

from __future__ import annotations

import sys


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
