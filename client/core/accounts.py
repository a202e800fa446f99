"""The accounts of this computer, and what can be done without being signed in: what the sign-in screens need.

:mod:`client.sync.accounts` provides :class:`Accounts`; :class:`client.core.memory_accounts.MemoryAccounts` is the double for tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from client.core.changes import Signal
from client.core.ports import Account


@dataclass(frozen=True, slots=True)
class Known:
    """An account that signed in on this computer once.

    :param key: names it on this computer.
    :param server: the address, ``https://host:port``.
    :param signed_in: whether it comes back without a password.
    """

    key: str
    server: str
    username: str
    uuid: int = 0
    name: str = ""
    signed_in: bool = False

    @property
    def shown(self) -> str:
        """What to call it."""
        return self.name or self.username


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server presents.

    :param fingerprint: SHA-256, pairs of hex digits with colons between them.
    :param trusted: whether it may be used as it is.
    :param problem: why it is not trusted, a sentence.
    :param was: the fingerprint that was trusted before, where it is another one now: an alarm; else empty.
    """

    fingerprint: str
    subject: str = ""
    issuer: str = ""
    expires: str = ""
    trusted: bool = True
    problem: str = ""
    was: str = ""


class Untrusted(Exception):
    """A server's certificate has to be looked at first; nothing was sent to it."""

    def __init__(self, server: str, certificate: Certificate) -> None:
        super().__init__(certificate.problem)
        self.server, self.certificate = server, certificate


class Accounts(Protocol):
    """All of them. Coroutines raise :class:`client.core.ports.Failure` with a sentence, and :class:`Untrusted`."""

    changed: Signal[None]
    """:meth:`known` gives another answer."""

    def known(self) -> Sequence[Known]:
        """Those of this computer, in the order in which they came."""
        ...

    def suggested(self) -> str:
        """The server that a first start offers; empty: none was found."""
        ...

    async def look(self, server: str) -> Certificate:
        """Ask a server for its certificate."""
        ...

    async def trust(self, server: str, fingerprint: str) -> None:
        """Use this certificate from now on, and no other."""
        ...

    async def request_code(self, server: str, email: str) -> None:
        """Have a code mailed."""
        ...

    async def register(self, server: str, username: str, password: str, email: str, code: str) -> None:
        """Make an account."""
        ...

    async def check_account(self, server: str, username: str, email: str) -> bool:
        """Whether there is an account with this name and this e-mail address."""
        ...

    async def reset_password(self, server: str, username: str, email: str, password: str, code: str) -> None:
        """Set a new password."""
        ...

    async def sign_in(self, server: str, username: str, password: str) -> tuple[Known, Account]:
        """Sign in: an account that is open and connected, or connecting. A wrong password is said here."""
        ...

    async def open(self, known: Known) -> Account:
        """Have one that is known, with what is on this disk; it connects where it is signed in."""
        ...

    async def sign_out(self, known: Known, account: Account) -> None:
        """End its session; it stays known, and asks for its password."""
        ...

    async def close(self, account: Account) -> None:
        """Disconnect one, and close what is on this disk."""
        ...

    async def forget(self, known: Known, account: Account | None) -> None:
        """Remove everything of it from this computer."""
        ...

    def wrong_username(self, username: str) -> str:
        """Why this can be no user name, a sentence; empty: it can."""
        ...

    def wrong_email(self, email: str) -> str:
        """The same of an e-mail address."""
        ...

    def wrong_password(self, password: str) -> str:
        """The same of a password."""
        ...
