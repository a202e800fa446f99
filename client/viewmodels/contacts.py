"""People: friends, who asks to become one, and finding others."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from client.core.changes import Signal
from client.core.model import FriendRequest, Person
from client.core.ports import Account
from client.viewmodels.work import run


class Contacts:
    """Signals tell what became of commands; every command returns at once."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.changed: Signal[None] = Signal()
        """Friends or requests are others."""
        self.found: Signal[tuple[str, Person | None, str]] = Signal()
        """What was searched for, who that is, or a sentence why there is nobody."""
        self.asked: Signal[Person] = Signal()
        """Somebody was asked to become a friend."""
        self.opened: Signal[int] = Signal()
        """A conversation is to be shown."""
        self.failed: Signal[tuple[int, str]] = Signal()
        """With whom something could not be done (0: with nobody), and why."""
        self.busy: set[int] = set()
        """People with whom something is under way."""
        self._sought = ""
        changes = account.changes
        self._ends = [
            changes.people.subscribe(lambda _: self.changed.fire(None)),
            changes.requests.subscribe(lambda _: self.changed.fire(None)),
        ]

    def close(self) -> None:
        """Hear no more."""
        for end in self._ends:
            end()

    def friends(self, text: str = "") -> Sequence[Person]:
        """Those whose names hold a text, by name."""
        sought = text.casefold()
        return [
            one
            for one in self.account.people()
            if sought in one.name.casefold() or sought in one.username.casefold()
        ]

    def requests(self) -> Sequence[FriendRequest]:
        """Who asks."""
        return self.account.requests()

    @property
    def waiting(self) -> int:
        """How many wait for an answer: friend requests, and invitations to groups."""
        return len(self.account.requests()) + len(self.account.invitations())

    def search(self, username: str) -> None:
        """Find somebody by their whole name; an answer to what is not wanted any more is not told."""
        self._sought = username

        async def find() -> None:
            person = await self.account.search_person(username)
            if self._sought == username:
                self.found.fire((username, person, ""))

        run(
            find(),
            lambda problem: self.found.fire((username, None, problem)) if self._sought == username else None,
        )

    def ask(self, person: Person, note: str, alias: str = "") -> None:
        """Ask somebody to become a friend."""

        async def ask() -> None:
            await self.account.ask_friend(person.uuid, note, alias)
            self.asked.fire(person)

        self._do(person.uuid, ask())

    def accept(self, uuid: int, alias: str = "") -> None:
        """Become friends; their conversation is opened."""

        async def accept() -> None:
            self.opened.fire(await self.account.accept(uuid, alias))

        self._do(uuid, accept())

    def decline(self, uuid: int) -> None:
        """Do not."""
        self._do(uuid, self.account.decline(uuid))

    def unfriend(self, uuid: int) -> None:
        """End a friendship."""
        self._do(uuid, self.account.unfriend(uuid))

    def block(self, uuid: int, blocked: bool) -> None:
        """Hear nothing from somebody, or again."""
        self._do(uuid, self.account.block(uuid, blocked))

    def rename(self, uuid: int, alias: str) -> None:
        """My own name for somebody."""
        self._do(uuid, self.account.rename(uuid, alias))

    def talk(self, uuid: int) -> None:
        """Open the conversation with a friend."""

        async def talk() -> None:
            self.opened.fire(await self.account.conversation_with(uuid))

        self._do(uuid, talk())

    def _do(self, uuid: int, work: Coroutine[Any, Any, None]) -> None:
        """One thing at a time with one person."""
        if uuid in self.busy:
            work.close()
            return
        self.busy.add(uuid)
        self.changed.fire(None)

        def done(_: object) -> None:
            self.busy.discard(uuid)
            self.changed.fire(None)

        run(work, lambda problem: self.failed.fire((uuid, problem))).addCallback(done)
