"""Pictures for where nobody has any: hills under a sky, and faces of one colour.

PNG, made of nothing but zlib.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

Pixel = tuple[int, int, int]


def write_png(path: Path, width: int, height: int, at: Callable[[int, int], Pixel]) -> None:
    """Write a picture whose pixels a function tells."""
    rows = b"".join(b"\0" + b"".join(bytes(at(x, y)) for x in range(width)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def _blend(first: Pixel, second: Pixel, share: float) -> Pixel:
    share = min(max(share, 0.0), 1.0)
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def landscape(path: Path, seed: int, width: int = 360, height: int = 240) -> None:
    """Sky, sun, three rows of hills, with smooth edges."""
    low, high = (
        ((255, 214, 165), (95, 130, 190)),
        ((255, 180, 150), (90, 70, 130)),
        ((215, 235, 250), (70, 140, 205)),
    )[seed % 3]
    ground = ((60, 92, 84), (44, 62, 88), (86, 74, 66))[seed // 3 % 3]
    sun_x, sun_y, sun = width * (0.25 + seed % 5 / 8), height * 0.34, height * 0.09
    ridges = [
        [
            height * (0.5 + 0.14 * row)
            + height
            * 0.07
            * (
                math.sin(x / width * (5 + row * 2) + seed + row * 2)
                + 0.4 * math.sin(x / width * 17 + seed * row)
            )
            for x in range(width)
        ]
        for row in range(3)
    ]
    hills = [_blend(low, ground, 0.45 + 0.27 * row) for row in range(3)]
    skies = [_blend(high, low, y / (height * 0.7)) for y in range(height)]

    def at(x: int, y: int) -> Pixel:
        for row in (2, 1, 0):
            deep = y + 1 - ridges[row][x]
            if deep >= 1:
                return hills[row]
            if deep > 0:  # the ridge goes through this pixel
                return _blend(skies[y] if row == 0 else hills[row - 1], hills[row], deep)
        if abs(y - sun_y) < sun + 2 and abs(x - sun_x) < sun + 2:
            return _blend((255, 246, 214), skies[y], math.hypot(x - sun_x, y - sun_y) - sun)
        return skies[y]

    write_png(path, width, height, at)


def face(path: Path, seed: int, size: int = 256) -> None:
    """Head and shoulders before a ground of one colour, with smooth edges."""
    ground = ((236, 196, 148), (150, 190, 200), (190, 170, 210), (170, 200, 160))[seed % 4]
    skin = ((244, 208, 180), (198, 150, 116), (140, 96, 70), (230, 190, 160))[seed // 4 % 4]
    hair = ((60, 44, 36), (30, 28, 30), (150, 100, 50), (110, 60, 40))[seed // 2 % 4]
    shirt = ((70, 100, 150), (150, 70, 80), (70, 120, 100))[seed % 3]

    def at(x: int, y: int) -> Pixel:
        across, down = (x + 0.5) / size - 0.5, (y + 0.5) / size
        colour = ground
        for shape, over in (
            ((abs(across) - 0.075, abs(down - 0.65) - 0.15), skin),  # the neck
            ((_beyond(across, down - 1.08, 0.4, 0.38),), shirt),
            ((_beyond(across, down - 0.4, 0.235, 0.26),), hair),
            (
                (
                    _beyond(across, down - 0.45, 0.19, 0.24),
                    0.34 + 0.05 * math.cos(across * 14) - down,
                ),
                skin,
            ),
        ):
            inside = 0.5 - max(shape) * size
            if inside > 0:
                colour = _blend(colour, over, inside)
        return colour

    write_png(path, size, size, at)


def _beyond(across: float, down: float, wide: float, high: float) -> float:
    """How far a place is outside of an ellipse; less than nothing: inside."""
    return (math.hypot(across / wide, down / high) - 1) * min(wide, high)
