"""What the pages of groups are made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from client.theme import Theme
from client.theme.tokens import AVATAR_BIG, GAP, TIGHT
from client.widgets.avatar import Avatar, Avatars

Crop = Callable[[QWidget, Path, Callable[[Path], None]], None]
"""Has a picture cropped: over which window, which picture, and who is told the file that it became."""


def label(text: str = "", role: str = "second") -> QLabel:
    """Plain text that wraps."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    made.setWordWrap(True)
    return made


def named(column: QVBoxLayout, text: str, widget: QWidget) -> None:
    """A field with its name above it."""
    name = QLabel(text)
    name.setBuddy(widget)
    widget.setAccessibleName(text)
    column.addWidget(name)
    column.addWidget(widget)
    column.addSpacing(TIGHT)


def choice(options: list[tuple[str, object]]) -> QComboBox:
    """One of several."""
    box = QComboBox()
    for words, value in options:
        box.addItem(words, value)
    return box


class PictureChoice(QWidget):
    """The picture of a group: how it is, and another one."""

    def __init__(self, theme: Theme, avatars: Avatars, crop: Crop | None) -> None:
        super().__init__()
        self._crop, self._avatars = crop, avatars
        self.picture: Path | None = None
        """The one that was chosen; ``None``: as it is."""
        self._title, self._id = "", 0
        self.avatar = Avatar(theme, avatars, AVATAR_BIG)
        self.button = QPushButton(self.tr("Choose a picture …"))
        self.button.clicked.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(self.avatar)
        row.addWidget(self.button)
        row.addStretch()

    def show_group(self, id: int, title: str, avatar: str) -> None:
        """How it is."""
        self.picture, self._title, self._id = None, title, id
        self.avatar.show_person(id, title, avatar)

    def choose(self, path: Path) -> None:
        """Have this one."""
        self.picture = path
        self._avatars.provide(str(path), str(path))
        self.avatar.show_person(self._id, self._title, str(path))

    def _choose(self) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        pictures = self.tr("Pictures") + " (*.png *.jpg *.jpeg *.webp *.gif *.bmp)"
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a picture"), folder, pictures)
        if name and self._crop is not None:
            self._crop(self, Path(name), self.choose)
        elif name:
            self.choose(Path(name))
