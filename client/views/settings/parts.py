"""What the pages of the settings are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from client.platform.settings import Settings
from client.theme import Theme
from client.theme.tokens import GAP, HUGE, ICON_SMALL, SMALL, TIGHT

T = TypeVar("T")

NOT_ONLINE = "There is no connection to the server; try again when it is back."


class SettingsPage(QScrollArea):
    """Fill :attr:`column`."""

    def __init__(self, theme: Theme, title: str) -> None:
        super().__init__()
        self.theme = theme
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inner = QWidget()
        self.column = QVBoxLayout(inner)
        self.column.setContentsMargins(HUGE, HUGE, HUGE, HUGE)
        self.column.setSpacing(SMALL)
        heading = QLabel(title)
        heading.setProperty("role", "title")
        self.column.addWidget(heading)
        self.column.addSpacing(GAP)
        self.setWidget(inner)

    def opened(self) -> None:
        """It comes to the front."""

    def close_page(self) -> None:
        """Hear no more."""

    def say(self, label: QLabel, text: str) -> None:
        """Show a sentence; one that is empty takes no room."""
        label.setText(text)
        label.setVisible(bool(text))

    def words(self, text: str, role: str = "second", place: QVBoxLayout | None = None) -> QLabel:
        """A sentence, at the end of the column where no other place is said."""
        label = QLabel(text)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setProperty("role", role)
        label.setWordWrap(True)
        (place or self.column).addWidget(label)
        return label

    def heading(self, text: str) -> QLabel:
        """What comes next is about this."""
        self.column.addSpacing(GAP)
        return self.words(text, "strong")

    def check(
        self, settings: Settings, name: str, text: str, about: str = "", *, turned: bool = False
    ) -> QCheckBox:
        """A preference that is on or off; ``turned``: the box says the opposite."""
        box = QCheckBox(text)
        box.setChecked(bool(getattr(settings.value, name)) != turned)
        box.toggled.connect(lambda on: settings.change(**_one(name, on != turned)))
        if not about:
            self.column.addWidget(box)
            return box
        pair = QVBoxLayout()
        pair.setSpacing(0)
        pair.addWidget(box)
        self.column.addLayout(pair)
        label = self.words(about, "meta", pair)
        label.setContentsMargins(self.theme.px(ICON_SMALL) + 2 + SMALL, 0, 0, TIGHT)  # below the box's words
        return box

    def choice(
        self,
        label: str,
        options: Sequence[tuple[str, T]],
        now: T,
        choose: Callable[[T], object],
    ) -> QComboBox:
        """One of several."""
        row = QHBoxLayout()
        name = QLabel(label)
        box = QComboBox()
        box.setAccessibleName(label)
        name.setBuddy(box)
        for words, value in options:
            box.addItem(words, value)
        box.setCurrentIndex(max(0, next((at for at, (_, value) in enumerate(options) if value == now), 0)))
        box.activated.connect(lambda at: choose(options[at][1]))
        row.addWidget(name, 1)
        row.addWidget(box)
        self.column.addLayout(row)
        return box


def _one(name: str, value: object) -> dict[str, Any]:
    """The arguments for a preference that is known by its name."""
    return {name: value}
