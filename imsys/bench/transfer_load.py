"""Users who send or read a file each, all at the same time."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable
from functools import partial

from imsys.bench import transfers as carriers
from imsys.bench.grants import connected, context_for
from imsys.bench.tasks import Carry, Grant, Result, Task, User


class CarryLoad:
    """The transfers of one process, a thread each (which waits for the network, or is in OpenSSL, most of the
    time).
    """

    def __init__(self, task: Task, carry: Carry) -> None:
        self._task = task
        self._carry = carry
        self._context = context_for(task.ca) if task.tls else None
        self._transfers: list[Callable[[], None]] = []
        self._seconds = array("d", [0.0] * len(carry.grants))
        self._failures: list[str] = []

    def arrive(self) -> None:
        """Connect, and log in if the task says so.

        :raises RuntimeError: a login is refused.
        :raises OSError: no server answers.
        """
        for user, grant in zip(self._task.users, self._carry.grants, strict=True):
            self._transfers.append(self._prepared(user, grant))

    def _prepared(self, user: User, grant: Grant) -> Callable[[], None]:
        carry, sock = self._carry, connected(grant.host, grant.port, self._context)
        match carry.door:
            case "http":
                return partial(carriers.http_up if carry.up else carriers.http_down, sock, grant, carry.size)
            case "web":
                return partial(carriers.web_up if carry.up else carriers.web_down, sock, grant, carry.size)
        caller = carriers.frames_open(sock, user)
        if carry.door == "blocks":
            return partial(carriers.blocks_up, caller, carry.size, carriers.md5_of(carry.size))
        return partial(carriers.frames_up if carry.up else carriers.frames_down, caller, grant, carry.size)

    def work(self) -> Result:
        """Carry all of them to the last byte; an upload has ended when it is said to be whole."""
        print("measuring", flush=True)
        begin, cpu = time.monotonic(), time.process_time()
        threads = [
            threading.Thread(target=self._carry_one, args=(index, begin))
            for index in range(len(self._transfers))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
        print("measured", flush=True)
        done = len(threads) - len(self._failures)
        notes = {problem: self._failures.count(problem) for problem in sorted(set(self._failures))[:5]}
        taken = array("I", [round(one * 1e6) for one in self._seconds])
        counts = {"bytes": done * self._carry.size, "failed": len(self._failures)}
        return Result(
            seconds=seconds,
            counts=counts,
            latencies={"transfer": taken.tobytes()},
            cpu_seconds=cpu,
            notes=notes,
        )

    def _carry_one(self, index: int, begin: float) -> None:
        try:
            self._transfers[index]()
        except Exception as problem:
            self._failures.append(f"{type(problem).__name__}: {problem}")
        self._seconds[index] = time.monotonic() - begin
