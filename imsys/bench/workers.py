"""Start the load processes, keep them in step, and collect their results."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from imsys.bench.processes import bound_to_parent, cpu_seconds, memory_kib
from imsys.bench.tasks import Result, Task, User, merged
from imsys.errors import ConfigError


@dataclass(kw_only=True)
class Observed:
    """The results of a crew, and the servers' CPU and memory meanwhile."""

    result: Result
    cpu: dict[str, float] = field(default_factory=dict)
    """Seconds of CPU in the measured time, by process."""
    memory: dict[str, int] = field(default_factory=dict)
    """KiB at the end of the measured time."""
    memory_before: dict[str, int] = field(default_factory=dict)
    """KiB before the first user came."""


class Crew:
    """Processes that make load, one task each.

    :param enter: called in each first, as the namespace is entered in which the servers are.
    """

    def __init__(
        self, tasks: Sequence[Task], pids: dict[str, int], enter: Callable[[], None] = lambda: None
    ) -> None:
        self._pids = pids
        self._memory = memory_kib(pids)
        self._members = [_start(enter) for _ in tasks]
        for member, task in zip(self._members, tasks, strict=True):
            _tell(member, msgspec.json.encode(task) + b"\n")

    def arrive(self) -> None:
        """Wait until all users are logged in. :raises ConfigError: a login is refused."""
        self._all_say("ready")

    def work(self, during: Callable[[], None] = lambda: None) -> Observed:
        """Measure.

        :param during: called when the measured time begins.
        :raises ConfigError: a process failed.
        """
        for member in self._members:
            _tell(member, b"go\n")
        self._all_say("measuring")
        before = cpu_seconds(self._pids)
        during()
        self._all_say("measured")
        after, memory = cpu_seconds(self._pids), memory_kib(self._pids)
        results = [msgspec.json.decode(_line(member), type=Result) for member in self._members]
        cpu = {name: spent - before[name] for name, spent in after.items() if name in before}
        return Observed(result=merged(results), cpu=cpu, memory=memory, memory_before=self._memory)

    def end(self) -> None:
        """End all processes (idempotent)."""
        for member in self._members:
            member.kill()
            with contextlib.suppress(OSError):
                member.communicate()

    def _all_say(self, word: str) -> None:
        for member in self._members:
            line = _line(member).decode("utf-8", "replace").strip()
            if line != word:
                raise ConfigError(line.removeprefix("failed ") or "a process that makes load failed")


@contextlib.contextmanager
def crew(
    tasks: Sequence[Task], pids: dict[str, int], enter: Callable[[], None] = lambda: None
) -> Iterator[Crew]:
    """A crew that is ended with the block; all its users have arrived. ``enter`` as of :class:`Crew`."""
    members = Crew(tasks, pids, enter)
    try:
        members.arrive()
        yield members
    finally:
        members.end()


def shares(items: Sequence[User], count: int, *, together: int = 2) -> list[list[User]]:
    """Deal items out, those of a pair (or of however many stand ``together``) to the same one."""
    groups = [items[start : start + together] for start in range(0, len(items), together)]
    return [
        [item for group in groups[index::count] for item in group] for index in range(min(count, len(groups)))
    ]


def _start(enter: Callable[[], None]) -> subprocess.Popen[bytes]:
    def prepare() -> None:
        enter()
        bound_to_parent()

    return subprocess.Popen(
        [sys.executable, "-m", "imsys.bench.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=prepare,
        start_new_session=True,
    )


def _tell(member: subprocess.Popen[bytes], line: bytes) -> None:
    assert member.stdin is not None
    try:
        member.stdin.write(line)
        member.stdin.flush()
    except BrokenPipeError:
        raise ConfigError("a process that makes load ended early") from None


def _line(member: subprocess.Popen[bytes]) -> bytes:
    assert member.stdout is not None
    line = member.stdout.readline()
    if not line:
        raise ConfigError("a process that makes load ended early")
    return line
