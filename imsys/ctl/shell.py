"""Run a shell command on the terminal of imsys-ctl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure


async def run(reactor: Any, line: str, environment: Mapping[str, str]) -> str:
    """Run a line in the shell, on our terminal; return how it failed, or an empty text."""
    command = _Command()
    reactor.spawnProcess(
        command, "/bin/sh", ["/bin/sh", "-c", line], env=dict(environment), childFDs={0: 0, 1: 1, 2: 2}
    )
    return await command.ended


class _Command(ProcessProtocol):
    def __init__(self) -> None:
        self.ended: Deferred[str] = Deferred()

    def processEnded(self, reason: Failure) -> None:
        """Report how the process ended."""
        value = reason.value
        if not isinstance(value, ProcessTerminated):
            self.ended.callback("")
        elif value.signal:
            self.ended.callback(f"signal {value.signal}")
        else:
            self.ended.callback(f"status {value.exitCode}")
