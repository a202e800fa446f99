"""The command lines of ffmpeg and ffprobe, by ffmpeg-python.

There is never a URL in them: other users of a machine can read them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.video.film import PIXELS_MOST, Film

SAMPLE_RATE, CHANNELS, SAMPLE_BYTES = 48_000, 2, 2
"""Of the sound that is played: 16 bits, little-endian."""

FORMATS = (
    "3dostr,aac,aiff,amr,asf,avi,flac,flv,gif,ivf,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,"
    "mp3,mpeg,mpegts,mpegvideo,nut,ogg,wav,webp_pipe"
)
"""What files may be.

Not those that name other files (playlists, scripts), devices, or other things that read more than the file.
"""

PROBE_MOST = 5_000_000


class Pixels(enum.Enum):
    """What pictures are decoded to."""

    YUV = "yuv420p"
    RGB = "bgr0"

    def size(self, width: int, height: int) -> int:
        """Bytes of a picture."""
        return width * height * 3 // 2 if self is Pixels.YUV else width * height * 4


@dataclass(frozen=True, slots=True)
class Input:
    """What is read: arguments before ``-i``, and what comes after it."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


FLV = Input(
    "pipe:0",
    {
        "f": "flv",
        "format_whitelist": "flv",
        "protocol_whitelist": "pipe",
        "analyzeduration": 200_000,
        "fpsprobesize": 2,
    },
)
"""What is fed to a child."""


def file(path: Path) -> Input:
    """A file of this machine."""
    return Input(
        f"file:{path.absolute()}",
        {"format_whitelist": FORMATS, "protocol_whitelist": "file", "probesize": PROBE_MOST},
    )


def probe(program: str, source: Input) -> list[str]:
    """Tell of a source as JSON."""
    options = [part for name, value in source.options.items() for part in (f"-{name}", str(value))]
    wanted = "format=duration:stream=codec_type,codec_name,width,height,pix_fmt,color_space,color_range,sample_aspect_ratio,"
    wanted += "avg_frame_rate,r_frame_rate,duration:stream_disposition=attached_pic:stream_tags=rotate:stream_side_data=rotation"
    return [program, "-hide_banner", "-v", "error", "-max_pixels", str(PIXELS_MOST), *options, "-of", "json", "-show_entries", wanted,
            "-i", source.name]  # fmt: skip


def pictures(program: str, source: Input, film: Film, pixels: Pixels, at: float = 0.0) -> list[str]:
    """Write pictures of one size at a steady rate, from so many seconds on."""
    import ffmpeg

    options = {**source.options, "threads": 2, "max_pixels": PIXELS_MOST, **_from(at)}
    arguments = {"map": "0:V:0", "vf": _filters(film, pixels), "f": "rawvideo", "sn": None, "dn": None}
    return _compiled(program, ffmpeg.input(source.name, **options).output("pipe:1", **arguments))


def sound(program: str, source: Input, at: float = 0.0) -> list[str]:
    """Write samples, from so many seconds on."""
    import ffmpeg

    options = {**source.options, "threads": 1, **_from(at)}
    arguments = {
        "map": "0:a:0",
        "af": "aresample=async=1000:first_pts=0",
        "ac": CHANNELS,
        "ar": SAMPLE_RATE,
        "f": "s16le",
    }
    return _compiled(program, ffmpeg.input(source.name, **options).output("pipe:1", **arguments, vn=None))


def _from(at: float) -> dict[str, Any]:
    return {"ss": f"{at:.3f}"} if at > 0 else {}


def _filters(film: Film, pixels: Pixels) -> str:
    wide = "pc" if film.colour.full else "tv"
    size = f"{film.width}:{film.height}"
    matrix = film.colour.matrix.name_in_ffmpeg
    scale = f"scale={size}:flags=bilinear+accurate_rnd:in_range={wide}"
    if pixels is Pixels.RGB:
        rest = f"{scale}:in_color_matrix={matrix}:out_range=pc,format=bgr0"
    else:
        rest = f"{scale}:out_range={wide}:in_color_matrix={matrix}:out_color_matrix={matrix}," + (
            "format=yuvj420p|yuv420p" if film.colour.full else "format=yuv420p"
        )
    return f"fps={film.rate:.6g},{rest},setsar=1"


@dataclass(frozen=True, slots=True)
class Quality:
    """How a stream is sent: at most so many lines, pictures a second, bits a second."""

    height: int
    rate: int
    bits: int


QUALITIES = (Quality(1080, 30, 4_500_000), Quality(720, 30, 2_500_000), Quality(480, 30, 1_000_000))
SOUND_BITS = 128_000


def capture(program: str, picture: Input, sound: Input | None, quality: Quality, encoder: str) -> list[str]:
    """Write an FLV of H.264 and AAC of what a camera, a screen or a file shows.

    Without a sound, a silent one.
    """
    import ffmpeg

    pictures = ffmpeg.input(picture.name, **picture.options)
    streams = [pictures["V:0"]]
    if sound is picture:
        streams.append(pictures["a:0"])
    elif sound is not None:
        streams.append(ffmpeg.input(sound.name, **sound.options)["a:0"])
    shape = f"scale=w=-2:h='min({quality.height},trunc(ih/2)*2)':out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd"
    arguments: dict[str, Any] = {
        "vf": f"{shape},format=yuv420p,fps={quality.rate},setsar=1",
        "c:v": encoder,
        "b:v": quality.bits,
        "maxrate": quality.bits,
        "bufsize": quality.bits,
        "g": quality.rate * 2,
        "bf": 0,
        "colorspace": "bt709",
        "color_primaries": "bt709",
        "color_trc": "bt709",
        "color_range": "tv",
        "f": "flv",
        "flvflags": "no_duration_filesize",
        "flush_packets": 1,
        "sn": None,
        "dn": None,
    }
    if encoder == "libx264":
        arguments |= {"preset": "veryfast", "tune": "zerolatency", "keyint_min": quality.rate}
    if sound is not None:
        arguments |= {"c:a": "aac", "b:a": SOUND_BITS, "ar": 44_100, "ac": 2, "af": "aresample=async=1000"}
    return _compiled(program, ffmpeg.output(*streams, "pipe:1", **arguments))


def _compiled(program: str, stream: Any) -> list[str]:
    command: Sequence[str] = stream.compile(
        cmd=[program, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"]
    )
    return list(command)
