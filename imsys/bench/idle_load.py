"""Users who are logged in and do nothing but send heartbeats."""

from __future__ import annotations

import select
import time
from array import array

from imsys.bench.crowd import AGAIN, BEATEN, SIGNED_OUT, Beats, Crowd, Session, header
from imsys.bench.tasks import Hold, Result, Task

_LONGEST_WAIT = 0.05

_ARRIVING = 900.0
"""Seconds in which all must log in."""

_UNANSWERED = 1.0
"""Seconds after which a heartbeat without an answer is counted as such."""


class HoldLoad:
    """The sessions of one process."""

    def __init__(self, task: Task, hold: Hold) -> None:
        self._hold = hold
        self._users = task.users
        self._crowd = Crowd(task)
        self._beats = Beats(self._crowd, hold.beat)
        self._sessions: list[Session] = []
        self._beat_us = array("I")

    def arrive(self) -> None:
        """Log in as many as the server accepts, with heartbeats. :raises RuntimeError: it accepts none."""
        self._sessions = self._crowd.arrive(self._users, time.monotonic() + _ARRIVING, guests=self)
        if not self._sessions:
            raise RuntimeError(self._crowd.first_failure() or "nobody could log in in time")

    def wait(self, descriptor: int) -> None:
        """Hold them until a file descriptor is readable."""
        self._crowd.poll.register(descriptor, select.EPOLLIN)
        while not self._turn(_LONGEST_WAIT) & {descriptor}:
            pass
        self._crowd.poll.unregister(descriptor)

    def work(self) -> Result:
        """Hold them, for ``time`` seconds."""
        del self._beat_us[:]
        self._beats.sent = 0
        print("measuring", flush=True)
        begin, cpu = time.monotonic(), time.process_time()
        while (now := time.monotonic()) < begin + self._hold.time:
            self._turn(min(_LONGEST_WAIT, begin + self._hold.time - now))
        seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
        print("measured", flush=True)
        held = sum(session.open for session in self._sessions)
        late = time.monotonic_ns() - int(_UNANSWERED * 1e9)
        counts = {
            "held": held,
            "failed": self._crowd.failed.total(),
            "closed": len(self._sessions) - held,
            "heartbeats": self._beats.sent,
            "unanswered": sum(since < late for since in self._beats.waiting.values()),
        }
        for session in list(self._beats.waiting):  # they waited at least until now
            self._beat_us.extend(self._beats.waited(session))
        latencies = {"heartbeat": self._beat_us.tobytes(), "login": self._crowd.login_us.tobytes()}
        return Result(
            seconds=seconds,
            counts=counts,
            latencies=latencies,
            cpu_seconds=cpu,
            notes=dict(self._crowd.failed.most_common(5)),
        )

    def joined(self, session: Session) -> None:
        """Begin the heartbeats of a session."""
        self._beats.join(session)

    def due(self, now: float) -> None:
        """Send the heartbeats that are due."""
        self._beats.due(now)

    def serve(self, session: Session, events: int) -> None:
        """Read from a session's socket."""
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
            if service == BEATEN:
                self._beat_us.extend(self._beats.waited(session))
            elif service == SIGNED_OUT:
                data = b""
        if not data:
            self._beats.waiting.pop(session, None)
            self._crowd.close(session)

    def _turn(self, timeout: float) -> set[int]:
        """Poll once and handle the events; return the readable descriptors that are not sessions."""
        self._beats.due(time.monotonic())
        others = set()
        for descriptor, events in self._crowd.poll.poll(max(0.0, timeout)):
            if (session := self._crowd.by_descriptor.get(descriptor)) is not None:
                self.serve(session, events)
            else:
                others.add(descriptor)
        return others


def frames(session: Session, data: bytes) -> list[tuple[int, bytes]]:
    """Return the complete frames, and keep the rest of the bytes."""
    data, found, start = session.rest + data, [], 0
    while len(data) - start >= 4:
        service, total = header(data, start)
        if len(data) - start < total:
            break
        found.append((service, data[start + 4 : start + total]))
        start += total
    session.rest = data[start:]
    return found
