"""Finding out that a peer has gone while nobody read from its connection.

What a peer sent before it gave up can still be read: a server that was frozen
finds requests of people who are elsewhere by now. The kernel knows better, since
it went on answering.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

_ESTABLISHED = 1
"""The state of a connection that neither side has ended (``TCP_ESTABLISHED`` in Linux's ``tcp_states.h``)."""


def deserted(transport: Any) -> bool:
    """Return whether the peer has closed or reset its connection, even if it left bytes that were not read.

    Linux tells both, other systems only the reset. A transport that has no socket is not deserted.
    """
    connection = getattr(transport, "socket", None)
    if connection is None:
        return False
    try:
        if sys.platform == "linux":  # the state is the first byte of struct tcp_info
            return bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _ESTABLISHED)
        return bool(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    except OSError:  # no TCP, or closed already, of which the protocol hears by itself
        return False
