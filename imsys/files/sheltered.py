"""Run programs that decode untrusted files, with bounds and in a sandbox."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from imsys.files.programs import TooLong, TooMuch, run
from imsys.files.readable import ReadableFile

_PATIENCE = 10
"""The niceness of these programs."""


def confined(command: Sequence[str]) -> Sequence[str]:
    """Return the command that confines itself, if possible on this system, and then runs this one."""
    return (sys.executable, "-m", "imsys.files.confinement", *command) if sys.platform == "linux" else command


def run_confined(
    command: Sequence[str],
    source: ReadableFile | None,
    deadline: float,
    output: int,
    memory: int,
    keep: Sequence[int] = (),
) -> bytes | None:
    """Return a program's output; ``None``: it failed, took too long or wrote too much.

    The parameters are those of :func:`~imsys.files.programs.run`.

    :raises OSError: the source cannot be read.
    :raises Damaged: the source is corrupt.
    """
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    with contextlib.suppress(TooLong, TooMuch):
        ended = run(
            command,
            source,
            deadline=deadline,
            output=output,
            memory=memory,
            patience=_PATIENCE,
            environ=environ,
            keep=keep,
        )
        if not ended.code:
            return ended.output
    return None
