"""The button that has a code mailed, and counts down until it can be asked for another."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPushButton, QWidget


class CodeButton(QPushButton):
    """:meth:`refresh` has it look at how long there is to wait."""

    def __init__(self, wait: Callable[[], int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wait, self._able, self._sent = wait, False, False
        self._second = QTimer(self, interval=1000)
        self._second.timeout.connect(self.refresh)
        self.refresh()

    def set_able(self, able: bool, *, sent: bool) -> None:
        """Whether there is an address to send to, and whether one was sent already."""
        self._able, self._sent = able, sent
        self.refresh()

    def refresh(self) -> None:
        """Say how long there is to wait."""
        seconds = self._wait()
        self.setEnabled(self._able and seconds <= 0)
        if seconds > 0:
            self.setText(self.tr("Again in {seconds} s").format(seconds=seconds))
            if not self._second.isActive():
                self._second.start()
        else:
            self.setText(self.tr("Send again") if self._sent else self.tr("Send code"))
            self._second.stop()
