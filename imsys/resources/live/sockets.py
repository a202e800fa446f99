"""What the kernel is told of a player's connection."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

UNSENT = 1 << 18
"""Bytes that the kernel keeps for a player before they are sent.

Left to itself it keeps up to some megabytes, so that a player would be found to be behind many seconds late,
and would see all of them before it went on with a key frame.
"""


def keep_little(transport: Any) -> None:
    """Have the kernel keep :data:`UNSENT` bytes at most that are not on their way, where it can be told so."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is not None:
        with contextlib.suppress(OSError, AttributeError):  # it is closed already; or not a socket at all
            transport.getHandle().setsockopt(socket.IPPROTO_TCP, option, UNSENT)
