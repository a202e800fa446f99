"""Groups: who belongs to them, the ways into them, and what is asked about them of an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MEMBER, ADMIN, OWNER = 0, 2, 3
"""Roles. Admins change what a group is and who belongs to it; the owner says who is an admin."""

TITLE_MOST, DESCRIPTION_MOST = 100, 500
"""Characters."""

LINK_LENGTH = 22


@dataclass(frozen=True, slots=True)
class Member:
    """One of a group; ``muted_until_ms``: until then they write nothing, 0: they may write."""

    uuid: int
    role: int = MEMBER
    muted_until_ms: int = 0


@dataclass(frozen=True, slots=True)
class Added:
    """What became of people who were to be in a group."""

    joined: tuple[int, ...] = ()
    invited: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupLink:
    """A way into a group. ``uses``: 0, any number; ``expires_ms``: 0, never; ``approval``: admins are asked."""

    code: str
    expires_ms: int = 0
    uses: int = 0
    used: int = 0
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """Where a link leads."""

    title: str
    description: str
    avatar: str
    members: int
    channel: bool
    approval: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """A group that I am invited to."""

    conversation: int
    title: str
    avatar: str
    members: int
    inviter: int
    at_ms: int


class Groups(Protocol):
    """The part of an account that is about groups; all of it needs the server, but for :meth:`invitations`."""

    def invitations(self) -> Sequence[Invitation]:
        """Groups that I am invited to, the newest first."""
        ...

    async def create_group(
        self,
        title: str,
        people: Sequence[int],
        *,
        picture: Path | None = None,
        channel: bool = False,
        old_for_new: bool = True,
    ) -> tuple[int, Added]:
        """Make a group with friends; the conversation.

        :param channel: only admins write.
        :param old_for_new: newcomers read what was said before they came.
        """
        ...

    async def members(self, conversation: int) -> list[Member]:
        """All who belong to a group: the owner first, then admins."""
        ...

    async def acquaint(self, conversation: int) -> None:
        """Have those who belong to a group among its ``people``, so that they can be mentioned: a thousand at most."""
        ...

    async def add_members(self, conversation: int, people: Sequence[int]) -> Added:
        """Add friends, and invite others."""
        ...

    async def remove_member(self, conversation: int, uuid: int) -> None:
        """Remove somebody."""
        ...

    async def leave_group(self, conversation: int) -> None:
        """Belong to it no more."""
        ...

    async def set_role(self, conversation: int, uuid: int, role: int) -> None:
        """Make somebody an admin or not, or the owner in my place."""
        ...

    async def mute_member(self, conversation: int, uuid: int, seconds: int) -> None:
        """Have somebody write nothing for a while; 0: write again."""
        ...

    async def change_group(
        self,
        conversation: int,
        *,
        title: str | None = None,
        description: str | None = None,
        picture: Path | None = None,
        channel: bool | None = None,
        old_for_new: bool | None = None,
    ) -> None:
        """Change what a group is; ``None``: as it is."""
        ...

    async def links(self, conversation: int) -> list[GroupLink]:
        """Links that can be used, the newest first."""
        ...

    async def create_link(
        self, conversation: int, *, seconds: int = 0, uses: int = 0, approval: bool = False
    ) -> GroupLink:
        """Make one; 0: without an end."""
        ...

    async def revoke_link(self, conversation: int, code: str) -> None:
        """End one."""
        ...

    async def look_at_link(self, code: str) -> Preview:
        """Where one leads."""
        ...

    async def join_by_link(self, code: str) -> int:
        """Come into a group; the conversation, or 0: its admins are asked."""
        ...

    async def answer_invitation(self, conversation: int, accept: bool) -> None:
        """Accept, or decline."""
        ...

    async def asking(self, conversation: int) -> list[int]:
        """Who came by a link and waits to be let in."""
        ...

    async def let_in(self, conversation: int, uuid: int, accept: bool) -> None:
        """Let somebody in, or not."""
        ...
