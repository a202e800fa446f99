"""The version before conversations, which servers of this one run beside during an upgrade."""

from __future__ import annotations

import dataclasses
import functools
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from imsys.config import DatabaseConfig
from imsys.ctl.sample import render
from tests.support.children import folder
from tests.support.daemons import ROOT, environment

ARCHIVE = ROOT / "tests" / "previous"


@functools.cache
def previous() -> Path:
    """The folder that has that version's packages, for ``PYTHONPATH``."""
    home = folder("previous")
    with tarfile.open(ARCHIVE / "imsys.tar.xz") as archive:
        archive.extractall(home, filter="data")
    return home


def database_settings(config: DatabaseConfig) -> dict[str, str]:
    """A database for the environment of a program: what is not as it is anyway, since the older one knows fewer keys."""
    return {
        f"DATABASE_{field.name}".upper(): render(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if getattr(config, field.name) != field.default
    }


def old_store(config: DatabaseConfig) -> dict[str, Any]:
    """Have that version make the tables of an empty database and fill them; see ``fill_store.py``. It blocks."""
    done = subprocess.run(
        [sys.executable, str(ARCHIVE / "fill_store.py")],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(**database_settings(config)) | {"PYTHONPATH": str(previous())},
        cwd=folder("old-store"),
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    made: dict[str, Any] = json.loads(done.stdout)
    return made
