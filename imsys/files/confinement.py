"""Sandbox a child process before it reads an untrusted file.

Use ``python -m imsys.files.confinement COMMAND ...``, or :func:`confine`.

A malicious file may take over a decoder in C. So the decoder runs as another user than the server (a real one
if the server is root, else one in its own namespace), without network, cannot start, signal or inspect
processes, and can open no files except libraries. The means are Landlock for files, seccomp for system calls,
and namespaces.

If a kernel or container lacks some of these, the others still apply; :func:`confine` returns which do, and
the server logs them at its start. Arguments of the program: those of the command, or ``--check``, which
prints the walls as JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

WALLS = ("user", "network", "files")

_NOBODY = 65534
"""User and group without any files (Linux' overflow ids)."""

_NEW_USER, _NEW_IPC, _NEW_NETWORK = 0x10000000, 0x08000000, 0x40000000
_THREAD = 0x00010000
"""Flags of clone(2) and unshare(2)."""

_LIBRARIES = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/etc/ld.so.cache",
    "/dev/null",
    "/dev/zero",
    "/dev/urandom",
)

_DENIED = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "socketcall"),
    *(
        "fork",
        "vfork",
        "setsid",
        "setpgid",
        "kill",
        "tkill",
        "tgkill",
        "rt_sigqueueinfo",
        "rt_tgsigqueueinfo",
    ),
    *(
        "pidfd_open",
        "pidfd_getfd",
        "pidfd_send_signal",
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "process_madvise",
        "kcmp",
    ),
    *(
        "unshare",
        "setns",
        "mount",
        "umount2",
        "pivot_root",
        "chroot",
        "move_mount",
        "open_tree",
        "fsopen",
        "fsmount",
        "mount_setattr",
    ),
    *(
        "io_uring_setup",
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "add_key",
        "request_key",
        "keyctl",
        "open_by_handle_at",
    ),
    *(
        "shmget",
        "shmat",
        "msgget",
        "semget",
        "mq_open",
        "sched_setaffinity",
        "sched_setscheduler",
        "ioprio_set",
    ),
)
"""System calls that no decoder needs and that reach beyond its process."""


def confine(readable: Iterable[str] = ()) -> list[str]:
    """Confine this process and its successors irrevocably; return which of :data:`WALLS` are in force.

    :param readable: files and folders that can still be read and executed.
    """
    for library in ("landlock", "pyseccomp"):  # while they are readable
        with contextlib.suppress(ImportError, RuntimeError):
            importlib.import_module(library)
    stands = set(_become_nobody())
    with contextlib.suppress(ImportError, OSError):
        _bar_files(readable)
        stands.add("files")
    # last, since it denies calls that the others need
    with contextlib.suppress(ImportError, OSError, RuntimeError):
        _bar_calls()
        stands.add("network")
    return [wall for wall in WALLS if wall in stands]


def _become_nobody() -> list[str]:
    """Switch to an unprivileged user; return the walls that are in force."""
    user, group = os.getuid(), os.getgid()
    unshare = ctypes.CDLL(None, use_errno=True).unshare  # os has it from Python 3.12 on
    stands = []
    if unshare(_NEW_NETWORK | _NEW_IPC | (0 if user == 0 else _NEW_USER)) == 0:
        stands.append("network")
    with contextlib.suppress(OSError):
        if user == 0:
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        elif stands:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{_NOBODY} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{_NOBODY} {group} 1")
        if os.getuid() == _NOBODY:
            stands.append("user")
    return stands


def _bar_files(readable: Iterable[str]) -> None:
    """Restrict file access.

    :raises ImportError: Landlock is not installed.
    :raises OSError: not in the kernel.
    """
    from landlock import FSAccess, Ruleset

    rules = Ruleset()
    for path in readable:
        if os.path.isdir(path):
            rules.allow(path, rules=FSAccess.EXECUTE | FSAccess.READ_FILE | FSAccess.READ_DIR)
        elif os.path.exists(path):
            rules.allow(path, rules=FSAccess.EXECUTE | FSAccess.READ_FILE)
    rules.apply()


def _bar_calls() -> None:
    """Deny system calls.

    :raises ImportError: pyseccomp is not installed.
    :raises RuntimeError: there is no libseccomp.
    :raises OSError: the kernel has no seccomp.
    """
    from pyseccomp import ALLOW, ERRNO, MASKED_EQ, NE, Arg, SyscallFilter

    rules = SyscallFilter(ALLOW)
    refuse = ERRNO(errno.EPERM)
    for name in _DENIED:
        with contextlib.suppress(OSError):  # another architecture, or an older libseccomp, does not know it
            rules.add_rule(refuse, name)
    rules.add_rule(refuse, "clone", Arg(0, MASKED_EQ, _THREAD, 0))  # threads yes, processes no
    # its flags cannot be checked; the C library falls back to clone
    rules.add_rule(ERRNO(errno.ENOSYS), "clone3")
    rules.add_rule(refuse, "prlimit64", Arg(0, NE, 0))
    rules.load()


def main(arguments: list[str]) -> int:
    """Confine this process, and execute the program."""
    if arguments == ["--check"]:
        print(json.dumps(confine()))
        return 0
    program = os.path.realpath(arguments[0])
    confine((*_LIBRARIES, program, os.path.join(os.path.dirname(program), "..", "lib")))
    os.execv(program, arguments)  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
