"""Opening files with the system's programs, and showing them in their folder."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QUrl
from PySide6.QtGui import QDesktopServices


class SystemDesktop(QObject):
    """Nothing here waits for a program.

    :param system: ``sys.platform``.
    """

    def __init__(self, system: str = sys.platform, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._system = system

    def open(self, path: Path) -> bool:
        """Open one with the program for it; whether there is one."""
        return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def reveal(self, path: Path) -> bool:
        """Show one in its folder, selected where the system can do that."""
        program, arguments = revealing(self._system, path)
        process = QProcess(self)
        process.errorOccurred.connect(lambda _: self._otherwise(process, path))
        process.finished.connect(lambda code, _: self._ended(process, code, path))
        process.start(program, arguments)
        return True

    def _ended(self, process: QProcess, code: int, path: Path) -> None:
        if code and self._system not in ("win32", "darwin"):  # Explorer's says nothing
            self._otherwise(process, path)
        else:
            process.deleteLater()

    def _otherwise(self, process: QProcess, path: Path) -> None:
        process.deleteLater()
        self.open(path.parent)


def revealing(system: str, path: Path) -> tuple[str, list[str]]:
    """The program that does it, and its arguments; no shell reads them."""
    if system == "win32":
        return "explorer.exe", ["/select,", str(path)]
    if system == "darwin":
        return "open", ["-R", "--", str(path)]
    address = path.absolute().as_uri()  # without quotes and backslashes, whatever the name is
    return "gdbus", [
        *("call", "--session", "--timeout", "5", "--dest", "org.freedesktop.FileManager1"),
        *(
            "--object-path",
            "/org/freedesktop/FileManager1",
            "--method",
            "org.freedesktop.FileManager1.ShowItems",
        ),
        *(f"['{address}']", "''"),
    ]
