"""Where ffmpeg is on this system, how a child is kept from outliving us, and what films are recorded with."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

_PLACES = ("/opt/homebrew/bin", "/usr/local/bin", "/opt/local/bin")
"""Programs that are started from the desktop of macOS do not have these on their path."""

MEMORY_MOST = 4 << 30
"""Bytes of address space of an ffmpeg, where the system bounds that."""
_NICE = 5
_PIPE = 1 << 20
_PR_SET_PDEATHSIG = 1


def find(name: str) -> str | None:
    """``ffmpeg`` or ``ffprobe``; ``None``: it is not installed."""
    path = os.environ.get("PATH", os.defpath)
    if sys.platform == "darwin":
        path = os.pathsep.join([path, *_PLACES])
    return shutil.which(name, path=path)


def spawn(command: Sequence[str], *, feed: bool, background: bool = True) -> subprocess.Popen[bytes]:
    """Start one, from a thread that stays until it has ended. It is killed when we are, however that happens.

    :param feed: whether it reads from us.
    :param background: whether it gives way to the user interface.
    :raises OSError: it cannot be started.
    """
    more: dict[str, Any] = {}
    if sys.platform == "win32":
        more["creationflags"] = subprocess.CREATE_NO_WINDOW | (
            subprocess.BELOW_NORMAL_PRIORITY_CLASS if background else 0
        )
    elif _die is not None:
        more["preexec_fn"] = _die
    child = subprocess.Popen(  # noqa: S603 (a list, of which nobody else says the first)
        command,
        stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env={**os.environ, "LC_ALL": "C"},
        **more,
    )
    if sys.platform == "win32":
        _tie(child)
    if sys.platform == "linux":
        _bound(child, background=background)
    return child


if sys.platform == "linux":
    _prctl = ctypes.CDLL(None).prctl

    def _die_with_us() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    _die: Callable[[], None] | None = _die_with_us

    def _bound(child: subprocess.Popen[bytes], *, background: bool) -> None:
        """Its memory, its place behind us, and room in its pipes for a picture."""
        import fcntl
        import resource

        with contextlib.suppress(OSError):
            resource.prlimit(child.pid, resource.RLIMIT_AS, (MEMORY_MOST, MEMORY_MOST))
        with contextlib.suppress(OSError):
            resource.prlimit(child.pid, resource.RLIMIT_CORE, (0, 0))
        if background:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, child.pid, _NICE)
        if child.stdout is not None:
            with contextlib.suppress(OSError):
                fcntl.fcntl(child.stdout.fileno(), fcntl.F_SETPIPE_SZ, _PIPE)
else:
    _die = None  # its pipes end with us, and it with them


def _tie(child: subprocess.Popen[bytes]) -> None:
    """Windows: a job that ends with its last handle, which is ours."""
    import win32api  # type: ignore[import-untyped,import-not-found,unused-ignore]
    import win32job  # type: ignore[import-untyped,import-not-found,unused-ignore]

    job = win32job.CreateJobObject(None, "")
    limits = win32job.QueryInformationJobObject(job, win32job.JobObjectExtendedLimitInformation)
    limits["BasicLimitInformation"]["LimitFlags"] |= win32job.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
    win32job.SetInformationJobObject(job, win32job.JobObjectExtendedLimitInformation, limits)
    handle = win32api.OpenProcess(0x0101, False, child.pid)  # PROCESS_SET_QUOTA and PROCESS_TERMINATE
    win32job.AssignProcessToJobObject(job, handle)
    vars(child)["job"] = job
