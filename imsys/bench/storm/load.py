"""The users of one process who are to lose their server."""

from __future__ import annotations

import gc
import ssl
import time
from array import array
from collections import Counter, deque

from imsys.bench.storm.loop import Loop
from imsys.bench.storm.traveller import Tally, Traveller
from imsys.bench.tasks import Result, Storm, Task
from imsys.sdk.gateway import ServerAddress

_ARRIVING = 900.0
"""Seconds that all have to log in."""

_WAITING = 30.0
"""Seconds in which the server is killed."""

_QUIET = 1.0
"""Seconds without anybody away after which it is over."""


class StormLoad:
    """Travellers: they come, they stay, and they come back."""

    def __init__(self, task: Task, storm: Storm) -> None:
        gc.disable()  # nothing here is circular, and a pause would be measured
        self._task = task
        self._storm = storm
        self._loop = Loop()
        self._tally = Tally()
        context = ssl.create_default_context(cafile=task.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        gateway, others = ServerAddress(*storm.gateway), [ServerAddress(*other) for other in storm.others]
        self._waiting = deque(
            Traveller(
                user, others, gateway, context, _source(storm.sources, storm.first + index), self._tally
            )
            for index, user in enumerate(task.users)
        )
        self._under_way = 0
        self._failed: Counter[str] = Counter()

    def arrive(self) -> None:
        """Log everybody in. :raises RuntimeError: somebody is refused."""
        end = time.monotonic() + _ARRIVING
        while self._waiting or self._under_way:
            while self._waiting and self._under_way < self._task.at_once:
                self._under_way += 1
                self._loop.begin(self._waiting.popleft().live(self._arrived))
            self._loop.turn(0.1)
            if time.monotonic() > end:
                raise RuntimeError("not everybody could log in in time")
        if self._failed:
            raise RuntimeError(self._failed.most_common(1)[0][0])
        self._tally.counts.clear()
        self._tally.notes.clear()

    def wait(self, descriptor: int) -> None:
        """Let them be until there is something to read from a file descriptor."""
        self._loop.watch(descriptor)
        while not self._loop.turn(1.0):
            pass
        self._loop.forget(descriptor)

    def work(self) -> Result:
        """Wait until the server is killed, and until everybody is back."""
        print("measuring", flush=True)
        tally = self._tally
        begin, cpu = time.monotonic(), time.process_time()
        end, quiet = begin + _WAITING, 0.0
        while (now := time.monotonic()) < end:
            self._loop.turn(0.05)
            if tally.first_lost:
                end = tally.first_lost + self._storm.time
                quiet = 0.0 if tally.away else quiet or now
                if quiet and now > quiet + _QUIET:
                    break
        cpu = time.process_time() - cpu
        print("measured", flush=True)
        waits = array(
            "I",
            (
                round((when - tally.first_lost) * 1e6)
                for host, when in tally.waits
                if host == self._storm.victim
            ),
        )
        counts = {
            "resumed": len(waits),
            "closed": len(tally.waits) - len(waits),
            "unanswered": tally.away - tally.counts["signed out"],
            **{
                name: tally.counts[name]
                for name in (
                    "signed out",
                    "refused",
                    "timed out",
                    "unreachable",
                    "straight",
                    "asked the gateway",
                )
            },
        }
        return Result(
            seconds=max(0.0, tally.last_back - tally.first_lost),
            counts=counts,
            latencies={"resumed": waits.tobytes()},
            cpu_seconds=cpu,
            notes=dict(tally.notes.most_common(5)),
        )

    def _arrived(self, problem: str) -> None:
        self._under_way -= 1
        if problem:
            self._failed[problem] += 1


def _source(sources: str, number: int) -> str:
    return f"{sources}{number >> 8 & 255}.{number & 255}" if sources else ""
