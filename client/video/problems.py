"""What can go wrong with films and streams; :mod:`client.viewmodels.video_words` has the sentences."""

from __future__ import annotations

import enum


class Problem(enum.Enum):
    """Why something cannot be shown, heard or sent."""

    NO_FFMPEG = "no ffmpeg"
    BROKEN_FFMPEG = "ffmpeg ended"
    UNREADABLE = "unreadable"
    NO_PICTURES = "no pictures"
    TOO_LARGE = "too large"
    NEW_CODEC = "ffmpeg is too old"
    GONE = "gone"
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    REFUSED = "refused"
    CUT = "cut"
    NO_SOURCE = "no source"
    BUSY_SOURCE = "busy source"
    NO_ENCODER = "no encoder"
    WAYLAND = "wayland"


class VideoError(Exception):
    """Something went wrong; ``detail`` is for the log and for "copy details", and holds no URL."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(problem.value, detail)
        self.problem, self.detail = problem, detail
