"""``imsys-chat --processes N``: a supervisor, and N processes that share the public ports.

Each process is its own ``twistd``, and its own chat server for balance and peers. Each has its own listening
socket on the public port (``SO_REUSEPORT``): the kernel spreads connections over them by address, evenly to a
few percent. With one shared socket the first process to wake would take most of them; and connections cannot
wait for a dead process.

The supervisor serves no clients. It starts the processes, restarts them when they die, forwards signals, and
stops them when it stops.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.python.util import runAsEffectiveUser

from imsys.config import Config
from imsys.errors import ConfigError
from imsys.services.listening import check_port
from imsys.services.signals import on_signal, while_stopping
from imsys.services.supervisor_pipe import LISTENING, READY, REPORT, STOP
from imsys.util.background import run_in_background
from imsys.util.backoff import NO_JITTER, Backoff
from imsys.util.events import Event

_log = Logger()

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a dead process is restarted: doubled each time it dies soon."""

STEADY = 60.0
"""Seconds that a process must live for the pause to start over."""

GRACE = 45.0
"""Seconds for the processes to end in good order after the time for moves; they need about 30 at most."""

PIPE_READS = 8
"""Reads of 8 KiB that empty a pipe (64 KiB; see ``pipe(7)``)."""

LAST_WORDS = 500
"""Characters of a dead process' standard error that are quoted."""


def number_of(config: Config, number: int) -> Config:
    """Return the configuration of one of several processes, from 1 on, with its own name and gRPC port."""
    chat = config.chat
    own = dataclasses.replace(
        chat, name=f"{chat.name}-{number}", grpc_port=chat.grpc_base + number, processes=1
    )
    return dataclasses.replace(config, chat=own)


def check_several(config: Config) -> None:
    """Check that several processes are possible.

    :raises ConfigError: the configuration or system allows only one.
    """
    if config.database.engine == "sqlite":
        raise ConfigError("[chat] processes: [database] engine = sqlite is for one process only")
    if sys.platform != "linux":
        raise ConfigError(
            "[chat] processes: only Linux spreads connections over processes that share a port; here it is one process only"
        )
    if not config.chat.port:
        raise ConfigError(
            "[chat] processes: they cannot share [chat] port = 0 (any free one); give it a number"
        )


@dataclass(frozen=True)
class Launch:
    """How to start a process.

    :param twistd: the supervisor's options of ``twistd``, which are passed on.
    :param logfile: log file of ``twistd``, besides our own log files; each process has its own. Empty:
        standard output.
    :param command: the arguments after these options.
    :param folder: the working directory, for relative paths.
    :param as_root: whether to start it as root: the supervisor has dropped privileges temporarily; a process
        drops its own after binding its ports.
    """

    twistd: Sequence[str]
    logfile: str
    command: Sequence[str]
    folder: str
    as_root: bool

    def arguments(self, number: int) -> list[str]:
        """Return the command line, without the interpreter."""
        twistd = ["--nodaemon", "--pidfile=", *self.twistd]
        if self.logfile:
            twistd.append(f"--logfile={_numbered(self.logfile, number)}")
        return [
            "-P",
            "-m",
            "imsys.services",
            *twistd,
            *self.command,
            "--process",
            str(number),
            "--supervised",
        ]


def launch_of(options: Any, name: str) -> Launch:
    """Derive how to start the processes from this command line; see :func:`keep_root`.

    :param options: the options of the command, as parsed by ``twistd``.
    :raises ConfigError: they do not come from ``twistd``, or do not work with several processes.
    """
    twistd = options.parent
    if twistd is None:
        raise ConfigError(
            f"[chat] processes: an application file is for one process only; 'twistd {name}' starts several"
        )
    if twistd["chroot"]:
        raise ConfigError("[chat] processes: --chroot is for one process only")
    handed = [
        f"--{option}={twistd[option]}"
        for option in ("reactor", "uid", "gid", "rundir", "prefix")
        if twistd.get(option) is not None
    ]
    handed += [f"--{flag}" for flag in ("syslog", "euid", "originalname") if twistd.get(flag)]
    if twistd["logger"] is not None:
        handed.append(f"--logger={qual(twistd['logger'])}")
    command = [name, *(["--config", options["config"]] if options["config"] else [])]
    as_root = os.geteuid() == 0 and (twistd["uid"] is not None or twistd["gid"] is not None)
    return Launch(handed, twistd["logfile"] or "", command, os.getcwd(), as_root)


