"""Prosody with its archive in SQLite, as an ordinary process beside our own server."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

from imsys.bench.peers.peer import Copy, copy_of, registered
from imsys.bench.processes import answers_at, free_port, started, wait_until
from imsys.bench.tasks import User
from imsys.errors import ConfigError

LABEL = "Prosody, SQLite"
ACKNOWLEDGEMENT = "XEP-0198: it follows the commits of both copies, the sender's and the receiver's"
CONFIGURATION = """\
run_as_root = true
pidfile = "FOLDER/pid"
data_path = "FOLDER/data"
log = { warn = "FOLDER/log" }
interfaces = { "127.0.0.1" }
c2s_ports = { PORT }
network_settings = { tcp_backlog = 1024 }
modules_enabled = { "carbons", "disco", "mam", "ping", "register_ibr", "roster", "saslauth", "smacks" }
modules_disabled = { "s2s" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
allow_registration = true
authentication = "internal_plain"
storage = { archive = "sql" }
sql = { driver = "SQLite3", database = "FOLDER/archive.sqlite" }
default_archive_policy = true
archive_expires_after = "never"
VirtualHost "localhost"
"""

_DRIVER = "lua-dbi-sqlite3"


class Prosody:
    """One of its own. :raises ConfigError: something is not installed, or it does not start."""

    label = LABEL
    xmpp = True

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._program = _installed()
        self._stack = stack
        self._home = Path(tempfile.mkdtemp(prefix="imsys-prosody-"))
        stack.callback(shutil.rmtree, self._home, ignore_errors=True)
        (self._home / "data").mkdir()
        self._port = free_port()
        text = CONFIGURATION.replace("PORT", str(self._port)).replace("FOLDER", str(self._home))
        (self._home / "prosody.cfg.lua").write_text(text)
        self.pids = {"server": 0}
        self.restart()

    def restart(self) -> None:
        """Start it (again)."""
        log = self._home / "output"
        (self._home / "pid").unlink(missing_ok=True)
        command = [self._program, "-F", "--config", str(self._home / "prosody.cfg.lua")]
        child = started(self._stack, command, log, os.environ)
        wait_until(lambda: answers_at(self._port), child, log)
        self.pids["server"] = child.pid

    def users(self, pairs: int) -> list[User]:
        """Register pairs of users."""
        return registered(self._port, pairs)

    def copies(self, run: str, users: Sequence[User]) -> set[Copy]:
        """Read the table of the archive; whoever opens it first undoes the transaction that was cut off."""
        archive = self._home / "archive.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{archive}?mode=rw", uri=True)) as connection:
            rows = connection.execute(
                'SELECT "user", value FROM prosodyarchive WHERE value LIKE ?', (f"%:{run}:%",)
            )
            found = (copy_of(owner, stanza, run) for owner, stanza in rows)
            return {copy for copy in found if copy is not None}


def _installed() -> str:
    """Return the program. :raises ConfigError: it is missing, or its SQLite."""
    program = shutil.which("prosody")
    if program is None:
        raise ConfigError(f"there is no prosody (Debian: apt-get install prosody {_DRIVER})")
    if not any(Path("/usr/lib").glob("*/lua/5.*/dbd/sqlite3.so")):
        raise ConfigError(f"Prosody has no SQLite (Debian: apt-get install {_DRIVER})")
    return program
