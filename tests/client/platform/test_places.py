from __future__ import annotations

import plistlib
from pathlib import Path

from twisted.trial.unittest import TestCase

from client.platform import autostart
from client.platform.paths import paths


class PathsTests(TestCase):
    def test_linux(self) -> None:
        """By the XDG rules; what is no absolute path does not count."""
        found = paths(
            {"XDG_DATA_HOME": "/data", "XDG_CONFIG_HOME": "relative"}, system="linux", home=Path("/home/lena")
        )
        self.assertEqual(found.data, Path("/data/imsys"))
        self.assertEqual(found.preferences, Path("/home/lena/.config/imsys/preferences.json"))
        self.assertEqual(found.logs, Path("/home/lena/.local/state/imsys"))

    def test_windows_and_macos(self) -> None:
        """Where those two keep such things."""
        windows = paths({"APPDATA": "/r", "LOCALAPPDATA": "/l"}, system="win32", home=Path("/u"))
        self.assertEqual((windows.data, windows.config), (Path("/l/imsys"), Path("/r/imsys")))
        mac = paths({}, system="darwin", home=Path("/Users/lena"))
        self.assertEqual(mac.data, Path("/Users/lena/Library/Application Support/imsys"))
        self.assertEqual(mac.logs, Path("/Users/lena/Library/Logs/imsys"))

    def test_one_folder(self) -> None:
        """All of it in one."""
        found = paths({"IMSYS_CLIENT_HOME": "/one"}, system="linux")
        self.assertEqual((found.data, found.config), (Path("/one"), Path("/one")))


class AutostartTests(TestCase):
    def test_linux(self) -> None:
        """An entry that quotes what it starts, and is gone again."""
        home = Path(self.mktemp())
        given = {"system": "linux", "environ": {}, "home": home}
        self.assertFalse(autostart.enabled(**given))  # type: ignore[arg-type]
        autostart.enable(True, start=["/opt/my python", "-m", "client.app", "100%"], **given)  # type: ignore[arg-type]
        self.assertTrue(autostart.enabled(**given))  # type: ignore[arg-type]
        text = (home / ".config" / "autostart" / "imsys-client.desktop").read_text()
        self.assertIn("Exec='/opt/my python' -m client.app 100%%\n", text)
        autostart.enable(False, **given)  # type: ignore[arg-type]
        self.assertFalse(autostart.enabled(**given))  # type: ignore[arg-type]

    def test_macos(self) -> None:
        """A launch agent."""
        home = Path(self.mktemp())
        autostart.enable(True, system="darwin", home=home, start=["/usr/bin/imsys-client"])
        found = plistlib.loads((home / "Library" / "LaunchAgents" / "org.imsys.client.plist").read_bytes())
        self.assertEqual((found["ProgramArguments"], found["RunAtLoad"]), (["/usr/bin/imsys-client"], True))