def _numbered(logfile: str, number: int) -> str:
    """Return the log file of one of several processes; a terminal or ``/dev/null`` is shared."""
    path = Path(logfile)
    return (
        logfile
        if logfile == "-" or (path.exists() and not path.is_file())
        else str(path.with_stem(f"{path.stem}-{number}"))
    )


def keep_root(options: Any) -> None:
    """Have ``twistd`` change only the effective user (``--euid``), so that processes can be started as root.

    Like the first start, they need root to read keys and to bind ports; then each drops its privileges for
    good.
    """
    options.parent["euid"] = True


class Supervisor(Service):
    """Keeps the processes running."""

    def __init__(self, reactor: Any, config: Config, launch: Launch) -> None:
        self._reactor = reactor
        self._config = config
        self._launch = launch
        self._running: dict[int, _Process] = {}
        self._ready: dict[int, Event] = {}
        self._left = 0
        self._ended = Event(is_set=True)  # no process is left, and none will be started
        self._leaving = Event()
        self._restore: list[Any] = []

    def check(self) -> None:
        """Check that all ports can be bound, while there is still a terminal for the error.

        :raises ConfigError: one cannot.
        """
        chat = self._config.chat
        check_port(chat.host, chat.port, "[chat] port")
        if chat.plain_port:
            check_port(chat.host, chat.plain_port, "[chat] plain_port")
        for number in self._numbers:
            check_port(chat.grpc_host, chat.grpc_base + number, "[chat] grpc_base")

    @property
    def _numbers(self) -> range:
        return range(1, self._config.chat.processes + 1)

    def startService(self) -> None:
        """Start the processes."""
        super().startService()
        self._left = len(self._numbers)
        self._ended.clear()
        for number in self._numbers:
            self._ready[number] = Event()
            run_in_background(self._keep(number), _log, "a process is not looked after any more")
        self._restore = [
            on_signal("SIGHUP", lambda: self._reactor.callFromThread(self._send, signal.SIGHUP)),
            on_signal("SIGUSR2", lambda: self._reactor.callFromThread(self._drain)),
        ]

    async def ready(self) -> None:
        """Return when each process has been ready."""
        for ready in self._ready.values():
            await ready.wait()

    def stopService(self) -> Deferred[None]:
        """Stop the processes in good order; kill those that take too long."""
        super().stopService()
        for restore in self._restore:
            restore()
        self._leaving.set()  # from now on nothing is started
        # on a second signal, the processes do not wait for sessions to move
        self._restore = [while_stopping(self._reactor, lambda: self._send(signal.SIGTERM))]
        for process in list(self._running.values()):
            with _log.failuresHandled("process {pid} could not be told to end", pid=process.pid):
                process.stop()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        grace = GRACE + self._config.chat.stop_drain
        try:
            await self._ended.wait().addTimeout(grace, self._reactor)
        except DeferredTimeout:
            _log.error(
                "{count} processes did not end in {grace:g} s: they are killed",
                count=len(self._running),
                grace=grace,
            )
            self._send(signal.SIGKILL)
            await self._ended.wait()
        finally:
            for restore in self._restore:
                restore()

    def _drain(self) -> None:
        if self._leaving.is_set:
            return
        _log.info("draining {count} processes", count=len(self._running))
        self._leaving.set()
        self._send(signal.SIGUSR2)
        self._ended.wait().addCallback(lambda _: self._reactor.stop() if self.running else None)

    def _send(self, number: int) -> None:
        for process in list(self._running.values()):
            process.send(number)

    async def _keep(self, number: int) -> None:
        """Run one process, and restart it when it ends."""
        name, pauses = (
            f"{self._config.chat.name}-{number}",
            Backoff(FIRST_PAUSE, LONGEST_PAUSE, jitter=NO_JITTER),
        )
        try:
            while not self._leaving.is_set:
                began = self._reactor.seconds()
                process = self._start(number)
                _log.info("process {name} starts, with pid {pid}", name=name, pid=process.pid)
                how = await process.ended
                del self._running[number]
                lived = self._reactor.seconds() - began
                if self._leaving.is_set:
                    _log.info("process {name} (pid {pid}) {how}", name=name, pid=process.pid, how=how)
                    return
                if lived >= STEADY:
                    pauses.reset()
                pause = pauses.next()
                text = "process {name} (pid {pid}) {how} after {lived:.1f} s; it starts again in {pause:g} s"
                _log.error(text, name=name, pid=process.pid, how=how, lived=lived, pause=pause)
                with contextlib.suppress(DeferredTimeout):
                    await self._leaving.wait().addTimeout(pause, self._reactor)
        finally:
            self._left -= 1
            if not self._left:
                self._ended.set()

    def _start(self, number: int) -> _Process:
        process = self._running[number] = _Process(self._ready[number])
        spawn = partial(
            self._reactor.spawnProcess,
            process,
            sys.executable,
            [sys.executable, *self._launch.arguments(number)],
            env=None,
            path=self._launch.folder,
            childFDs={0: "w", 1: 1, 2: "r", REPORT: "r"},
        )
        try:
            if self._launch.as_root:
                runAsEffectiveUser(0, 0, spawn)
            else:
                spawn()
        except OSError as error:  # no memory or too many processes: it may be temporary
            process.failed(error)
        return process


