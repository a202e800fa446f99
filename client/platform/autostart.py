"""Starting with the session: a file or a key, by the system's own custom."""

from __future__ import annotations

import os
import plistlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

NAME = "imsys-client"
LABEL = "org.imsys.client"
RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"


def command() -> list[str]:
    """How this program is started."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--hidden"]
    return [sys.executable, "-m", "client.app", "--hidden"]


def _file(environ: Mapping[str, str], home: Path, system: str) -> Path | None:
    if system == "darwin":
        return home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    if system == "win32":
        return None
    config = environ.get("XDG_CONFIG_HOME", "")
    return (Path(config) if config.startswith("/") else home / ".config") / "autostart" / f"{NAME}.desktop"


def enabled(
    *, system: str = sys.platform, environ: Mapping[str, str] | None = None, home: Path | None = None
) -> bool:
    """Whether it does."""
    file = _file(os.environ if environ is None else environ, home or Path.home(), system)
    return file.exists() if file is not None else _registry(None)


def enable(
    on: bool,
    *,
    system: str = sys.platform,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    start: Sequence[str] | None = None,
) -> None:
    """Have it do so, or no more.

    :raises OSError: it cannot be written.
    """
    words = list(start or command())
    file = _file(os.environ if environ is None else environ, home or Path.home(), system)
    if file is None:
        _registry(on, words)
    elif on:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_plist(words) if system == "darwin" else _entry(words))
    else:
        file.unlink(missing_ok=True)


def _entry(words: list[str]) -> bytes:
    line = shlex.join(words).replace("%", "%%")
    return f"[Desktop Entry]\nType=Application\nName=imsys\nExec={line}\nIcon={NAME}\nX-GNOME-Autostart-enabled=true\n".encode()


def _plist(words: list[str]) -> bytes:
    return plistlib.dumps({"Label": LABEL, "ProgramArguments": words, "RunAtLoad": True})


def _registry(on: bool | None, words: Sequence[str] = ()) -> bool:
    """Windows: read (``None``), set or remove the key."""
    if sys.platform != "win32":
        return False
    import subprocess
    import winreg

    access = winreg.KEY_READ if on is None else winreg.KEY_READ | winreg.KEY_WRITE
    with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, RUN_KEY, 0, access) as key:
        if on:
            winreg.SetValueEx(key, NAME, 0, winreg.REG_SZ, subprocess.list2cmdline(words))
            return True
        try:
            winreg.QueryValueEx(key, NAME)
        except OSError:
            return False
        if on is False:
            winreg.DeleteValue(key, NAME)
        return True
