"""What ffprobe says of a film or a stream, and whether it can be shown here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from client.video.colour import Colour
from client.video.problems import Problem, VideoError

SIDE_MOST, PIXELS_MOST = 8192, 4096 * 2304
"""What is decoded at most, each side and in all; what is larger is refused."""
SHOWN_MOST = (1920, 1080)
"""What is shown at most: ffmpeg scales down to it."""
RATE_MOST, RATE_ELSE = 60.0, 30.0
"""Pictures a second that are shown at most, and those of a film that does not say."""
SECONDS_MOST = 100 * 3600.0

_REFUSED = re.compile(r"Picture size \d+x\d+ (?:is invalid|exceeds)")
"""What ffmpeg says of one that is larger than it was told to decode."""


@dataclass(frozen=True, slots=True)
class Film:
    """What is shown: size in pixels (even, upright, with square pixels), pictures a second, seconds (0: not
    known), and its colour.
    """

    width: int
    height: int
    rate: float
    duration: float = 0.0
    colour: Colour = field(default_factory=Colour)
    sound: bool = False
    codec: str = ""


def read(text: bytes, errors: str = "") -> Film:
    """Read what ffprobe has written, and what it complained of.

    :raises VideoError: there is no video in it, or it is too large.
    """
    try:
        said = json.loads(text)
        streams = [one for one in said.get("streams", []) if isinstance(one, dict)]
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise VideoError(Problem.UNREADABLE) from None
    films = [one for one in streams if one.get("codec_type") == "video" and not _poster(one)]
    if _REFUSED.search(errors):
        raise VideoError(Problem.TOO_LARGE)
    if not films:
        raise VideoError(Problem.NO_PICTURES if streams else Problem.UNREADABLE)
    film = films[0]
    width, height = _number(film.get("width")), _number(film.get("height"))
    if not (width >= 1 and height >= 1):
        raise VideoError(Problem.UNREADABLE)
    if width > SIDE_MOST or height > SIDE_MOST or width * height > PIXELS_MOST:
        raise VideoError(Problem.TOO_LARGE)
    colour = Colour.read(film, int(height))
    shape = _ratio(film.get("sample_aspect_ratio"), ":")
    wide = width * shape if 0.1 <= shape <= 10 else width
    if round(_turned(film)) % 180 == 90:
        wide, height = height, wide
    rate = _ratio(film.get("avg_frame_rate"), "/") or _ratio(film.get("r_frame_rate"), "/") or RATE_ELSE
    about = said.get("format")
    duration = _number(film.get("duration")) or _number(
        about.get("duration") if isinstance(about, dict) else 0
    )
    sound = any(one.get("codec_type") == "audio" for one in streams)
    size = fitted(wide, height)
    return Film(
        *size,
        _fit_rate(rate),
        min(max(duration, 0.0), SECONDS_MOST),
        colour,
        sound,
        str(film.get("codec_name", "")),
    )


def fitted(width: float, height: float) -> tuple[int, int]:
    """The same shape within what is shown at most; even numbers."""
    most = SHOWN_MOST if width >= height else SHOWN_MOST[::-1]
    share = min(1.0, most[0] / width, most[1] / height)
    return max(2, round(width * share / 2) * 2), max(2, round(height * share / 2) * 2)


def _fit_rate(rate: float) -> float:
    """Within bounds. Streams that say few pictures a second mean that few changed so far."""
    return min(RATE_MOST, rate) if rate >= 10 else RATE_ELSE


def _poster(stream: Mapping[str, Any]) -> bool:
    about = stream.get("disposition")
    return isinstance(about, dict) and bool(about.get("attached_pic"))


def _turned(stream: Mapping[str, Any]) -> float:
    """By how many degrees a telephone was held."""
    for one in stream.get("side_data_list") or ():
        if isinstance(one, dict) and "rotation" in one:
            return _number(one["rotation"])
    tags = stream.get("tags")
    return _number(tags.get("rotate")) if isinstance(tags, dict) else 0.0


def _number(value: object) -> float:
    try:
        found = float(str(value))
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0


def _ratio(value: object, sign: str) -> float:
    above, _, below = str(value).partition(sign)
    divisor = _number(below)
    return _number(above) / divisor if divisor > 0 else 0.0
