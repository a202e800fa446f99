"""Who has read a message of a group."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFrame, QLabel, QListWidget, QVBoxLayout, QWidget

from client.core.display import shown_name
from client.core.model import Person, Readers
from client.theme import Theme
from client.theme.tokens import DIALOG, GAP, WIDE


class ReadersDialog(QDialog):
    """Numbers of all, and the names of those who are told: of a big group not all are."""

    def __init__(
        self, theme: Theme, readers: Readers, person: Callable[[int], Person], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Seen by"))
        number = QLocale().toString
        self.words = QLabel(
            self.tr("Received by {received}, read by {read}").format(
                received=number(readers.delivered), read=number(readers.read)
            )
        )
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setProperty("role", "second")
        self.names = QListWidget()
        self.names.setFrameShape(QFrame.Shape.NoFrame)
        self.names.setAccessibleName(self.tr("Seen by"))
        self.names.addItems(
            sorted((shown_name(person(uuid).name) for uuid in readers.people), key=str.casefold)
        )
        self.names.setVisible(bool(readers.people))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(WIDE, WIDE, WIDE, WIDE)
        layout.setSpacing(GAP)
        layout.addWidget(self.words)
        layout.addWidget(self.names, 1)
        layout.addWidget(buttons)
        self.resize(theme.px(DIALOG[0]) * 3 // 4, theme.px(DIALOG[1]) * 3 // 4)
