"""How long a client waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds."""

    deadline: float = 10.0
    """For a request to be answered; also the most that ``connect`` and ``login`` grow to."""
    connect: float = 3.0
    """For a connection to a server, TLS included. Like ``login`` it doubles with each round of attempts that failed:
    servers that are only slow, since everybody comes at once, must not be asked for the same again and again."""
    login: float = 4.0
    """For a login to be answered."""
    heartbeat: float = 8.0
    """Without a request, after which a heartbeat is sent.

    With ``silence`` it makes 14 s from a server's last sign of life until an idle client leaves it. A shorter one costs
    servers more (10,000 idle clients send 1,250 heartbeats a second; with 5 s, 2,000), and a shorter ``silence`` would take
    a bad line for a dead server."""
    silence: float = 6.0
    """Without a byte from a server that owes an answer, after which the connection is given up."""
    carrying: float = 15.0
    """The same for a connection that carries a file: a chunk may take that long on a slow line."""
    patience: float = 2.0
    """That a message waits for an earlier one before the history is read."""
    mark: float = 1.0
    """Between two ``delivered`` marks of a thread."""
    spread: float = 0.3
    """Before the first attempt after a connection was lost, at most: a server has thousands of clients, and all lose it at once."""
    first_wait: float = 0.5
    """Before the second attempt, at most; the next waits double."""
    longest_wait: float = 5.0
    """Between two attempts, at most."""
    brief: float = 1.0
    """That a connection must last not to count as an attempt that failed."""
    shun: float = 20.0
    """That a server which failed is not gone to, if there is another."""
    standing: float = 30.0
    """Over which, at random, friends, live streams and marks are read again after the connection was lost."""
    save: float = 1.0
    """Between two times that what was seen is saved."""
    keep: float = 86400.0
    """For which a text is sent again and again while the servers do not take it; then it fails."""
