"""Thousands of connections in one thread, each a generator that says what it waits for."""

from __future__ import annotations

import errno
import heapq
import os
import select
import socket
import ssl
import time
from collections.abc import Generator
from typing import NamedTuple, TypeAlias, TypeVar

T = TypeVar("T")

_NO_PORT_YET = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)
_MOST = 65536


class Wait(NamedTuple):
    """What a generator yields: it goes on with the events (of epoll) of a socket, or with 0 when the time is
    over.
    """

    until: float
    """Of the monotonic clock."""
    sock: socket.socket | None = None
    """``None``: nothing but the time."""
    events: int = 0


Steps: TypeAlias = Generator[Wait, int, T]


class _Task:
    __slots__ = ("descriptor", "events", "sock", "stamp", "steps")

    def __init__(self, steps: Steps[None]) -> None:
        self.steps = steps
        self.sock: socket.socket | None = None
        self.descriptor = -1
        self.events = 0
        self.stamp = 0  # a timer with another one is out of date


class Loop:
    """Runs generators."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._tasks: dict[int, _Task] = {}
        self._timers: list[tuple[float, int, int, _Task]] = []
        self._count = 0

    def begin(self, steps: Steps[None]) -> None:
        """Run a generator up to its first wait."""
        self._resume(_Task(steps), None)

    def watch(self, descriptor: int) -> None:
        """Have :meth:`turn` return when there is something to read, for somebody who is not run here."""
        self._poll.register(descriptor, select.EPOLLIN)

    def forget(self, descriptor: int) -> None:
        """Undo :meth:`watch`."""
        self._poll.unregister(descriptor)

    def turn(self, longest: float) -> bool:
        """Wait for something, ``longest`` seconds at most, and go on with those whom it concerns; whether a
        watched one can be read.

        Nobody's time is over before all that is there to be read has been read: that we are late is not the
        servers' fault.
        """
        if self._timers:
            longest = min(longest, max(0.0, self._timers[0][0] - time.monotonic()))
        watched = False
        while found := self._poll.poll(longest):
            for descriptor, events in found:
                if (task := self._tasks.get(descriptor)) is not None:
                    self._resume(task, events)
                else:
                    watched = True
            if watched:
                break
            longest = 0.0
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, stamp, task = heapq.heappop(self._timers)
            if task.stamp == stamp:
                self._resume(task, 0)
        return watched

    def _resume(self, task: _Task, events: int | None) -> None:
        task.stamp += 1
        try:
            wait = next(task.steps) if events is None else task.steps.send(events)
        except StopIteration:
            self._leave(task)
            return
        if wait.sock is not task.sock:
            self._leave(task)
            if wait.sock is not None:
                self._join(task, wait.sock, wait.events)
        elif wait.sock is not None and wait.events != task.events:
            self._poll.modify(task.descriptor, wait.events)
        task.events = wait.events
        self._count += 1
        heapq.heappush(self._timers, (wait.until, self._count, task.stamp, task))

    def _join(self, task: _Task, sock: socket.socket, events: int) -> None:
        task.sock, task.descriptor = sock, sock.fileno()
        self._tasks[task.descriptor] = task
        try:
            self._poll.register(task.descriptor, events)
        except FileExistsError:  # the same connection, which has TLS now
            self._poll.modify(task.descriptor, events)

    def _leave(self, task: _Task) -> None:
        """A socket that is closed has left the poll by itself, and another one may have its number."""
        if self._tasks.get(task.descriptor) is task:
            del self._tasks[task.descriptor]
        task.sock, task.descriptor = None, -1


class Connection:
    """A connection over TLS. :class:`OSError` (``TimeoutError`` among them) from all that is done with it."""

    __slots__ = ("_sock",)

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def close(self, *, reset: bool = False) -> None:
        """End it; with ``reset`` nothing that was sent is taken any more (idempotent)."""
        if reset:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._sock.close()

    def send(self, data: bytes, until: float) -> Steps[None]:
        """Send bytes."""
        while data:
            try:
                data = data[self._sock.send(data) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                yield from self._wait(select.EPOLLOUT, until)

    def receive(self, until: float) -> Steps[bytes]:
        """Receive the next bytes; empty at the end."""
        while True:
            try:
                return self._sock.recv(_MOST)
            except (BlockingIOError, ssl.SSLWantReadError):
                yield from self._wait(select.EPOLLIN, until)

    def shake(self, until: float) -> Steps[None]:
        """Do the TLS handshake."""
        assert isinstance(self._sock, ssl.SSLSocket)
        while True:
            try:
                self._sock.do_handshake()
                return
            except ssl.SSLWantReadError:
                yield from self._wait(select.EPOLLIN, until)
            except ssl.SSLWantWriteError:
                yield from self._wait(select.EPOLLOUT, until)

    def _wait(self, events: int, until: float) -> Steps[None]:
        if not (yield Wait(until, self._sock, events)):
            raise TimeoutError("no answer in time")


def connect(where: tuple[str, int], source: str, context: ssl.SSLContext, until: float) -> Steps[Connection]:
    """Connect, with the TLS handshake. :raises OSError: it fails, or takes too long."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            sock.setsockopt(socket.IPPROTO_IP, _NO_PORT_YET, 1)
            sock.bind((source, 0))
        if (failure := sock.connect_ex(where)) == errno.EINPROGRESS:
            if not (yield Wait(until, sock, select.EPOLLOUT)):
                raise TimeoutError("no connection in time")
            failure = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if failure:
            raise OSError(failure, os.strerror(failure))
        sock = context.wrap_socket(sock, server_hostname=where[0], do_handshake_on_connect=False)
        connection = Connection(sock)
        yield from connection.shake(until)
    except BaseException:
        sock.close()
        raise
    return connection
