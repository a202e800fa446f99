"""``imsys-chat --processes N``: a supervisor, and N processes that share the public ports.

Each process is a ``twistd`` of its own, and a chat server of its own to balance
and to its peers. Each listens on the public port for itself (``SO_REUSEPORT``):
the kernel spreads connections over them by their addresses, evenly to a few
percent, which one listening socket for all would not (there, who wakes first
takes most); and nobody waits for a process that is not there.

The supervisor serves nobody. It starts the processes, starts them again when
they die, hands signals on, and ends them with itself.
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
"""Seconds after which a process that died is started again: twice as many each time, if it dies soon."""

STEADY = 60.0
"""Seconds that a process must live for its next pause to be the first again."""

GRACE = 45.0
"""Seconds that the processes have to end in good order, once sessions have had the time to move; it takes them some 30 at most."""

PIPE_READS = 8
"""Reads, of 8 KiB each, that empty a pipe which nobody fills (64 KiB; see ``pipe(7)``)."""

LAST_WORDS = 500
"""Characters of its standard error that are quoted of a process that died."""


def number_of(config: Config, number: int) -> Config:
    """The configuration of one of several processes, from 1 on: a name and a gRPC port of its own."""
    chat = config.chat
    own = dataclasses.replace(chat, name=f"{chat.name}-{number}", grpc_port=chat.grpc_base + number, processes=1)
    return dataclasses.replace(config, chat=own)


def check_several(config: Config) -> None:
    """:raises ConfigError: this configuration, or this system, is for one process only."""
    if config.database.engine == "sqlite":
        raise ConfigError("[chat] processes: [database] engine = sqlite is for one process only")
    if sys.platform != "linux":
        raise ConfigError("[chat] processes: only Linux spreads connections over processes that share a port; here it is one process only")
    if not config.chat.port:
        raise ConfigError("[chat] processes: they cannot share [chat] port = 0 (any free one); give it a number")


@dataclass(frozen=True)
class Launch:
    """How a process is started.

    :param twistd: options of ``twistd`` that the supervisor was started with, and hands on.
    :param logfile: where ``twistd`` logs to, beside our own log files; each process has one of its own. Empty: standard output.
    :param command: what follows.
    :param folder: the folder that relative paths begin at.
    :param as_root: the supervisor gave up its privileges for the time being; a process does so for itself, after it has bound its ports.
    """

    twistd: Sequence[str]
    logfile: str
    command: Sequence[str]
    folder: str
    as_root: bool

    def arguments(self, number: int) -> list[str]:
        """The command line, without the interpreter."""
        twistd = ["--nodaemon", "--pidfile=", *self.twistd]
        if self.logfile:
            twistd.append(f"--logfile={_numbered(self.logfile, number)}")
        return ["-P", "-m", "imsys.services", *twistd, *self.command, "--process", str(number), "--supervised"]


def launch_of(options: Any, name: str) -> Launch:
    """How processes are started that have the command line of this one; see :func:`keep_root`.

    :param options: those of the command, as ``twistd`` has parsed them.
    :raises ConfigError: they do not come from ``twistd``, or ask for what several processes cannot have.
    """
    twistd = options.parent
    if twistd is None:
        raise ConfigError(f"[chat] processes: an application file is for one process only; 'twistd {name}' starts several")
    if twistd["chroot"]:
        raise ConfigError("[chat] processes: --chroot is for one process only")
    handed = [f"--{option}={twistd[option]}" for option in ("reactor", "uid", "gid", "rundir", "prefix") if twistd.get(option) is not None]
    handed += [f"--{flag}" for flag in ("syslog", "euid", "originalname") if twistd.get(flag)]
    if twistd["logger"] is not None:
        handed.append(f"--logger={qual(twistd['logger'])}")
    command = [name, *(["--config", options["config"]] if options["config"] else [])]
    as_root = os.geteuid() == 0 and (twistd["uid"] is not None or twistd["gid"] is not None)
    return Launch(handed, twistd["logfile"] or "", command, os.getcwd(), as_root)


def _numbered(logfile: str, number: int) -> str:
    """The log file of one of several processes, which cannot rotate the same one; a terminal or ``/dev/null`` is everybody's."""
    path = Path(logfile)
    return logfile if logfile == "-" or (path.exists() and not path.is_file()) else str(path.with_stem(f"{path.stem}-{number}"))


def keep_root(options: Any) -> None:
    """Have ``twistd`` change the effective user only (its ``--euid``), so that processes can be started as root again.

    They need it as the first start does: to read keys and take ports that only root may. Then each drops it for good.
    """
    options.parent["euid"] = True


class Supervisor(Service):
    """Keeps the processes running while it does."""

    def __init__(self, reactor: Any, config: Config, launch: Launch) -> None:
        self._reactor = reactor
        self._config = config
        self._launch = launch
        self._running: dict[int, _Process] = {}
        self._ready: dict[int, Event] = {}
        self._left = 0
        self._ended = Event(is_set=True)  # no process is left, and none is to come
        self._leaving = Event()
        self._restore: list[Any] = []

    def check(self) -> None:
        """Find out whether every port can be bound, while there still is a terminal to say so.

        :raises ConfigError: one could not.
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
        """Return when each of them has been ready."""
        for ready in self._ready.values():
            await ready.wait()

    def stopService(self) -> Deferred[None]:
        """End the processes as one alone would end; by force those that take too long."""
        super().stopService()
        for restore in self._restore:
            restore()
        self._leaving.set()  # from now on nothing is started
        # told once more, each of them waits no longer for its sessions to move
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
            _log.error("{count} processes did not end in {grace:g} s: they are killed", count=len(self._running), grace=grace)
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
        """Have one process run, again and again."""
        name, pauses = f"{self._config.chat.name}-{number}", Backoff(FIRST_PAUSE, LONGEST_PAUSE, jitter=NO_JITTER)
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
        except OSError as error:  # no memory, too many processes: it may get better
            process.failed(error)
        return process


class _Process(ProcessProtocol):
    """One life of a process.

    :param ready: to be set when this one is ready.
    """

    transport: Any = None  # none when it has ended

    def __init__(self, ready: Event) -> None:
        self._ready = ready
        self._listens = False
        self._held: list[int] = []
        self._said = ""
        self.pid = 0
        self.ended: Deferred[str] = Deferred()
        """Fires with how it ended, in words."""

    def connectionMade(self) -> None:
        """It is started."""
        self.pid = self.transport.pid

    def send(self, number: int) -> None:
        """Send a signal; one that would be the end of it until it listens waits until then."""
        if not self._listens and number in (signal.SIGHUP, signal.SIGUSR2):
            self._held.append(number)
        elif self.transport is not None:
            with contextlib.suppress(ProcessExitedAlready):
                self.transport.signalProcess(number)

    def stop(self) -> None:
        """Have it end in good order."""
        if not self._listens:
            self.send(signal.SIGTERM)  # at once; but between its fork and its exec this is lost
        if self.transport is not None:
            try:
                self.transport.writeToChild(0, STOP)
            except KeyError:  # the pipe is closed: it is about to end, or has closed it
                self.send(signal.SIGTERM)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """It tells how far it is, or says something on standard error, which is passed on."""
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
        """It ended. Its pipes are emptied and closed; some process that it has started may hold them for long."""
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
        """It could not even be started."""
        self._over(f"could not be started: {error.strerror}")

    def _over(self, how: str) -> None:
        self.transport = None
        self.ended.callback(how)
