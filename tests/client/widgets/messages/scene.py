"""A list of messages over an account in memory, with messages as a test wants them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QTextLine

from client.core.memory import NOW_MS, MemoryAccount
from client.core.model import Conversation, ConversationKind, Kind, Mark, Message, Person
from client.viewmodels.message_window import MessageWindow
from client.widgets.avatar import Avatars
from client.widgets.messages import MessageList
from client.widgets.messages.layout import Row
from client.widgets.pictures import Pictures
from tests.support.qt import WidgetCase

ANNA, TOM = 10001, 10002
MINUTE = 60_000


def message(number: int, text: str = "", *, mine: bool = False, sender: int = ANNA, **more: Any) -> Message:
    """One a minute; of mine all are stored."""
    at_ms = more.pop("at_ms", NOW_MS - (1000 - number) * MINUTE)
    key = more.pop("key", f"#{number}")
    return Message(
        key,
        1,
        1 if mine else sender,
        at_ms,
        more.pop("kind", Kind.TEXT),
        text,
        more.pop("id", number),
        mine,
        **more,
    )


class FixedAccount(MemoryAccount):
    """Has one conversation of the messages that it is given."""

    def __init__(
        self, messages: Sequence[Message], kind: ConversationKind = ConversationKind.PRIVATE
    ) -> None:
        super().__init__(empty=True)
        self.all = list(messages)
        self._people[ANNA] = Person(ANNA, "anna", "Anna")
        self._people[TOM] = Person(TOM, "tom", "Tom")
        self._people[1] = Person(1, "me", "Lena")
        self._conversations[1] = Conversation(1, kind, "Anna", (ANNA,))

    async def before(self, conversation: int, message: Message | None, most: int) -> list[Message]:
        end = (
            len(self.all)
            if message is None
            else next(at for at, one in enumerate(self.all) if one.key == message.key)
        )
        return self.all[max(0, end - most) : end]

    async def after(self, conversation: int, message: Message, most: int) -> list[Message]:
        start = next(at for at, one in enumerate(self.all) if one.key == message.key) + 1
        return self.all[start : start + most]

    async def around(self, conversation: int, id: int, most: int) -> list[Message]:
        at = next((at for at, one in enumerate(self.all) if one.id >= id), len(self.all))
        return self.all[max(0, at - most // 2) : at + most // 2]

    def put(self, *messages: Message) -> None:
        """Messages are new, or different."""
        for one in messages:
            at = next((at for at, other in enumerate(self.all) if other.key == one.key), None)
            if at is None:
                self.all.append(one)
            else:
                self.all[at] = one
        self.all.sort(key=lambda one: one.order)
        self.changes.messages.fire(list(messages))


class ListCase(WidgetCase):
    """Shows them in a window of 600 × 500."""

    def setUp(self) -> None:
        super().setUp()
        self.pictures = Pictures()
        self.addCleanup(self.pictures.close)
        self.avatars = Avatars(self.theme, self.pictures)

    def open(
        self,
        *messages: Message,
        kind: ConversationKind = ConversationKind.PRIVATE,
        unread: int = 0,
        read: int = 0,
    ) -> MessageList:
        """A list of these."""
        self.account = FixedAccount(messages, kind)
        self.account._conversations[1] = replace(self.account._conversations[1], unread=unread, read=read)
        self.window = MessageWindow(self.account, 1)
        self.addCleanup(self.window.close)
        self.list = MessageList(self.theme, self.avatars, self.pictures, now=lambda: NOW_MS)
        self.show(self.list, 600, 500)
        self.list.set_window(self.window)
        self.window.open()
        self.turn()
        return self.list

    def row(self, key: str) -> Row:
        """Laid out."""
        return self.list.rows.row(self.list.rows.index[key])

    def place(self, key: str, at: QPointF) -> QPoint:
        """A place of a row, in the viewport."""
        return (at + QPointF(0, self.list.scroller.y(self.list.rows.index[key]))).toPoint()

    def of_hit(self, key: str, action: str) -> QPoint:
        """The middle of what does that."""
        hit = next(hit for hit in self.row(key).hits if hit.action == action)
        return self.place(key, hit.rect.center())

    def of_text(self, key: str, letter: int) -> QPoint:
        """The left edge of a letter."""
        row = self.row(key)
        assert row.text is not None
        line = row.text.blocks[0].layout.lineForTextPosition(letter)
        return self.place(key, row.text_at + QPointF(x_of(line, letter), line.y() + line.height() / 2))


def x_of(line: QTextLine, letter: int) -> float:
    """Where a letter begins; PySide gives a pair, whatever its stubs say."""
    found: Any = line.cursorToX(letter)
    return float(found[0] if isinstance(found, tuple) else found)


__all__ = ["ANNA", "MINUTE", "NOW_MS", "TOM", "FixedAccount", "ListCase", "Mark", "message", "x_of"]
