"""A screen in memory (Xvfb), for what wants a real window and OpenGL."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def screen(size: str = "1600x1200x24") -> Iterator[str]:
    """Run Xvfb on a display that is free, and end it; the display's name, empty where there is no Xvfb."""
    program = shutil.which("Xvfb")
    if program is None:
        yield ""
        return
    read, write = os.pipe()
    with os.fdopen(read) as answer:
        server = subprocess.Popen(
            [
                program,
                "-displayfd",
                str(write),
                "-screen",
                "0",
                size,
                "-nolisten",
                "tcp",
                "+extension",
                "GLX",
            ],
            pass_fds=(write,),
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        try:
            number = answer.readline().strip()
            yield f":{number}" if number else ""
        finally:
            server.terminate()
            server.wait()
