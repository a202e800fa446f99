"""Coming in, as views need it: :mod:`client.sync.entering` provides it, :mod:`client.core.memory_entering` is
the double for tests.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from client.core.changes import Signal


class Server(Protocol):
    """A server that was chosen."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def name(self) -> str:
        """What people call it."""


class Presented(Protocol):
    """A certificate that a server presents, and that is not trusted yet."""

    @property
    def fingerprint(self) -> str:
        """SHA-256, pairs of hex digits with colons between them."""

    @property
    def subject(self) -> str:
        """Whom it names; made by whoever made it."""

    @property
    def issuer(self) -> str:
        """Who signed it; the same."""

    @property
    def expires(self) -> datetime:
        """Until when it counts."""

    @property
    def problem(self) -> str:
        """Why it is not trusted, a sentence."""


class Step(Protocol):
    """How far somebody is."""

    @property
    def server(self) -> Server | None:
        """Whom calls go to."""

    @property
    def presented(self) -> Presented | None:
        """A certificate to look at."""

    @property
    def busy(self) -> bool:
        """A call is under way."""

    @property
    def problem(self) -> str:
        """What went wrong last, a sentence."""

    @property
    def field(self) -> str:
        """With which field; empty: with none."""

    @property
    def code_sent(self) -> bool:
        """A code is on its way."""


class Entry(Protocol):
    """An account of this computer."""

    @property
    def id(self) -> str:
        """Names it on this computer."""

    @property
    def server(self) -> Server:
        """Where it is."""

    @property
    def uuid(self) -> int:
        """Its number there."""

    @property
    def username(self) -> str:
        """Its name there."""


Check = Callable[[str, str, str], str]
"""What is wrong with a field: its name, its value, and the password where it is the repeated one; empty:
nothing.
"""


class Entering(Protocol):
    """Commands end with a :class:`Step`; none raises what a user can cause."""

    @property
    def step(self) -> Step:
        """How far it is."""

    @property
    def changed(self) -> Signal[Any]:
        """Tells every step."""

    async def choose(self, url: str, ca: str = "") -> bool:
        """Take a server; whether it is trusted."""
        ...

    def trust(self) -> None:
        """The certificate that is shown is the right one."""
        ...

    async def sign_in(self, username: str, password: str) -> Entry | None:
        """Sign in; the account."""
        ...

    async def send_code(self, email: str) -> bool:
        """Have a code mailed."""
        ...

    async def register(
        self, username: str, password: str, repeated: str, email: str, code: str
    ) -> Entry | None:
        """Make an account; the account."""
        ...

    async def find_account(self, username: str, email: str) -> bool:
        """Whether an account has this name and this address."""
        ...

    async def reset_password(
        self, username: str, email: str, password: str, repeated: str, code: str
    ) -> bool:
        """Set a new password."""
        ...

    def code_wait(self) -> int:
        """Seconds until another code may be asked for."""
        ...
