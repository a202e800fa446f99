"""What a child gives up before it looks at a stranger's file: ``python -m imsys.files.confinement COMMAND ...``, or :func:`confine`.

A decoder in C that is fooled does what the file wants it to. Then it is nobody, and alone: it has another user than the server (a real
one where the server is root, else one in a namespace of its own), no network, no other processes to signal or look into, cannot start
any, and opens no files but libraries. What each wall is made of: Landlock for files, seccomp for calls, namespaces on top.

A kernel, or a container, that lacks some of that leaves the rest standing; :func:`confine` says what stands, and the server tells its
operator at start. Arguments for the program: those of the command, or ``--check``, which writes the walls as JSON.
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
"""User and group that own nothing (what Linux shows for those that have no name in a namespace)."""

_NEW_USER, _NEW_IPC, _NEW_NETWORK = 0x10000000, 0x08000000, 0x40000000
_THREAD = 0x00010000
"""Flags of clone(2) and unshare(2)."""

_LIBRARIES = ("/usr", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/ld.so.cache", "/dev/null", "/dev/zero", "/dev/urandom")

_DENIED = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "socketcall"),
    *("fork", "vfork", "setsid", "setpgid", "kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp"),
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount", "mount_setattr"),
    *("io_uring_setup", "bpf", "perf_event_open", "userfaultfd", "add_key", "request_key", "keyctl", "open_by_handle_at"),
    *("shmget", "shmat", "msgget", "semget", "mq_open", "sched_setaffinity", "sched_setscheduler", "ioprio_set"),
)
"""Calls that no decoder needs, and that reach beyond it."""


def confine(readable: Iterable[str] = ()) -> list[str]:
    """Give up, for good, what this process and those after it do not need; which of :data:`WALLS` stand then.

    :param readable: files and folders that may still be read, and executed.
    """
    for library in ("landlock", "pyseccomp"):  # while they can be read
        with contextlib.suppress(ImportError, RuntimeError):
            importlib.import_module(library)
    stands = set(_become_nobody())
    with contextlib.suppress(ImportError, OSError):
        _bar_files(readable)
        stands.add("files")
    with contextlib.suppress(ImportError, OSError, RuntimeError):  # last: it bars what the others need
        _bar_calls()
        stands.add("network")
    return [wall for wall in WALLS if wall in stands]


def _become_nobody() -> list[str]:
    """Enter namespaces of its own, as nobody; return the walls that stand then."""
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
    """:raises ImportError: there is no Landlock here. :raises OSError: the kernel has none."""
    from landlock import FSAccess, Ruleset

    rules = Ruleset()
    for path in readable:
        if os.path.isdir(path):
            rules.allow(path, rules=FSAccess.EXECUTE | FSAccess.READ_FILE | FSAccess.READ_DIR)
        elif os.path.exists(path):
            rules.allow(path, rules=FSAccess.EXECUTE | FSAccess.READ_FILE)
    rules.apply()


def _bar_calls() -> None:
    """:raises ImportError: there is no seccomp here. :raises RuntimeError: no libseccomp. :raises OSError: the kernel has none."""
    from pyseccomp import ALLOW, ERRNO, MASKED_EQ, NE, Arg, SyscallFilter

    rules = SyscallFilter(ALLOW)
    refuse = ERRNO(errno.EPERM)
    for name in _DENIED:
        with contextlib.suppress(OSError):  # another architecture, or an older libseccomp, does not know it
            rules.add_rule(refuse, name)
    rules.add_rule(refuse, "clone", Arg(0, MASKED_EQ, _THREAD, 0))  # threads yes, processes no
    rules.add_rule(ERRNO(errno.ENOSYS), "clone3")  # whose flags cannot be looked at; the C library takes clone then
    rules.add_rule(refuse, "prlimit64", Arg(0, NE, 0))
    rules.load()


def main(arguments: list[str]) -> int:
    """Confine this process, and become the program."""
    if arguments == ["--check"]:
        print(json.dumps(confine()))
        return 0
    program = os.path.realpath(arguments[0])
    confine((*_LIBRARIES, program, os.path.join(os.path.dirname(program), "..", "lib")))
    os.execv(program, arguments)  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
