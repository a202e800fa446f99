"""The sign-in screens' presenter: starts what :class:`client.core.entering.Entering` can do, and tells what
became of it.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from client.core.changes import Signal
from client.core.entering import Check, Entering, Entry, Step
from client.translations.sentences import sentence
from client.viewmodels.work import run


class SignIn:
    """Somebody comes in. All commands return at once."""

    def __init__(self, entering: Entering, check: Check) -> None:
        self._entering = entering
        self._check = check
        self.stepped: Signal[Step] = Signal()
        self.entered: Signal[Entry] = Signal()
        """Somebody has signed in."""
        self.found: Signal[bool] = Signal()
        """Whether there is the account whose password was forgotten."""
        self.reset: Signal[None] = Signal()
        """There is a new password."""
        self.failed: Signal[str] = Signal()
        self._end = entering.changed.subscribe(lambda _: self.stepped.fire(entering.step))

    def check(self, field: str, value: str, other: str) -> str:
        """What is wrong with a field, a sentence in the language of the program; empty: nothing."""
        return sentence(self._check(field, value, other))

    def close(self) -> None:
        """Tell no more."""
        self._end()

    @property
    def step(self) -> Step:
        """How far it is."""
        return self._entering.step

    def code_wait(self) -> int:
        """Seconds until another code may be asked for."""
        return self._entering.code_wait()

    def choose(self, url: str) -> None:
        """Take a server."""
        self._run(self._entering.choose(url))

    def trust(self) -> None:
        """The certificate that is shown is the right one."""
        self._entering.trust()

    def sign_in(self, username: str, password: str) -> None:
        """By name and password."""
        self._run(self._enter(self._entering.sign_in(username.strip(), password)))

    def send_code(self, email: str) -> None:
        """Have a code mailed."""
        self._run(self._entering.send_code(email.strip()))

    def register(self, username: str, password: str, repeated: str, email: str, code: str) -> None:
        """Make an account."""
        self._run(
            self._enter(
                self._entering.register(username.strip(), password, repeated, email.strip(), code.strip())
            )
        )

    def find_account(self, username: str, email: str) -> None:
        """Begin with a new password."""

        async def find() -> None:
            self.found.fire(await self._entering.find_account(username.strip(), email.strip()))

        self._run(find())

    def reset_password(self, username: str, email: str, password: str, repeated: str, code: str) -> None:
        """Set a new password."""

        async def reset() -> None:
            if await self._entering.reset_password(
                username.strip(), email.strip(), password, repeated, code.strip()
            ):
                self.reset.fire(None)

        self._run(reset())

    async def _enter(self, work: Coroutine[Any, Any, Entry | None]) -> None:
        entry = await work
        if entry is not None:
            self.entered.fire(entry)

    def _run(self, work: Coroutine[Any, Any, object]) -> None:
        run(work, self.failed.fire)
