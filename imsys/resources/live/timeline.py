"""The time of a stream: one line, though publishers break off and begin anew at zero."""

from __future__ import annotations

from collections.abc import Callable

from imsys.errors import PeerFault

BACK = 2000
"""Milliseconds that a timestamp may be before the latest: sound and pictures are not sent in perfect order."""

_BITS = 1 << 32


class Timeline:
    """Moves the timestamps of a publisher to where the stream is.

    The first publisher's stay as they are. The next one's go on from the latest,
    with as much between as has passed meanwhile.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._shift: int | None = 0
        self._latest: int | None = None
        self._moment = 0.0

    def restart(self) -> None:
        """Another publisher, or the same again, begins."""
        if self._latest is not None:
            self._shift = None

    def place(self, timestamp: int) -> int:
        """The timestamp in the stream, of 32 bits.

        :raises PeerFault: it is long before the latest.
        """
        now = self._seconds()
        if self._shift is None:
            assert self._latest is not None
            passed = round((now - self._moment) * 1000)
            self._shift = self._latest + max(passed, 1) - timestamp
        moved = (timestamp + self._shift) % _BITS
        if self._latest is not None:
            ahead = (moved - self._latest) % _BITS  # what is behind by less than half of all is behind (RFC 1982)
            if ahead >= _BITS // 2:
                if _BITS - ahead > BACK:
                    raise PeerFault(f"a timestamp goes back by {_BITS - ahead} ms")
                return moved
        self._latest, self._moment = moved, now
        return moved

    def beside(self, timestamp: int) -> int:
        """The timestamp of data, which move nothing: metadata say 0 whenever they come. What is far from the latest gets the latest."""
        if self._latest is None:
            return timestamp
        if self._shift is not None:
            moved = (timestamp + self._shift) % _BITS
            if (moved - self._latest + BACK) % _BITS <= 2 * BACK:
                return moved
        return self._latest
