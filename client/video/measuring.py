"""What showing films costs: ``python -m client.video.measuring``, on a screen; one line of JSON.

A film of moving pictures (ffmpeg's ``testsrc2``) is played at its own pace. Told are the pictures that were
shown and those that came too late, the processor's seconds of this process and of ffmpeg for each second of
the film, and the times from one picture to the next.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from client.platform import ffmpeg
from client.platform.reactor import application, install


def film(folder: Path, size: str, rate: int, seconds: int) -> Path:
    """Make it."""
    path = folder / "film.mp4"
    program = ffmpeg.find("ffmpeg") or "ffmpeg"
    source = f"testsrc2=size={size}:rate={rate}"
    command = [
        program,
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        source,
        "-t",
        str(seconds),
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
    ]
    subprocess.run([*command, "-pix_fmt", "yuv420p", str(path)], check=True)  # noqa: S603
    return path


def measure(reactor: Any, path: Path, *, opengl: bool | None) -> dict[str, Any]:
    """Play it from beginning to end."""
    import resource

    from PySide6.QtGui import QColor

    from client.video.film_player import FilmPlayer
    from client.video.player import State, Surroundings
    from client.video.projector import Projector
    from client.video.sound import Hearing, Silence
    from client.video.surface import VideoArea

    area = VideoArea(QColor("black"), opengl=opengl)
    area.resize(1280, 720)
    area.show()
    player = FilmPlayer(Surroundings(reactor, lambda: Silence(Hearing.NO_DEVICE)), path, area.pixels)
    projector = Projector(area)
    projector.set_player(player)
    times: list[float] = []
    begun: list[tuple[float, float]] = []
    show = area.show_frame

    def shown(frame: Any) -> None:
        if not begun:
            begun.append((time.perf_counter(), time.process_time()))
        times.append(time.perf_counter())
        show(frame)

    area.show_frame = shown  # type: ignore[method-assign]

    def changed(_: object) -> None:
        if player.state in (State.ENDED, State.FAILED) and reactor.running:
            ends.append((time.perf_counter(), time.process_time()))
            reactor.callLater(0.5, reactor.stop)

    ends: list[tuple[float, float]] = []
    player.changed.subscribe(changed)
    player.play()
    player.open()
    reactor.run()
    counts = player.counts
    projector.set_player(None)
    if player.state is State.FAILED or not begun:
        raise SystemExit(f"it could not be played: {player.problem}")
    (wall, cpu), (end_wall, end_cpu) = begun[0], ends[0]
    gaps = sorted(after - before for before, after in itertools.pairwise(times)) or [0.0]
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "surface": type(area.surface).__name__,
        "shown": counts.shown,
        "dropped": counts.dropped,
        "seconds": round(end_wall - wall, 2),
        "cpu of ours": round((end_cpu - cpu) / (end_wall - wall), 3),
        "cpu of ffmpeg": round((children.ru_utime + children.ru_stime) / (end_wall - wall), 3),
        "gap ms, p50": round(statistics.median(gaps) * 1000, 1),
        "gap ms, p99": round(gaps[int(len(gaps) * 0.99)] * 1000, 1),
        "gap ms, worst": round(gaps[-1] * 1000, 1),
        "memory MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--rate", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=20)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--without-opengl", dest="opengl", action="store_false", default=None)
    ways.add_argument("--with-opengl", dest="opengl", action="store_true", default=None)
    options = parser.parse_args()
    application()
    install()
    from twisted.internet import reactor

    with tempfile.TemporaryDirectory() as folder:
        path = film(Path(folder), options.size, options.rate, options.seconds)
        json.dump(measure(reactor, path, opengl=options.opengl), sys.stdout)
        print()


if __name__ == "__main__":
    main()
