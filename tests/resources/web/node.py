"""tus-js-client, installed once a test process into a folder of its own."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

from tests.support.children import folder
from tests.support.programs import program

TUS_JS_CLIENT = "tus-js-client@4.3.1"


@functools.cache
def modules() -> Path:
    """A folder with that package, for ``NODE_PATH``. :raises RuntimeError: npm cannot install it."""
    npm, home = program("npm"), folder("node")
    options = [
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--ignore-scripts",
        "--loglevel=error",
        "--prefix",
        str(home),
    ]
    done = subprocess.run(
        [npm, "install", *options, TUS_JS_CLIENT],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"npm cannot install {TUS_JS_CLIENT}: {done.stdout}{done.stderr}")
    return home / "node_modules"
