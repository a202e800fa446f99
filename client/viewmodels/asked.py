"""Something that the server alone knows: asked for while it is looked at, and changed there."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from client.core import changes
from client.core.model import Connection, Link
from client.core.ports import Account
from client.viewmodels.work import run

ALL = ""
"""The place where it is told that reading failed."""

T = TypeVar("T")


class Asked(Generic[T]):
    """:attr:`changed` tells that anything of it is different; every command returns at once.

    :param told: fires where it may be different now.
    """

    def __init__(self, account: Account, told: changes.Signal[None]) -> None:
        self.shown: T | None = None
        """What is known; ``None``: nothing yet."""
        self.changed: changes.Signal[None] = changes.Signal()
        self.problems: dict[str, str] = {}
        """What could not be done last, by the place where that is told."""
        self.busy: set[str] = set()
        """Places where something is under way."""
        self._account = account
        self._wanted = self._again = False
        self._ends = [
            told.subscribe(lambda _: self._follow()),
            account.changes.connection.subscribe(self._connected),
        ]

    def close(self) -> None:
        """Hear no more."""
        for end in self._ends:
            end()

    @property
    def online(self) -> bool:
        """Whether anything can be asked and changed."""
        return self._account.connection().link is Link.ONLINE

    def read(self) -> None:
        """Ask, and from now on whenever it may be different."""
        self._wanted = True
        if ALL in self.busy:
            self._again = True
        else:
            self._do(ALL, self._read())

    async def ask(self) -> T:
        """Ask once; of each kind its own."""
        raise NotImplementedError

    def change(self, place: str, work: Coroutine[Any, Any, None]) -> None:
        """Change something, one thing at a time at one place; whatever comes of it, it is asked for again."""
        if place in self.busy:
            work.close()
        else:
            self._do(place, work)

    async def _read(self) -> None:
        self.shown = await self.ask()

    def _do(self, place: str, work: Coroutine[Any, Any, None]) -> None:
        self.busy.add(place)
        self.problems.pop(place, None)
        self.changed.fire(None)

        def failed(problem: str) -> None:
            self.problems[place] = problem

        def over(_: object) -> None:
            self.busy.discard(place)
            self.changed.fire(None)
            if place != ALL or self._again:
                self._again = False
                self._follow()

        run(work, failed).addCallback(over)

    def _follow(self) -> None:
        if self._wanted:
            self.read()

    def _connected(self, connection: Connection) -> None:
        self.changed.fire(None)
        if connection.link is Link.ONLINE:
            self._follow()
