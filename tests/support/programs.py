"""Programs that are not of the package index: databases, ffmpeg, nginx, a browser and so on, which ``make test`` installs."""

from __future__ import annotations

import os
import shutil

from twisted.trial.unittest import SkipTest

QUICK = "TESTS_QUICK"
"""In the environment: tests that need such a program are skipped, whether it is there or not (``make test-quick``)."""


def need(what: str) -> None:
    """Leave the test where it is to do without this. :raises SkipTest: it is."""
    if os.environ.get(QUICK):
        raise SkipTest(f"needs {what}, which is not of the package index; 'make test' has it")


def program(name: str) -> str:
    """The path of a program.

    :raises SkipTest: the tests are to do without such.
    :raises RuntimeError: there is none.
    """
    need(name)
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"there is no {name} on the PATH; 'make test' installs it")
    return found
