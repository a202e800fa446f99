"""Our daemons as processes of their own, started with twistd as an operator would."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet import defer
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.support.children import folder
from tests.support.programs import need
from tests.support.servers import cluster_settings, key_settings

ROOT = Path(__file__).resolve().parents[2]

_LAUNCHER = """
import ctypes, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
sys.argv[0] = "twistd"
from twisted.scripts.twistd import run
run()
"""


class _Output(ProcessProtocol):
    def __init__(self) -> None:
        self.text = ""
        self.status: int | None = None
        self.ended: list[defer.Deferred[int]] = []
        self.waiting: list[tuple[str, defer.Deferred[None]]] = []

    def outReceived(self, data: bytes) -> None:
        self.text += data.decode("utf-8", "replace")
        for wanted, waiter in [entry for entry in self.waiting if entry[0] in self.text]:
            self.waiting.remove((wanted, waiter))
            waiter.callback(None)

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        value = reason.value
        status = 0
        if isinstance(value, ProcessTerminated):
            status = -value.signal if value.signal else int(value.exitCode or 0)
        else:
            assert isinstance(value, ProcessDone)
        for wanted, waiter in self.waiting:
            waiter.errback(
                AssertionError(f"the process ended with {status} before it said {wanted!r}:\n{self.text}")
            )
        self.waiting = []
        self.status = status
        for ended in self.ended:
            if not ended.called:
                ended.callback(status)


class Process:
    """A running daemon."""

    def __init__(self, reactor: Any, arguments: list[str], environ: Mapping[str, str], cwd: Path) -> None:
        self._reactor = reactor
        self._output = _Output()
        self._process = reactor.spawnProcess(
            self._output, sys.executable, arguments, env=dict(environ), path=str(cwd)
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return int(self._process.pid)

    @property
    def text(self) -> str:
        """What it has written to standard output and standard error."""
        return self._output.text

    @property
    def status(self) -> int | None:
        """How it has ended; ``None``: it has not."""
        return self._output.status

    async def says(self, wanted: str, deadline: float = 30.0) -> None:
        """Return when it has written something.

        Fail when it ends before, or in ``deadline`` seconds has not.
        """
        if wanted in self.text:
            return
        waiter: defer.Deferred[None] = defer.Deferred()
        self._output.waiting.append((wanted, waiter))
        try:
            await waiter.addTimeout(deadline, self._reactor)
        except defer.TimeoutError:
            self._output.waiting.remove((wanted, waiter))
            raise AssertionError(
                f"the process did not say {wanted!r} in {deadline} s:\n{self.text}"
            ) from None

    async def end(self, deadline: float = 30.0) -> int:
        """Wait until it has ended; give back its exit status, negative for a signal."""
        if self._output.status is not None:
            return self._output.status
        ended: defer.Deferred[int] = defer.Deferred()
        self._output.ended.append(ended)
        return await ended.addTimeout(deadline, self._reactor)

    def send(self, number: int) -> None:
        """Send a signal (nothing happens when it has ended)."""
        with contextlib.suppress(ProcessExitedAlready):
            self._process.signalProcess(number)

    async def stop(self, number: int = signal.SIGTERM, deadline: float = 30.0) -> int:
        """Send a signal and wait until it has ended; by force if it does not."""
        self.send(number)
        try:
            return await self.end(deadline)
        except defer.TimeoutError:
            self.send(signal.SIGKILL)
            await self.end()
            raise AssertionError(f"the process did not end on signal {number}:\n{self.text}") from None


def environment(**settings: str) -> dict[str, str]:
    """The environment of a daemon: ours without any ``IMSYS_…``, and with the given ones (``CHAT_PORT="0"``).

    The ports of live streams are not those that everybody knows, so that several servers can run side by
    side.
    """
    need("processes of its own")
    settings = {"RESOURCES_RTMP_PORT": "0", "RESOURCES_RTMPS_PORT": "0"} | settings
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IMSYS_")}
    return (
        kept
        | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        | {f"IMSYS_{name}": value for name, value in settings.items()}
    )


def twistd(*arguments: str) -> list[str]:
    """The command line that runs twistd, and dies with us."""
    return [sys.executable, "-c", _LAUNCHER, *arguments]


def run(
    test: TestCase,
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> Process:
    """Start ``twistd`` with arguments; it is ended after the test at the latest.

    Servers that need keys for files, and do not make them, get those that all tests have, unless the settings
    name others. So it is with the certificates of the cluster.

    :param extra: environment that is none of ours.
    """
    from twisted.internet import reactor

    settings = dict(settings or {})
    keys = key_settings() if {"imsys-chat", "imsys-resources"} & {*arguments} else {}
    if any(one.startswith("imsys-") for one in arguments) and not any(
        key.startswith("CLUSTER_") for key in settings
    ):
        keys |= cluster_settings()
    process = Process(
        reactor,
        twistd(*arguments),
        environment(**(keys | settings)) | dict(extra or {}),
        cwd or folder("cwd"),
    )

    async def ended() -> None:
        process.send(signal.SIGKILL)
        await process.end()

    test.addCleanup(lambda: defer.Deferred.fromCoroutine(ended()))
    return process


async def start(
    test: TestCase,
    name: str,
    settings: Mapping[str, str],
    config: Path | None = None,
    program: Path | None = None,
) -> Process:
    """Start one of our daemons in the foreground and wait until it is ready.

    :param name: ``imsys-chat`` and so on.
    :param settings: environment without ``IMSYS_`` (``{"HOME": folder, "CHAT_PORT": "0"}``).
    :param program: the folder of another version's packages.
    """
    path = None if program is None else {"PYTHONPATH": str(program)}
    extra = ("--config", str(config)) if config is not None else ()
    process = run(test, "--nodaemon", "--pidfile=", name, *extra, settings=settings, extra=path)
    await process.says(" is ready")
    return process


def write_config(path: Path, sections: Mapping[str, Mapping[str, object]]) -> Path:
    """Write an INI file."""
    lines = []
    for section, keys in sections.items():
        lines += [f"[{section}]", *(f"{key} = {value}" for key, value in keys.items()), ""]
    path.write_text("\n".join(lines), "utf-8")
    return path
