"""The context of every command: console, account and session."""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.task import deferLater

from imsys.cli.accounts import Account, Accounts
from imsys.cli.arguments import DEFAULT_SERVER
from imsys.cli.console import CliError, Console
from imsys.sdk import (
    Client,
    Credentials,
    DeviceInfo,
    FileUnfinishedUploads,
    Gateway,
    Refused,
    Status,
    Trust,
    steady_reactor,
)

_TURN = 30.0
"""Seconds to wait for another command of the same account."""


TRIES = 3
"""How often a user at a terminal may retry after a typing error."""

CHAT, COMMANDS = "imsys-cli", "imsys-cli (commands)"
"""The parts of the program that have sessions, and are devices."""


class SessionEnded(CliError):
    """The account's token is not valid any more."""


class Context:
    """One run of the program."""

    def __init__(
        self,
        reactor: Any,
        console: Console,
        arguments: argparse.Namespace,
        environ: Mapping[str, str],
        calendar: Callable[[], float] = time.time,
    ) -> None:
        """``calendar`` returns Unix seconds."""
        self.reactor = reactor = steady_reactor(reactor)
        self.console = console
        self.arguments = arguments
        self.environ = environ
        self.calendar = calendar
        self.accounts = Accounts(environ)

    # where the server is

    def gateway(self, account: Account | None = None) -> Gateway:
        """Return the gateway of the command line, else of the account, else the one on this machine."""
        server = self.arguments.server or (account.server if account else DEFAULT_SERVER)
        ca = self.ca(server, account)
        try:
            return Gateway(self.reactor, server, Trust(ca))
        except OSError as problem:
            raise CliError(f"The CA file {ca} cannot be read: {problem.strerror}.") from None
        except ValueError as problem:
            raise CliError(str(problem)) from None

    def ca(self, server: str, account: Account | None = None) -> str | None:
        """Return the CA file to trust; ``None``: the system's authorities."""
        if self.arguments.ca:
            return str(Path(self.arguments.ca).expanduser().absolute())
        if account is not None and account.server == server:
            return account.ca
        found = self.home() / "certs" / "ca.pem"
        return str(found) if local(server) and found.exists() else None

    def home(self) -> Path:
        """Return the home folder of a development server on this machine."""
        return Path(self.environ.get("IMSYS_HOME") or "var").absolute()

    def mail_hint(self, gateway: Gateway) -> str:
        """Return a hint where a development server puts the mailed code, or an empty text."""
        mails = self.home() / "mail"
        return (
            f" This server drops its mails in {shown_path(mails / 'new')}."
            if local(gateway.url) and mails.is_dir()
            else ""
        )

    # who is using it

    def account(self) -> tuple[str, Account]:
        """Return the account to use, and the name under which it is saved."""
        name = self.arguments.account or self.accounts.current()
        if name is None:
            known = ", ".join(self.accounts.names())
            raise CliError(
                f"Say which account to use with --as: {known}."
                if known
                else "Sign in first: imsys-cli login NAME."
            )
        account = self.accounts.load(name)
        if account is None:
            raise CliError(f"{name} has not signed in here; do so with: imsys-cli login {name}.")
        return name, account

    async def password(self, question: str = "Password: ", *, again: bool = False) -> str:
        """Read the password from the file that the command line names, or ask the user for it."""
        source = self.arguments.password_file
        if source == "-":
            return (await self.console.next_line() or "").removeprefix("\ufeff")
        if source:
            try:
                return Path(source).expanduser().read_text("utf-8-sig").split("\n", 1)[0].rstrip("\r")
            except (OSError, UnicodeDecodeError) as problem:
                raise CliError(
                    f"The password file {source} cannot be read: {getattr(problem, 'strerror', 'it is not UTF-8')}."
                ) from None
        if not self.console.interactive:
            raise CliError(
                "There is no terminal to ask for the password on; give --password-file FILE, or - for standard input."
            )
        for _ in range(TRIES):
            password = await self.console.ask(question, hidden=True)
            if not again or await self.console.ask("The same again: ", hidden=True) == password:
                return password
            self.console.say("The two passwords differ.")
        raise CliError("No password was entered twice.")

    def keep(self, name: str, chat: Account, commands: Account) -> None:
        """Save the two sessions of an account, and make it the current one."""
        try:
            known = self.accounts.load(name)
            if known is not None and known.server == chat.server and not self.arguments.ca:
                chat, commands = (replace(one, ca=known.ca or one.ca) for one in (chat, commands))
                chat = replace(chat, typing=known.typing)
            self.accounts.save(name, commands, commands=True)
            self.accounts.save(name, chat, current=True)
        except OSError as problem:
            raise CliError(
                f"The session cannot be saved in {self.accounts.folder}: {problem.strerror}."
            ) from None

    @asynccontextmanager
    async def session(self, *, ask: bool = True) -> AsyncIterator[Client]:
        """Provide the session of commands to one of them, when those before it are done.

        :param ask: whether to ask for the password if the session has ended.
        :raises SessionEnded: it has ended, and the password was not asked for.
        """
        name, account = self.account()
        turn = self.accounts.turn(name)
        await self._take(turn)
        try:
            own = self.accounts.load(name, commands=True)
            if (
                own is None and self.accounts.chat(name).taken()
            ):  # signed in by a version that had but one session
                raise CliError(
                    f"The open chat of {name} has its only session; sign in again, and other commands have one as well: "
                    f"imsys-cli login {account.username}"
                )
            client = self.client(own or account, receive=False, part=CHAT if own is None else COMMANDS)
            await self.start(name, own or account, client, ask=ask, commands=own is not None)
            try:
                yield client
            finally:
                await client.stop()
        finally:
            turn.release()

    def client(self, account: Account, *, receive: bool = True, part: str = CHAT) -> Client:
        """Make a client of an account; it is not started yet. ``part``: see :func:`device_of`."""
        credentials = Credentials(
            username=account.username,
            uuid=account.uuid,
            token=account.token,
            device=device_of(account.device, part) if account.device else None,
        )
        return Client(
            self.reactor, self.gateway(account), credentials, receive=receive, unfinished=self.unfinished()
        )

    def unfinished(self) -> FileUnfinishedUploads:
        """Return the store of the uploads that were begun here and are unfinished."""
        return FileUnfinishedUploads(self.reactor, self.accounts.folder / "unfinished")

    async def start(
        self, name: str, account: Account, client: Client, *, ask: bool = True, commands: bool = False
    ) -> None:
        """Sign an account in, by its token or else by password, and save the token.

        :param commands: whether it is the session of commands.
        :param ask: whether to ask for the password if the token is not valid any more.
        :raises SessionEnded: it is not, and the password was not asked for.
        """
        try:
            await client.start(persistent=False)
        except Refused as refusal:
            if refusal.status not in (Status.LOGIN_INFO_ERROR, Status.LOGIN_UNSUCCESSFUL):
                raise
            if not ask or not (self.console.interactive or self.arguments.password_file):
                raise SessionEnded(
                    f"The session of {name} has ended; sign in again with: imsys-cli login {account.username}."
                ) from None
            if not self.arguments.password_file:
                self.console.say(f"The session of {name} has ended.")
            client.credentials.password = await self.password()
            await client.start(persistent=False)
        self.save_token(name, client, commands=commands)

    def save_token(self, name: str, client: Client, *, commands: bool = False) -> None:
        """Save the present token of a client."""
        known = self.accounts.load(name, commands=commands)
        if known is not None and known.token != client.credentials.token:
            self.accounts.save(name, replace(known, token=client.credentials.token), commands=commands)

    async def _take(self, turn: Any) -> None:
        end = self.reactor.seconds() + _TURN
        while not turn.take():
            if self.reactor.seconds() > end:
                raise CliError("Another command of this account is still running.")
            await deferLater(self.reactor, 0.05)


def device_of(identifier: str, part: str = CHAT) -> DeviceInfo:
    """Return what the server is told of a part of the program on this machine."""
    host = "".join(filter(str.isprintable, platform.node()))
    return DeviceInfo(id=identifier, name=f"{part} on {host}"[:50] if host else part, kind="cli")


def local(server: str) -> bool:
    """Return whether a server is on this machine."""
    host = urlsplit(server).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def shown_path(path: Path) -> str:
    """Return a path relative to the current folder, if it is below it."""
    try:
        return os.path.join(".", path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