class _Process(ProcessProtocol):
    """One run of a process.

    :param ready: set when the process is ready.
    """

    transport: Any = None  # None when it has ended

    def __init__(self, ready: Event) -> None:
        self._ready = ready
        self._listens = False
        self._held: list[int] = []
        self._said = ""
        self.pid = 0
        self.ended: Deferred[str] = Deferred()
        """Fires with a text that tells how it ended."""

    def connectionMade(self) -> None:
        """Note the pid: the process has started."""
        self.pid = self.transport.pid

    def send(self, number: int) -> None:
        """Send a signal; one that would kill the process before it has its handlers is held until then."""
        if not self._listens and number in (signal.SIGHUP, signal.SIGUSR2):
            self._held.append(number)
        elif self.transport is not None:
            with contextlib.suppress(ProcessExitedAlready):
                self.transport.signalProcess(number)

    def stop(self) -> None:
        """Stop it in good order."""
        if not self._listens:
            self.send(signal.SIGTERM)  # works at once, but is lost between fork and exec
        if self.transport is not None:
            try:
                self.transport.writeToChild(0, STOP)
            except KeyError:  # the pipe is closed: the process is ending, or has closed it
                self.send(signal.SIGTERM)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Process a report of its progress, or pass on its standard error."""
        if childFD == REPORT:
            if LISTENING in data:
                self._listens = True
                held, self._held = self._held, []
                for number in held:
                    self.send(number)
            if READY in data:
                self._ready.set()
        elif sys.__stderr__ is not None:
            text = data.decode("utf-8", "backslashreplace")
            self._said = (self._said + text)[-LAST_WORDS:]
            sys.__stderr__.write(text)
            sys.__stderr__.flush()

    def processExited(self, reason: Failure) -> None:
        """Read its pipes to the end and close them.

        A process that it has started may keep them open for long.
        """
        for descriptor, pipe in list(self.transport.pipes.items()):
            with _log.failuresHandled("the last words of process {pid} are lost", pid=self.pid):
                for _ in range(PIPE_READS if descriptor != 0 else 0):
                    pipe.doRead()
            self.transport.closeChildFD(descriptor)
        value = reason.value
        if isinstance(value, ProcessTerminated) and value.signal:
            self._over(f"was ended by signal {value.signal}")
        elif isinstance(value, ProcessTerminated):
            said = self._said.strip().rpartition("\n")[2]
            self._over(f"ended with status {value.exitCode}" + (f" ({said})" if said else ""))
        else:
            self._over("ended in good order")

    def failed(self, error: OSError) -> None:
        """Report that it could not be started."""
        self._over(f"could not be started: {error.strerror}")

    def _over(self, how: str) -> None:
        self.transport = None
        self.ended.callback(how)
