"""The whole program against a whole server: from the first start to a conversation, and back."""

from __future__ import annotations

import logging
from typing import Any

from PySide6.QtCore import Qt, QTimer
from twisted.internet.defer import Deferred

from client.core.model import Mark
from client.core.ports import Failure
from tests.client.shell.running import ProgramCase


class ProgramTests(ProgramCase):
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
        opened = program.accounts.all[0]
        await Deferred.fromCoroutine(program.accounts.close(opened))

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

    async def test_no_key(self) -> None:
        """An account that cannot be opened is said, with the way in."""
        program = self.start()
        name = await self.register(program)
        await self.account(program)
        await self.end(program)
        program = self.start()

        async def locked(entry: object, **more: object) -> None:
            raise Failure("The keyring of this system does not open; unlock it, and try again.")

        self.patch(program.accounts.known, "prepare", locked)
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
