"""Desktop clients in real windows, used by clicks and keys alone, against a whole server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QMimeData, QObject, QPoint, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QLineEdit, QPushButton, QWidget

from client.core.model import Link, Message
from client.platform.paths import Paths
from client.platform.settings import Settings
from client.program import Program
from client.shell.context import Context
from client.theme import Theme
from client.views.main.account_view import AccountView
from client.views.main.window import Window
from client.views.sign_in import SignInView
from tests.support.children import folder
from tests.support.qt import WidgetCase

ENTER = Qt.Key.Key_Return


class Desktop:
    """One person's client: a program in a window, with a folder of its own."""

    def __init__(
        self, test: ClientsCase, name: str, environ: dict[str, str], *, home: Path | None = None
    ) -> None:
        self.test, self.name, self.home = test, name, home or folder(f"desktop-{name}")
        settings = Settings(None)
        settings.change(less_motion=True)
        self.window = Window(Theme(test.application), settings)
        paths = Paths(self.home, self.home, self.home, self.home)
        theme = self.window._theme
        self.program = Program(
            Context(test.reactor, test.application, theme, settings, self.window, paths, environ)
        )
        test.show(self.window, 1100, 720)
        test.addCleanup(self.close)
        self.program.begin()

    async def close(self) -> None:
        """End it; the accounts stay on the disk."""
        closed = self.program.close()
        if closed is not None:
            await closed

    # Coming in.

    async def way_in(self) -> SignInView:
        """The screen for signing in, once the server is found."""
        await self.test.until(lambda: isinstance(self.window.shown, SignInView), "there is no way in")
        view = self.window.shown
        assert isinstance(view, SignInView)
        await self.test.until(lambda: view.page.objectName() in ("sign in", "certificate"))
        return view

    async def sign_in(self, password: str) -> AccountView:
        """Type a name, unless it is there, and a password."""
        page: Any = (await self.way_in()).page
        if page.fields["username"].text() != self.name:
            self.fill(page.fields["username"].edit, self.name)
        self.fill(page.fields["password"].edit, password)
        self.test.keys(page.fields["password"].edit, ENTER)
        return await self.online()

    async def online(self) -> AccountView:
        """The account in front, once it is connected."""
        await self.test.until(lambda: self.window.account is not None, "no account is open")
        view = self.view
        await self.test.until(lambda: view.account.connection().link is Link.ONLINE, "it is not connected")
        return view

    @property
    def view(self) -> AccountView:
        """The account in front."""
        view = self.window.account
        assert view is not None
        return view

    def fill(self, field: QLineEdit, text: str) -> None:
        """Write into a field, from its beginning."""
        field.setFocus()
        field.selectAll()
        self.test.keys(field, text)

    def press(self, words: str, within: QWidget | None = None) -> None:
        """Click the button that says so."""
        buttons = (within or self.window).findChildren(QPushButton)
        self.test.click(next(button for button in buttons if button.text() == words and button.isVisible()))

    # Talking.

    async def open(self, row: int = 0) -> None:
        """Click a conversation in the list."""
        view = self.view
        await self.test.until(lambda: view.conversations.rowCount() > row, "the conversation is not there")
        rows = view.list.rows
        self.test.click(rows.viewport(), rows.visualRect(view.conversations.index(row)).center())
        await self.test.until(lambda: view.current and view.conversation.messages.isVisible())

    def write(self, text: str) -> None:
        """Type it, and press Enter."""
        edit = self.view.conversation.composer.edit
        self.test.keys(edit, text)
        self.test.keys(edit, ENTER)

    async def send_dropped(self, path: Path) -> Message:
        """Drag a file onto the conversation, let go, and press what sends it; its message."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        self.test.assertTrue(self.test.drop(self.view.conversation, data))
        return await self._sent(path.name)

    async def send_pasted(self) -> Message:
        """Paste what is on the clipboard, and press what sends it; its message."""
        self.test.keys(
            self.view.conversation.composer.edit, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier
        )
        return await self._sent("")

    async def _sent(self, name: str) -> Message:
        await self.test.until(
            lambda: self._dialog() is not None or self._of_file(name) is not None, "nothing is to be sent"
        )
        dialog = self._dialog()
        if dialog is not None:
            button = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())
            await self.test.until(button.isEnabled)
            self.test.click(button)
        await self.test.until(lambda: self._of_file(name) is not None, "no message of it is shown")
        found = self._of_file(name)
        assert found is not None
        return found

    def _dialog(self) -> QDialog | None:
        return next((one for one in self.window.findChildren(QDialog) if one.isVisible()), None)

    def _of_file(self, name: str) -> Message | None:
        found = (
            one
            for one in reversed(self.messages)
            if one.mine and one.attachment is not None and name in one.attachment.filename
        )
        return next(found, None)

    @property
    def messages(self) -> list[Message]:
        """What is shown of the conversation."""
        return list(self.view.conversation.messages.rows.messages)

    @property
    def texts(self) -> list[str]:
        """The texts of it."""
        return [message.text for message in self.messages if message.text]

    def message(self, key: str) -> Message:
        """One that is shown, as it is now."""
        return next(one for one in self.messages if one.key == key)

    async def go_and_click(self, message: Message, action: str) -> None:
        """Go to a message, and click the part of its bubble."""
        messages = self.view.conversation.messages

        def seen() -> bool:
            if message.key not in messages.rows.index:
                return False
            rect = messages.rect_of(message.key)
            inside = rect.top() >= 0 and rect.bottom() <= messages.viewport().height()
            return inside and not messages.canvas.slide()  # what has come stands still

        if not seen():
            messages.jump(message.id)
        await self.test.until(seen, "the message cannot be seen")
        self.click_part(message.key, action)

    def click_part(self, key: str, action: str) -> None:
        """Click the part of a bubble that does something."""
        messages = self.view.conversation.messages
        index = messages.rows.index[key]
        row = messages.rows.row(index)
        assert row.part is not None
        place = next(hit for hit in row.part.hits() if hit.action == action).rect.center()
        self.test.click(
            messages.viewport(), QPoint(round(place.x()), round(place.y() + messages.scroller.y(index)))
        )


class Opener(QObject):
    """Stands for the programs that files are opened with."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot("QUrl")
    def open(self, url: QUrl) -> None:
        """A file is to be opened."""
        self.opened.append(url.toLocalFile())


class ClientsCase(WidgetCase):
    """Has a reactor, and gives people clients."""

    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.application.setDesktopFileName("imsys-client")
        self.opener = Opener()
        QDesktopServices.setUrlHandler("file", self.opener, "open")  # type: ignore[arg-type]  # it takes no bytes
        self.addCleanup(QDesktopServices.unsetUrlHandler, "file")
