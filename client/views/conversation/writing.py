"""What the text in the composer is for: a new message, an answer, or the new text of a message of mine."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from client.core.model import Message
from client.widgets.composer import Composer
from client.widgets.messages.words import content_line


class Writing:
    """One of them at a time; it stands above the composer."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self.answered: Message | None = None
        self.edited: Message | None = None
        self._before = ""

    def answer(self, message: Message, who: str) -> None:
        """What is written answers a message, of somebody of that name."""
        self.leave()
        self.answered = message
        title = QCoreApplication.translate("Writing", "Reply to {name}").format(name=who)
        self._composer.set_context("reply", title, content_line(message))
        self._composer.setFocus()

    def edit(self, message: Message, text: str = "") -> None:
        """A message gets another text; what was being written comes back afterwards."""
        self.leave()
        self._composer.tell_draft()
        self.edited, self._before = message, self._composer.text()
        self._composer.schedules = False
        self._composer.set_text(text or message.text)
        title = QCoreApplication.translate("Writing", "Edit message")
        self._composer.set_context("pencil", title, content_line(message))
        self._composer.setFocus()

    def before(self, text: str) -> None:
        """What was being written before a message was edited is something else on another device."""
        self._before = text

    def leave(self) -> bool:
        """Not any more; whether there was something."""
        there = self.answered is not None or self.edited is not None
        if self.edited is not None:
            self._composer.set_text(self._before)
        self.answered = self.edited = None
        self._composer.schedules = True
        self._before = ""
        self._composer.clear_context()
        return there

    def gone(self, message: Message) -> None:
        """A message is not there any more, or nothing is in it."""
        if message.id and message.id in {one.id for one in (self.answered, self.edited) if one is not None}:
            self.leave()
