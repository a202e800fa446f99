"""Where things are kept, by the system's own custom: what ``platformdirs`` knows, for the three systems that
the client runs on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = "imsys"


@dataclass(frozen=True, slots=True)
class Paths:
    """Folders; none of them is made here.

    :param data: accounts and what is stored of them.
    :param config: preferences.
    :param logs: the log.
    :param runtime: what lives as long as the session.
    """

    data: Path
    config: Path
    logs: Path
    runtime: Path

    @property
    def preferences(self) -> Path:
        """The file."""
        return self.config / "preferences.json"


def paths(
    environ: Mapping[str, str] | None = None, *, system: str = sys.platform, home: Path | None = None
) -> Paths:
    """Where they are. ``IMSYS_CLIENT_HOME`` puts all of it into one folder."""
    environ = os.environ if environ is None else environ
    home = home or Path.home()
    if given := environ.get("IMSYS_CLIENT_HOME"):
        one = Path(given).absolute()
        return Paths(one, one, one / "logs", one)
    if system == "win32":
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / NAME
        local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / NAME
        return Paths(local, roaming, local / "logs", local)
    if system == "darwin":
        library = home / "Library"
        support = library / "Application Support" / NAME
        return Paths(support, support, library / "Logs" / NAME, library / "Caches" / NAME)

    def base(name: str, *otherwise: str) -> Path:
        given = environ.get(name, "")
        return Path(given) if given.startswith("/") else home.joinpath(*otherwise)

    state = base("XDG_STATE_HOME", ".local", "state") / NAME
    return Paths(
        base("XDG_DATA_HOME", ".local", "share") / NAME,
        base("XDG_CONFIG_HOME", ".config") / NAME,
        state,
        base("XDG_RUNTIME_DIR", ".cache"),
    )
