"""Child processes that never outlive the test run, and what they need: folders and ports."""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_given_ports: dict[int, TextIO] = {}
"""Each with its locked file."""


def die_with_parent() -> None:
    """In a child, before it becomes another program: be killed when the test process dies, however it dies."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def folder(prefix: str) -> Path:
    """A new folder with a short path (Unix sockets allow some 100 bytes), removed when the process ends."""
    made = Path(tempfile.mkdtemp(prefix=f"imsys-{prefix}-", dir="/tmp" if os.path.isdir("/tmp") else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def free_port() -> int:
    """A TCP port of loopback that nobody has, below those that the system gives to outgoing connections.

    It is this process's until that ends: other runs of the tests on this machine see the lock of its file.
    """
    chance = random.SystemRandom()
    locks = Path(tempfile.gettempdir()) / f"imsys-tests-ports-{os.getuid()}"
    locks.mkdir(mode=0o700, exist_ok=True)
    while True:
        port = chance.randrange(20000, 32000)
        if port in _given_ports:
            continue
        lock = (locks / str(port)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _given_ports[port] = lock
        return port


def spawn(
    command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a server that writes what it has to say into ``log`` and is ended when this process is."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environ,
            preexec_fn=die_with_parent,
            start_new_session=True,
        )
    atexit.register(end, child)
    return child


def end(child: subprocess.Popen[bytes], deadline: float = 5.0) -> None:
    """End a child, first politely, then by force (idempotent)."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(deadline)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def until(
    answers: Callable[[], bool], child: subprocess.Popen[bytes], log: Path, deadline: float = 30.0
) -> None:
    """Wait until a server answers.

    :raises RuntimeError: it ended, or did not answer in time; with the last lines of its log.
    """
    give_up = time.monotonic() + deadline
    while not answers():
        if child.poll() is not None or time.monotonic() > give_up:
            end(child)
            raise RuntimeError(
                f"{child.args!r} does not answer:\n"
                + "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
            )
        time.sleep(0.02)
