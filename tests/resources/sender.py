"""A process with an engine that takes a file in, and says how far it is, until it is killed: ``python -m
tests.resources.sender``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from twisted.internet.defer import Deferred

from imsys.config import DatabaseConfig, ResourcesConfig
from imsys.resources.upload_listener import UploadWaiter
from tests.resources.parts import Parts

STEP = 30_000
"""Bytes of a chunk."""

WINDOW = 4
"""Chunks that are not acknowledged."""


class Saying(UploadWaiter):
    """Says how far the upload is durable."""

    def durable(self, offset: int) -> None:
        say("durable", offset)


async def send(parts: Parts, file_id: bytes, source: Path) -> None:
    """Send what is missing, in a window, and finish."""
    data = source.read_bytes()
    parts.start()
    upload = await parts.uploads.open(file_id, 7, Saying())
    say("at", upload.offset)
    while upload.fed < len(data):
        for _ in range(WINDOW):
            if upload.fed < len(data):
                upload.feed(upload.fed, data[upload.fed : upload.fed + STEP])
        await upload.flushed()
    say("all", upload.offset)
    await upload.finish()
    say("whole", upload.offset)


def say(what: str, offset: int) -> None:
    """A line for whoever started us."""
    print(what, offset, flush=True)


def main(home: Path, file_id: str, source: Path) -> None:
    """Run until the file is whole."""
    from twisted.internet import reactor

    database = DatabaseConfig(engine="sqlite", path=str(home / "imsys.db"))
    parts = Parts(reactor, ResourcesConfig(), database, home / "files")

    def begin() -> None:
        done = Deferred.fromCoroutine(send(parts, bytes.fromhex(file_id), source))
        done.addErrback(lambda failure: print("failed", failure.getTraceback(), flush=True))
        done.addCallback(lambda _: Deferred.fromCoroutine(parts.stop()))
        done.addCallback(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
