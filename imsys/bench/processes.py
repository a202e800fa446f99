"""Child processes of a measurement: started, waited for, measured, and never left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from imsys.errors import ConfigError

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
_ENDINGS = {signal.SIGINT, signal.SIGTERM}
_given: set[int] = set()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C waits until the end of the block, so that nothing is begun of which nobody knows yet that it has
    to be ended.

    What is begun in it is :func:`bound_to_parent`, and hears signals again.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def bound_to_parent() -> None:
    """In a child, before it becomes another program: die with the parent, hear signals, and have all the
    descriptors that are allowed.
    """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def spawn(
    command: Sequence[str],
    log: Path,
    environ: Mapping[str, str],
    cores: Iterable[int] = (),
    enter: Callable[[], None] = lambda: None,
) -> subprocess.Popen[bytes]:
    """Start a server that writes into a log, dies with this process (with the thread that calls), and does
    not hear the terminal's Ctrl-C.

    :param cores: those that it may use, with all its threads and children; none: any.
    :param enter: called in the child first, as a namespace is entered: what makes it die with us would be
        forgotten by that.
    """
    allowed = list(cores)

    def prepare() -> None:
        enter()
        bound_to_parent()
        if allowed:
            os.sched_setaffinity(0, allowed)

    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 (programs that the caller has found)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environ),
            preexec_fn=prepare,
            start_new_session=True,
        )


def started(
    stack: contextlib.ExitStack,
    command: Sequence[str],
    log: Path,
    environ: Mapping[str, str],
    cores: Iterable[int] = (),
    enter: Callable[[], None] = lambda: None,
) -> subprocess.Popen[bytes]:
    """:func:`spawn` a server that is ended with a stack, whatever happens."""
    with undisturbed():
        child = spawn(command, log, environ, cores, enter)
        stack.callback(end, child)
    return child


def finished(
    command: Sequence[str],
    environ: Mapping[str, str],
    deadline: float | None = None,
    folder: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end. It has ended when this is left, by Ctrl-C too: it writes no more where the
    caller clears up.

    :raises subprocess.TimeoutExpired: it took longer than ``deadline`` seconds.
    """
    with contextlib.ExitStack() as stack:
        with undisturbed():
            child = subprocess.Popen(  # noqa: S603 (programs that the caller has found)
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environ),
                preexec_fn=bound_to_parent,
            )
            stack.callback(_kill, child)
        output, errors = child.communicate(timeout=deadline)
    return subprocess.CompletedProcess(command, child.returncode, output, errors)


def wait_until(
    ready: Callable[[], bool], child: subprocess.Popen[bytes] | None, log: Path, deadline: float = 60.0
) -> None:
    """Wait for a server. :raises ConfigError: it ended, or took too long; with the end of its log."""
    give_up = time.monotonic() + deadline
    while not ready():
        if (child is not None and child.poll() is not None) or time.monotonic() > give_up:
            last = " / ".join(log.read_text("utf-8", "replace").strip().splitlines()[-3:])
            raise ConfigError(f"a server did not start: {last}")
        time.sleep(0.02)


def answers(path: Path) -> bool:
    """Return whether a process listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def answers_at(port: int) -> bool:
    """Return whether a process listens on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(child: subprocess.Popen[bytes]) -> None:
    """End a child, first politely, then by force."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a child that has nothing to put away, and the pipes to it."""
    if child.poll() is None:
        child.kill()
        child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def free_port() -> int:
    """A TCP port of loopback that nobody has, below those that the system gives to outgoing connections."""
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(10000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            if port not in _given:
                probe.bind(("127.0.0.1", port))
                _given.add(port)
                return port


def free_ports(count: int) -> int:
    """Return the first of so many consecutive free ports."""
    while True:
        first = free_port()
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            _given.update(range(first, first + count))
            return first


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU time that processes have used so far, where there is /proc."""
    tick = os.sysconf("SC_CLK_TCK")
    found = {}
    for name, pid in pids.items():
        fields = _stat(pid)
        if fields is not None:
            found[name] = (int(fields[11]) + int(fields[12])) / tick
    return found


def memory_kib(pids: Mapping[str, int]) -> dict[str, int]:
    """Return the resident memory of processes, where there is /proc."""
    page = os.sysconf("SC_PAGE_SIZE") // 1024
    return {name: int(fields[21]) * page for name, pid in pids.items() if (fields := _stat(pid)) is not None}


def peak_kib(pid: int) -> int:
    """The most resident memory that a process has had since :func:`forget_peak`, where /proc tells.

    Else 0.
    """
    try:
        found = Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()
    except OSError:
        return 0
    return int(found[0]) if found else 0


def forget_peak(pid: int) -> None:
    """Let the present be the peak of a process's memory (proc(5), ``clear_refs``)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def children(pid: int) -> Iterable[int]:
    """Return the children of a process's main thread, where there is /proc."""
    return _children(Path(f"/proc/{pid}/task/{pid}"))


def writer(pid: int) -> int:
    """Return the process that works on the SQLite file of a server, where there is /proc; 0: there is none."""
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        for child in _children(thread):
            if b"sqlite_process.py" in Path(f"/proc/{child}/cmdline").read_bytes():
                return child
    return 0


def _children(thread: Path) -> list[int]:
    try:
        return [int(child) for child in (thread / "children").read_text().split()]
    except OSError:
        return []


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
