"""Whom one may mean, while one writes ``@`` in the composer: ↑ ↓ choose, Enter or Tab takes, Esc leaves."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QKeyEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QPlainTextEdit, QVBoxLayout, QWidget

from client.core.display import shown_name
from client.core.mentions import ALL, begun, candidates
from client.core.model import EVERYBODY, Person
from client.theme import Font, Theme
from client.theme.tokens import COMPLETION, GAP, SMALL, TIGHT
from client.widgets.shadow import Shadow


class Completion(QFrame):
    """Floats over ``host``, above the field."""

    def __init__(self, theme: Theme, edit: QPlainTextEdit, host: QWidget) -> None:
        super().__init__(host)
        self._theme, self._edit, self._host = theme, edit, host
        self._members: list[Person] = []
        self._left = ""
        """What was written when somebody pressed Esc: that is not completed."""
        self.setProperty("ground", "float")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._shadow = Shadow(theme, self)
        self.setGraphicsEffect(self._shadow)
        self.rows = QListWidget()
        self.rows.setAccessibleName(self.tr("Mention somebody"))
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.setProperty("bare", True)
        self.rows.setFrameShape(QFrame.Shape.NoFrame)
        self.rows.itemClicked.connect(self._take)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SMALL, SMALL, SMALL, SMALL)
        layout.addWidget(self.rows)
        edit.installEventFilter(self)
        edit.cursorPositionChanged.connect(self._look)
        edit.textChanged.connect(self._look)
        self.hide()

    def set_members(self, members: Sequence[Person]) -> None:
        """Who can be mentioned; with somebody, all of them at once as well."""
        everybody = [Person(EVERYBODY, ALL, self.tr("Everybody"))] if members else []
        if (offered := [*members, *everybody]) != self._members:
            self._members = offered
            self._look()

    def _look(self) -> None:
        """Offer whom what is written before the cursor may mean."""
        start = self._begun()
        found = candidates(self._members, start) if start is not None and start != self._left else ()
        if start is None:
            self._left = "\0"
        if not found:
            self.hide()
            return
        self.rows.clear()
        for person in found:
            item = QListWidgetItem(f"{shown_name(person.name)}   @{person.username}")
            item.setData(Qt.ItemDataRole.UserRole, person.username)
            item.setSizeHint(QSize(0, round(self._theme.metrics(Font.BODY).height()) + GAP))
            self.rows.addItem(item)
        self.rows.setCurrentRow(0)
        self._place()
        self.show()
        self.raise_()

    def _begun(self) -> str | None:
        cursor = self._edit.textCursor()
        return None if cursor.hasSelection() else begun(cursor.block().text()[: cursor.positionInBlock()])

    def _take(self, item: QListWidgetItem | None) -> None:
        start = self._begun()
        if item is not None and start is not None:
            cursor = self._edit.textCursor()
            cursor.movePosition(
                QTextCursor.MoveOperation.Left,
                QTextCursor.MoveMode.KeepAnchor,
                len(start.encode("utf-16-le")) // 2,
            )
            cursor.insertText(f"{item.data(Qt.ItemDataRole.UserRole)} ")
            self._edit.setTextCursor(cursor)
        self.hide()
        self._edit.setFocus()

    def _place(self) -> None:
        high = self.rows.count() * self.rows.sizeHintForRow(0) + 2 * SMALL + 2
        width = min(self._theme.px(COMPLETION), self._host.width() - 2 * SMALL)
        corner = self._edit.mapTo(self._host, QPoint(0, 0))
        left = (
            corner.x()
            if self.layoutDirection() is Qt.LayoutDirection.LeftToRight
            else corner.x() + self._edit.width() - width
        )
        left = max(SMALL, min(left, self._host.width() - width - SMALL))
        self.setGeometry(left, corner.y() - high - TIGHT - SMALL, width, high)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not self.isVisible():
            return False
        if event.type() == QEvent.Type.FocusOut:
            self.hide()
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        key, row, count = event.key(), self.rows.currentRow(), self.rows.count()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.rows.setCurrentRow((row + (1 if key == Qt.Key.Key_Down else -1)) % count)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab):
            self._take(self.rows.currentItem())
        elif key == Qt.Key.Key_Escape:
            self._left = self._begun() or ""
            self.hide()
        else:
            return False
        return True
