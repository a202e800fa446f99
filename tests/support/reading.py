"""Whether a server reads from a client, as the reactor has it."""

from __future__ import annotations

from typing import Any

from twisted.internet.tcp import Connection


def is_read(reactor: Any, client: Any) -> bool:
    """Whether the server's end of a TCP connection is read from, where both ends are in this process.

    :param client: a protocol that is connected to it.
    """
    ours = client.transport.getHost().port
    return any(
        isinstance(reader, Connection) and getattr(reader.getPeer(), "port", None) == ours
        for reader in reactor.getReaders()
    )
