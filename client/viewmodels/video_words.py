"""What is said of films and streams."""

from __future__ import annotations

import sys

from client.translations.tr import tr
from client.video.problems import Problem, VideoError
from client.video.sound import Hearing


def install_words(platform: str = sys.platform) -> str:
    """How ffmpeg is installed here."""
    if platform == "win32":
        return tr("Install it with “winget install ffmpeg”.")
    if platform == "darwin":
        return tr("Install it with “brew install ffmpeg”.")
    return tr("Install the package “ffmpeg”.")


def problem_words(error: VideoError) -> str:
    """A sentence, and what to do."""
    return {
        Problem.NO_FFMPEG: " ".join(
            (tr("Video needs ffmpeg, which is not on this computer."), install_words())
        ),
        Problem.BROKEN_FFMPEG: tr("ffmpeg has ended unexpectedly. Try again."),
        Problem.UNREADABLE: tr("This cannot be played: it is damaged, or of a kind that is not known here."),
        Problem.NO_PICTURES: tr("There are no pictures in this."),
        Problem.TOO_LARGE: tr(
            "The pictures of this are too large to be shown here: 4096 × 2304 is the most."
        ),
        Problem.NEW_CODEC: tr(
            "This stream is of a kind that ffmpeg reads since version 6.1, and yours is older. Install a newer one."
        ),
        Problem.GONE: tr("The file is not there any more."),
        Problem.UNREACHABLE: tr("The server of this stream cannot be reached."),
        Problem.UNTRUSTED: tr(
            "The server of this stream has another certificate than the one that you trust. Nothing was sent to it."
        ),
        Problem.REFUSED: tr("The server says that this stream cannot be had now: it may be over."),
        Problem.CUT: tr("The connection to the stream has broken off."),
        Problem.NO_SOURCE: tr(
            "Nothing comes from what you chose. Is it connected, and may this program use it?"
        ),
        Problem.BUSY_SOURCE: tr("Another program uses what you chose. Close it there, and try again."),
        Problem.NO_ENCODER: tr("Your ffmpeg cannot make H.264. Install one with libx264."),
        Problem.WAYLAND: tr(
            "Under Wayland a program may not record the screen. Sign in to an X11 session, or choose a camera or a file."
        ),
    }[error.problem]


def hearing_words(hearing: Hearing | None) -> str:
    """Why nothing is heard; empty: it is, or there is nothing to hear."""
    if hearing is Hearing.NOT_INSTALLED:
        return tr("No sound: Qt Multimedia is not installed (pip install 'imsys[client-sound]').")
    if hearing is Hearing.NO_DEVICE:
        return tr("No sound: this computer has no output for it.")
    return ""


def length_words(seconds: float) -> str:
    """A length or place: 1:02, 1:02:03."""
    whole = int(max(0.0, seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def bits_words(bits: float) -> str:
    """Bits a second."""
    return (
        tr("{number} Mbit/s").format(number=f"{bits / 1e6:.1f}")
        if bits >= 1e6
        else tr("{number} kbit/s").format(number=f"{bits / 1e3:.0f}")
    )
