"""The compiled build of servers that are measured: beside the sources, which stay interpreted."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from imsys.bench.processes import finished
from imsys.errors import ConfigError
from imsys.util import compiled

ROOT = Path(compiled.__file__).parents[2]
"""The folder that has ``imsys``."""

LIMIT = 900.0
"""Seconds that the compiler has."""

_MADE = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd", compiled.DIGEST.name)


def copy_sources(home: Path, *more: str) -> None:
    """Copy what a build is made of, and ``more`` folders of the checkout, without what was made in them."""
    for name in ("imsys", "client", "twisted", *more):
        shutil.copytree(ROOT / name, home / name, ignore=_MADE, dirs_exist_ok=True)
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, home)


def compiled_copy() -> Path:
    """Make ``build/compiled``, a compiled copy of this checkout, unless it is there; that takes a minute or two.

    :raises ConfigError: this is no checkout, or it cannot be compiled here.
    """
    home = ROOT / "build" / "compiled"
    if not (ROOT / "setup.py").exists():
        raise ConfigError("--compiled is for a checkout: there is no setup.py beside this package")
    written = home / "imsys" / "util" / compiled.DIGEST.name
    current = written.exists() and written.read_text("ascii") == compiled.digest(ROOT)
    if not current:
        shutil.rmtree(home, ignore_errors=True)
    copy_sources(home)
    if not current:
        print("Compiling (a minute or two) ...", file=sys.stderr, flush=True)
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        done = finished(command, {**os.environ, "IMSYS_COMPILE": "1"}, LIMIT, folder=home)
        if done.returncode:
            raise ConfigError((done.stderr or done.stdout).decode("utf-8", "replace").strip()[-500:])
    return home
