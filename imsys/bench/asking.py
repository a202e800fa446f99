"""Users who request pages of history, the threads with new messages, and first screens, on a schedule."""

from __future__ import annotations

import random
import select
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable

import msgspec

from imsys.bench.crowd import AGAIN, Crowd, Session, outcome
from imsys.bench.idle_load import frames
from imsys.bench.tasks import Ask, Result, Task, User
from imsys.protocols.framing import CHAT

_HISTORY, _SYNC, _OVERVIEW = 13, 68, 270
_PAGE = 10
"""Records of a page: as many as a client gets by default."""


class _Head(msgspec.Struct):
    thread_id: str
    last_msg_id: str


class _Heads(msgspec.Struct):
    threads: list[_Head]
    next: str
    is_complete: bool


class _Reader(Session):
    __slots__ = ("newest", "old", "threads", "waiting")

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.threads: list[int] = []
        self.old: list[int] = []  # those of them whose history is asked for
        self.newest = 0  # the id of the last message in any of them
        # when what was asked should have left (ns); answers come in this order
        self.waiting: deque[int] = deque()


class AskLoad:
    """The users of one process."""

    def __init__(self, task: Task, ask: Ask) -> None:
        self._ask = ask
        self._users = task.users
        self._crowd = Crowd(task, _Reader)
        self._readers: list[_Reader] = []
        self._chance = random.Random(20250101)  # noqa: S311 (which page is read, the same in every run)
        self._request: Callable[[_Reader], bytes] = {
            "history": self._page,
            "sync": self._news,
            "overview": lambda reader: CHAT.encode(_OVERVIEW, b"{}"),
        }[ask.what]
        self._answer_us, self._late_us = array("I"), array("I")
        self._begin = 0
        self._errors: Counter[str] = Counter()

    def arrive(self) -> None:
        """Log everyone in, and get their threads. :raises RuntimeError: a login is refused."""
        ready = self._crowd.arrive(self._users, time.monotonic() + 600)
        if len(ready) < len(self._users):
            raise RuntimeError(self._crowd.first_failure() or "not everybody could log in in time")
        for reader in ready:
            assert isinstance(reader, _Reader)
            self._learn(reader)
            if reader.old:
                self._readers.append(reader)
        if not self._readers:
            raise RuntimeError("none of the users has a thread to read")

    def _learn(self, reader: _Reader) -> None:
        cursor, complete = "", False
        while not complete:
            self._crowd.write(
                reader, CHAT.encode(_SYNC, msgspec.json.encode({"since": "0", "cursor": cursor}))
            )
            heads = msgspec.json.decode(self._next(reader, _SYNC + 1), type=_Heads)
            reader.threads += [int(head.thread_id) for head in heads.threads]
            reader.newest = max([reader.newest, *(int(head.last_msg_id) for head in heads.threads)])
            cursor, complete = heads.next, heads.is_complete
        ask = self._ask
        reader.old = [
            thread
            for thread in reader.threads
            if thread >= ask.begin and (thread - ask.begin) % ask.stride == 0
        ]

    def _next(self, reader: _Reader, wanted: int) -> bytes:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            select.select([reader.descriptor], [], [], 1.0)
            try:
                data = reader.recv(65536)
            except AGAIN:
                continue
            if not data:
                raise RuntimeError(f"the server closed the connection of user {reader.user[0]}")
            for service, body in frames(reader, data):
                if service == wanted:
                    if outcome(body).error:
                        raise RuntimeError(f"user {reader.user[0]} is refused: {outcome(body).message}")
                    return body
        raise RuntimeError(f"user {reader.user[0]} gets no answer")

    def _page(self, reader: _Reader) -> bytes:
        thread = self._chance.choice(reader.old)
        before = self._chance.randint(self._ask.oldest, self._ask.newest)
        return CHAT.encode(
            _HISTORY, b'{"thread_id":"%d","msg_id":"0","before":"%d","limit":%d}' % (thread, before, _PAGE)
        )

    @staticmethod
    def _news(reader: _Reader) -> bytes:
        return CHAT.encode(_SYNC, b'{"since":"%d"}' % reader.newest)

    def work(self) -> Result:
        """Warm up, measure, and wait for the last answers."""
        ask, start = self._ask, time.monotonic()
        self._begin = int((start + ask.warmup) * 1e9)
        self._run(start, start + ask.warmup)
        print("measuring", flush=True)
        cpu, end = time.process_time(), start + ask.warmup + ask.time
        self._run(start, end)
        seconds, cpu = time.monotonic() - start - ask.warmup, time.process_time() - cpu
        print("measured", flush=True)
        end = time.monotonic() + ask.drain
        while time.monotonic() < end and any(reader.waiting for reader in self._readers):
            self._receive(0.02)
        counts = {
            "answers": len(self._answer_us),
            "refused": self._errors.total(),
            "unanswered": sum(len(reader.waiting) for reader in self._readers),
            "closed": sum(not reader.open for reader in self._readers),
        }
        latencies = {"answer": self._answer_us.tobytes(), "generator late": self._late_us.tobytes()}
        return Result(
            seconds=seconds,
            counts=counts,
            latencies=latencies,
            cpu_seconds=cpu,
            notes=dict(self._errors.most_common(5)),
        )

    _count = 0

    def _run(self, start: float, end: float) -> None:
        rate, now = self._ask.rate, 0.0
        while now < end:
            now = time.monotonic()
            due = min(int((now - start) * rate), round((end - start) * rate))
            while self._count < due:
                self._count += 1
                planned = int((start + self._count / rate) * 1e9)
                reader = self._readers[self._count % len(self._readers)]
                if reader.open:
                    reader.waiting.append(planned)
                    self._crowd.write(reader, self._request(reader))
                    if planned >= self._begin:
                        self._late_us.append(max(0, time.monotonic_ns() - planned) // 1000)
            # epoll counts in milliseconds, select in microseconds
            select.select(
                [self._crowd.poll],
                [],
                [],
                max(0.0, min(end, start + (self._count + 1) / rate) - time.monotonic()),
            )
            self._receive(0.0)

    def _receive(self, timeout: float) -> None:
        sessions = self._crowd.by_descriptor
        for descriptor, events in self._crowd.poll.poll(timeout):
            reader = sessions.get(descriptor)
            if reader is None:
                continue
            assert isinstance(reader, _Reader)
            if events & select.EPOLLOUT:
                self._crowd.flush(reader)
            if not events & ~select.EPOLLOUT:
                continue
            try:
                data = reader.recv(65536)
            except AGAIN:
                continue
            except OSError:
                data = b""
            if not data:
                self._crowd.close(reader)
            for service, body in frames(reader, data):
                if service in (_HISTORY + 1, _SYNC + 1, _OVERVIEW + 1) and reader.waiting:
                    self._answered(reader, body)

    def _answered(self, reader: _Reader, body: bytes) -> None:
        planned = reader.waiting.popleft()
        if not body.startswith(b'{"error":0,') and (answer := outcome(body)).error:
            self._errors[answer.message] += 1
        elif planned >= self._begin:
            self._answer_us.append((time.monotonic_ns() - planned) // 1000)
