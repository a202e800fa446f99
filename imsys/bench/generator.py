"""The load: pairs of users on raw sockets in one process of their own, as lean as Python allows.

Started by :mod:`imsys.bench.chat` as ``python -m imsys.bench.generator``: reads its task as one line of JSON
from standard input, says ``ready``, waits for a line, works, and writes its result as one line of JSON.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import sys
import time
from array import array
from dataclasses import dataclass, field

import msgspec

from imsys.protocols.framing import CHAT, FrameDecoder

_LOGIN, _LOGGED_IN, _TEXT, _ACK, _PUSH, _BEAT = 5, 6, 23, 24, 25, 32
_SIGNED_OUT = 8
_BEAT_EVERY = 10.0
_LOGIN_DEADLINE = 30.0
_BACK_OFF = 0.05
"""Seconds before another text is sent after one was refused."""


class Task(msgspec.Struct, kw_only=True):
    """What to do. A user is ``[uuid, token, host, port, peer, thread]``; the two of a pair stand together."""

    users: list[tuple[int, str, str, int, int, int]]
    window: int
    size: int
    warmup: float
    time: float
    drain: float
    tls: bool
    ca: str
    oneway: bool
    run: str


class Result(msgspec.Struct, kw_only=True):
    """What happened; latencies in microseconds, of the measured time only, as are ``acked`` and ``delivered``."""

    seconds: float = 0.0
    acked: int = 0
    delivered: int = 0
    total_sent: int = 0
    total_acked: int = 0
    total_delivered: int = 0
    refused: int = 0
    lost: int = 0
    duplicated: int = 0
    misordered: int = 0
    unacknowledged: int = 0
    closed: int = 0
    ack_us: list[int] = []
    delivery_us: list[int] = []
    cpu_seconds: float = 0.0
    logins_a_second: float = 0.0


class _Verified(msgspec.Struct):
    unique_id: str


class _Ack(msgspec.Struct):
    error: int
    verified_msg: list[_Verified] = []
    seq: int = -1


class _Item(msgspec.Struct):
    msg_content: str
    msg_id: str


class _Push(msgspec.Struct):
    text_msg: list[_Item]


class _Outcome(msgspec.Struct):
    error: int
    message: str = ""


_ack = msgspec.json.Decoder(_Ack).decode
_push = msgspec.json.Decoder(_Push).decode


@dataclass(eq=False, slots=True)
class _User:
    uuid: int
    peer: int
    thread: int
    sock: socket.socket
    sends: bool
    head: bytes
    tail: bytes
    padding: str
    decoder: FrameDecoder = field(default_factory=lambda: FrameDecoder(CHAT, CHAT.largest))
    out: bytearray = field(default_factory=bytearray)
    flying: dict[int, int] = field(default_factory=dict)  # number -> when it was sent (ns)
    next: int = 0
    acked: bytearray = field(default_factory=bytearray)  # per text of this user
    received: bytearray = field(default_factory=bytearray)  # per text of the peer: how often
    last_number: int = -1
    last_id: int = 0
    writing: bool = False
    open: bool = True
    paused_until: float = 0.0
    other: _User | None = None


class Generator:
    """Keeps ``window`` texts of each sender on their way."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._result = Result()
        self._users: list[_User] = []
        self._by_descriptor: dict[int, _User] = {}
        if not hasattr(select, "epoll"):
            raise RuntimeError("the load generator needs Linux")
        self._poll = select.epoll()
        self._sending = False
        self._measuring = False
        self._paused: set[_User] = set()
        self._ack_us = array("l")
        self._delivery_us = array("l")
        self._context = _tls(task) if task.tls else None

    def log_in(self) -> None:
        """Connect everyone. :raises RuntimeError: somebody is refused."""
        begin = time.monotonic()
        for index, (uuid, token, host, port, peer, thread) in enumerate(self._task.users):
            sock = self._connect(host, port)
            sock.sendall(CHAT.encode(_LOGIN, msgspec.json.encode({"uuid": str(uuid), "token": token})))
            user = self._user(uuid, peer, thread, sock, sends=not self._task.oneway or index % 2 == 0)
            outcome = msgspec.json.decode(self._wait_for(user, _LOGGED_IN), type=_Outcome)
            if outcome.error:
                raise RuntimeError(f"user {uuid} cannot log in: {outcome.error} {outcome.message}")
            sock.setblocking(False)
            self._users.append(user)
            self._by_descriptor[sock.fileno()] = user
        for one, two in zip(self._users[::2], self._users[1::2], strict=True):
            one.other, two.other = two, one
        self._result.logins_a_second = len(self._users) / max(1e-9, time.monotonic() - begin)

    def work(self) -> Result:
        """Warm up, measure, and wait for what is on its way."""
        for user in self._users:
            self._poll.register(user.sock.fileno(), select.EPOLLIN)
        cpu = time.process_time()
        self._sending = True
        for user in self._users:
            self._fill(user)
            self._flush(user)
        self._run(time.monotonic() + self._task.warmup)
        print("measuring", flush=True)
        self._measuring = True
        begin = time.monotonic()
        self._run(begin + self._task.time)
        self._measuring = False
        self._result.seconds = time.monotonic() - begin
        print("measured", flush=True)
        self._sending = False
        end = time.monotonic() + self._task.drain
        while time.monotonic() < end and any(self._missing(user) for user in self._users):
            self._run(min(end, time.monotonic() + 0.05))
        self._result.cpu_seconds = time.process_time() - cpu
        return self._summary()

    def _connect(self, host: str, port: int) -> socket.socket:
        sock = socket.create_connection((host, port), _LOGIN_DEADLINE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(sock, server_hostname=host) if self._context is not None else sock

    def _user(self, uuid: int, peer: int, thread: int, sock: socket.socket, sends: bool) -> _User:
        head = f'{{"text_sender":"{uuid}","text_receiver":"{peer}","thread_id":"{thread}","seq":'
        item = f'"text_msg":[{{"msg_sender":"{uuid}","msg_receiver":"{peer}","unique_id":"{self._task.run}-{uuid}-'
        return _User(uuid, peer, thread, sock, sends, head.encode(), item.encode(), "x" * max(0, self._task.size - 26))

    def _wait_for(self, user: _User, service: int) -> bytes:
        while True:
            data = user.sock.recv(65536)
            if not data:
                raise RuntimeError(f"the server closed the connection of user {user.uuid}")
            for frame in user.decoder.feed(data):
                if frame.service == service:
                    return frame.body

    def _run(self, end: float) -> None:
        poll, users, monotonic = self._poll.poll, self._by_descriptor, time.monotonic
        beat = monotonic() + _BEAT_EVERY
        while (now := monotonic()) < end:
            for descriptor, events in poll(min(0.02, end - now)):
                user = users[descriptor]
                if events & ~select.EPOLLOUT:
                    self._read(user)
                if user.open:
                    self._flush(user)
            for user in tuple(self._paused):
                if user.paused_until <= now:
                    self._paused.discard(user)
                    self._fill(user)
                    self._flush(user)
            if now > beat:
                beat = now + _BEAT_EVERY
                for user in self._users:
                    if user.open:
                        user.out += CHAT.encode(_BEAT, b'{"uuid":"%d"}' % user.uuid)
                        self._flush(user)

    def _read(self, user: _User) -> None:
        while user.open:
            try:
                data = user.sock.recv(262144)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                data = b""
            if not data:
                self._close(user)
                return
            for service, body in user.decoder.feed(data):
                if service == _ACK:
                    self._acknowledged(user, body)
                elif service == _PUSH:
                    self._arrived(user, body)
                elif service == _SIGNED_OUT:
                    self._close(user)
                    return
            self._fill(user)
            if self._context is None:
                return  # TLS may hold more than the socket shows

    def _fill(self, user: _User) -> None:
        if not self._sending or not user.sends or user in self._paused:
            return
        while len(user.flying) < self._task.window:
            number = user.next
            user.next += 1
            user.acked.append(0)
            now = time.monotonic_ns()
            user.flying[number] = now
            content = f"{number:08x}:{now:016x}:{user.padding}"
            body = b'%b%d,%b%d","msg_content":"%b"}]}' % (user.head, number, user.tail, number, content.encode())
            user.out += CHAT.encode(_TEXT, body)
            self._result.total_sent += 1

    def _flush(self, user: _User) -> None:
        if user.out:
            try:
                sent = user.sock.send(user.out)
                del user.out[:sent]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
            except OSError:
                self._close(user)
                return
        if bool(user.out) != user.writing:
            user.writing = bool(user.out)
            self._poll.modify(user.sock.fileno(), select.EPOLLIN | (select.EPOLLOUT if user.writing else 0))

    def _acknowledged(self, user: _User, body: bytes) -> None:
        ack = _ack(body)
        now = time.monotonic_ns()
        begun = user.flying.pop(ack.seq, None)
        if ack.error or begun is None or not ack.verified_msg:
            self._result.refused += 1
            user.paused_until = time.monotonic() + _BACK_OFF
            self._paused.add(user)
            return
        user.acked[ack.seq] = 1
        self._result.total_acked += 1
        if self._measuring:
            self._ack_us.append((now - begun) // 1000)

    def _arrived(self, user: _User, body: bytes) -> None:
        for item in _push(body).text_msg:
            now = time.monotonic_ns()
            number, begun = int(item.msg_content[:8], 16), int(item.msg_content[9:25], 16)
            if number >= len(user.received):
                user.received.extend(bytes(number + 1 - len(user.received)))
            user.received[number] = min(255, user.received[number] + 1)
            if user.received[number] == 1:
                self._result.total_delivered += 1
                message_id = int(item.msg_id)
                if number < user.last_number or message_id < user.last_id:
                    self._result.misordered += 1
                user.last_number, user.last_id = max(number, user.last_number), max(message_id, user.last_id)
                if self._measuring:
                    self._delivery_us.append((now - begun) // 1000)

    def _close(self, user: _User) -> None:
        user.open = False
        self._result.closed += 1
        self._poll.unregister(user.sock.fileno())
        user.sock.close()

    def _missing(self, user: _User) -> bool:
        if user.open and user.flying:
            return True
        other = user.other
        return other is not None and other.open and sum(user.acked) > sum(1 for times in other.received if times)

    def _summary(self) -> Result:
        result = self._result
        result.acked, result.delivered = len(self._ack_us), len(self._delivery_us)
        result.ack_us, result.delivery_us = list(self._ack_us), list(self._delivery_us)
        for user in self._users:
            result.unacknowledged += len(user.flying)
            received = user.other.received if user.other is not None else b""
            result.duplicated += sum(times - 1 for times in received if times > 1)
            result.lost += sum(1 for number, acked in enumerate(user.acked) if acked and (number >= len(received) or not received[number]))
        return result


def _tls(task: Task) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=task.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def main() -> None:
    """Do one task."""
    try:
        generator = Generator(msgspec.json.decode(sys.stdin.buffer.readline(), type=Task))
        generator.log_in()
    except (OSError, RuntimeError) as problem:
        print(f"failed {problem}", flush=True)
        os._exit(1)
    print("ready", flush=True)
    sys.stdin.buffer.readline()
    result = generator.work()
    sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
