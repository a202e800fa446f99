"""My own card, and what is kept on this disk: what the settings of an account change."""

from __future__ import annotations

from pathlib import Path

from client.core.changes import Signal
from client.core.model import Person
from client.core.ports import Account
from client.viewmodels.work import run


class OwnProfile:
    """Signals tell what became of commands; every command returns at once."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.changed: Signal[Person] = Signal()
        self.saved: Signal[None] = Signal()
        self.failed: Signal[str] = Signal()
        self.cached: Signal[int] = Signal()
        """Bytes that are kept here and can be had again."""
        me = account.me.uuid
        self._end = account.changes.people.subscribe(
            lambda people: self.changed.fire(account.me) if me in people else None
        )

    def close(self) -> None:
        """Hear no more."""
        self._end()

    @property
    def me(self) -> Person:
        """Who I am."""
        return self._account.me

    @property
    def server(self) -> str:
        """Where."""
        return self._account.connection().server

    def save(self, nickname: str, description: str, sex: int) -> None:
        """Change what is different."""
        me = self._account.me

        async def save() -> None:
            if (nickname, description, sex) != (me.nickname, me.description, me.sex):
                await self._account.update_profile(
                    nickname=nickname if nickname != me.nickname else None,
                    description=description if description != me.description else None,
                    sex=sex if sex != me.sex else None,
                )
            self.saved.fire(None)

        run(save(), self.failed.fire)

    def set_avatar(self, path: Path) -> None:
        """A picture becomes my avatar."""

        async def send() -> None:
            await self._account.set_avatar(path)
            self.saved.fire(None)

        run(send(), self.failed.fire)

    def measure(self) -> None:
        """How much is kept."""

        async def ask() -> None:
            self.cached.fire(await self._account.cached())

        run(ask(), self.failed.fire)

    def clear(self) -> None:
        """Remove it."""

        async def clear() -> None:
            await self._account.clear_cache()
            self.cached.fire(await self._account.cached())

        run(clear(), self.failed.fire)
