"""The whole program against a whole server: from the first start to a conversation, and back."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QMenu
from twisted.internet.defer import Deferred

from client.core.model import Link, Mark
from client.core.ports import Failure
from client.platform.notifications import Notice, Notifier
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
        await self.until(
            lambda: [row.text for row in view.conversation.messages.rows.messages][-1:] == ["Hello Anna"]
        )
        self.keys(view.conversation.composer.edit, "not sent yet")
        opened = next(iter(program.opened.values()))
        await Deferred.fromCoroutine(program._close(opened))

        again = self.start()
        view = await self.account(again)
        self.assertEqual(view.account.me.username, name)
        view.open(thread)
        await self.until(lambda: len(view.conversation.messages.rows.messages) >= 2)
        self.assertEqual(
            [row.text for row in view.conversation.messages.rows.messages][-2:], ["Hello Ben", "Hello Anna"]
        )
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

    async def test_several_accounts(self) -> None:
        """A second account beside the first: its messages are told, a press opens them there, and both are
        there the next time.
        """
        program = self.start()
        first_name = await self.register(program)
        first = await self.account(program)
        told = Told()
        program.notifier = told
        told.activated.connect(program._activated)
        ben = await self.ben()
        await first.account.ask_friend((await first.account.search_person(ben.me.username)).uuid, "Hello?")
        await ben.contacts.accept(first.account.me.uuid)
        await self.until(lambda: first.conversations.rowCount())
        thread = first.conversations.at(0).id  # type: ignore[union-attr]
        await self.until(lambda: told.shown)  # "We are friends now!"
        told.shown.clear()
        program.enter()
        second_name = await self.register(program)
        await self.until(lambda: len(program.opened) == 2 and program.window.account not in (None, first))
        await ben.send(thread, "Are you there?")
        await self.until(lambda: told.shown)
        self.assertEqual((told.shown[0].title, told.shown[0].text), (ben.me.username, "Are you there?"))
        self.assertIn("(2)", str([action.text() for action in self.menu(program)]))
        told.activated.emit(told.shown[0].target)
        self.assertIs(program.window.account, first)
        self.assertEqual(first.current, thread)
        await self.until(lambda: told.withdrawn)  # it has been seen
        program._replied(told.shown[0].target, "I am")
        await self.until(
            lambda: [one.text for one in first.conversation.messages.rows.messages][-1:] == ["I am"]
        )
        for opened in list(program.opened.values()):
            await Deferred.fromCoroutine(program._close(opened))
        again = self.start()
        await self.until(lambda: len(again.opened) == 2)
        front = await self.account(again)
        self.assertEqual(front.account.me.username, first_name)
        self.assertEqual(
            {one.account.me.username for one in again.opened.values()}, {first_name, second_name}
        )

    def menu(self, program: Program) -> list[QAction]:
        """What the menu of accounts holds."""
        program._menu(program.window.mapToGlobal(QPoint(10, 10)))
        menu = next(child for child in program.window.findChildren(QMenu) if child.isVisible())
        actions = menu.actions()
        menu.hide()
        return actions

    async def test_sign_out_and_forget(self) -> None:
        """Signed out, the password is asked for; forgotten, nothing is left of it on this disk."""
        program = self.start()
        name = await self.register(program)
        await self.account(program)
        await Deferred.fromCoroutine(program._sign_out(next(iter(program.opened.values()))))
        entrance = await self.way_in(program)
        page = entrance.pages["sign in"]
        self.assertEqual(
            (page.fields["username"].text(), page.problem.text()), (name, "You have signed out.")
        )
        await self.end(program)
        program = self.start()
        await self.until(lambda: program.window.account is not None)
        view = program.window.account
        assert view is not None
        await self.until(lambda: view.account.connection().link is Link.SIGNED_OUT)
        self.assertEqual(view.banner.words()[1], "Sign in")
        view.banner.sign_in.emit()
        page = (await self.way_in(program)).pages["sign in"]
        self.fill(page.fields["password"].edit, PASSWORD)
        self.keys(page.fields["password"].edit, Qt.Key.Key_Return)
        await self.account(program)
        opened = next(iter(program.opened.values()))
        place = opened.account.folder
        self.assertTrue(place.exists())
        await Deferred.fromCoroutine(program._forget(opened))
        self.assertFalse(place.exists())
        self.assertEqual(program.accounts.entries, ())
        await self.way_in(program)

    async def test_no_key(self) -> None:
        """An account that cannot be opened is said, with the way in."""
        program = self.start()
        name = await self.register(program)
        await self.account(program)
        await self.end(program)
        program = self.start()

        async def locked(entry: object, **more: object) -> None:
            raise Failure("The keyring of this system does not open; unlock it, and try again.")

        self.patch(program.accounts, "prepare", locked)
        page = (await self.way_in(program)).pages["sign in"]
        self.assertEqual((page.fields["username"].text(), page.problem.text()[:11]), (name, "The keyring"))

    async def test_unexpected(self) -> None:
        """What nobody expected is one sentence with its details to copy, and the window goes on."""
        program = self.start()
        await self.way_in(program)
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        QTimer.singleShot(0, program.window, lambda: [][0])
        await self.until(lambda: program.window.toast.isVisible())
        self.assertIn("went wrong", program.window.toast.accessibleName())
        program.window.toast._button.click()
        self.assertIn("IndexError", self.application.clipboard().text())

    async def test_changed_certificate(self) -> None:
        """A server that presents another certificate than the one that was trusted: an alarm, nothing is said
        to it, and a way to look.
        """
        program = self.start()
        await self.register(program)
        await self.account(program)
        opened = next(iter(program.opened.values()))
        entry = await Deferred.fromCoroutine(program.accounts.trust(opened.entry, ":".join(["00"] * 32)))
        await Deferred.fromCoroutine(program._close(opened))
        await Deferred.fromCoroutine(program._open(entry))
        await self.until(lambda: "certificate" in program.window.toast.accessibleName())
        view = program.window.account
        assert view is not None
        self.assertIn("certificate", view.banner.words()[0])
        program.window.toast._button.click()
        entrance = await self.way_in(program)
        await self.until(lambda: entrance.page.objectName() == "certificate")
        self.assertIn("changed", entrance.page.title.text())
        button = entrance.page.button
        assert button is not None
        self.click(button)
        await self.account(program)


class Told(Notifier):
    """Keeps what it is to show."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Notice] = []
        self.withdrawn: list[str] = []

    def show(self, notice: Notice) -> None:
        self.shown.append(notice)

    def withdraw(self, target: str) -> None:
        if self.shown:
            self.withdrawn.append(target)
