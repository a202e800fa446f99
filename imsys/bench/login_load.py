"""Users who log in, one after the other, a few at a time."""

from __future__ import annotations

import time

from imsys.bench.crowd import Crowd
from imsys.bench.peers.load import XmppCrowd
from imsys.bench.tasks import LogIn, Result, Task


class LogInLoad:
    """The logins of one process: connect, shake hands where there is TLS, log in, and stay."""

    def __init__(self, task: Task, login: LogIn) -> None:
        self._login = login
        self._users = task.users
        self._crowd = XmppCrowd(task, register=login.register) if task.xmpp else Crowd(task)

    def arrive(self) -> None:
        """Do nothing: the logins are the work."""

    def work(self) -> Result:
        """Log everybody in; stop when the time is over."""
        print("measuring", flush=True)
        begin, cpu = time.monotonic(), time.process_time()
        ready = self._crowd.arrive(self._users, begin + self._login.time, resume=self._login.resume)
        seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
        time.sleep(self._login.settle)
        print("measured", flush=True)
        counts = {"logins": len(ready), "failed": self._crowd.failed.total(), "resumed": self._crowd.resumed}
        if self._login.register:
            counts["arrived"] = self._crowd.arrived
        notes = dict(self._crowd.failed.most_common(5))
        return Result(
            seconds=seconds,
            counts=counts,
            latencies={"login": self._crowd.login_us.tobytes()},
            cpu_seconds=cpu,
            notes=notes,
        )
