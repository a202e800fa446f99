"""Short questions to ffmpeg."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from client.video.child import collect
from client.video.player import Surroundings


async def ask(around: Surroundings, command: list[str], seconds: float = 10.0) -> tuple[bytes, str]:
    """What a short ffmpeg writes to standard output and error; what has come by then."""
    done: Deferred[tuple[bytes, str]] = Deferred()

    def tell(good: bool, text: bytes, errors: str) -> None:
        if not done.called:
            done.callback((text, errors))

    child = collect(command, around.reactor.callFromThread, tell)

    def give_up() -> None:
        child.end()
        tell(False, b"", "")

    late = around.reactor.callLater(seconds, give_up)
    try:
        return await done
    finally:
        if late.active():
            late.cancel()
