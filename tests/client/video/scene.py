"""Players for tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from client.video.player import Player, Surroundings
from client.video.sound import Hearing


class Loudspeaker:
    """Takes all, and keeps it."""

    hearing = Hearing.YES

    def __init__(self) -> None:
        self.heard = bytearray()
        self.muted = self.closed = False

    def room(self) -> int:
        return 1 << 20

    def write(self, data: bytes) -> None:
        self.heard += data

    def set_muted(self, muted: bool) -> None:
        self.muted = muted

    def flush(self) -> None:
        """It holds nothing."""

    def close(self) -> None:
        self.closed = True


class PlayerCase(TestCase):
    """A test with players, that are ended after it; and after it no child is left."""

    timeout = 60.0

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.speaker = Loudspeaker()
        self.around = Surroundings(reactor, lambda: self.speaker)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.until(lambda: not children())))

    def closing(self, player: Player) -> None:
        """End it after the test."""
        self.addCleanup(player.close)

    def watch(self, player: Player) -> list[float]:
        """Take what it shows, as an area would, as soon as it is due; the times of what was shown."""
        times: list[float] = []

        def turn() -> None:
            frame = player.take()
            if frame is not None:
                times.append(frame.time)
                frame.release()
            wait = player.wait()
            if wait is not None and not call[0]:
                call[0] = self.reactor.callLater(wait, again)

        def again() -> None:
            call[0] = None
            turn()

        call: list[Any] = [None]
        player.arrived.subscribe(lambda _: turn())
        player.changed.subscribe(lambda _: turn())
        self.addCleanup(lambda: call[0] and call[0].active() and call[0].cancel())
        self.addCleanup(player.close)
        return times

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Wait until something is so."""
        for _ in range(2000):
            if true():
                return
            waited: Deferred[None] = Deferred()
            self.reactor.callLater(0.01, waited.callback, None)
            await waited
        self.fail(what or "it did not come to be so")


def children(of: int | None = None, name: str = "ff") -> list[int]:
    """The processes of a process (of this one) whose names begin so."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            title, rest = text.partition("(")[2].rpartition(")")[::2]
            state, parent = rest.split()[:2]
            if title.startswith(name) and int(parent) == (os.getpid() if of is None else of) and state != "Z":
                found.append(int(entry.name))
    return found
