"""A whole server for the scenes with imsys-cli, and people who type at it."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from imsys.cli.accounts import Account, Accounts
from imsys.cli.arguments import parse
from imsys.cli.console import Console
from imsys.cli.context import CHAT, COMMANDS, Context, device_of
from imsys.cli.runner import perform
from imsys.sdk import Client, Credentials, Gateway
from tests.cli.terminal import Terminal
from tests.support.children import folder, free_port, spawn, until
from tests.support.daemons import ROOT, environment, twistd

PATIENCE = 20.0
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Running:
    """A server of all in one: where it is, and where its files are."""

    url: str
    home: Path

    @property
    def ca(self) -> str:
        return str(self.home / "certs" / "ca.pem")

    def codes(self, email: str) -> list[str]:
        """The codes in the mails to an address, oldest first."""
        found = []
        for path in sorted((self.home / "mail" / "new").iterdir(), key=lambda path: path.stat().st_mtime_ns):
            mail = message_from_bytes(path.read_bytes())
            code = re.search(r"code is (\S+)", str(mail.get_payload())) if email in str(mail["To"]) else None
            found += [code[1]] if code is not None else []
        return found


@functools.cache
def server() -> Running:
    """The server that all scenes of the test process share."""
    home = folder("cli")
    names = (
        "GATEWAY_PORT",
        "CHAT_PORT",
        "RESOURCES_PORT",
        "RESOURCES_HTTP_PORT",
        "RESOURCES_RTMP_PORT",
        "RESOURCES_RTMPS_PORT",
    )
    grpc = ("BALANCE_GRPC_PORT", "CAPTCHA_GRPC_PORT", "CHAT_GRPC_PORT", "RESOURCES_GRPC_PORT")
    ports = {name: str(free_port()) for name in (*names, *grpc)}
    addresses = {
        f"{part}_ADDRESSES": f"127.0.0.1:{ports[f'{part}_GRPC_PORT']}" for part in ("BALANCE", "CAPTCHA")
    }
    log = home / "output"
    command = twistd("--nodaemon", "--pidfile=", "imsys")
    child = spawn(
        command, log, environment(HOME=str(home), LIMITS_CODE_EMAIL_MINUTE="0", **ports, **addresses)
    )
    until(lambda: "imsys is running" in log.read_text("utf-8", "replace"), child, log)
    return Running(f"https://127.0.0.1:{ports['GATEWAY_PORT']}", home)


class Person(ProcessProtocol):
    """One run of imsys-cli, at a terminal or at a pipe."""

    def __init__(self, terminal: Terminal | None) -> None:
        self.terminal = terminal
        self.output = ""
        self.errors = ""
        self.status: int | None = None
        self.ended: Deferred[None] = Deferred()

    def outReceived(self, data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        self.output += text
        if self.terminal is not None:
            self.terminal.write(text)

    def errReceived(self, data: bytes) -> None:
        self.errors += data.decode("utf-8", "replace")

    def processEnded(self, reason: Failure) -> None:
        self.status = getattr(reason.value, "exitCode", None)
        self.ended.callback(None)

    def type(self, text: str) -> None:
        assert self.transport is not None
        self.transport.write(text.encode())

    @property
    def shown(self) -> str:
        """What is on the terminal, or came out of the pipe."""
        return "\n".join(self.terminal.lines()) if self.terminal is not None else self.output


class CliCase(TestCase):
    """A scene with imsys-cli; every scene has a configuration folder of its own."""

    timeout = 90

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.server = server()
        self.config = folder("config")
        self.password = self.config / "password"
        self.password.write_text(PASSWORD + "\n")

    def program(self) -> tuple[list[str], dict[str, str]]:
        """How imsys-cli is started as a process, and its environment."""
        return [sys.executable, "-m", "imsys.cli"], environment(HOME=str(self.server.home))

    def run_cli(self, *arguments: str, terminal: bool = False, server: bool = True) -> Person:
        """Start it; at a pipe its input is open until ``close``."""
        person = Person(Terminal(72, 24) if terminal else None)
        extra = ("--server", self.server.url, "--ca", self.server.ca) if server else ()
        command, environ = self.program()
        environ |= {"XDG_CONFIG_HOME": str(self.config), "TERM": "xterm", "LANG": "C.UTF-8"}
        environ |= {"PYTHONIOENCODING": "utf-8", "COLUMNS": "72", "LINES": "24", "TZ": "UTC"}
        self.reactor.spawnProcess(
            person, command[0], [*command, *arguments, *extra], environ, str(ROOT), usePTY=terminal
        )

        async def end() -> None:
            if person.status is None:
                try:
                    assert person.transport is not None
                    person.transport.signalProcess("KILL")
                except ProcessExitedAlready:
                    pass
            await person.ended

        self.addCleanup(lambda: Deferred.fromCoroutine(end()))
        return person

    async def cli(self, *arguments: str, typed: str = "", status: int = 0, server: bool = True) -> str:
        """Run a command in this process, at a pipe, to its end; what it said."""
        extra = ("--server", self.server.url, "--ca", self.server.ca) if server else ()
        environ = {"XDG_CONFIG_HOME": str(self.config), "IMSYS_HOME": str(self.server.home)}
        out, err, path = io.StringIO(), io.StringIO(), self.config / secrets.token_hex(4)
        path.write_text(typed)
        with path.open() as stdin:
            console = Console(self.reactor, stdin, out, err)
            try:
                with contextlib.redirect_stderr(err):
                    parsed = parse([*arguments, *extra])
                ended = await perform(Context(self.reactor, console, parsed, environ))
            except SystemExit as leave:
                ended = int(str(leave.code))
            finally:
                console.close()
        return self.checked(out.getvalue(), err.getvalue(), ended, status)

    async def process(self, *arguments: str, typed: str = "", status: int = 0, server: bool = True) -> str:
        """The same as a process of its own."""
        person = self.run_cli(*arguments, server=server)
        person.type(typed)
        assert person.transport is not None
        person.transport.closeStdin()
        await person.ended
        assert person.status is not None
        return self.checked(person.output, person.errors, person.status, status)

    def checked(self, output: str, errors: str, ended: int, status: int) -> str:
        """What a command said, if it ended as it should and complained as it should."""
        self.assertNotIn("Traceback", output + errors)
        self.assertEqual(ended, status, output + errors)
        if status:
            self.assertEqual(len(errors.splitlines()), 1, errors)
            self.assertRegex(errors, r"^\S.*\S\n$")
        return output + errors

    async def sees(self, person: Person, text: str) -> None:
        """Wait until something is shown."""
        end = self.reactor.seconds() + PATIENCE
        await self.until(
            lambda: text in person.shown or person.status is not None or self.reactor.seconds() > end
        )
        self.assertIn(text, person.shown + person.errors)

    async def asked(self, person: Person, text: str) -> None:
        """Wait until the last that is shown is this, a question perhaps, whose last space is not seen."""
        await self.until(lambda: person.shown.rstrip().endswith(text.rstrip()) or person.status is not None)
        self.assertEqual(person.shown.rstrip()[-len(text.rstrip()) :], text.rstrip())

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait; the test's own time-out ends a wait for what never comes."""
        while not condition():
            await deferLater(self.reactor, 0.02)

    async def register(self, name: str) -> None:
        """Make an account as a person would, with a pipe for hands."""
        email = f"{name}@example.org"
        person = self.run_cli("register", name, email, "--password-file", str(self.password))
        await self.sees(person, f"The code was mailed to {email}.")
        await self.until(lambda: self.server.codes(email))
        person.type(f"{self.server.codes(email)[0]}\n")
        await person.ended
        self.assertEqual(person.status, 0, person.errors)

    async def accounts(self, *kinds: str) -> list[str]:
        """Make accounts without imsys-cli, which is quicker, and sign them in for it; their names."""
        gateway = Gateway(self.reactor, self.server.url, self.server.ca)
        kept = Accounts({"XDG_CONFIG_HOME": str(self.config)})
        run = secrets.token_hex(3)
        names = [f"{kind}-{run}" for kind in kinds]
        for name in names:
            email = f"{name}@example.org"
            await gateway.request_code(email)
            await gateway.register(name, PASSWORD, email, self.server.codes(email)[0])
            for commands in (False, True):
                device = secrets.token_hex(16)
                login = await gateway.login(
                    name, PASSWORD, device=device_of(device, COMMANDS if commands else CHAT)
                )
                account = Account(
                    username=name,
                    uuid=login.uuid,
                    server=self.server.url,
                    ca=self.server.ca,
                    token=login.token,
                    device=device,
                )
                kept.save(name, account, commands=commands, current=not commands)
        return names

    async def friends(self, one: str, two: str) -> list[str]:
        """Make two accounts that are friends; their names."""
        return await self.together(one, two)

    async def together(self, *kinds: str) -> list[str]:
        """Make accounts of which the first is the friend of all others; their names."""
        names = await self.accounts(*kinds)
        gateway = Gateway(self.reactor, self.server.url, self.server.ca)
        kept = Accounts({"XDG_CONFIG_HOME": str(self.config)})
        clients = []
        for name in names:
            account = kept.load(name, commands=True)
            assert account is not None
            device = device_of(account.device, COMMANDS)
            credentials = Credentials(uuid=account.uuid, token=account.token, device=device)
            clients.append(Client(self.reactor, gateway, credentials, receive=False))
            await clients[-1].start()
        for client in clients[1:]:
            await clients[0].contacts.add(client.me.uuid, "Hello?")
            await client.contacts.accept(clients[0].me.uuid)
        for client in clients:
            await client.stop()
        return names
