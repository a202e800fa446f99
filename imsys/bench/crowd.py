"""Many connections from one process, each logged in, on raw sockets."""

from __future__ import annotations

import errno
import gc
import heapq
import os
import random
import select
import socket
import ssl
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from imsys.bench.tasks import Task, User
from imsys.protocols.framing import CHAT

LOGIN, LOGGED_IN, SIGNED_OUT, TEXT, ACK, PUSH, BEAT, BEATEN = 5, 6, 8, 23, 24, 25, 32, 33
BEAT_EVERY = 10.0
"""Seconds between two heartbeats of a user."""

PATIENCE = 30.0
"""Seconds that a login may take."""

AGAIN = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""Raised when a socket, or TLS on it, would block."""

_NO_PORT_YET = getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24)
header = CHAT.header.unpack_from


class Outcome(msgspec.Struct):
    """The part of any response that tells success from failure."""

    error: int
    message: str = ""


outcome = msgspec.json.Decoder(Outcome).decode


class Session:
    """One user's connection; subclasses add what their kind of load needs."""

    __slots__ = (
        "begun",
        "connected",
        "descriptor",
        "handshaken",
        "open",
        "out",
        "recv",
        "rest",
        "send",
        "sock",
        "user",
        "writing",
    )

    def __init__(self, user: User) -> None:
        self.user = user
        self.rest = b""  # of a frame whose end has not come
        self.out = b""  # what the kernel did not take
        self.writing = False
        self.open = False
        self.connected = self.handshaken = False
        self.begun = 0

    def use(self, sock: socket.socket) -> None:
        """Read from and write to this socket from now on."""
        self.sock = sock
        self.recv, self.send = sock.recv, sock.send
        self.descriptor = sock.fileno()


class Guests(Protocol):
    """Serves the sessions that are logged in while others are still logging in."""

    def joined(self, session: Session) -> None:
        """Handle a session that has logged in."""
        ...

    def due(self, now: float) -> None:
        """Send what is to be sent by now (of the monotonic clock)."""
        ...

    def serve(self, session: Session, events: int) -> None:
        """Handle a session whose socket is readable or writable."""
        ...


