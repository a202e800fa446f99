"""Plays a film with sound by QtMultimedia, for tests: ``python -m tests.client.video.hearing FILM``.

Each SIGUSR1 is a step: muted; heard again, from another place; the end. It says whether it can be heard.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from client.platform.reactor import install


def main(path: str) -> None:
    """Play, and end."""
    install()
    from twisted.internet import reactor as installed

    from client.video.commands import Pixels
    from client.video.film_player import FilmPlayer
    from client.video.player import Surroundings
    from client.video.sound import speaker

    reactor: Any = installed
    player = FilmPlayer(Surroundings(reactor, speaker), Path(path), Pixels.YUV)

    def turn() -> None:
        frame = player.take()
        if frame is not None:
            frame.release()
        reactor.callLater(0.01, turn)

    def again() -> None:
        player.seek(1)
        player.set_muted(False)

    def end() -> None:
        player.close()
        reactor.stop()

    steps = [lambda: player.set_muted(True), again, end]
    signal.signal(signal.SIGUSR1, lambda *_: steps.pop(0)())
    player.changed.subscribe(
        lambda _: print(player.hearing.value, flush=True) if player.hearing is not None else None
    )
    player.play()
    player.open()
    turn()
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1])
