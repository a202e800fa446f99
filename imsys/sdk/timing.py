"""The timeouts and intervals of a client."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Timing:
    """A client's timeouts and intervals, in seconds."""

    deadline: float = 10.0
    """For the response to a request; also the upper limit of ``connect`` and ``login``."""
    connect: float = 3.0
    """For connecting to a server, TLS included. Like ``login`` it doubles with each failed round of attempts:
    servers that are merely slow, because all clients come at once, must not get the same work again and
    again."""
    login: float = 4.0
    """For the response to a login."""
    heartbeat: float = 8.0
    """Time without a request after which a heartbeat is sent.

    With ``silence``, an idle client leaves a server 14 s after its last sign of life. A shorter heartbeat
    costs servers more (10,000 idle clients send 1,250 a second; with 5 s, 2,000), and a shorter ``silence``
    would take a bad line for a dead server.
    """
    silence: float = 6.0
    """Time without a byte while a request is pending, after which the connection is aborted."""
    carrying: float = 15.0
    """Like ``silence``, for a connection that transfers a file: a chunk may take that long on a slow line."""
    patience: float = 2.0
    """Time that a message waits for an earlier one before the history is read."""
    mark: float = 1.0
    """Between two ``delivered`` marks of a thread, at least."""
    spread: float = 0.3
    """Before the first attempt after a lost connection, at most (random): thousands of clients lose it at
    once."""
    first_wait: float = 0.5
    """Before the second attempt, at most; it doubles for each later one."""
    longest_wait: float = 5.0
    """Between two attempts, at most."""
    brief: float = 1.0
    """A connection that lasts less counts as a failed attempt."""
    shun: float = 20.0
    """Time for which a server that failed is avoided, if there is another."""
    standing: float = 30.0
    """After a lost connection, friends, live streams and positions are read again within this time
    (random)."""
    save: float = 1.0
    """Between two saves of the seen positions."""
    keep: float = 86400.0
    """Time for which a text is retried while the servers do not accept it; then it fails."""
