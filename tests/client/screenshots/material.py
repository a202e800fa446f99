"""What is shown in the pictures and is made before: a photograph, and a film of it, as a file and as a stream."""

from __future__ import annotations

import subprocess
from pathlib import Path

from client.core.lifelike.pictures import face, landscape

PHOTO, PORTRAIT, FILM, STREAM = "ridge.png", "portrait.png", "sunrise from the ridge.mp4", "ridge.flv"
SIZE = (1280, 720)
SECONDS = 60
"""The film's length: what is made is one slow move over the photograph."""


def make(folder: Path) -> None:
    """Make them in a folder. :raises subprocess.CalledProcessError: ffmpeg failed."""
    landscape(folder / PHOTO, 4, 1600, 900)
    face(folder / PORTRAIT, 5, 640)
    move = f"zoompan=z='1.15':x='(iw-iw/zoom)*on/{SECONDS * 5}':y='(ih-ih/zoom)/3':d=1:s={SIZE[0]}x{SIZE[1]}:fps=5"
    sound = ("-f", "lavfi", "-i", f"anoisesrc=amplitude=0.01:duration={SECONDS}")
    codec = (
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-bf",
        "0",
        "-g",
        "5",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-ar",
        "44100",
    )
    for name, seconds in ((FILM, SECONDS), (STREAM, 12)):
        command = [
            "ffmpeg",
            "-hide_banner",
            "-nostdin",
            "-loglevel",
            "error",
            "-y",
            "-loop",
            "1",
            "-framerate",
            "5",
            "-i",
            PHOTO,
        ]
        command += [*sound, "-vf", move, "-t", str(seconds), *codec, name]
        subprocess.run(command, check=True, timeout=120, cwd=folder)
