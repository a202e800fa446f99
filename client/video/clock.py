"""When a picture is due: time in seconds, of a monotonic clock that whoever asks reads."""

from __future__ import annotations

from collections import deque

BEHIND_LEAST, BEHIND_MOST = 0.15, 4.0
"""How far behind the newest picture a stream is shown, seconds."""
_LOOK = 0.5
"""Seconds for which pictures have to come late before it is shown later."""
_EDGE = 2.0
"""Seconds for which what came is taken for a measure of where the stream is."""
_CALM = 5.0
"""Seconds after which it is seen whether it can be shown sooner."""
_ROOM = 0.25
_JOLT = 1.0
"""Seconds: what comes later than that now and then is not waited for."""


class FilmClock:
    """The place in a film; it stands until :meth:`run`."""

    def __init__(self) -> None:
        self._at, self._since = 0.0, -1.0

    @property
    def runs(self) -> bool:
        """Whether it does not stand."""
        return self._since >= 0

    def position(self, now: float) -> float:
        """Where it is."""
        return self._at + (now - self._since) if self._since >= 0 else self._at

    def run(self, now: float) -> None:
        """Go on."""
        if self._since < 0:
            self._since = now

    def stand(self, now: float) -> None:
        """Stop here."""
        self._at, self._since = self.position(now), -1.0

    def set(self, at: float, now: float) -> None:
        """Be somewhere else; it goes on if it did."""
        self._at = at
        if self._since >= 0:
            self._since = now


class LiveClock:
    """The place in a stream: as far behind its newest picture as pictures take to be decoded.

    :meth:`came` is told of what comes from the server, :meth:`decoded` of what has become a picture.
    """

    def __init__(self) -> None:
        self.behind = BEHIND_LEAST
        """Seconds behind the newest."""
        self._edges: deque[tuple[float, float]] = deque()
        """When something came, and how far its time was ahead of the clock then.

        Falling, so that the first is the furthest.
        """
        self._late: deque[tuple[float, float]] = deque()
        self._worst, self._worst_since, self._fell = 0.0, -1.0, -1.0
        self.settled = False
        """Whether what came at once, when it began, is over."""

    def came(self, time: float, now: float) -> None:
        """Something of that time has come."""
        lead = time - now
        edges = self._edges
        while edges and edges[-1][1] <= lead:
            edges.pop()
        edges.append((now, lead))
        while edges[0][0] < now - _EDGE:
            edges.popleft()

    def edge(self, now: float) -> float:
        """The time of what is newest at the server, as far as can be known."""
        return now + self._edges[0][1] if self._edges else 0.0

    def position(self, now: float) -> float:
        """The time of the picture that is due."""
        return self.edge(now) - self.behind

    def decoded(self, time: float, step: float, now: float) -> None:
        """A picture of that time is ready; ``step`` seconds are between two."""
        late = self.edge(now) - time
        recent = self._late
        if recent and late < recent[0][1] - step / 4:
            self._fell = now  # it catches up
        while recent and recent[-1][1] >= late:
            recent.pop()
        recent.append((now, late))
        if self._worst_since < 0:
            self._worst_since = now
        while len(recent) > 1 and recent[1][0] <= now - _LOOK:
            recent.popleft()
        least = recent[0][1]
        if now - max(self._worst_since, self._fell) >= _LOOK and least + step > self.behind:
            self.behind = min(least + 2 * step, BEHIND_MOST)
        self._worst = max(self._worst, late) if self.settled else late
        if now - self._worst_since >= _CALM:
            if self.settled and (
                self.behind > self._worst + _ROOM or self.behind < self._worst + step / 2 <= _JOLT
            ):
                self.behind = max(self._worst + 2 * step, BEHIND_LEAST)
            self.settled, self._worst, self._worst_since = True, 0.0, now - _LOOK
