"""One device: what it is, its name, and signing it out."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from client.core.devices import NAME_MOST, Device
from client.theme import Theme
from client.theme.tokens import GAP, ICON, SMALL, TARGET, TIGHT
from client.viewmodels.devices import Devices, place
from client.views.contacts.profile import Sure
from client.views.settings.device_words import (
    icon_of,
    kind_words,
    name_words,
    seen_words,
    signed_in_words,
    wrapped_name_words,
)
from client.widgets.button import IconButton
from client.widgets.elided import Elided


class DeviceRow(QFrame):
    """It stays while its device does, so that what is under way in it does too. :attr:`asked` tells that it has
    a question, which is to be seen.
    """

    asked = Signal(QWidget)

    def __init__(self, theme: Theme, devices: Devices, device: Device) -> None:
        super().__init__()
        self._theme, self._devices, self.device = theme, devices, device
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.name = Elided("strong")
        self.seen, self.facts = _label("meta"), _label("meta")
        self.pencil = IconButton(theme, "pencil", "", size=ICON - 4)
        self.pencil.clicked.connect(self._edit)
        self.editor = NameEditor()
        self.editor.hide()
        self.editor.kept.connect(self._rename)
        self.editor.left.connect(self._end_edit)
        self.leave = QPushButton(self.tr("Sign out"))
        self.leave.setProperty("kind", "flat")
        self.leave.clicked.connect(self._ask)
        self.sure = Sure("", self.tr("Sign out"))
        self.sure.yes.connect(self._sign_out)
        self.sure.no.connect(self.leave.setFocus)
        self.problem = _label("danger")
        self.problem.hide()
        self._lay_out()
        theme.follow(self._restyle)

    def fill(self, device: Device, now_ms: int) -> None:
        """How it is now."""
        if device.kind != self.device.kind:
            self.device = device
            self._restyle()
        self.device = device
        name = name_words(device)
        self.name.setText(name)
        self.facts.setText(" · ".join((kind_words(device), signed_in_words(device, now_ms))))
        role = "online" if device.online else "meta"
        if self.seen.property("role") != role:
            self.seen.setProperty("role", role)
            self.seen.style().polish(self.seen)
        self.seen.setText(seen_words(device, now_ms))
        self.seen.setVisible(
            self._devices.online or not device.online
        )  # who is there now is not known offline
        self.setAccessibleName(", ".join((name, self.facts.text(), self.seen.text())))
        self.pencil.set_name(self.tr("Rename {name}").format(name=name))
        self.leave.setAccessibleName(self.tr("Sign out {name}").format(name=name))
        self.leave.setVisible(not device.this)
        can = self._devices.online and place(device) not in self._devices.busy
        for button in (self.pencil, self.leave, self.sure.yes_button, self.editor.save):
            button.setEnabled(can)
        problem = self._devices.problems.get(place(device), "")
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _edit(self) -> None:
        self.sure.hide()
        self._title.hide()
        self.editor.begin(self.device.name)
        self.asked.emit(self.editor)

    def _end_edit(self) -> None:
        self.editor.hide()
        self._title.show()
        self.pencil.setFocus()

    def _rename(self, name: str) -> None:
        self._end_edit()
        if name != self.device.name:
            self._devices.rename(self.device, name)

    def _ask(self) -> None:
        if self.editor.isVisible():
            self._end_edit()
        question = self.tr("Sign out {name}? It needs the password to come back.")
        self.sure.words.setText(question.format(name=wrapped_name_words(self.device)))
        self.sure.ask()
        self.asked.emit(self.sure)

    def _sign_out(self) -> None:
        self.leave.setFocus()
        self._devices.sign_out(self.device)

    def _lay_out(self) -> None:
        self._title = QWidget()
        title = QHBoxLayout(self._title)
        title.setContentsMargins(0, 0, 0, 0)
        title.setSpacing(TIGHT)
        title.addWidget(self.name)
        title.addWidget(self.pencil)
        title.addStretch()
        words = QVBoxLayout()
        words.setSpacing(0)
        for widget in (self._title, self.editor, self.facts, self.seen, self.problem):
            words.addWidget(widget)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addWidget(self.leave, 0, Qt.AlignmentFlag.AlignVCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SMALL, 0, SMALL)
        layout.setSpacing(SMALL)
        layout.addLayout(row)
        layout.addWidget(self.sure)

    def _restyle(self) -> None:
        colour, ratio = self._theme.colours.second, self.devicePixelRatioF()
        self._icon.setFixedSize(self._theme.px(TARGET), self._theme.px(TARGET))
        self._icon.setPixmap(self._theme.pixmap(icon_of(self.device), colour, size=ICON, ratio=ratio))


class NameEditor(QWidget):
    """A name that is being written: Enter keeps it, Esc leaves it as it was."""

    kept = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.field = QLineEdit()
        self.field.setMaxLength(NAME_MOST)
        self.field.setAccessibleName(self.tr("Name of the device"))
        self.save = QPushButton(self.tr("Save"))
        self.save.setProperty("kind", "flat")
        self.save.clicked.connect(self._keep)
        cancel = QPushButton(self.tr("Cancel"))
        cancel.setProperty("kind", "flat")
        cancel.clicked.connect(self.left)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, TIGHT)
        row.setSpacing(TIGHT)
        row.addWidget(self.field, 1)
        row.addWidget(self.save)
        row.addWidget(cancel)

    def begin(self, name: str) -> None:
        """Write this one anew."""
        self.field.setText(name)
        self.field.selectAll()
        self.show()
        self.field.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._keep()
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _keep(self) -> None:
        if self.save.isEnabled():
            self.kept.emit(self.field.text().strip())


def _label(role: str) -> QLabel:
    """Texts of programs are plain texts."""
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    made.setWordWrap(True)
    return made
