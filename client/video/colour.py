"""What the numbers of a picture mean: which matrix they were made with, and whether they use their whole
range.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

_HIGH = 720
"""Lines from which a picture that does not say is taken for one of BT.709, as players do."""


class Matrix(enum.Enum):
    """How brightness is made of red and blue (the rest is green's), and what ffmpeg calls it."""

    BT601 = ("bt601", 0.299, 0.114)
    BT709 = ("bt709", 0.2126, 0.0722)
    BT2020 = ("bt2020", 0.2627, 0.0593)

    @property
    def name_in_ffmpeg(self) -> str:
        """Of the filter ``scale``."""
        return self.value[0]


_NAMES = {
    "bt709": Matrix.BT709,
    "smpte170m": Matrix.BT601,
    "bt470bg": Matrix.BT601,
    "fcc": Matrix.BT601,
    "bt2020nc": Matrix.BT2020,
    "bt2020c": Matrix.BT2020,
}


@dataclass(frozen=True, slots=True)
class Colour:
    """Of one film. ``full``: brightness goes from 0 to 255, not from 16 to 235."""

    matrix: Matrix = Matrix.BT709
    full: bool = False

    @classmethod
    def read(cls, stream: Mapping[str, object], height: int) -> Colour:
        """What ffprobe says of a stream; what it does not say is guessed as players do."""
        pixels = str(stream.get("pix_fmt", ""))
        if pixels.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal", "x2rgb", "x2bgr")):
            return cls(Matrix.BT601)  # ffmpeg makes YUV of it, and that is how
        matrix = _NAMES.get(str(stream.get("color_space")))
        if matrix is None:
            matrix = Matrix.BT709 if height >= _HIGH else Matrix.BT601
        return cls(matrix, stream.get("color_range") == "pc" or pixels.startswith("yuvj"))

    def coefficients(self) -> tuple[tuple[float, ...], tuple[float, float, float]]:
        """A matrix of nine numbers, column by column, and three to subtract before, that make red, green and
        blue (0 to 1) of samples.
        """
        _, red, blue = self.matrix.value
        green = 1 - red - blue
        light, tint = (1.0, 1.0) if self.full else (255 / 219, 255 / 224)
        columns = (
            (light, light, light),
            (0.0, -2 * blue * (1 - blue) / green * tint, 2 * (1 - blue) * tint),
            (2 * (1 - red) * tint, -2 * red * (1 - red) / green * tint, 0.0),
        )
        return tuple(number for column in columns for number in column), (
            0.0 if self.full else 16 / 255,
            128 / 255,
            128 / 255,
        )
