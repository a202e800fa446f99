"""Message ids: 63 bits, ordered by time, unique across nodes (docs/protocol.md, 3).

41 bits of milliseconds since 2025-01-01, 10 bits of node number, 12 bits of sequence. A generator never goes
back, and makes ids above any id that it is given, so ids are in order even if the clocks of nodes differ.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from datetime import UTC, datetime

EPOCH_MS = 1_735_689_600_000
"""2025-01-01T00:00:00Z in milliseconds since 1970."""

NODES = 1 << 10
_TIME_SHIFT = 22
_NODE_SHIFT = 12
_SEQUENCES = 1 << _NODE_SHIFT
LARGEST = (1 << 63) - 1


class MessageIds:
    """The generator of one node; safe to use from several threads."""

    def __init__(self, calendar: Callable[[], float], node: int, floor: int = 0) -> None:
        """``calendar`` returns Unix seconds; ids will be above ``floor``."""
        if not 0 <= node < NODES:
            raise ValueError(f"a node number is from 0 to {NODES - 1}, not {node}")
        self._calendar = calendar
        self._node = node << _NODE_SHIFT
        self._floor = floor
        self._lock = threading.Lock()
        self._ms = floor >> _TIME_SHIFT
        self._sequence = _SEQUENCES  # that millisecond is used up

    def next(self, after: int = 0, now_ms: int = 0) -> int:
        """Make an id above all earlier ones and above ``after``; ``now_ms`` is the present time, if it is known."""
        with self._lock:
            ms = max((now_ms or int(self._calendar() * 1000)) - EPOCH_MS, after >> _TIME_SHIFT)
            if ms > self._ms:
                self._ms, self._sequence = ms, 0
            elif self._sequence >= _SEQUENCES:
                self._ms, self._sequence = self._ms + 1, 0
            made = self._ms << _TIME_SHIFT | self._node | self._sequence
            if made <= after:
                self._ms, self._sequence = self._ms + 1, 0
                made = self._ms << _TIME_SHIFT | self._node
            self._sequence += 1
            return made

    @property
    def now_ms(self) -> int:
        """The present time, in milliseconds since 1970."""
        return int(self._calendar() * 1000)

    def made(self, msg_id: int) -> bool:
        """Return whether this generator made an id, not another node or an earlier holder of its number."""
        return msg_id > self._floor and msg_id & (NODES - 1) << _NODE_SHIFT == self._node

    @property
    def highest(self) -> int:
        """An upper bound of the ids made so far."""
        with self._lock:
            return self._ms << _TIME_SHIFT | (1 << _TIME_SHIFT) - 1


def id_at(seconds: float) -> int:
    """Return the smallest id of a time (seconds since 1970); 0 for one before 2025."""
    return first_id(int(seconds * 1000))


def first_id(ms: int) -> int:
    """Return the smallest id of a time (milliseconds since 1970); 0 for one before 2025."""
    return max(0, ms - EPOCH_MS) << _TIME_SHIFT


def ms_of(msg_id: int) -> int:
    """Return the time of an id, in milliseconds since 1970."""
    return (msg_id >> _TIME_SHIFT) + EPOCH_MS


def back(msg_id: int, seconds: float) -> int:
    """Return an id that is so many seconds earlier, at least 0."""
    return max(0, msg_id - (int(seconds * 1000) << _TIME_SHIFT))


def timestamp(msg_id: int) -> str:
    """Return the time of a message from its id: RFC 3339 in UTC with milliseconds."""
    return moment((msg_id >> _TIME_SHIFT) + EPOCH_MS)


@functools.lru_cache(maxsize=1024)  # messages of the same moment are written and read together
def moment(ms: int) -> str:
    """Return a time (milliseconds since 1970) as RFC 3339 in UTC with milliseconds."""
    seconds, ms = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"
