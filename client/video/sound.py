"""Where sound goes: QtMultimedia where it is installed (the extra ``client-sound``), else nowhere, and that
is said.
"""

from __future__ import annotations

import enum
from typing import Any, Protocol

from client.video.commands import CHANNELS, SAMPLE_BYTES, SAMPLE_RATE

_AHEAD = SAMPLE_RATE * CHANNELS * SAMPLE_BYTES // 5
"""Bytes that a device may hold: a fifth of a second."""


class Hearing(enum.Enum):
    """Whether something can be heard."""

    YES = "yes"
    NOT_INSTALLED = "not installed"
    NO_DEVICE = "no device"


class Speaker(Protocol):
    """Plays samples, in the order in which they come."""

    hearing: Hearing

    def room(self) -> int:
        """Bytes that it takes now."""
        ...

    def write(self, data: bytes) -> None:
        """Play this next."""
        ...

    def set_muted(self, muted: bool) -> None:
        """Be still, or no more."""
        ...

    def flush(self) -> None:
        """Forget what it holds."""
        ...

    def close(self) -> None:
        """Be done."""
        ...


class Silence:
    """No sound, and why."""

    def __init__(self, hearing: Hearing) -> None:
        self.hearing = hearing

    def room(self) -> int:
        """It takes nothing."""
        return 0

    def write(self, data: bytes) -> None:
        """It is not heard."""

    def set_muted(self, muted: bool) -> None:
        """It is still anyhow."""

    def flush(self) -> None:
        """It holds nothing."""

    def close(self) -> None:
        """It never began."""


class QtSpeaker:
    """The system's default output, by ``QAudioSink``."""

    hearing = Hearing.YES

    def __init__(self, multimedia: Any, device: Any) -> None:
        shape = multimedia.QAudioFormat()
        shape.setSampleRate(SAMPLE_RATE)
        shape.setChannelCount(CHANNELS)
        shape.setSampleFormat(multimedia.QAudioFormat.SampleFormat.Int16)
        self._sink = multimedia.QAudioSink(device, shape)
        self._sink.setBufferSize(_AHEAD)
        self._volume = 1.0
        self._pipe = self._sink.start()
        if self._pipe is None or self._sink.error() != multimedia.QtAudio.Error.NoError:
            raise OSError("the device cannot be opened")

    def room(self) -> int:
        return int(self._sink.bytesFree())

    def write(self, data: bytes) -> None:
        self._pipe.write(data)

    def set_muted(self, muted: bool) -> None:
        self._sink.setVolume(0.0 if muted else 1.0)

    def flush(self) -> None:
        self._sink.reset()
        self._pipe = self._sink.start()

    def close(self) -> None:
        self._sink.stop()


def speaker() -> Speaker:
    """The best there is."""
    try:
        from PySide6 import QtMultimedia
    except ImportError:
        return Silence(Hearing.NOT_INSTALLED)
    device = QtMultimedia.QMediaDevices.defaultAudioOutput()
    if device.isNull():
        return Silence(Hearing.NO_DEVICE)
    try:
        return QtSpeaker(QtMultimedia, device)
    except OSError:
        return Silence(Hearing.NO_DEVICE)
