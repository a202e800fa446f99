"""Accounts in memory, for tests and pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from client.core.accounts import Certificate, Known, Untrusted
from client.core.changes import Signal
from client.core.memory import MemoryAccount
from client.core.ports import Account, Failure

SERVER = "https://chat.example.org:8443"
FINGERPRINT = ":".join(["5A", "C3", "0E", "91"] * 8)


class MemoryAccounts:
    """``accounts.Accounts``: everybody whose password is ``correct horse battery`` may sign in, and every code is 123456.

    ``certificate`` is what servers present; ``refusal`` is the sentence that everything fails with until it is emptied.
    """

    def __init__(self, known: Sequence[Known] = (), *, make: Callable[[], MemoryAccount] = MemoryAccount) -> None:
        self.changed: Signal[None] = Signal()
        self.certificate = Certificate(FINGERPRINT, "CN=chat.example.org", "CN=chat.example.org", "2027-11-24")
        self.refusal = ""
        self.calls: list[tuple[str, ...]] = []
        self.registered: dict[str, str] = {}
        self._known = list(known)
        self._make = make

    def known(self) -> Sequence[Known]:
        """Those that were given, and those that signed in since."""
        return tuple(self._known)

    def suggested(self) -> str:
        """Always the same."""
        return SERVER

    def _allowed(self, server: str, *call: str) -> None:
        self.calls.append(call)
        if self.refusal:
            raise Failure(self.refusal)
        if not self.certificate.trusted:
            raise Untrusted(server, self.certificate)

    async def look(self, server: str) -> Certificate:
        """What the test said that it presents."""
        self.calls.append(("look", server))
        if self.refusal:
            raise Failure(self.refusal)
        return self.certificate

    async def trust(self, server: str, fingerprint: str) -> None:
        """Trust it."""
        self.calls.append(("trust", server, fingerprint))
        self.certificate = replace(self.certificate, trusted=True, problem="", was="")

    async def request_code(self, server: str, email: str) -> None:
        """Mail a code."""
        self._allowed(server, "request_code", email)

    async def register(self, server: str, username: str, password: str, email: str, code: str) -> None:
        """Make an account."""
        self._allowed(server, "register", username, email, code)
        self._code(code)
        if username in self.registered:
            raise Failure("This name is taken.")
        self.registered[username] = password

    async def check_account(self, server: str, username: str, email: str) -> bool:
        """Whether it was registered here."""
        self._allowed(server, "check_account", username, email)
        return username in self.registered

    async def reset_password(self, server: str, username: str, email: str, password: str, code: str) -> None:
        """Set a new password."""
        self._allowed(server, "reset_password", username, email, code)
        self._code(code)
        self.registered[username] = password

    def _code(self, code: str) -> None:
        if code != "123456":
            raise Failure("The code is wrong, used or expired.")

    async def sign_in(self, server: str, username: str, password: str) -> tuple[Known, Account]:
        """Sign in."""
        self._allowed(server, "sign_in", username)
        if password != self.registered.get(username, "correct horse battery"):
            raise Failure("The name or the password is wrong.")
        account = self._make()
        known = Known(f"{username}@{server}", server, username, account.me.uuid, account.me.name, True)
        self._known = [one for one in self._known if one.key != known.key] + [known]
        self.changed.fire(None)
        return known, account

    async def open(self, known: Known) -> Account:
        """A new one."""
        self.calls.append(("open", known.key))
        return self._make()

    async def sign_out(self, known: Known, account: Account) -> None:
        """It has to give its password."""
        await account.sign_out()
        self._known = [replace(one, signed_in=False) if one.key == known.key else one for one in self._known]
        self.changed.fire(None)

    async def close(self, account: Account) -> None:
        """Nothing."""
        self.calls.append(("close",))

    async def forget(self, known: Known, account: Account | None) -> None:
        """It is known no more."""
        self.calls.append(("forget", known.key))
        self._known = [one for one in self._known if one.key != known.key]
        self.changed.fire(None)

    def wrong_username(self, username: str) -> str:
        """Letters, digits, dots and lines."""
        return "" if re.fullmatch(r"[\w.-]{3,32}", username) else "A name has 3 to 32 letters and digits."

    def wrong_email(self, email: str) -> str:
        """Something with an @."""
        return "" if re.fullmatch(r"[^@\s]+@[^@\s]+\.\w+", email) else "This is no e-mail address."

    def wrong_password(self, password: str) -> str:
        """Eight characters."""
        return "" if len(password) >= 8 else "A password has at least 8 characters."
