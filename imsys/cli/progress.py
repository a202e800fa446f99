"""Show the progress of a file, on one line of a terminal or in a few lines of a pipe."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from imsys.cli.console import Console
from imsys.cli.text import bytes_text, cut, printable, width
from imsys.sdk import Progress, Stage, explain

_PAINTS = 0.1
"""Seconds between two updates of the terminal."""
_LINES = 2.0
"""Seconds between two lines in a pipe, except those of a new stage."""
_LOOKS_BACK = 5.0
"""Seconds over which the rate is measured."""
_NARROWEST = 10
"""Columns of the bar, at least; a narrower one is not shown."""

_WORDS = {Stage.HASHING: "looking at it", Stage.FINISHING: "all of it is there; it is being checked"}


class Rate:
    """The recent rate in bytes per second."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, done: int) -> None:
        """Record that so many bytes are done."""
        now = self._seconds()
        if self._seen and done < self._seen[-1][1]:  # another stage, or restarted
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _LOOKS_BACK:
            self._seen.popleft()

    @property
    def value(self) -> float:
        """Bytes per second; 0: unknown."""
        if len(self._seen) < 2:
            return 0.0
        (before, done), (now, more) = self._seen[0], self._seen[-1]
        return (more - done) / (now - before) if now > before else 0.0


def left(progress: Progress, rate: float) -> str:
    """Format the remaining time, ``1:05``; empty if unknown."""
    if rate <= 0:
        return ""
    seconds = round((progress.size - progress.done) / rate)
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def percent(progress: Progress) -> int:
    """Return the percentage that is done; 100 only when everything is."""
    return 100 if progress.done >= progress.size else progress.done * 100 // progress.size


def figures(progress: Progress, rate: Rate) -> str:
    """Format percentage, rate and remaining time."""
    parts = [f"{percent(progress):3}%"]
    if rate.value:
        parts += [f"{bytes_text(round(rate.value))}/s", left(progress, rate.value)]
    return "  ".join(parts)


class Bar:
    """Shows the progress of one file: a bar on a terminal, or lines in a pipe."""

    def __init__(self, console: Console, name: str, seconds: Callable[[], float]) -> None:
        self._console = console
        self._name = printable(name)
        self._seconds = seconds
        self._rate = Rate(seconds)
        self._stage: Stage | None = None
        self._next = 0.0
        self._painted = False

    def show(self, progress: Progress) -> None:
        """Show this progress."""
        new = progress.stage is not self._stage
        self._stage = progress.stage
        if progress.stage in (Stage.MOVING, Stage.HASHING):
            self._rate.add(progress.done)
        if not new and self._seconds() < self._next:
            return
        if self._console.interactive:
            self._next = self._seconds() + _PAINTS
            self._paint(progress)
        elif new or progress.stage is Stage.MOVING:
            self._next = self._seconds() + _LINES
            self._say(progress)

    def end(self) -> None:
        """Clear the terminal's line."""
        if self._painted:
            self._console.write("\r\x1b[K")

    def _say(self, progress: Progress) -> None:
        if progress.stage is Stage.WAITING:
            reason = explain(progress.problem) if progress.problem is not None else "It did not work."
            self._console.say(f"({reason} Trying again.)")
        elif progress.stage is Stage.MOVING and progress.size:
            self._console.say(f"{self._name}: {figures(progress, self._rate).strip()}")
        elif progress.stage is Stage.FINISHING:
            self._console.say(f"{self._name}: {_WORDS[progress.stage]}")

    def _paint(self, progress: Progress) -> None:
        columns = self._console.size[0] - 1
        if progress.stage is Stage.WAITING:
            text = explain(progress.problem) if progress.problem is not None else ""
            line = f"{self._name}  {percent(progress):3}%  {text} Trying again."
        elif progress.stage is Stage.FINISHING:
            line = f"{self._name}  {_WORDS[progress.stage]}"
        else:
            name = cut(self._name, max(8, columns // 3))
            tail = figures(progress, self._rate) + (
                f"  {_WORDS[progress.stage]}" if progress.stage is Stage.HASHING else ""
            )
            room = columns - width(name) - len(tail) - 6
            done = room * percent(progress) // 100
            bar = f"[{'#' * done}{'-' * (room - done)}]  " if room >= _NARROWEST else ""
            line = f"{name}  {bar}{tail}"
        self._console.write(f"\r{cut(line, columns)}\x1b[K")
        self._painted = True
