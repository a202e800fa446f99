"""The whole program against a whole server: from the first start to a conversation, and back."""

from __future__ import annotations

import secrets
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from twisted.internet.defer import Deferred

from client.core.model import Link, Mark
from client.platform.paths import Paths
from client.platform.settings import Settings
from client.program import Program
from client.theme import Theme
from client.views.main.account_view import AccountView
from client.views.main.window import Window
from client.views.sign_in import SignInView
from imsys.sdk import Client, Credentials, Gateway
from tests.cli.running import PASSWORD, server
from tests.support.children import folder
from tests.support.qt import WidgetCase


class ProgramTests(WidgetCase):
    timeout = 90

    def setUp(self) -> None:
        super().setUp()
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.server = server()
        self.home = folder("program")
        self.gateway = Gateway(reactor, self.server.url, self.server.ca)

    def start(self, **environ: str) -> Program:
        """The program, in a window of its own."""
        settings = Settings(None)
        theme = Theme(self.application)
        window = Window(theme, settings)
        paths = Paths(self.home, self.home, self.home, self.home)
        port = self.server.url.rpartition(":")[2]
        program = Program(
            self.reactor,
            self.application,
            theme,
            settings,
            window,
            paths,
            environ={"IMSYS_GATEWAY_PORT": port, "IMSYS_HOME": str(self.server.home), **environ},
        )
        self.show(window, 1100, 720)
        self.addCleanup(self.end, program)
        program.begin()
        return program

    async def end(self, program: Program) -> None:
        program._ending = True  # closing the window would end the reactor
        program.first.close()
        for opened in list(program.opened.values()):
            await Deferred.fromCoroutine(program._close(opened))
        program.pictures.close()

    async def ben(self) -> Client:
        """Somebody else, with the library alone."""
        name = f"ben-{secrets.token_hex(3)}"
        await self.gateway.request_code(f"{name}@example.org")
        await self.gateway.register(name, PASSWORD, f"{name}@example.org", self.server.codes(f"{name}@example.org")[0])
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
        await self.until(lambda: (self.server.home / "mail" / "new").exists() and self.server.codes(email), "no code came")
        await self.until(lambda: not code.code.isEnabled() and any(letter.isdigit() for letter in code.code.text()))  # it counts down
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

    async def test_from_the_first_start(self) -> None:
        """Register, find somebody, talk; close it, and everything is there again, offline and then online."""
        program = self.start()
        name = await self.register(program)
        view = await self.account(program)
        ben = await self.ben()
        self.click(view.list.empty.findChildren(type(view.find_page._button))[0])  # "Find people"
        self.fill(view.find_page.field, ben.me.username)
        self.keys(view.find_page.field, Qt.Key.Key_Return)
        await self.until(lambda: hasattr(view.find_page, "ask_button"))
        requests: list[Any] = []
        ben.on_friend_request.subscribe(requests.append)
        self.click(view.find_page.ask_button)
        await self.until(lambda: requests)
        await ben.contacts.accept(requests[0].person.uuid)
        await self.until(lambda: view.conversations.rowCount())
        rows = view.list.rows
        self.click(rows.viewport(), rows.visualRect(view.conversations.index(0)).center())
        await self.until(lambda: view.current and view.conversation.presenter is not None)
        self.assertFalse(view.conversation.composer.edit.isHidden())
        said: list[str] = []
        ben.on_message.subscribe(lambda message: said.append(message.text))
        self.keys(view.conversation.composer.edit, "Hello Ben")
        self.keys(view.conversation.composer.edit, Qt.Key.Key_Return)
        await self.until(lambda: said == ["Hello Ben"])
        self.assertEqual(view.conversation.composer.text(), "")
        thread = view.current
        await ben.send(thread, "Hello Anna")
        await self.until(lambda: [row.text for row in view.conversation.messages.rows.messages][-1:] == ["Hello Anna"])
        self.keys(view.conversation.composer.edit, "not sent yet")
        opened = next(iter(program.opened.values()))
        await Deferred.fromCoroutine(program._close(opened))

        again = self.start()
        view = await self.account(again)
        self.assertEqual(view.account.me.username, name)
        view.open(thread)
        await self.until(lambda: len(view.conversation.messages.rows.messages) >= 2)
        self.assertEqual([row.text for row in view.conversation.messages.rows.messages][-2:], ["Hello Ben", "Hello Anna"])
        self.assertEqual(view.conversation.composer.text(), "not sent yet")
        self.assertGreaterEqual(view.conversation.messages.rows.messages[-2].mark, Mark.STORED)

    async def test_signed_out_elsewhere(self) -> None:
        """It is said in plain words, and the way back is a press and the password."""
        program = self.start()
        name = await self.register(program)
        view = await self.account(program)
        other = Client(self.reactor, self.gateway, Credentials(username=name, password=PASSWORD))
        await other.start()
        await self.until(lambda: view.account.connection().link is Link.SIGNED_OUT)
        await other.stop()
        self.assertTrue(view.banner.isVisible())
        self.assertIn("signed in somewhere else", view.banner.words()[0])
        view.banner.sign_in.emit()
        entrance = await self.way_in(program)
        page = entrance.pages["sign in"]
        self.assertEqual(page.fields["username"].text(), name)
        self.assertIn("somewhere else", page.problem.text())
        self.fill(page.fields["password"].edit, "wrong password")
        self.keys(page.fields["password"].edit, Qt.Key.Key_Return)
        await self.until(lambda: page.fields["password"].problem)
        self.assertEqual(page.fields["password"].problem, "The name or the password is wrong.")
        self.fill(page.fields["password"].edit, PASSWORD)
        self.keys(page.fields["password"].edit, Qt.Key.Key_Return)
        again = await self.account(program)
        self.assertIsNot(again, view)
        self.assertEqual(len(program.opened), 1)
