"""Pictures and pieces of sound on their way from the thread that reads them: few, and in buffers that stay."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import BinaryIO

from client.video.colour import Colour
from client.video.commands import Pixels

BUFFERS = 6
"""Pictures of one film that there are at once: one that is shown, and those that wait."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How pictures of a film lie in a buffer."""

    width: int
    height: int
    pixels: Pixels
    colour: Colour

    @property
    def size(self) -> int:
        """Bytes of a picture."""
        return self.pixels.size(self.width, self.height)


class Frame:
    """One picture. Whoever took it gives it back by :meth:`release`; then its buffer gets another."""

    __slots__ = ("_owner", "data", "shape", "time")

    def __init__(self, data: bytearray, shape: Shape, owner: Frames, time: float) -> None:
        self.data, self.shape, self._owner, self.time = data, shape, owner, time

    def planes(self) -> tuple[memoryview, memoryview, memoryview]:
        """Brightness, and the two of colour, of half the width and height each."""
        view, light = memoryview(self.data), self.shape.width * self.shape.height
        return view[:light], view[light : light + light // 4], view[light + light // 4 :]

    def release(self) -> None:
        """It is needed no more (nothing happens the second time)."""
        data, self.data = self.data, bytearray()
        if data:
            self._owner.give_back(data)


class Frames:
    """Those of one child, between its thread (:meth:`read`) and ours.

    :param begin: time of the first picture, seconds; the next ones follow at ``rate`` a second.
    """

    def __init__(self, shape: Shape, begin: float, rate: float) -> None:
        self.shape, self.begin, self.rate = shape, begin, rate
        self._ready: deque[Frame] = deque()
        self._free: list[bytearray] = [bytearray(shape.size) for _ in range(BUFFERS)]
        self._changed = threading.Condition()
        self._closed = False
        self._count = 0

    # The thread that reads.

    def read(self, pipe: BinaryIO, tell: object) -> None:
        """Fill buffers until the end of the pipe, and call ``tell`` for each; waits while none is free."""
        assert callable(tell)
        while (data := self._buffer()) is not None:
            view, at = memoryview(data), 0
            while at < len(data):
                got = pipe.readinto(view[at:])  # type: ignore[attr-defined]
                if not got:
                    return
                at += got
            view.release()
            with self._changed:
                self._ready.append(Frame(data, self.shape, self, self.begin + self._count / self.rate))
                self._count += 1
            tell()

    def _buffer(self) -> bytearray | None:
        with self._changed:
            while not self._free and not self._closed:
                self._changed.wait()
            return None if self._closed else self._free.pop()

    # Ours.

    def next_time(self) -> float | None:
        """The time of the next picture that is ready; ``None``: there is none."""
        with self._changed:
            return self._ready[0].time if self._ready else None

    def newest_time(self) -> float | None:
        """That of the newest."""
        with self._changed:
            return self._ready[-1].time if self._ready else None

    def take(self) -> Frame:
        """The next one."""
        with self._changed:
            return self._ready.popleft()

    def give_back(self, data: bytearray) -> None:
        """A buffer is free again."""
        with self._changed:
            self._free.append(data)
            self._changed.notify()

    def close(self) -> None:
        """Nothing more is wanted; who waits for a buffer goes."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()

    @property
    def drained(self) -> bool:
        """Whether all that came was taken."""
        with self._changed:
            return not self._ready


class Samples:
    """Pieces of sound, 20 ms each, in the same way: ``most`` of them wait, and the thread waits where there
    are more.
    """

    PIECE = 3840
    SECONDS = 0.02

    def __init__(self, begin: float, most: int = 50) -> None:
        self._begin, self._most = begin, most
        self._ready: deque[tuple[float, bytes]] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def read(self, pipe: BinaryIO) -> None:
        """Take all that comes."""
        count, rest = 0, b""
        while data := pipe.read(self.PIECE - len(rest)):
            rest += data
            if len(rest) < self.PIECE:
                continue
            with self._changed:
                while len(self._ready) >= self._most and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                self._ready.append((self._begin + count * self.SECONDS, rest))
            count, rest = count + 1, b""

    def due(self, until: float, since: float) -> bytes | None:
        """The next piece if its time is before ``until``; those before ``since`` are gone."""
        with self._changed:
            found = None
            while self._ready and found is None and self._ready[0][0] < until:
                time, piece = self._ready.popleft()
                if time >= since:
                    found = piece
            self._changed.notify()
            return found

    def close(self) -> None:
        """Nothing more is wanted."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()
