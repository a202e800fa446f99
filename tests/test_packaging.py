"""What an installation has: six commands for twistd, the console scripts, and the files that belong to the
package.
"""

from __future__ import annotations

import configparser
import functools
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import imsys
from tests.support.children import folder
from tests.support.daemons import ROOT, environment
from tests.support.installing import clean, copy_checkout
from tests.support.suite import CHECKS

COMMANDS = ("imsys", "imsys-gateway", "imsys-chat", "imsys-balance", "imsys-captcha", "imsys-resources")
TWISTD = "from twisted.scripts.twistd import run; run()"

_LIST = """
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
import imsys, sys
print(imsys.__file__)
for maker in getPlugins(IServiceMaker):
    if maker.tapname.startswith("imsys"):
        print(maker.tapname, maker.description)
sys.exit("imsys.services" in sys.modules)
"""


STALE = (
    "build/lib/imsys/chat/features/removed.py",
    "build/bdist.linux-x86_64/wheel/imsys/chat/features/removed_too.py",
)


@functools.cache
def installed() -> Path:
    """The interpreter of a fresh virtual environment with a plain, non-editable installation.

    What imsys needs is borrowed from the environment of the tests, by its path alone, so that nothing is
    fetched.
    """
    home = folder("install")
    source = copy_checkout()
    for stale in STALE:  # of an earlier build
        (source / stale).parent.mkdir(parents=True)
        (source / stale).write_text("raise RuntimeError('this module was removed')\n")
    venv.create(home / "venv", with_pip=False, symlinks=True)
    python = home / "venv" / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(home / "venv")}))
    borrowed = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
    pip = [
        str(python),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "install",
        "--quiet",
        "--ignore-installed",
    ]
    pip += ["--no-index", "--no-deps", "--no-build-isolation", str(source)]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=300, env=clean())
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return python


class TwistdTests(SynchronousTestCase):
    def listed(self, python: Path | str, environ: dict[str, str], cwd: Path) -> list[str]:
        done = subprocess.run(
            [str(python), "-c", _LIST], capture_output=True, text=True, timeout=60, env=environ, cwd=cwd
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_checkout(self) -> None:
        """twistd finds the six commands from the checkout, without importing any daemon."""
        found = self.listed(sys.executable, environment(), folder("cwd"))
        self.assertEqual(sorted(line.split()[0] for line in found[1:]), sorted(COMMANDS))

    def test_left_over(self) -> None:
        """What an earlier build has left behind is not installed."""
        command = [
            str(installed()),
            "-c",
            "import imsys, os; print(os.listdir(os.path.join(imsys.__path__[0], 'chat', 'features')))",
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env=clean(), cwd=folder("cwd")
        )
        self.assertIn("'texts.py'", done.stdout)
        self.assertNotIn("removed", done.stdout)

    def test_installation(self) -> None:
        """twistd finds them after a plain installation, away from the checkout."""
        found = self.listed(installed(), clean(), folder("cwd"))
        self.assertTrue(Path(found[0]).is_relative_to(installed().parents[1]), found[0])
        self.assertEqual(sorted(line.split()[0] for line in found[1:]), sorted(COMMANDS))

    def test_help(self) -> None:
        """Each command says how it is used, from the installation."""
        for command in COMMANDS:
            argv = [str(installed()), "-c", TWISTD, command, "--help"]
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=60, env=clean(), cwd=folder("cwd")
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""), command)
            self.assertIn(f"{command} [options]", done.stdout)
            self.assertIn("--config=", done.stdout)

    def test_reactor(self) -> None:
        """The reactor is offered under --reactor."""
        argv = [str(installed()), "-c", TWISTD, "--help-reactors"]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=60, env=clean(), cwd=folder("cwd")
        )
        self.assertRegex(done.stdout, r"(?m)^    imsys\t")

    def test_version(self) -> None:
        """--version of a command is imsys's own."""
        argv = [sys.executable, "-c", TWISTD, "imsys-chat", "--version"]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=60, env=environment(), cwd=folder("cwd")
        )
        self.assertEqual((done.returncode, done.stdout), (0, f"imsys {imsys.__version__}\n"))


