"""Unix sockets of one home folder: what listens on them is reached by its owner (and root), and by nobody else."""

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
"""Bytes that the path of a Unix socket has at most (104 on macOS, 108 on Linux, with the final NUL)."""

LONGEST_NAME = 20
"""Bytes that the name of a socket has at most."""

SECTIONS = ("balance", "captcha", "chat", "resources")
"""What others call by gRPC."""


def socket_folder(home: Path) -> Path:
    """Where the sockets of one home folder are: ``run`` in it, or a folder of its owner under /tmp if paths would be too long."""
    folder = home / "run"
    if len(os.fsencode(folder)) + 1 + LONGEST_NAME <= MAX_PATH:
        return folder
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    try:
        owner = home.stat().st_uid
    except OSError:  # it is about to be made
        owner = os.geteuid()
    return Path(tempfile.gettempdir()) / f"imsys-{owner}-{digest}"


def make_socket_folder(home: Path) -> Path:
    """The same, made if it is missing, and nobody's but ours.

    :raises ConfigError: it cannot be made, or belongs to somebody else.
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
    """Whether servers of one process call each other by sockets: the configuration neither names certificates nor allows plaintext."""
    return not (cluster.ca or cluster.certificate or cluster.key or cluster.allow_plaintext)


def is_plaintext(cluster: ClusterConfig) -> bool:
    """Whether gRPC is neither encrypted nor authenticated."""
    return cluster.allow_plaintext and not (cluster.ca or cluster.certificate or cluster.key)


def on_sockets(config: Config) -> Config:
    """The configuration of servers that are all one process, and call each other by the sockets of its home folder."""
    folder, own = socket_folder(config.home), {}
    for name in SECTIONS:
        at: Any = getattr(config, name)
        path = str(folder / f"{name}.sock")
        where = {"addresses": ((path, 0),)} if name in ("balance", "captcha") else {"grpc_advertise": path}
        own[name] = dataclasses.replace(at, grpc_host=path, grpc_port=0, **where)
    return dataclasses.replace(config, **own)
