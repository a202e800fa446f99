"""The whole program in a window, against a whole server, used by what is on the screen."""

from __future__ import annotations

import secrets
from typing import Any

from PySide6.QtWidgets import QLineEdit
from twisted.internet.defer import Deferred

from client.core.model import Link
from client.platform.notifications import Notifier
from client.platform.paths import Paths
from client.platform.settings import Settings
from client.program import Program
from client.shell.context import Context
from client.theme import Theme
from client.views.main.account_view import AccountView
from client.views.main.window import Window
from client.views.sign_in import SignInView
from imsys.sdk import Client, Credentials, Gateway
from tests.cli.running import PASSWORD, server
from tests.support.children import folder
from tests.support.qt import WidgetCase


class ProgramCase(WidgetCase):
    timeout = 90

    def setUp(self) -> None:
        super().setUp()
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.server = server()
        self.home = folder("program")
        self.gateway = Gateway(reactor, self.server.url, self.server.ca)

    def start(self, desktop: Notifier | None = None) -> Program:
        """The program, in a window of its own."""
        settings = Settings(None)
        theme = Theme(self.application)
        window = Window(theme, settings)
        paths = Paths(self.home, self.home, self.home, self.home)
        port = self.server.url.rpartition(":")[2]
        environ = {"IMSYS_GATEWAY_PORT": port, "IMSYS_HOME": str(self.server.home)}
        context = Context(self.reactor, self.application, theme, settings, window, paths, environ)
        program = Program(context, desktop)
        self.show(window, 1100, 720)
        self.addCleanup(self.end, program)
        program.begin()
        return program

    async def end(self, program: Program) -> None:
        """Close it, and not the reactor with it."""
        closed = program.close()
        if closed is not None:
            await closed

    async def ben(self) -> Client:
        """Somebody else, with the library alone."""
        name = f"ben-{secrets.token_hex(3)}"
        await self.gateway.request_code(f"{name}@example.org")
        await self.gateway.register(
            name, PASSWORD, f"{name}@example.org", self.server.codes(f"{name}@example.org")[0]
        )
        client = Client(self.reactor, self.gateway, Credentials(username=name, password=PASSWORD))
        self.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        await client.start()
        return client

    def fill(self, field: QLineEdit, text: str) -> None:
        field.setFocus()
        field.clear()
        self.keys(field, text)

    async def way_in(self, program: Program) -> SignInView:
        await self.until(lambda: isinstance(program.window.shown, SignInView), "there is no way in")
        view = program.window.shown
        assert isinstance(view, SignInView)
        return view

    async def register(self, program: Program) -> str:
        """Make an account, by what is on the screen."""
        view = await self.way_in(program)
        self.assertEqual(view.page.objectName(), "sign in")  # make run's server was found
        view.show_page("register")
        name = f"anna-{secrets.token_hex(3)}"
        email = f"{name}@example.org"
        fields = view.pages["register"].fields
        self.fill(fields["username"].edit, name)
        self.fill(fields["email"].edit, email)
        code: Any = view.pages["register"]
        self.click(code.code)
        await self.until(
            lambda: (self.server.home / "mail" / "new").exists() and self.server.codes(email), "no code came"
        )
        # it counts down
        await self.until(
            lambda: not code.code.isEnabled() and any(letter.isdigit() for letter in code.code.text())
        )
        self.fill(fields["code"].edit, self.server.codes(email)[0])
        self.fill(fields["password"].edit, PASSWORD)
        self.fill(fields["repeated"].edit, PASSWORD)
        button = view.pages["register"].button
        assert button is not None
        self.assertTrue(button.isEnabled())
        self.click(button)
        return name

    async def account(self, program: Program) -> AccountView:
        await self.until(lambda: program.window.account is not None, "no account is open")
        view = program.window.account
        assert view is not None
        await self.until(lambda: view.account.connection().link is Link.ONLINE)
        return view
