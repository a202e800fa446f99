"""Unix sockets of one home folder, accessible to its owner (and root) only."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from imsys.config import ClusterConfig, Config
from imsys.errors import ConfigError

MAX_PATH = 100
"""Bytes of the path of a Unix socket, at most (104 on macOS, 108 on Linux, with the final NUL)."""

LONGEST_NAME = 20
"""Bytes of a socket's name, at most."""

SECTIONS = ("balance", "captcha", "chat", "resources")
"""The sections of servers that are called by gRPC."""


def socket_folder(home: Path) -> Path:
    """Return the folder of the sockets: ``run`` in the home folder, or one under /tmp if that is too long."""
    folder = home / "run"
    if len(os.fsencode(folder)) + 1 + LONGEST_NAME <= MAX_PATH:
        return folder
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    try:
        owner = home.stat().st_uid
    except OSError:  # it is about to be created
        owner = os.geteuid()
    return Path(tempfile.gettempdir()) / f"imsys-{owner}-{digest}"


def make_socket_folder(home: Path) -> Path:
    """Create the folder of the sockets if it is missing, with owner-only access, and return it.

    :raises ConfigError: it cannot be created, or belongs to somebody else.
    """
    folder = socket_folder(home)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise ConfigError(f"{folder}: is not a folder of this user")
        folder.chmod(0o700)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be used for sockets: {error.strerror}") from None
    return folder


def by_sockets(cluster: ClusterConfig) -> bool:
    """Return whether servers of one process use sockets: neither certificates nor plaintext is configured."""
    return not (cluster.ca or cluster.certificate or cluster.key or cluster.allow_plaintext)


def is_plaintext(cluster: ClusterConfig) -> bool:
    """Return whether gRPC is neither encrypted nor authenticated."""
    return cluster.allow_plaintext and not (cluster.ca or cluster.certificate or cluster.key)


def on_sockets(config: Config) -> Config:
    """Return the configuration for servers of one process, which call each other by sockets."""
    folder, own = socket_folder(config.home), {}
    for name in SECTIONS:
        at: Any = getattr(config, name)
        path = str(folder / f"{name}.sock")
        where = {"addresses": ((path, 0),)} if name in ("balance", "captcha") else {"grpc_advertise": path}
        own[name] = dataclasses.replace(at, grpc_host=path, grpc_port=0, **where)
    return dataclasses.replace(config, **own)
