"""The time of a stream: one line, though the clocks of publishers are not perfect, and publishers break off
and begin anew at zero.
"""

from __future__ import annotations

from collections.abc import Callable

from imsys.protocols.media import Kind

BACK = 2000
"""Milliseconds that sound, or pictures, may go back: they are not sent in perfect order."""

APART = 10_000
"""Milliseconds that sound may lag behind the pictures, and the other way round, or that either may leap ahead
beyond the time that passed.

More than that is no delay of an encoder's, but another zero: what counts from there is moved to where the
stream is.
"""

_SHIFTS = 4
"""Corrections that are remembered: after one wild timestamp the one before it is right again, and that of the
pictures is for the sound.
"""

_BITS = 1 << 32


class _Line:
    """Where the sound is, or where the pictures are."""

    __slots__ = ("latest", "moment", "shift")

    def __init__(self, shift: int, latest: int, moment: float) -> None:
        self.shift = shift
        self.latest = latest
        self.moment = moment


class Timeline:
    """Moves the timestamps of a publisher to where the stream is.

    Those of a publisher with a good clock stay as they are. Sound and pictures are looked at on their own:
    one of them that leaps goes on where the stream is, and so does the other if it leaps as far, so that both
    stay together. The next publisher's go on from the latest, with as much between as has passed meanwhile.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._lines: dict[Kind, _Line] = {}
        self._shifts: list[int] = [0]  # the newest first
        self._latest: int | None = None
        self._moment = 0.0

    def restart(self) -> None:
        """Another publisher, or the same again, begins."""
        self._lines.clear()
        if self._latest is not None:
            self._shifts.clear()

    def place(self, kind: Kind, timestamp: int) -> int:
        """The timestamp of sound or a picture in the stream, of 32 bits."""
        now = self._seconds()
        line = self._lines.get(kind)
        if line is None:
            shift = self._shift(timestamp)
            line = self._lines[kind] = _Line(shift, (timestamp + shift) % _BITS, now)
        elif not -BACK <= _after(timestamp + line.shift, line.latest) <= APART + (now - line.moment) * 1000:
            line.shift = self._shift(timestamp)
            line.latest = (timestamp + line.shift) % _BITS
        moved = (timestamp + line.shift) % _BITS
        if _after(moved, line.latest) >= 0:
            line.latest, line.moment = moved, now
        if self._latest is None or _after(moved, self._latest) >= 0:
            self._latest, self._moment = moved, now
        return moved

    def beside(self, kind: Kind, timestamp: int) -> int:
        """The timestamp of what moves nothing: data, codec headers and the ends of sequences say 0 whenever
        they come.

        What is far from the latest gets the latest.
        """
        if self._latest is None:
            return timestamp
        if not self._lines:
            return (self._latest + self._passed()) % _BITS
        line = self._lines.get(kind)
        moved = (timestamp + (self._shifts[0] if line is None else line.shift)) % _BITS
        return moved if abs(_after(moved, self._latest)) <= BACK else self._latest

    def _passed(self) -> int:
        """Milliseconds since the latest; 1 at least."""
        return max(round((self._seconds() - self._moment) * 1000), 1)

    def _shift(self, timestamp: int) -> int:
        """How far a timestamp that begins, or leaps, is to be moved: as others were, if that takes it to
        where the stream is.
        """
        shift = self._shifts[0] if self._shifts else 0
        if self._latest is not None:
            passed = self._passed()
            fitting = (
                shift
                for shift in self._shifts
                if -APART <= _after(timestamp + shift, self._latest) <= APART + passed
            )
            shift = next(fitting, self._latest + passed - timestamp)
        if shift in self._shifts:
            self._shifts.remove(shift)
        self._shifts.insert(0, shift)
        del self._shifts[_SHIFTS:]
        return shift


def _after(timestamp: int, other: int) -> int:
    """How much later it is; what is behind by less than half of all is behind (RFC 1982)."""
    return (timestamp - other + _BITS // 2) % _BITS - _BITS // 2
