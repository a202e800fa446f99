from __future__ import annotations

import shutil
from pathlib import Path

from client.platform.desktop import SystemDesktop, revealing
from tests.support.qt import WidgetCase


class DesktopTests(WidgetCase):
    def test_programs(self) -> None:
        """Each system has its way; a name never becomes an option, or anything but one argument."""
        hostile = Path("/tmp/-R '\"; $(reboot) \\ [x].txt")
        program, arguments = revealing("linux", hostile)
        self.assertEqual((program, arguments[-1]), ("gdbus", "''"))
        self.assertEqual(
            arguments[-2], "['file:///tmp/-R%20%27%22%3B%20%24%28reboot%29%20%5C%20%5Bx%5D.txt']"
        )
        self.assertEqual(revealing("darwin", hostile), ("open", ["-R", "--", str(hostile)]))
        self.assertEqual(revealing("win32", Path("a.txt")), ("explorer.exe", ["/select,", "a.txt"]))

    async def test_otherwise_the_folder(self) -> None:
        """Where no program selects a file, its folder is opened."""
        path = Path(self.mktemp()).absolute()
        path.write_text("x")
        opened: list[Path] = []
        desktop = SystemDesktop("linux" if shutil.which("gdbus") else "darwin")

        def note(path: Path) -> bool:
            opened.append(path)
            return True

        self.patch(desktop, "open", note)
        self.patch(__import__("os"), "environ", {})
        desktop.reveal(path)
        await self.until(lambda: opened)
        self.assertEqual(opened, [path.parent])
