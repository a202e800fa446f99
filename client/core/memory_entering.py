"""Coming in, in memory, for tests and pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from client.core.changes import Signal
from client.core.keywords import keywords_of

URL = "https://chat.example.org:8443"
PASSWORD, CODE = "correct horse battery", "123456"


@dataclass(frozen=True, slots=True)
class MemoryServer:
    """``entering.Server``."""

    url: str = URL

    @property
    def name(self) -> str:
        """Without the scheme."""
        return self.url.partition("://")[2]


@dataclass(frozen=True, slots=True)
class MemoryPresented:
    """``entering.Presented``."""

    fingerprint: str = ":".join(("5A", "C3", "0E", "91") * 8)
    subject: str = "CN=chat.example.org"
    issuer: str = "CN=chat.example.org"
    expires: datetime = datetime(2027, 11, 24, tzinfo=UTC)
    problem: str = (
        "The server's certificate is not signed by an authority that is trusted here; name its CA file."
    )


@dataclass(frozen=True, slots=True)
class MemoryEntry:
    """``entering.Entry``."""

    username: str
    server: MemoryServer = MemoryServer()
    uuid: int = 10_000

    @property
    def id(self) -> str:
        """As good as any."""
        return f"{self.username}@{self.server.name}"


@dataclass(frozen=True, slots=True)
class MemoryStep:
    """``entering.Step``."""

    server: MemoryServer | None = None
    presented: MemoryPresented | None = None
    busy: bool = False
    problem: str = ""
    field: str = ""
    code_sent: bool = False


def check(field: str, value: str, other: str = "") -> str:
    """``entering.Check``, in the manner of the server's rules."""
    wrong = {
        "server": not re.fullmatch(r"https?://[\w.-]+(:\d+)?", value),
        "username": not re.fullmatch(r"[\w.-]{3,32}", value),
        "email": not re.fullmatch(r"[^@\s]+@[^@\s]+\.\w+", value),
        "password": len(value) < 8,
        "repeated": value != other,
        "code": not value.strip(),
    }
    sentences = {
        "server": "This is no address of a server; it looks like https://127.0.0.1:8443.",
        "username": "A name has 3 to 32 letters and digits.",
        "email": "This is no e-mail address.",
        "password": "A password has at least 8 characters.",
        "repeated": "The passwords are not the same.",
        "code": "The code is in the mail that was sent to you.",
    }
    return sentences[field] if wrong[field] else ""


class MemoryEntering:
    """``entering.Entering``: the password is :data:`PASSWORD`, the code :data:`CODE`; ``refusal`` fails
    everything until it is emptied.
    """

    def __init__(self, *, chosen: bool = True, untrusted: bool = False) -> None:
        self.step = MemoryStep(MemoryServer() if chosen else None)
        self.changed: Signal[MemoryStep] = Signal()
        self.calls: list[tuple[str, ...]] = []
        self.refusal = ""
        self.untrusted = untrusted
        self.wait = 0
        self.registered: dict[str, tuple[str, str]] = {}
        self._candidate = MemoryServer()

    @keywords_of(MemoryStep)
    def set(self, **changes: Any) -> None:
        """Go a step."""
        self.step = replace(self.step, **changes)
        self.changed.fire(self.step)

    def _refused(self, problem: str, field: str = "") -> bool:
        problem, field = (self.refusal, "") if self.refusal else (problem, field)
        self.set(busy=False, problem=problem, field=field if problem else "")
        return bool(problem)

    async def choose(self, url: str, ca: str = "") -> bool:
        """Take a server."""
        self.calls.append(("choose", url))
        url = url.strip().rstrip("/")
        self._candidate = MemoryServer(url if "://" in url else f"https://{url}")
        if self._refused(check("server", self._candidate.url), "server"):
            return False
        self.set(
            server=None if self.untrusted else self._candidate,
            presented=MemoryPresented() if self.untrusted else None,
        )
        return not self.untrusted

    def trust(self) -> None:
        """Trust what is shown."""
        self.calls.append(("trust",))
        self.set(server=self._candidate, presented=None)

    async def sign_in(self, username: str, password: str) -> MemoryEntry | None:
        """Sign in."""
        self.calls.append(("sign_in", username))
        right = self.registered.get(username, (PASSWORD, ""))[0]
        if self._refused("" if password == right else "The name or the password is wrong.", "password"):
            return None
        return MemoryEntry(username, self.step.server or MemoryServer())

    async def send_code(self, email: str) -> bool:
        """Mail a code."""
        self.calls.append(("send_code", email))
        if self._refused(check("email", email), "email"):
            return False
        self.wait = 60
        self.set(code_sent=True)
        return True

    async def register(
        self, username: str, password: str, repeated: str, email: str, code: str
    ) -> MemoryEntry | None:
        """Make an account."""
        self.calls.append(("register", username, email, code))
        fields = (
            ("username", username),
            ("email", email),
            ("password", password),
            ("repeated", repeated),
            ("code", code),
        )
        for field, value in fields:
            if self._refused(check(field, value, password), field):
                return None
        if self._refused("This name is taken." if username in self.registered else "", "username"):
            return None
        if self._refused("" if code == CODE else "The code is wrong, used or expired.", "code"):
            return None
        self.registered[username] = password, email
        return await self.sign_in(username, password)

    async def find_account(self, username: str, email: str) -> bool:
        """Whether it was registered here."""
        self.calls.append(("find_account", username, email))
        there = self.registered.get(username, ("", ""))[1] == email
        return not self._refused(
            "" if there else "There is no account with this name and e-mail address.", "username"
        )

    async def reset_password(
        self, username: str, email: str, password: str, repeated: str, code: str
    ) -> bool:
        """Set a new password."""
        self.calls.append(("reset_password", username, email, code))
        for field, value in (("password", password), ("repeated", repeated), ("code", code)):
            if self._refused(check(field, value, password), field):
                return False
        if self._refused("" if code == CODE else "The code is wrong, used or expired.", "code"):
            return False
        self.registered[username] = password, email
        return True

    def code_wait(self) -> int:
        """As a test sets it."""
        return self.wait
