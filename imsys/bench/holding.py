"""Users who are logged in and do nothing but send heartbeats."""

from __future__ import annotations

import select
import time
from array import array

from imsys.bench.crowd import AGAIN, BEATEN, SIGNED_OUT, Beats, Crowd, Session, header
from imsys.bench.tasks import Hold, Result, Task

_LONGEST_WAIT = 0.05


class HoldLoad:
    """The sessions of one process."""

    def __init__(self, task: Task, hold: Hold) -> None:
        self._hold = hold
        self._users = task.users
        self._crowd = Crowd(task)
        self._sessions: list[Session] = []
        self._beat_us = array("I")
        self._closed = 0

    def arrive(self) -> None:
        """Log in whom the server takes. :raises RuntimeError: it takes nobody."""
        begin = time.monotonic()
        self._sessions = self._crowd.arrive(self._users, begin + 600)
        self._arriving = time.monotonic() - begin
        if not self._sessions:
            raise RuntimeError(self._crowd.first_failure() or "nobody could log in in time")
        self._beats = Beats(self._crowd, self._sessions, self._hold.beat)

    def work(self) -> Result:
        """Hold them, for ``time`` seconds."""
        print("measuring", flush=True)
        begin, cpu = time.monotonic(), time.process_time()
        self._run(begin + self._hold.time)
        seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
        print("measured", flush=True)
        counts = {
            "held": sum(session.open for session in self._sessions),
            "failed": self._crowd.failed.total(),
            "closed": self._closed,
            "heartbeats": self._beats.sent,
            "unanswered": len(self._beats.waiting),
        }
        latencies = {"heartbeat": self._beat_us.tobytes(), "login": self._crowd.login_us.tobytes()}
        return Result(seconds=seconds, counts=counts, latencies=latencies, cpu_seconds=cpu, notes=dict(self._crowd.failed.most_common(5)))

    def _run(self, end: float) -> None:
        sessions = self._crowd.by_descriptor
        while (now := time.monotonic()) < end:
            self._beats.due(now)
            for descriptor, events in self._crowd.poll.poll(max(0.0, min(_LONGEST_WAIT, end - now))):
                if descriptor in sessions:
                    self._serve(sessions[descriptor], events)

    def _serve(self, session: Session, events: int) -> None:
        if events & select.EPOLLOUT:
            self._crowd.flush(session)
        if not events & ~select.EPOLLOUT:
            return
        try:
            data = session.recv(65536)
        except AGAIN:
            return
        except OSError:
            data = b""
        for service, _ in frames(session, data):
            if service == BEATEN and (since := self._beats.waiting.pop(session, 0)):
                self._beat_us.append((time.monotonic_ns() - since) // 1000)
            elif service == SIGNED_OUT:
                data = b""
        if not data and session.open:
            self._closed += 1
            self._beats.waiting.pop(session, None)
            self._crowd.close(session)


def frames(session: Session, data: bytes) -> list[tuple[int, bytes]]:
    """The frames that are complete now; what is left is kept."""
    data, found, start = session.rest + data, [], 0
    while len(data) - start >= 4:
        service, total = header(data, start)
        if len(data) - start < total:
            break
        found.append((service, data[start + 4 : start + total]))
        start += total
    session.rest = data[start:]
    return found
