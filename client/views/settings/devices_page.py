"""What I am signed in on: this device, and the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from client.core.devices import Device
from client.theme import Theme
from client.translations.sentences import sentence
from client.viewmodels.asked import ALL
from client.viewmodels.devices import OTHERS, Devices
from client.views.contacts.profile import Sure
from client.views.settings.device_row import DeviceRow
from client.views.settings.parts import NOT_ONLINE, SettingsPage


class DevicesPage(SettingsPage):
    """Read when it is opened, and whenever another device says that it is different."""

    def __init__(self, theme: Theme, devices: Devices, now: Callable[[], int]) -> None:
        super().__init__(theme, self.tr("Devices"))
        self._devices, self._now = devices, now
        self.rows: dict[str, DeviceRow] = {}
        self.words(
            self.tr(
                "Whoever has one of these in hand reads and writes as you. Sign out what you do not know."
            )
        )
        self.state = self.words("")
        self.problem = self.words("", "danger")
        self.again = QPushButton(self.tr("Try again"))
        self.again.clicked.connect(devices.read)
        self.column.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeading)
        self._here_title = self.heading(self.tr("This device"))
        self._here = self._place()
        self.leave = QPushButton(self.tr("Sign out all other devices"))
        self.leave.setProperty("kind", "danger")
        self.leave.clicked.connect(self._ask)
        self.column.addWidget(self.leave, 0, Qt.AlignmentFlag.AlignLeading)
        self.sure = Sure(
            self.tr("Sign out all devices but this one? They need the password to come back."),
            self.tr("Sign them out"),
        )
        self.sure.yes.connect(self._sign_out)
        self.sure.no.connect(self.leave.setFocus)
        self.column.addWidget(self.sure)
        self.others_problem = self.words("", "danger")
        self._others_title = self.heading(self.tr("Other devices"))
        self._others = self._place()
        self.alone = self.words(self.tr("You are signed in nowhere else."))
        self.column.addStretch()
        self._sought: QWidget | None = None
        self.verticalScrollBar().rangeChanged.connect(lambda least, most: self._seek())
        self._end = devices.changed.subscribe(lambda _: self._fill())
        self._fill()

    def opened(self) -> None:
        self._devices.look()

    def close_page(self) -> None:
        self._end()

    def _place(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(0)
        self.column.addLayout(column)
        return column

    def _fill(self) -> None:
        devices = self._devices
        known, problem = devices.shown, devices.problems.get(ALL, "")
        online, reading = devices.online, ALL in devices.busy
        state = (
            sentence(NOT_ONLINE) if not online else self.tr("Reading …") if known is None and reading else ""
        )
        self.say(self.state, state)
        self.say(self.problem, problem if online else "")
        self.again.setVisible(bool(problem) and online)
        others = [one for one in known or () if not one.this]
        self._fill_rows(self._here, [one for one in known or () if one.this])
        self._fill_rows(self._others, others)
        for gone in self.rows.keys() - {one.id for one in known or ()}:
            row, self._sought = self.rows.pop(gone), None
            row.hide()
            row.deleteLater()
        self._here_title.setVisible(known is not None)
        self._others_title.setVisible(known is not None)
        self.alone.setVisible(known is not None and not others)
        self.leave.setVisible(bool(others))
        can = online and OTHERS not in devices.busy
        self.leave.setEnabled(can)
        self.sure.yes_button.setEnabled(can)
        if not others:
            self.sure.hide()
        self.say(self.others_problem, devices.problems.get(OTHERS, ""))

    def _fill_rows(self, place: QVBoxLayout, devices: Sequence[Device]) -> None:
        for at, device in enumerate(devices):
            row = self.rows.get(device.id)
            if row is None:
                row = self.rows[device.id] = DeviceRow(self.theme, self._devices, device)
                row.asked.connect(self._reveal)
            if place.indexOf(row) != at:
                place.insertWidget(at, row)
            row.fill(device, self._now())

    def _ask(self) -> None:
        self.sure.ask()
        self._reveal(self.sure)

    def _reveal(self, widget: QWidget) -> None:
        """Scroll there as it gets its place."""
        self._sought = widget
        self._seek()

    def _seek(self) -> None:
        if self._sought is not None and self._sought.isVisible():
            self.ensureWidgetVisible(self._sought)

    def _sign_out(self) -> None:
        self.leave.setFocus()
        self._devices.sign_out_others()
