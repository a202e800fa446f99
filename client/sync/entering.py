"""Coming in: finding a server and trusting it, registering, signing in, a new password.

Presenters without a view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThreadPool

from client.core.changes import Signal
from client.core.keywords import keywords_of
from client.core.ports import Failure
from client.sync.accounts import Accounts, Entry, Server
from imsys.sdk import (
    Presented,
    Refused,
    SignedIn,
    Status,
    Trust,
    Unavailable,
    check_email,
    check_password,
    check_username,
    explain,
    presented_by,
)

LOCAL = "https://127.0.0.1:{port}"
CODE_AGAIN = 60.0
"""Seconds until another code may be asked for; a server that wants more says so."""


def problem_with(field: str, value: str, other: str = "") -> str:
    """What is wrong with a field as it stands, a sentence; empty: nothing. By the server's own rules.

    :param field: ``server``, ``username``, ``email``, ``password``, ``repeated`` (then ``other`` is the
        password) or ``code``.
    """
    try:
        match field:
            case "server":
                Server(value).gateway(None)
            case "username":
                check_username(value)
            case "email":
                check_email(value)
            case "password":
                check_password(value)
            case "repeated" if value != other:
                return "The passwords are not the same."
            case "code" if not value.strip():
                return "The code is in the mail that was sent to you."
    except (Refused, ValueError) as problem:
        return explain(problem)
    return ""


@dataclass(frozen=True, slots=True)
class Step:
    """How far somebody is.

    :param server: whom calls go to; ``None``: none is chosen.
    :param presented: a certificate that is not trusted yet: the view shows it, and asks.
    :param busy: a call is under way.
    :param problem: what went wrong last, a sentence; ``field``: with which field, or empty.
    :param code_again: when another code may be asked for, in seconds of the reactor.
    :param code_sent: whether a code is on its way.
    """

    server: Server | None = None
    presented: Presented | None = None
    busy: bool = False
    problem: str = ""
    field: str = ""
    code_again: float = 0.0
    code_sent: bool = False


_FIELDS = {
    Status.LOGIN_INFO_ERROR: "password",
    Status.REDIS_CAPTCHA_NOT_FOUND: "code",
    Status.USERNAME_TAKEN: "username",
    Status.EMAIL_TAKEN: "email",
    Status.MYSQL_ACCOUNT_NOT_EXISTS: "username",
}
"""Which field a refusal is about."""


class Entering:
    """Somebody comes in.

    Every command ends with a :class:`Step` that says how it went; none raises what a user can cause.
    """

    def __init__(self, reactor: Any, accounts: Accounts, *, deadline: float = 15.0) -> None:
        self.step = Step()
        self.changed: Signal[Step] = Signal()
        self._reactor = reactor
        self._accounts = accounts
        self._deadline = deadline

    async def find_server(self, environ: Mapping[str, str], folder: Path) -> bool:
        """Look for a server of ``make run`` on this computer; whether there is one.

        A certificate that nobody knows is shown.
        """
        self._set(busy=True, problem="", field="")
        found, presented = await find_local(self._reactor, environ, folder)
        self._set(busy=False, server=found if presented is None else None, presented=presented)
        self._candidate = found
        return found is not None

    async def choose(self, url: str, ca: str = "") -> bool:
        """Take a server; whether it is trusted.

        Else its certificate is shown, and :meth:`trust` takes it all the same.
        """
        url = url.strip().rstrip("/")
        if url and "://" not in url:
            url = f"https://{url}"
        server = Server(url, ca)
        self._set(busy=True, problem="", field="", presented=None, server=None)
        try:
            gateway = await deferToThreadPool(
                self._reactor,
                self._reactor.getThreadPool(),
                lambda: server.gateway(self._reactor, deadline=self._deadline),
            )
            presented = await presented_by(self._reactor, url, gateway.trust) if gateway.encrypted else None
        except (Unavailable, ValueError, OSError) as problem:
            self._set(busy=False, problem=explain(problem), field="server")
            return False
        self._candidate = server
        trusted = presented is None or not presented.problem
        self._set(busy=False, server=server if trusted else None, presented=None if trusted else presented)
        return trusted

    def take(self, server: Server) -> None:
        """Go on with a server that is trusted already: that of an account."""
        self._candidate = server
        self._set(server=server, presented=None, problem="", field="")

    def trust(self) -> None:
        """The certificate that is shown is the right one."""
        if self.step.presented is not None and self._candidate is not None:
            server = replace(self._candidate, ca="", fingerprint=self.step.presented.fingerprint)
            self._set(server=server, presented=None, problem="", field="")

    async def sign_in(self, username: str, password: str) -> Entry | None:
        """Sign in by name and password; the account, which is kept from then on."""

        async def call() -> Entry:
            server = self._server()
            gateway = server.gateway(self._reactor, deadline=self._deadline)
            login = await gateway.login(username, password, device=self._accounts.device)
            return await self._accounts.add(
                server, SignedIn(username=username, uuid=login.uuid, token=login.token)
            )

        entry: Entry | None = await self._do(call)
        return entry

    async def send_code(self, email: str) -> bool:
        """Have a code mailed; whether it is on its way."""
        wrong = problem_with("email", email)
        if wrong:
            self._set(problem=wrong, field="email")
            return False

        async def call() -> bool:
            try:
                await self._server().gateway(self._reactor, deadline=self._deadline).request_code(email)
            except Refused as refusal:
                if refusal.status is Status.RATE_LIMITED and refusal.retry_after:
                    self._set(code_again=self._reactor.seconds() + refusal.retry_after)
                raise
            self._set(code_again=self._reactor.seconds() + CODE_AGAIN, code_sent=True)
            return True

        return bool(await self._do(call))

    async def register(
        self, username: str, password: str, repeated: str, email: str, code: str
    ) -> Entry | None:
        """Make an account and sign in; the account."""
        checked = (
            ("username", username),
            ("email", email),
            ("password", password),
            ("repeated", repeated),
            ("code", code),
        )
        for field, value in checked:
            wrong = problem_with(field, value, password)
            if wrong:
                self._set(problem=wrong, field=field)
                return None

        async def call() -> bool:
            await (
                self._server()
                .gateway(self._reactor, deadline=self._deadline)
                .register(username, password, email, code.strip())
            )
            return True

        return await self.sign_in(check_username(username), password) if await self._do(call) else None

    async def find_account(self, username: str, email: str) -> bool:
        """Whether an account has this name and this address: before a new password is asked for."""

        async def call() -> bool:
            return (
                await self._server()
                .gateway(self._reactor, deadline=self._deadline)
                .check_account(username, email)
            )

        found = await self._do(call)
        if found is False:
            self._set(problem="There is no account with this name and e-mail address.", field="username")
        return bool(found)

    async def reset_password(
        self, username: str, email: str, password: str, repeated: str, code: str
    ) -> bool:
        """Set a new password with a code that was mailed; every session of the account ends."""
        for field, value in (("password", password), ("repeated", repeated), ("code", code)):
            wrong = problem_with(field, value, password)
            if wrong:
                self._set(problem=wrong, field=field)
                return False

        async def call() -> bool:
            await (
                self._server()
                .gateway(self._reactor, deadline=self._deadline)
                .reset_password(username, email, password, code.strip())
            )
            return True

        return bool(await self._do(call))

    def code_wait(self) -> int:
        """Whole seconds until another code may be asked for, for the button."""
        return max(0, round(self.step.code_again - float(self._reactor.seconds())))

    _candidate: Server | None = None

    def _server(self) -> Server:
        if self.step.server is None:
            raise Failure("Choose a server first.")
        return self.step.server

    async def _do(self, call: Callable[[], Any]) -> Any:
        """Make a call, and say how it went; ``None`` where it failed."""
        self._set(busy=True, problem="", field="")
        try:
            result = await call()
        except Refused as problem:
            self._set(busy=False, problem=explain(problem), field=_FIELDS.get(problem.status, ""))
            return None
        except (Failure, OSError, ValueError) as problem:
            self._set(busy=False, problem=str(problem), field="")
            return None
        self._set(busy=False)
        return result

    @keywords_of(Step)
    def _set(self, **changes: Any) -> None:
        self.step = replace(self.step, **changes)
        self.changed.fire(self.step)


async def find_local(
    reactor: Any, environ: Mapping[str, str], folder: Path
) -> tuple[Server | None, Presented | None]:
    """A server of this computer that ``make run`` started, trusted by the authority that it made.

    :param folder: the program's, where ``var`` may be.
    :returns: the server, and its certificate where that is not trusted by any file that is here.
    """
    url = LOCAL.format(port=environ.get("IMSYS_GATEWAY_PORT", "8443"))
    homes = [Path(environ["IMSYS_HOME"])] if environ.get("IMSYS_HOME") else []
    homes += [folder / "var"]
    presented = None
    for ca in (home / "certs" / "ca.pem" for home in homes):
        try:
            trust = await deferToThreadPool(reactor, reactor.getThreadPool(), Trust, ca)
        except (OSError, ValueError):
            continue
        try:
            presented = await presented_by(reactor, url, trust, deadline=2.0)
        except (Unavailable, ValueError):
            return None, None
        if not presented.problem:
            return Server(url, str(ca.absolute())), None
    if presented is None:
        try:
            presented = await presented_by(reactor, url, deadline=2.0)
        except (Unavailable, ValueError):
            return None, None
    return Server(url), presented if presented.problem else None
