"""What an installation by hand is made from: the systemd unit, and the versions that are known to work."""

from __future__ import annotations

import configparser
import re
import subprocess
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from twisted.trial.unittest import SynchronousTestCase

from tests.support.daemons import ROOT
from tests.support.programs import program

_PIN = re.compile(r"([a-z0-9-]+)==([^ ]+)( ; [^\\]+)? \\((?:\n    --hash=sha256:[0-9a-f]{64} ?\\?)+)\n")


class Unit(SynchronousTestCase):
    def setUp(self) -> None:
        self.text = (ROOT / "conf" / "imsys@.service").read_text()
        self.path = Path(self.mktemp())
        self.path.mkdir()

    def test_exposure(self) -> None:
        """Of ten points, where ten is a service that may do anything, it has three at most.

        And systemd understands all of it.
        """
        analyze = program("systemd-analyze")
        for daemon in ("balance", "captcha", "chat", "resources", "gateway"):
            path = self.path / f"imsys@{daemon}.service"
            path.write_text(self.text)
            command = [analyze, "security", "--offline=true", "--threshold=30", "--no-pager", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertNotRegex(done.stderr, "(?i)unknown|ignoring|invalid")

    def test_what_is_needed(self) -> None:
        """What looks at pictures may have the walls that it puts up around itself, and a daemon its limits
        and its ports.
        """
        lines = self.text.splitlines()
        allowed = [line.partition("=")[2].split() for line in lines if line.startswith("SystemCallFilter=")]
        self.assertEqual(
            next(line for line in lines if line.startswith("RestrictNamespaces=")),
            "RestrictNamespaces=user net ipc",
        )
        self.assertLessEqual(
            {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"},
            set(allowed[0]),
        )
        self.assertEqual(allowed[1:], [["~@privileged"]])  # @resources has setrlimit
        self.assertIn("AmbientCapabilities=CAP_NET_BIND_SERVICE", lines)

    def test_documented(self) -> None:
        """The documentation names the file, and does not repeat it."""
        pages = [ROOT / "docs" / "operations.md", *(ROOT / "docs" / "operations").glob("*.md")]
        operations = "\n".join(page.read_text() for page in pages)
        self.assertTrue("conf/imsys@.service" in operations and "ProtectSystem=" not in operations)


class Lock(SynchronousTestCase):
    """``requirements.lock``; where one of these fails, ``make lock`` is due."""

    def setUp(self) -> None:
        self.text = (ROOT / "requirements.lock").read_text()
        _, _, pins = self.text.partition("\n")
        self.pins = {
            match[1]: (Version(match[2]), (match[3] or "").removeprefix(" ; "))
            for match in _PIN.finditer(pins)
        }
        self.assertEqual(_PIN.sub("", pins), "")  # each has hashes, and there is nothing else

    def test_no_registry(self) -> None:
        """It names no place that packages come from."""
        self.assertNotRegex(self.text, r"://|--(extra-)?index-url|--find-links|--trusted-host")

    def test_current(self) -> None:
        """It has a version of everything that setup.cfg asks for, within its bounds, and of what that asks
        for in its turn.
        """
        settings = configparser.ConfigParser()
        settings.read(ROOT / "setup.cfg")
        lines = settings["options"]["install_requires"] + settings["options.extras_require"]["server"]
        wanted = [Requirement(line) for line in lines.split("\n") if line]
        seen = set()
        while wanted:
            requirement = wanted.pop()
            name = canonicalize_name(requirement.name)
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            self.assertIn(name, self.pins, "make lock")
            self.assertIn(self.pins[name][0], requirement.specifier, f"{name}: make lock")
            if self.pins[name][0] != Version(metadata.version(name)):
                continue  # what another version needs is not known here
            for extra in ("", *sorted(requirement.extras)):
                if (name, extra) not in seen:
                    seen.add((name, extra))
                    needs = [Requirement(line) for line in metadata.requires(name) or ()]
                    wanted += [
                        one for one in needs if one.marker is None or one.marker.evaluate({"extra": extra})
                    ]
