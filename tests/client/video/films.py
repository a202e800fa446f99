"""Films for tests: colour bars, with something that moves below them."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtGui import QColor, QImage

from tests.support.children import folder

BARS = ((191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191))
"""75 per cent of all colours, red, green and blue: the upper three quarters.

Below, a white box moves on grey.
"""
FFMPEG = ("ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-y")


@functools.cache
def bars(
    name: str = "bars.mp4",
    size: tuple[int, int] = (560, 320),
    seconds: float = 4,
    *arguments: str,
    matrix: str = "bt709",
    wide: str = "tv",
    rate: int = 25,
) -> Path:
    """Make one."""
    path = folder("films") / name
    width, height = size
    bar = width // len(BARS)
    drawn = ",".join(
        f"drawbox=x={bar * number}:y=0:w={bar}:h={height * 3 // 4}:t=fill:color=0x{red:02x}{green:02x}{blue:02x}"
        for number, (red, green, blue) in enumerate(BARS)
    )
    source = f"color=c=0x808080:s={width}x{height}:r={rate},format=rgb24,{drawn}[a];color=c=white:s=24x24:r={rate},format=rgb24[b];"
    source += f"[a][b]overlay=x='mod(n*8,{width - 24})':y={height * 7 // 8}:format=rgb,"
    source += f"scale=out_color_matrix={matrix}:out_range={wide}:flags=accurate_rnd,format={'yuvj420p' if wide == 'pc' else 'yuv420p'}"
    names = {"bt709": "bt709", "bt601": "smpte170m", "bt2020": "bt2020nc"}
    tags = (
        "-colorspace",
        names[matrix],
        "-color_range",
        wide,
        "-color_primaries",
        "bt709",
        "-color_trc",
        "bt709",
    )
    codec = arguments or ("-c:v", "libx264", "-preset", "veryfast", "-qp", "4", "-g", str(rate))
    sound = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={seconds}", "-c:a", "aac")
    maps = ("-map", "1:v", "-map", "0:a")
    command = [
        *FFMPEG,
        *sound[:4],
        "-f",
        "lavfi",
        "-i",
        source,
        "-t",
        str(seconds),
        *tags,
        *codec,
        *sound[4:],
        *maps,
        str(path),
    ]
    subprocess.run(command, check=True, timeout=60)
    return path


def means(
    image: QImage, place: tuple[float, float, float, float] | None = None
) -> list[tuple[float, float, float]]:
    """The mean colour of the middle of each bar, of a picture that fills this place (all of the image, if
    none is said).
    """
    left, top, width, height = place or (0.0, 0.0, float(image.width()), float(image.height()))
    found = []
    for number in range(len(BARS)):
        xs = range(
            round(left + width * (number + 0.25) / len(BARS)),
            round(left + width * (number + 0.75) / len(BARS)),
            3,
        )
        ys = range(round(top + height * 0.1), round(top + height * 0.65), 5)
        colours: Sequence[QColor] = [image.pixelColor(x, y) for x in xs for y in ys]
        red, green, blue = (
            sum(part) / len(colours)
            for part in zip(*((c.red(), c.green(), c.blue()) for c in colours), strict=True)
        )
        found.append((red, green, blue))
    return found


def furthest(image: QImage, place: tuple[float, float, float, float] | None = None) -> float:
    """How far the worst of the bars is from what was sent, 0 to 255."""
    return max(
        abs(saw - sent)
        for seen, made in zip(means(image, place), BARS, strict=True)
        for saw, sent in zip(seen, made, strict=True)
    )