class Crowd:
    """Connects and logs in; from then on the caller polls the sessions."""

    def __init__(self, task: Task, kind: Callable[[User], Session] = Session) -> None:
        if not hasattr(select, "epoll"):
            raise RuntimeError("the load generator needs Linux")
        gc.disable()  # nothing here is circular, and a pause would be measured
        self._task = task
        self._kind = kind
        self.poll = select.epoll()
        self.by_descriptor: dict[int, Session] = {}
        self.failed: Counter[str] = Counter()
        self.login_us = array("I")
        self.resumed = 0
        self.arrived = 0
        self._context = _context(task) if task.tls else None
        self._tickets: ssl.SSLSession | None = None
        self._sources = 0

    def arrive(
        self, users: Iterable[User], deadline: float, *, resume: bool = False, guests: Guests | None = None
    ) -> list[Session]:
        """Log users in, a few at once, until all are or ``deadline`` (of the monotonic clock) is over.

        :param resume: whether to resume TLS sessions, with the ticket of a first connection.
        :return: the sessions that are logged in.
        """
        waiting, under_way, ready = deque(users), set[Session](), list[Session]()
        if resume and self._context is not None and waiting:
            ready += self.arrive([waiting.popleft()], deadline)
            self._tickets = self._ticket(ready[0]) if ready else None
        look = 0.0
        while (waiting or under_way) and (now := time.monotonic()) < deadline:
            while waiting and len(under_way) < self._task.at_once:
                if self._connect(new := self._kind(waiting.popleft())):
                    under_way.add(new)
            for descriptor, events in self.poll.poll(0.1):
                if (session := self.by_descriptor.get(descriptor)) is None:
                    continue
                if session not in under_way:
                    if guests is not None:
                        guests.serve(session, events)
                elif self._go_on(session):
                    under_way.discard(session)
                    if session.open:
                        ready.append(session)
                        if guests is not None:
                            guests.joined(session)
            if guests is not None:
                guests.due(now)
            if now > look:
                look = now + 1.0
                late = time.monotonic_ns() - int(PATIENCE * 1e9)
                for session in [one for one in under_way if one.begun < late]:
                    under_way.discard(session)
                    self._fail(session, f"no answer in {PATIENCE:.0f} s")
        for session in under_way:
            self._drop(session)
        return ready

    def close(self, session: Session) -> None:
        """Close a connection (idempotent)."""
        if session.open:
            session.open = False
            self._drop(session)

    def flush(self, session: Session) -> None:
        """Send the contents of ``out``; if the socket does not take all, watch it until it is writable."""
        if session.out:
            try:
                session.out = session.out[session.send(session.out) :]
            except AGAIN:
                pass
            except OSError:
                self.close(session)
                return
        if bool(session.out) != session.writing:
            session.writing = bool(session.out)
            self.poll.modify(session.descriptor, select.EPOLLIN | (select.EPOLLOUT if session.writing else 0))

    def write(self, session: Session, frame: bytes) -> None:
        """Send a frame, after those that are queued."""
        session.out += frame
        self.flush(session)

    def first_failure(self) -> str:
        """Return the most frequent failure, or nothing."""
        return self.failed.most_common(1)[0][0] if self.failed else ""

    def _connect(self, session: Session) -> bool:
        _, _, host, port, *_ = session.user
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session.begun = time.monotonic_ns()
        try:
            if self._task.sources > 1:
                sock.setsockopt(socket.IPPROTO_IP, _NO_PORT_YET, 1)
                self._sources = self._sources % min(self._task.sources, 250) + 1
                sock.bind((f"127.0.0.{self._sources + 1}", 0))
            failure = sock.connect_ex((host, port))
        except OSError as error:
            failure = error.errno or errno.EIO
        if failure not in (0, errno.EINPROGRESS):
            sock.close()
            self.failed[os.strerror(failure)] += 1
            return False
        session.use(sock)
        self.by_descriptor[session.descriptor] = session
        self.poll.register(session.descriptor, select.EPOLLOUT)
        return True

    def _go_on(self, session: Session) -> bool:
        """Do what the socket is ready for; return whether the login is over, by success or failure."""
        try:
            if not session.connected:
                if failure := session.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(failure, os.strerror(failure))
                session.connected = True
                if self._context is not None:
                    self._wrap(session)
            if not session.handshaken:
                self._shake(session)
            return self._answered(session)
        except ssl.SSLWantReadError:
            self.poll.modify(session.descriptor, select.EPOLLIN)
        except ssl.SSLWantWriteError:
            self.poll.modify(session.descriptor, select.EPOLLOUT)
        except BlockingIOError:
            pass
        except OSError as error:
            return self._fail(session, error.strerror or str(error))
        return False

    def _wrap(self, session: Session) -> None:
        assert self._context is not None
        session.use(
            self._context.wrap_socket(
                session.sock,
                server_hostname=session.user[2],
                do_handshake_on_connect=False,
                session=self._tickets,
            )
        )

    def _shake(self, session: Session) -> None:
        if isinstance(session.sock, ssl.SSLSocket):
            session.sock.do_handshake()
            self.resumed += bool(session.sock.session_reused)
        session.handshaken = True
        session.send(self._greet(session))
        self.poll.modify(session.descriptor, select.EPOLLIN)

    def _greet(self, session: Session) -> bytes:
        uuid, token, *_ = session.user
        token, _, device = token.partition("@")
        said = b'{"uuid":"%d","token":"%b","seq":1' % (uuid, token.encode())
        if device:
            said += b',"device":{"id":"%b","name":"","kind":"bot"}' % device.encode()
        return CHAT.encode(LOGIN, said + b"}")

    def _answered(self, session: Session) -> bool:
        data = session.recv(65536)
        if not data:
            return self._fail(session, f"the server closed the connection of user {session.user[0]}")
        session.rest += data
        if len(session.rest) < 4 or len(session.rest) < header(session.rest)[1]:
            return False
        service, total = header(session.rest)
        body, session.rest = session.rest[4:total], session.rest[total:]
        answer = outcome(body)
        if service != LOGGED_IN or answer.error:
            return self._fail(
                session, f"user {session.user[0]} cannot log in: {answer.error} {answer.message}"
            )
        self._arrived(session)
        return True

    def _arrived(self, session: Session) -> None:
        self.login_us.append((time.monotonic_ns() - session.begun) // 1000)
        session.open = True
        self.arrived += 1

    def _fail(self, session: Session, why: str) -> bool:
        self.failed[why] += 1
        self._drop(session)
        return True

    def _drop(self, session: Session) -> None:
        self.by_descriptor.pop(session.descriptor, None)
        session.sock.close()  # which also takes it out of the epoll set

    def _ticket(self, session: Session) -> ssl.SSLSession | None:
        return session.sock.session if isinstance(session.sock, ssl.SSLSocket) else None


class Beats:
    """Heartbeats of sessions: each begins at some time of its first interval, so that they do not come all at
    once.
    """

    def __init__(self, crowd: Crowd, interval: float) -> None:
        self._crowd = crowd
        self._interval = interval
        self._next: list[tuple[float, int, Session]] = []
        self.sent = 0
        self.waiting: dict[Session, int] = {}
        """When (ns) the heartbeats left that are not answered yet, by session."""

    def join(self, session: Session) -> None:
        """Send heartbeats of a session from now on."""
        heapq.heappush(
            self._next,
            (time.monotonic() + random.uniform(0, self._interval), session.descriptor, session),  # noqa: S311
        )

    def due(self, now: float) -> None:
        """Send the heartbeats that are due (``now`` is the monotonic clock's)."""
        while self._next and (turn := self._next[0])[0] <= now:
            when, descriptor, session = turn
            if not session.open:
                heapq.heappop(self._next)
                continue
            heapq.heapreplace(self._next, (when + self._interval, descriptor, session))
            if session not in self.waiting:
                # from when it should have been sent: a generator that is late does not hide what waiting
                # there was
                self.waiting[session] = int(when * 1e9)
                self.sent += 1
                self._crowd.write(session, CHAT.encode(BEAT, b'{"uuid":"%d"}' % session.user[0]))

    def waited(self, session: Session) -> Iterable[int]:
        """How long (µs) an answer took that is here now; nothing where none was awaited.

        While it was awaited no other heartbeat left. Those that were due meanwhile would have waited as well,
        each for an interval less than the one before it: without them one long wait would stand for what many
        users who go on by the clock would have seen.
        """
        if (since := self.waiting.pop(session, None)) is None:
            return ()
        return range((time.monotonic_ns() - since) // 1000, -1, -max(1, int(self._interval * 1e6)))


def _context(task: Task) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=task.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
