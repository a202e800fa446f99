"""What ``make test-quick`` does without: programs that are not of the package index (databases, ffmpeg, ...),
and processes of ours.
"""

from __future__ import annotations

import os
import shutil

from twisted.trial.unittest import SkipTest

QUICK = "TESTS_QUICK"
"""In the environment: tests that need such are skipped, whether it is there or not."""


def need(what: str) -> None:
    """Leave the test, where tests are to be quick. :raises SkipTest: they are."""
    if os.environ.get(QUICK):
        raise SkipTest(f"needs {what.rpartition('/')[2]}; 'make test' has it")


def program(name: str) -> str:
    """The path of a program, which ``make test`` installs.

    :raises SkipTest: tests are to do without.
    :raises RuntimeError: there is none.
    """
    need(name)
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"there is no {name} on the PATH; 'make test' installs it")
    return found
