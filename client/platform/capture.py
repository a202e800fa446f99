"""Cameras, screens and microphones as ffmpeg names them on this system, and how they are listed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

QUEUE = 64
"""Pictures, or pieces of sound, that may wait for the encoder."""


@dataclass(frozen=True, slots=True)
class Device:
    """One that ffmpeg can record from: what people call it, and what ffmpeg is told."""

    title: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Devices:
    """Those that are there."""

    cameras: Sequence[Device] = ()
    screens: Sequence[Device] = ()
    microphones: Sequence[Device] = ()
    wayland: bool = False
    """The screen cannot be recorded: Wayland lets no program but its own do that."""


def listing(ffmpeg: str, platform: str = sys.platform) -> list[str] | None:
    """The command that lists devices on standard error; ``None``: they are looked up without one."""
    kind = {"win32": "dshow", "darwin": "avfoundation"}.get(platform)
    return (
        [
            ffmpeg,
            "-hide_banner",
            "-f",
            kind,
            "-list_devices",
            "true",
            "-i",
            "dummy" if kind == "dshow" else "",
        ]
        if kind
        else None
    )


def devices(
    listed: str, platform: str = sys.platform, environ: Mapping[str, str] = os.environ, root: Path = Path("/")
) -> Devices:
    """What there is; it reads small files, in a thread.

    ``listed`` is what the command of :func:`listing` has said.
    """
    if platform == "win32":
        return _dshow(listed)
    if platform == "darwin":
        return _avfoundation(listed)
    return _linux(environ, root)


def _linux(environ: Mapping[str, str], root: Path) -> Devices:
    cameras = []
    for folder in sorted(
        (root / "sys/class/video4linux").glob("video*"),
        key=lambda path: int(re.sub(r"\D", "", path.name) or 0),
    ):
        try:
            # the others of a camera carry its metadata
            first = (folder / "index").read_text().strip() in ("", "0")
            title = (folder / "name").read_text("utf-8", "replace").strip()
        except OSError:
            continue
        if first:
            cameras.append(
                Device(title or folder.name, f"/dev/{folder.name}", {"f": "v4l2", "thread_queue_size": QUEUE})
            )
    wayland = environ.get("XDG_SESSION_TYPE") == "wayland" or bool(environ.get("WAYLAND_DISPLAY"))
    screens = []
    display = environ.get("DISPLAY", "")
    if display and not wayland:
        screens.append(
            Device("Whole screen", display, {"f": "x11grab", "framerate": 30, "thread_queue_size": QUEUE})
        )
    microphones = []
    runtime = Path(environ.get("XDG_RUNTIME_DIR", "/nonexistent"))
    if environ.get("PULSE_SERVER") or (runtime / "pulse/native").exists():
        microphones.append(
            Device("Default microphone", "default", {"f": "pulse", "thread_queue_size": QUEUE})
        )
    elif any((root / "dev/snd").glob("pcmC*c")):
        microphones.append(Device("Default microphone", "default", {"f": "alsa", "thread_queue_size": QUEUE}))
    return Devices(cameras, screens, microphones, wayland)


def _dshow(listed: str) -> Devices:
    cameras: list[Device] = []
    microphones: list[Device] = []
    kind = ""
    for line in listed.splitlines():
        if "DirectShow video devices" in line or "DirectShow audio devices" in line:  # ffmpeg before 5
            kind = "video" if "video" in line else "audio"
        elif (
            found := re.search(r'\] *"(.+)"(?: \((video|audio|none)\))?\s*$', line)
        ) is not None and "Alternative name" not in line:
            title, said = found[1], found[2] or kind
            if said in ("video", "audio"):
                made = Device(
                    title, f"{said}={title}", {"f": "dshow", "thread_queue_size": QUEUE, "rtbufsize": "64M"}
                )
                (cameras if said == "video" else microphones).append(made)
    screen = Device("Whole screen", "desktop", {"f": "gdigrab", "framerate": 30, "thread_queue_size": QUEUE})
    return Devices(cameras, [screen], microphones)


def _avfoundation(listed: str) -> Devices:
    cameras, screens, microphones = [], [], []
    kind = ""
    for line in listed.splitlines():
        if "AVFoundation video devices" in line or "AVFoundation audio devices" in line:
            kind = "video" if "video" in line else "audio"
        elif (found := re.search(r"\] \[(\d+)\] (.+?)\s*$", line)) is not None:
            number, title = found[1], found[2]
            options = {"f": "avfoundation", "framerate": 30, "thread_queue_size": QUEUE}
            if kind == "audio":
                del options["framerate"]
                microphones.append(Device(title, f"none:{number}", options))
            elif title.startswith("Capture screen"):
                screens.append(Device(title, f"{number}:none", {**options, "capture_cursor": 1}))
            else:
                cameras.append(Device(title, f"{number}:none", options))
    return Devices(cameras, screens, microphones)


ENCODERS = ("libx264", "h264_videotoolbox", "h264_mf", "libopenh264")
"""For H.264, the best first; not those that many builds have and few machines can use."""


def encoder(listed: str) -> str | None:
    """The best that ``ffmpeg -encoders`` lists; ``None``: there is none."""
    there = {
        parts[1]
        for line in listed.splitlines()
        if len(parts := line.split(None, 2)) > 1 and parts[0].startswith("V")
    }
    return next((name for name in ENCODERS if name in there), None)
