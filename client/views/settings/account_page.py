"""My card: picture, names, description; signing out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from client.core.model import Person
from client.theme import Theme
from client.theme.tokens import AVATAR_BIG, GAP, SMALL, TIGHT, WIDE
from client.viewmodels.own_profile import OwnProfile
from client.views.contacts.profile import Sure
from client.views.settings.parts import SettingsPage
from client.widgets.avatar import Avatar, Avatars

NICKNAME_MOST, DESCRIPTION_MOST = 32, 200

Crop = Callable[[QWidget, Path, Callable[[Path], None]], None]
"""Has a picture cropped: over which window, which picture, and who is told the file that it became."""


class AccountPage(SettingsPage):
    """:attr:`sign_out` and :attr:`forget` ask for the end of the session, and of everything of it here."""

    sign_out = Signal()
    forget = Signal()

    def __init__(self, theme: Theme, avatars: Avatars, own: OwnProfile, *, crop: Crop | None = None) -> None:
        super().__init__(theme, self.tr("Account"))
        self._own, self._crop = own, crop
        self.avatar = Avatar(theme, avatars, AVATAR_BIG)
        self.picture = QPushButton(self.tr("Choose a picture …"))
        self.picture.clicked.connect(self._choose)
        self._name, self._where = QLabel(), QLabel()
        self._name.setProperty("role", "title")
        self._where.setProperty("role", "second")
        words = QVBoxLayout()
        words.setSpacing(TIGHT)
        words.addStretch()
        for label in (self._name, self._where):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            words.addWidget(label)
        words.addSpacing(SMALL)
        words.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignLeading)
        words.addStretch()
        head = QHBoxLayout()
        head.setSpacing(WIDE)
        head.addWidget(self.avatar)
        head.addLayout(words, 1)
        self.column.addLayout(head)
        self.column.addSpacing(GAP)
        self.nickname = QLineEdit()
        self.nickname.setMaxLength(NICKNAME_MOST)
        self.description = QPlainTextEdit()
        self.description.setTabChangesFocus(True)
        self.description.setFixedHeight(theme.px(84))
        self.sex = QComboBox()
        for text, value in ((self.tr("Not said"), 0), (self.tr("Male"), 1), (self.tr("Female"), 2)):
            self.sex.addItem(text, value)
        for text, widget in (
            (self.tr("Nickname"), self.nickname),
            (self.tr("About me"), self.description),
            (self.tr("Sex"), self.sex),
        ):
            name = QLabel(text)
            name.setBuddy(widget)
            widget.setAccessibleName(text)
            self.column.addWidget(name)
            self.column.addWidget(widget)
            self.column.addSpacing(TIGHT)
        self.problem = self.words("", "danger")
        self.problem.hide()
        self.save = QPushButton(self.tr("Save"))
        self.save.setProperty("kind", "primary")
        self.save.clicked.connect(self._save)
        self.column.addWidget(self.save, 0, Qt.AlignmentFlag.AlignLeading)
        self.heading(self.tr("This computer"))
        self.leave = QPushButton(self.tr("Sign out"))
        self.leave.clicked.connect(self.sign_out)
        self.remove = QPushButton(self.tr("Remove this account from this computer"))
        self.remove.setProperty("kind", "danger")
        self.sure = Sure(
            self.tr("Everything of it that is kept on this computer is removed; what the server has stays."),
            self.tr("Remove"),
        )
        self.remove.clicked.connect(self.sure.ask)
        self.sure.yes.connect(self.forget)
        row = QHBoxLayout()
        row.setSpacing(SMALL)
        row.addWidget(self.leave)
        row.addWidget(self.remove)
        row.addStretch()
        self.column.addLayout(row)
        self.column.addWidget(self.sure)
        self.column.addStretch()
        self.nickname.textChanged.connect(self._changed)
        self.description.textChanged.connect(self._changed)
        self.sex.currentIndexChanged.connect(self._changed)
        self._ends = [
            own.changed.subscribe(self._show),
            own.saved.subscribe(lambda _: self._saved()),
            own.failed.subscribe(self._failed),
        ]
        self._show(own.me)
        self._fill(own.me)

    def close_page(self) -> None:
        for end in self._ends:
            end()

    def _show(self, me: Person) -> None:
        self.avatar.show_person(me.uuid, me.name, me.avatar)
        self._name.setText(me.name)
        self._where.setText(
            self.tr("{name}, number {number}, on {server}").format(
                name=me.username, number=me.uuid, server=self._own.server
            )
        )

    def _fill(self, me: Person) -> None:
        self.nickname.setText(me.nickname)
        self.description.setPlainText(me.description)
        self.sex.setCurrentIndex(me.sex if me.sex in (0, 1, 2) else 0)
        self._changed()

    def _values(self) -> tuple[str, str, int]:
        return (
            self.nickname.text().strip(),
            self.description.toPlainText().strip(),
            int(self.sex.currentData()),
        )

    def _changed(self) -> None:
        nickname, description, sex = self._values()
        me = self._own.me
        long = len(description) > DESCRIPTION_MOST
        too_long = self.tr("The description has {count} characters, and at most {most} are kept.")
        self._say(too_long.format(count=len(description), most=DESCRIPTION_MOST) if long else "")
        self.save.setText(self.tr("Save"))
        self.save.setEnabled(
            (nickname, description, sex) != (me.nickname, me.description, me.sex) and not long
        )

    def _save(self) -> None:
        self.save.setEnabled(False)
        self._own.save(*self._values())

    def _saved(self) -> None:
        self._changed()
        self.save.setText(self.tr("Saved"))
        self.picture.setEnabled(True)

    def _failed(self, problem: str) -> None:
        self._changed()
        self._say(problem)
        self.picture.setEnabled(True)

    def _say(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _choose(self) -> None:
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        pictures = self.tr("Pictures") + " (*.png *.jpg *.jpeg *.webp *.gif *.bmp)"
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a picture"), folder, pictures)
        if not name:
            return
        if self._crop is not None:
            self._crop(self, Path(name), self._send)
        else:
            self._send(Path(name))

    def _send(self, path: Path) -> None:
        self.picture.setEnabled(False)
        self._own.set_avatar(path)
