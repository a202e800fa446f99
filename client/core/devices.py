"""Devices: what I am signed in on, and what is asked about them of an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

NAME_MOST = 50
"""Characters of a device's name."""


@dataclass(frozen=True, slots=True)
class Device:
    """One of them.

    :param kind: desktop, web, phone, cli or bot; empty: programs that did not say what they run on.
    :param created_ms: when I was first signed in on it.
    :param seen_ms: when it was last there; not known of a sign-in that was told just now (0).
    :param this: it is the one that this program runs on.
    """

    id: str
    name: str
    kind: str
    created_ms: int
    seen_ms: int = 0
    this: bool = False
    online: bool = False


def in_order(devices: Sequence[Device]) -> list[Device]:
    """This one first, then those that are there, then by when they were there last."""
    return sorted(devices, key=lambda one: (not one.this, not one.online, -one.seen_ms, one.id))


class Devices(Protocol):
    """The part of an account that is about devices; all of it needs the server, but for the sign-ins."""

    def sign_ins(self) -> Sequence[Device]:
        """Other devices that I was signed in on, of which nobody has taken notice here, the newest first."""
        ...

    def notice_sign_ins(self) -> None:
        """Somebody has looked at them."""
        ...

    async def devices(self) -> list[Device]:
        """All that I am signed in on: see :func:`in_order`."""
        ...

    async def name_device(self, id: str, name: str) -> None:
        """Give one a name."""
        ...

    async def sign_out_device(self, id: str) -> None:
        """Sign another one out."""
        ...

    async def sign_out_others(self) -> None:
        """Sign out everywhere but here."""
        ...
