"""The tasks and results of load processes: one line of JSON each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import msgspec

User = tuple[int, str, str, int, int, int]
"""``uuid, token, host, port, peer, thread``, as in the file of 'imsys-bench users'.

The two of a pair stand together.
"""

PER_SOURCE = 10_000
"""Connections from one address, at most."""


class Chat(msgspec.Struct, kw_only=True, tag="chat"):
    """Both members of each pair send texts to the other; times are seconds."""

    run: str
    window: int
    size: int
    warmup: float
    time: float
    drain: float
    oneway: bool = False
    rate: float = 0.0
    """Texts a second of this process, sent on schedule whatever the answers; 0: the next one when one is
    acknowledged.
    """
    fates: bool = False
    """Whether the result tells what became of each text."""


class Speak(msgspec.Struct, kw_only=True, tag="speak"):
    """One of each group sends texts to all the others of it who are here; times are seconds."""

    run: str
    together: int
    """Users of a group, who stand together."""
    size: int
    window: int
    """Texts of a group that have not come to everybody."""
    rate: float
    """Texts a second of this process, on schedule; 0: the next one when one has come to everybody."""
    warmup: float
    time: float
    drain: float


class Hold(msgspec.Struct, kw_only=True, tag="hold"):
    """Stay logged in, and send heartbeats."""

    time: float
    beat: float


class LogIn(msgspec.Struct, kw_only=True, tag="login"):
    """Log in, one user after the other, and stay; no longer than ``time`` seconds."""

    time: float
    resume: bool = False
    """Whether TLS sessions are resumed."""
    settle: float = 0.0
    """Seconds that they stay before the memory is looked at."""
    register: bool = False
    """Whether they create their accounts instead, and leave (XMPP)."""


class Ask(msgspec.Struct, kw_only=True, tag="ask"):
    """Ask for something at a rate (a second), on schedule whatever the answers."""

    what: str
    """``history``: a page somewhere in one of the user's threads; ``sync``: which threads have something new;
    ``overview``: the first screen.
    """
    rate: float
    warmup: float
    time: float
    drain: float
    oldest: int = 0
    newest: int = 0
    """Between which ids of messages one asks for the page of history before."""
    begin: int = 0
    stride: int = 1
    """Which threads are asked for: every so many, from this one on."""


class Grant(msgspec.Struct, kw_only=True):
    """One file, and where it is sent to or read from."""

    host: str
    port: int
    file_id: str = ""
    ticket: str = ""
    path: str = ""
    """Of a URL, at a server that is not ours."""


class Carry(msgspec.Struct, kw_only=True, tag="carry"):
    """Send or read one file for each user, all at the same time."""

    door: str
    """``http``: tus and GET; ``web``: PUT and GET of any web server; ``frames``; ``blocks``: the original's
    service.
    """
    up: bool
    size: int
    """Bytes of each file."""
    grants: list[Grant]


class Stream(msgspec.Struct, kw_only=True):
    """A live stream, and where it is by RTMP."""

    host: str
    port: int
    app: str
    name: str
    """With the key behind it."""


class Publish(msgspec.Struct, kw_only=True, tag="publish"):
    """Publish a stream: something to begin with, and after that so many seconds of it."""

    stream: Stream
    bitrate: int
    time: float


class Watch(msgspec.Struct, kw_only=True, tag="watch"):
    """Play a stream, so many times, until nothing comes any more."""

    stream: Stream
    players: int
    read: bool
    """Whether everything is read and timed; else bytes are only counted."""
    warmup: float
    time: float
    drain: float


class Storm(msgspec.Struct, kw_only=True, tag="storm"):
    """Stay logged in, and come back when the server is lost; no longer than ``time`` seconds after that."""

    time: float
    gateway: tuple[str, int]
    victim: str
    """The host of the server that is killed."""
    others: list[tuple[str, int]]
    """All chat servers, as the gateway tells whom it sends to one of them."""
    sources: str = ""
    """What the addresses of the users begin with; each has one of its own. Empty: the system's choice."""
    first: int = 1
    """The number of the first of them."""


def sources_for(connections: int) -> int:
    """Addresses for so many connections.

    Linux has 28,232 ephemeral ports for each, and looks through the even ones first: where most of these are taken,
    as with 15,000 connections, the search for a free one costs a generator more than the rest of a login.
    """
    return -(-connections // PER_SOURCE)


class Task(msgspec.Struct, kw_only=True):
    """The users, how they connect, and what they do then."""

    users: list[User]
    work: Chat | Speak | Hold | LogIn | Ask | Carry | Publish | Watch | Storm
    tls: bool = False
    ca: str = ""
    at_once: int = 64
    """Logins in progress at a time."""
    sources: int = 1
    """Addresses 127.0.0.x that connections come from, see :func:`sources_for`."""
    cores: list[int] = []
    """Cores that the process may use; none: any."""
    xmpp: bool = False
    """Whether the server is one for XMPP: the load is then logins or chats."""


class Result(msgspec.Struct, kw_only=True):
    """The results of one process."""

    seconds: float = 0.0
    counts: dict[str, int] = {}
    latencies: dict[str, bytes] = {}
    """Microseconds, as C's ``unsigned int``, by what was waited for."""
    cpu_seconds: float = 0.0
    notes: dict[str, int] = {}
    """What went wrong, and how often."""
    fates: dict[str, bytes] = {}
    """Of each text of a user, by the user's number: 1 it was acknowledged, 2 it was delivered, 3 both."""


def merged(results: Iterable[Result]) -> Result:
    """The results of all processes as one; they worked side by side, so the time is the longest."""
    whole = Result(counts={}, latencies={}, notes={}, fates={})
    for one in results:
        whole.seconds = max(whole.seconds, one.seconds)
        whole.cpu_seconds += one.cpu_seconds
        for into, more in ((whole.counts, one.counts), (whole.notes, one.notes)):
            for name, count in more.items():
                into[name] = into.get(name, 0) + count
        for name, values in one.latencies.items():
            whole.latencies[name] = whole.latencies.get(name, b"") + values
        whole.fates |= one.fates
    return whole


def microseconds(values: bytes) -> array[int]:
    """Decode latencies of a :class:`Result`."""
    found = array("I")
    found.frombytes(values)
    return found
