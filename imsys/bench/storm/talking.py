"""The requests of a light client to chat servers and the gateway, over connections of :mod:`.loop`."""

from __future__ import annotations

import time
from collections import deque

import msgspec

from imsys.bench.crowd import header
from imsys.bench.storm.loop import Connection, Steps
from imsys.errors import Status
from imsys.protocols.framing import CHAT
from imsys.sdk.gateway import ServerAddress

LOGIN, SIGNED_OUT, SYNC, RESYNC, BEAT = 5, 8, 68, 128, 32

_REJECTED = {Status.LOGIN_INFO_ERROR, Status.LOGIN_UNSUCCESSFUL, Status.MYSQL_ACCOUNT_NOT_EXISTS}


class Refusal(Exception):
    """A server answered with an error."""

    def __init__(self, error: int, message: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{error} {message}")
        self.retry_after = retry_after
        self.rejected = error in _REJECTED
        """Whether the token is no longer valid."""


class _Outcome(msgspec.Struct):
    error: int
    message: str = ""
    retry_after: float = 0.0


class _Head(msgspec.Struct):
    last_msg_id: str


class _Heads(msgspec.Struct):
    threads: list[_Head]


class _Where(msgspec.Struct):
    host: str
    port: int | str


class _LoggedIn(_Where):
    token: str
    others: list[_Where] = []


_outcome = msgspec.json.Decoder(_Outcome).decode
_heads = msgspec.json.Decoder(_Heads).decode
_logged_in = msgspec.json.Decoder(_LoggedIn).decode


class Chat:
    """A connection to a chat server, cut into frames."""

    __slots__ = ("_frames", "_rest", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._rest = b""
        self._frames: deque[tuple[int, bytes]] = deque()

    def next(self, until: float) -> Steps[tuple[int, bytes]]:
        """Receive a frame. :raises OSError: none in time, or the connection has ended."""
        while not self._frames:
            data = yield from self.connection.receive(until)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._cut(data)
        return self._frames.popleft()

    def tell(self, service: int, body: bytes, until: float) -> Steps[None]:
        """Send a request without waiting for the response."""
        yield from self.connection.send(CHAT.encode(service, body), until)

    def ask(self, service: int, body: bytes, until: float) -> Steps[bytes]:
        """Send a request; its response. Pushes that come before it are dropped: a client that has just come
        catches up.

        :raises OSError: there is none in time.
        :raises Refusal: it is an error.
        """
        yield from self.tell(service, body, until)
        answer = service
        while answer != service + 1:
            answer, body = yield from self.next(until)
        if (found := _outcome(body)).error:
            raise Refusal(found.error, found.message, found.retry_after)
        return body

    def _cut(self, data: bytes) -> None:
        data, start = self._rest + data, 0
        while len(data) - start >= 4:
            service, total = header(data, start)
            if len(data) - start < total:
                break
            self._frames.append((service, data[start + 4 : start + total]))
            start += total
        self._rest = data[start:]


def log_in(chat: Chat, uuid: int, token: str, client: str, until: float) -> Steps[None]:
    """Log in, as an attempt that is later than all before it."""
    body = b'{"uuid":"%d","token":"%b","client":"%b","attempt":%d,"seq":1}' % (
        uuid,
        token.encode(),
        client.encode(),
        time.time_ns() // 1000000,
    )
    yield from chat.ask(LOGIN, body, until)


def catch_up(chat: Chat, since: int, until: float) -> Steps[int]:
    """Request what is new; return the id of the newest message."""
    heads = _heads((yield from chat.ask(SYNC, sync(since), until)))
    return max([since, *(int(head.last_msg_id) for head in heads.threads)])


def sync(since: int) -> bytes:
    """Make the body of a sync request."""
    return b'{"since":"%d"}' % since


def find_place(
    connection: Connection, host: str, uuid: int, token: str, failed: tuple[ServerAddress, ...], until: float
) -> Steps[tuple[ServerAddress, ...]]:
    """Ask the gateway where to go; the server it names, and the others after it.

    :raises OSError: it does not answer in time, or not as it should.
    :raises Refusal: it refuses.
    """
    body = msgspec.json.encode(
        {"uuid": str(uuid), "token": token} | ({"failed": [str(place) for place in failed]} if failed else {})
    )
    request = b"POST /trylogin_server HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"  # noqa: E501
    yield from connection.send(request % (host.encode(), len(body)) + body, until)
    answer = b""
    while True:
        data = yield from connection.receive(until)
        answer += data
        head, blank, rest = answer.partition(b"\r\n\r\n")
        if blank and len(rest) >= _length(head):
            break
        if not data:
            raise ConnectionResetError("the gateway closed the connection")
    if (found := _outcome(rest)).error:
        raise Refusal(found.error, found.message, found.retry_after)
    there = _logged_in(rest)
    return tuple(ServerAddress(one.host, int(one.port)) for one in (there, *there.others))


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
