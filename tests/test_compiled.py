"""The compiled build of a message's path: 'make compile'."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from imsys.bench.compiling import copy_sources
from imsys.util import compiled
from tests.support.children import die_with_parent, folder
from tests.support.daemons import ROOT
from tests.support.installing import clean
from tests.support.programs import need
from tests.support.suite import summary

TESTS = (
    "tests.chat.features.test_conversation.MariaDbConversationTests",
    "tests.chat.features.test_conversation.SqliteConversationTests",
    "tests.chat.test_directory",
    "tests.chat.test_message_log",
    "tests.chat.test_outbound",
    "tests.chat.test_route_cache",
    "tests.protocols.test_framing",
    "tests.protocols.test_tls",
    "tests.protocols.test_wire",
    "tests.server",
    "tests.store.test_ids",
)
"""Of a message's path: what runs compiled as well."""

LIMIT = 600.0
"""Seconds after which a build, or its tests, has failed."""


def copy_with_tests() -> Path:
    """A copy of the checkout with its tests, and without what was made in it."""
    home = folder("compiled") / "imsys"
    copy_sources(home, "tests")
    return home


def run(home: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the copy, which comes before the checkout."""
    return subprocess.run(
        command,
        cwd=home,
        env={**clean(), "PYTHONPATH": str(home), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        preexec_fn=die_with_parent,
    )


class BuildTests(SynchronousTestCase):
    def test_interpreted(self) -> None:
        """The other tests run the sources that they stand beside, and no older build of them."""
        self.assertEqual(compiled.build(), compiled.INTERPRETED)

    def test_no_compiler(self) -> None:
        """Where there is no compiler, a sentence says so, and nothing is made."""
        home = copy_with_tests()
        done = run(
            home,
            sys.executable,
            "setup.py",
            "build_ext",
            "--inplace",
            CC="no-such-compiler",
            IMSYS_COMPILE="1",
        )
        self.assertEqual(done.returncode, 1)
        self.assertEqual(
            done.stdout,
            "IMSYS_COMPILE: there is no C compiler here (no-such-compiler); without IMSYS_COMPILE imsys needs none\n",
        )
        self.assertEqual(list(home.rglob("*.so")), [])

    def test_measured(self) -> None:
        """``imsys-bench … --compiled`` has the servers run its compiled copy, which is made anew for other sources."""
        home = copy_with_tests()
        copy = home / "build" / "compiled"
        written = copy / "imsys" / "util" / compiled.DIGEST.name
        written.parent.mkdir(parents=True)
        command = (sys.executable, "-m", "imsys.bench", "chat", "--pairs", "1", "--compiled")
        written.write_text(compiled.digest(home))
        self.assertIn("the compiled modules do not fit: only 0 of", run(home, *command).stdout)
        (copy / "left").touch()
        written.write_text("0" * 64)
        self.assertIn("there is no C compiler here", run(home, *command, CC="no-such-compiler").stdout)
        self.assertFalse((copy / "left").exists())

    def test_left_alone(self) -> None:
        """A build of other sources, or a part of one, is not taken for one of these."""
        home = copy_with_tests()
        (home / "imsys" / "util" / compiled.DIGEST.name).write_text("0" * 64)
        done = run(home, sys.executable, "-m", "imsys.util.compiled")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the compiled modules do not fit: only 0 of", done.stdout)
        self.assertIn("'make compile' makes them again", done.stdout)


class CompiledTests(SynchronousTestCase):
    def test_path_of_a_message(self) -> None:
        """The tests of a message's path pass on the compiled modules, which are seen to be that; changed
        sources are noticed.
        """
        need("a C compiler")
        compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
        if shutil.which(compiler) is None or not Path(sysconfig.get_path("include"), "Python.h").exists():
            raise SkipTest(f"there is no C compiler ({compiler}), or Python's headers are not there")
        home = copy_with_tests()
        built = run(
            home,
            sys.executable,
            "setup.py",
            "--quiet",
            "build_ext",
            "--inplace",
            IMSYS_COMPILE="1",
            MYPYC_OPT_LEVEL="0",  # half a minute less
            MYPY_CACHE_DIR=str(ROOT / ".mypy_cache" / "compiled"),
        )
        self.assertEqual(built.returncode, 0, built.stdout)
        self.assertEqual(run(home, sys.executable, "-m", "imsys.util.compiled").stdout, "compiled\n")
        tested = run(home, str(Path(sys.executable).parent / "trial"), *TESTS)
        passed, failed, _ = summary(tested.stdout)
        self.assertEqual((failed, tested.returncode), (0, 0), tested.stdout)
        self.assertGreater(passed, 200)
        with (home / "imsys" / "server" / "outcome.py").open("a") as file:
            file.write("# changed\n")
        self.assertIn(
            "they were made of other sources", run(home, sys.executable, "-m", "imsys.util.compiled").stdout
        )