class MakeTests(SynchronousTestCase):
    def test_old_python(self) -> None:
        """make run says in one sentence that the Python is too old, and leaves nothing behind."""
        home = folder("make")
        old = home / "python3"
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)
        command = ["make", "--no-print-directory", "run", f"PYTHON={old}", f"VENV={home / 'venv'}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=clean(), cwd=ROOT)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stderr.splitlines()[0].partition(",")[0], "imsys needs Python 3.11 or later")
        self.assertFalse((home / "venv").exists())

    def test_hooks(self) -> None:
        """What git runs before a commit is what 'make check' runs."""
        hooks = re.findall(
            r"(?m)^ +entry: \.venv/bin/(.+)$", (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
        )
        self.assertEqual(hooks, [" ".join(command) for command in CHECKS])

    def test_help(self) -> None:
        """'make help' names every target that is for people."""
        targets = re.findall(r"(?m)^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"))[0].split()
        done = subprocess.run(
            ["make", "--no-print-directory", "help"],
            capture_output=True,
            text=True,
            timeout=60,
            env=clean(),
            cwd=ROOT,
        )
        self.assertEqual(
            set(re.findall(r"(?m)^make ([\w-]+) ", done.stdout)), set(targets) - {"help", "test-tools"}
        )

    def test_continuous_integration(self) -> None:
        """.ci/run is make test and nothing else."""
        script = ROOT / ".ci" / "run"
        self.assertEqual(script.read_text().splitlines()[-1], "exec make test")
        self.assertTrue(os.access(script, os.X_OK))


class DistributionTests(SynchronousTestCase):
    def test_scripts(self) -> None:
        """Every console script starts."""
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        for line in setup["options.entry_points"]["console_scripts"].strip().splitlines():
            script = installed().parent / line.partition("=")[0].strip()
            done = subprocess.run(
                [str(script), "--help"],
                capture_output=True,
                text=True,
                timeout=60,
                env=clean(),
                cwd=folder("cwd"),
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""), script.name)

    def test_files(self) -> None:
        """The installation has every file that the checkout has: modules, migrations, interfaces, types.

        And no tests.
        """
        packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(installed().parents[1])}))
        for top in ("imsys", "client"):
            here = {
                path.relative_to(ROOT)
                for path in (ROOT / top).rglob("*")
                if path.is_file() and path.suffix not in (".pyc", ".orig")
            }
            there = {
                path.relative_to(packages)
                for path in (packages / top).rglob("*")
                if path.is_file() and path.suffix != ".pyc"
            }
            self.assertEqual(here - there, set())
            self.assertEqual(there - here, set())
        self.assertFalse((packages / "tests").exists())
        self.assertEqual(
            sorted(path.name for path in (packages / "twisted").rglob("*.py")),
            ["imsys_client_dropin.py", "imsys_dropin.py"],
        )

    def test_migrations_are_found(self) -> None:
        """The installed imsys-ctl makes a database."""
        home = folder("home")
        script = installed().parent / "imsys-ctl"
        environ = clean() | {"IMSYS_HOME": str(home / "var")}
        done = subprocess.run(
            [str(script), "init-db"], capture_output=True, text=True, timeout=60, env=environ, cwd=home
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("Applied: ", done.stdout)

    def test_changelog(self) -> None:
        """Every file in changelog.d is of a kind that towncrier is configured for, and CHANGELOG.md says what
        this version has.
        """
        config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["towncrier"]
        kinds = {kind["directory"] for kind in config["type"]}
        for path in (ROOT / "changelog.d").iterdir():
            if path.name != "README.md":
                self.assertRegex(path.name, rf"\A(\d+|\+\w+)\.({'|'.join(kinds)})(\.\d+)?\.md\Z")
        changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
        self.assertIn(config["start_string"], changes)
        self.assertRegex(changes, rf"(?m)^## {re.escape(imsys.__version__)} \(")
