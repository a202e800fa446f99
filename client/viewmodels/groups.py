"""Groups: making them, who belongs to them, and the ways into them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from client.core.changes import Signal
from client.core.groups import LINK_LENGTH, OWNER, Added, GroupLink, Invitation, Member, Preview
from client.core.model import Conversation
from client.core.ports import Account
from client.viewmodels.work import run

PLACES = "make", "members", "settings", "links", "join", "invitations"
"""Where a problem is told: next to what failed."""


class Groups:
    """Signals tell what became of commands; every command returns at once."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.made: Signal[int] = Signal()
        """A group is there: its conversation is to be shown."""
        self.added: Signal[tuple[int, Added]] = Signal()
        """What became of people who were to be in a group."""
        self.members: Signal[tuple[int, list[Member]]] = Signal()
        self.asking: Signal[tuple[int, list[int]]] = Signal()
        self.links: Signal[tuple[int, list[GroupLink]]] = Signal()
        self.saved: Signal[int] = Signal()
        """What a group is was changed as it was wanted."""
        self.previewed: Signal[tuple[str, Preview]] = Signal()
        """Where a link leads."""
        self.waits: Signal[str] = Signal()
        """The admins of the group of a link are asked."""
        self.changed: Signal[None] = Signal()
        """Invitations are others."""
        self.failed: Signal[tuple[str, str]] = Signal()
        """What could not be done (one of :data:`PLACES`), and why."""
        self.busy: set[str] = set()
        self._again: set[int] = set()
        self._end = account.changes.requests.subscribe(lambda _: self.changed.fire(None))

    def close(self) -> None:
        """Hear no more."""
        self._end()

    def about(self, conversation: int) -> Conversation | None:
        """A group."""
        return self.account.conversation(conversation)

    def invitations(self) -> Sequence[Invitation]:
        """Groups that I am invited to."""
        return self.account.invitations()

    # Making one.

    def create(
        self,
        title: str,
        people: Sequence[int],
        *,
        picture: Path | None = None,
        channel: bool = False,
        old_for_new: bool = True,
    ) -> None:
        """Make a group."""

        async def create() -> None:
            number, added = await self.account.create_group(
                title, people, picture=picture, channel=channel, old_for_new=old_for_new
            )
            self.made.fire(number)
            self.added.fire((number, added))

        self._do("make", create())

    def add(self, conversation: int, people: Sequence[int]) -> None:
        """Add people."""

        async def add() -> None:
            added = await self.account.add_members(conversation, people)
            self.made.fire(conversation)
            self.added.fire((conversation, added))
            await self._members(conversation)

        self._do("make", add())

    # Who belongs to it.

    def read(self, conversation: int) -> None:
        """Have the members, and as an admin who asks to be let in; once more where it is under way already."""
        self._again.add(conversation)

        async def read() -> None:
            while conversation in self._again:
                self._again.discard(conversation)
                await self._members(conversation)

        self._do("members", read(), f"read {conversation}")

    def remove(self, conversation: int, uuid: int) -> None:
        """Remove somebody."""
        self._change(conversation, uuid, lambda: self.account.remove_member(conversation, uuid))

    def set_role(self, conversation: int, uuid: int, role: int) -> None:
        """Give a role."""
        self._change(conversation, uuid, lambda: self.account.set_role(conversation, uuid, role))

    def mute(self, conversation: int, uuid: int, seconds: int) -> None:
        """Have somebody write nothing for a while."""
        self._change(conversation, uuid, lambda: self.account.mute_member(conversation, uuid, seconds))

    def let_in(self, conversation: int, uuid: int, accept: bool) -> None:
        """Let somebody in, or not."""
        self._change(conversation, uuid, lambda: self.account.let_in(conversation, uuid, accept))

    def leave(self, conversation: int) -> None:
        """Belong to it no more."""
        self._do("members", self.account.leave_group(conversation))

    def hand_over_and_leave(self, conversation: int, uuid: int) -> None:
        """Make somebody the owner in my place, and belong to it no more."""

        async def leave() -> None:
            await self.account.set_role(conversation, uuid, OWNER)
            await self.account.leave_group(conversation)

        self._do("members", leave())

    # What it is.

    def save(
        self,
        conversation: int,
        *,
        title: str | None = None,
        description: str | None = None,
        picture: Path | None = None,
        channel: bool | None = None,
        old_for_new: bool | None = None,
    ) -> None:
        """Change what is given."""

        async def save() -> None:
            await self.account.change_group(
                conversation,
                title=title,
                description=description,
                picture=picture,
                channel=channel,
                old_for_new=old_for_new,
            )
            self.saved.fire(conversation)

        self._do("settings", save())

    # Links.

    def read_links(self, conversation: int) -> None:
        """Have the links."""
        self._do("links", self._links(conversation))

    def create_link(self, conversation: int, seconds: int, uses: int, approval: bool) -> None:
        """Make one."""

        async def create() -> None:
            await self.account.create_link(conversation, seconds=seconds, uses=uses, approval=approval)
            await self._links(conversation)

        self._do("links", create())

    def revoke_link(self, conversation: int, code: str) -> None:
        """End one."""

        async def revoke() -> None:
            await self.account.revoke_link(conversation, code)
            await self._links(conversation)

        self._do("links", revoke())

    def look(self, code: str) -> None:
        """Where a link leads."""

        async def look() -> None:
            self.previewed.fire((code, await self.account.look_at_link(code)))

        self._do("join", look())

    def join(self, code: str) -> None:
        """Come in by a link."""

        async def join() -> None:
            number = await self.account.join_by_link(code)
            if number:
                self.made.fire(number)
            else:
                self.waits.fire(code)

        self._do("join", join())

    def answer(self, conversation: int, accept: bool) -> None:
        """Answer an invitation."""

        async def answer() -> None:
            await self.account.answer_invitation(conversation, accept)
            if accept:
                self.made.fire(conversation)

        self._do("invitations", answer())

    # How.

    async def _members(self, conversation: int) -> None:
        self.members.fire((conversation, await self.account.members(conversation)))
        about = self.about(conversation)
        waiting = await self.account.asking(conversation) if about is not None and about.is_admin else []
        self.asking.fire((conversation, waiting))

    async def _links(self, conversation: int) -> None:
        self.links.fire((conversation, await self.account.links(conversation)))

    def _change(self, conversation: int, uuid: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async def change() -> None:
            await work()
            self.read(conversation)

        self._do("members", change(), f"member {uuid}")

    def _do(self, place: str, work: Coroutine[Any, Any, None], what: str = "") -> None:
        """Each thing once at a time: ``what`` tells those of one place apart."""
        what = what or place
        if what in self.busy:
            work.close()
            return
        self.busy.add(what)
        run(work, lambda problem: self.failed.fire((place, problem))).addCallback(
            lambda _: self.busy.discard(what)
        )


def is_link(text: str) -> bool:
    """Whether a text may be a link to a group."""
    text = text.strip()
    return len(text) == LINK_LENGTH and all(one.isalnum() or one in "-_" for one in text) and text.isascii()
