"""What desktops are told of the client: its entry in menus, its description in shops, its icon, and what
becomes a program of its own.
"""

from __future__ import annotations

import configparser
import re
import struct
import subprocess
from xml.etree import ElementTree

from PySide6.QtGui import QImage
from twisted.trial.unittest import SynchronousTestCase

from client.packaging import icons
from imsys import __version__
from tests.support.daemons import ROOT
from tests.support.programs import program

ENTRY = icons.HERE / "imsys-client.desktop"
DESCRIPTION = icons.HERE / "imsys-client.metainfo.xml"
SPECIFICATION = icons.HERE / "imsys-client.spec"


def entry() -> configparser.SectionProxy:
    """The entry in menus."""
    found = configparser.ConfigParser(interpolation=None)
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read(ENTRY)
    return found["Desktop Entry"]


class EntryTests(SynchronousTestCase):
    def test_is_valid(self) -> None:
        """Desktops' own checks have nothing to say of the entry and of the description."""
        commands = (
            [program("desktop-file-validate"), str(ENTRY)],
            [program("appstreamcli"), "validate", "--no-net", "--pedantic", str(DESCRIPTION)],
        )
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_names_what_there_is(self) -> None:
        """What it starts is installed, and the running program says that it is this entry's."""
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        scripts = dict(re.findall(r"(\S+) = (\S+)", setup["options.entry_points"]["gui_scripts"]))
        self.assertEqual(scripts[entry()["Exec"]], "client.app:main")
        self.assertIn(f'setDesktopFileName("{ENTRY.stem}")', (ROOT / "client" / "app.py").read_text())
        self.assertEqual(entry()["Icon"], icons.SVG.stem)

    def test_description(self) -> None:
        """It leads to the entry, and its newest release is this one."""
        root = ElementTree.parse(DESCRIPTION).getroot()
        self.assertEqual(root.findtext("launchable"), ENTRY.name)
        release = root.find("releases/release")
        assert release is not None
        self.assertEqual(release.get("version"), __version__)


class IconTests(SynchronousTestCase):
    def test_sizes(self) -> None:
        """Each picture is the drawing in its size, and Windows' file has those that it asks for."""
        for size in icons.SIZES:
            image = QImage(str(icons.HERE / "icons" / f"{size}x{size}" / "imsys-client.png"))
            drawn = QImage.fromData(icons.draw(size))
            self.assertEqual((image.width(), image.height()), (size, size))
            off = sum(abs(a - b) > 8 for a, b in zip(image.constBits(), drawn.constBits(), strict=True))
            self.assertLess(
                off, len(drawn.constBits()) // 100, "make them again: python -m client.packaging.icons"
            )
        data = (icons.HERE / "icons" / "imsys-client.ico").read_bytes()
        self.assertEqual(struct.unpack("<HHH", data[:6]), (0, 1, len(icons.ICO)))


class SpecificationTests(SynchronousTestCase):
    def test_has_all_files(self) -> None:
        """Every folder of files that the package installs with the client is named there, too."""
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        text = SPECIFICATION.read_text()
        compile(text, str(SPECIFICATION), "exec")
        for name in setup["options.package_data"]:
            if name.startswith("client."):
                self.assertIn(f'"{name.replace(".", "/")}', text)
