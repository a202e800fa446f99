"""Several accounts: their menu, and what is told of them."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from client.platform.notifications import Notice, Notifier
from client.program import Program
from tests.client.shell.running import ProgramCase


class NotificationsTests(ProgramCase):
    async def test_several_accounts(self) -> None:
        """A second account beside the first: its messages are told, a press opens them there, and both are
        there the next time.
        """
        told = Told()
        program = self.start(told)
        first_name = await self.register(program)
        first = await self.account(program)
        ben = await self.ben()
        await first.account.ask_friend((await first.account.search_person(ben.me.username)).uuid, "Hello?")
        await ben.contacts.accept(first.account.me.uuid)
        await self.until(lambda: first.conversations.rowCount())
        thread = first.conversations.at(0).id  # type: ignore[union-attr]
        await self.until(lambda: told.shown)  # "We are friends now!"
        told.shown.clear()
        program.sign_in.enter()
        second_name = await self.register(program)
        await self.until(
            lambda: len(program.accounts.all) == 2 and program.window.account not in (None, first)
        )
        await ben.send(thread, "Are you there?")
        await self.until(lambda: told.shown)
        self.assertEqual((told.shown[0].title, told.shown[0].text), (ben.me.username, "Are you there?"))
        await self.until(lambda: first.conversations.unread() == 2)
        self.assertIn("(2)", str([action.text() for action in self.menu(program)]))
        told.activated.emit(told.shown[0].target)
        self.assertIs(program.window.account, first)
        self.assertEqual(first.current, thread)
        await self.until(lambda: told.withdrawn)  # it has been seen
        told.replied.emit(told.shown[0].target, "I am")
        await self.until(
            lambda: [one.text for one in first.conversation.messages.rows.messages][-1:] == ["I am"]
        )
        await self.end(program)
        again = self.start()
        await self.until(lambda: len(again.accounts.all) == 2)
        front = await self.account(again)
        self.assertEqual(front.account.me.username, first_name)
        self.assertEqual({one.account.me.username for one in again.accounts.all}, {first_name, second_name})

    def menu(self, program: Program) -> list[QAction]:
        """What the menu of accounts holds."""
        program.menu.show(program.window.mapToGlobal(QPoint(10, 10)))
        menu = next(child for child in program.window.findChildren(QMenu) if child.isVisible())
        actions = menu.actions()
        menu.hide()
        return actions


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
