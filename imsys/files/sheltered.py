"""Programs that decode what strangers send: with bounds, and with walls around them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from imsys.files.programs import TooLong, TooMuch, run
from imsys.files.readable import ReadableFile

_PATIENCE = 10
"""They give way to everything else."""


def confined(command: Sequence[str]) -> Sequence[str]:
    """Make the command that shuts itself in, where there is a way to, and then is this one."""
    return (sys.executable, "-m", "imsys.files.confinement", *command) if sys.platform == "linux" else command


def run_confined(
    command: Sequence[str], source: ReadableFile | None, deadline: float, output: int, memory: int, keep: Sequence[int] = ()
) -> bytes | None:
    """Run a program within the walls; return what it writes; ``None``: it failed, took too long or wrote too much.

    Parameters as of :func:`~imsys.files.programs.run`.

    :raises OSError: the source cannot be read. :raises Damaged: it is not what was written.
    """
    environ = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with contextlib.suppress(TooLong, TooMuch):
        ended = run(command, source, deadline=deadline, output=output, memory=memory, patience=_PATIENCE, environ=environ, keep=keep)
        if not ended.code:
            return ended.output
    return None
