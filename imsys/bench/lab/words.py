"""The commands to the process of the users and its answers: one line of JSON each.

Times are of the monotonic clock, in seconds.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """One user, who writes to one other."""

    uuid: int
    username: str
    token: str
    peer: int
    thread: int
    host: str
    """Of the chat server that the first login goes to."""
    port: int


class Invitation(msgspec.Struct, kw_only=True):
    """The first line: the users and their servers."""

    gateway: str
    ca: str
    guests: list[Guest]
    servers: list[str]
    """The hosts of all chat servers, as the gateway tells whom it sends to one of them."""
    password: str
    """Everybody's: what an application uses whose token holds no more, since Redis has lost it."""


class Talk(msgspec.Struct, frozen=True, tag="talk"):
    """Have each user write so often; 0: nobody writes any more. The answer is a :class:`State`."""

    every: float
    """Seconds between two texts of a user."""


class Say(msgspec.Struct, frozen=True, tag="say"):
    """Have some users write one text each, now. The answer is :class:`Said`."""

    uuids: list[int]


class Move(msgspec.Struct, frozen=True, tag="move"):
    """Have users leave, and come anew to the chat servers on these hosts.

    The answer is a :class:`State`, before they are there.
    """

    hosts: dict[int, str]


class Look(msgspec.Struct, frozen=True, tag="look"):
    """Report the current state. The answer is a :class:`State`."""

    since: float = 0.0
    """From when on texts count for ``first``."""


class Tell(msgspec.Struct, frozen=True, tag="tell"):
    """Say what was written and heard since this was asked last. The answer is an :class:`Account`."""


class Reset(msgspec.Struct, frozen=True, tag="reset"):
    """Reset these users' connections, each in the middle of a frame of theirs or of one that comes.

    The answer is a :class:`State`.
    """

    uuids: list[int]


class Said(msgspec.Struct, frozen=True):
    """The numbers of the texts, one for each of the users."""

    numbers: list[int]


class State(msgspec.Struct, kw_only=True):
    """The current state of the users."""

    now: float
    online: list[int]
    where: dict[int, str]
    """Which server's host each user is connected to; without those who are not."""
    first: dict[int, float]
    """When each user had the first acknowledgement of a text that was begun after ``since``.

    Without those who have none.
    """
    unacknowledged: int
    """Texts that wait for their acknowledgement."""
    unheard: int
    """Texts that are acknowledged, but not received by the friend."""
    signed_out: int
    """How often users were signed out so far."""


class Text(msgspec.Struct, frozen=True, array_like=True):
    """One text: who wrote it, when, when it was acknowledged (0: never), its id, and what went wrong."""

    number: int
    uuid: int
    begun: float
    acknowledged: float
    msg_id: int
    problem: str


class Heard(msgspec.Struct, frozen=True, array_like=True):
    """One text that a user received."""

    uuid: int
    number: int
    msg_id: int
    at: float


class Account(msgspec.Struct, kw_only=True):
    """What was written and heard, in the order in which it happened to each user."""

    texts: list[Text]
    heard: list[Heard]
    signed_out: list[str]
    """What those who were signed out were told."""


Command: TypeAlias = Talk | Say | Move | Look | Tell | Reset
