"""The gateway's HTTP interface: codes, registration, passwords, login (docs/protocol.md, 5)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar
from urllib.parse import urlsplit

import msgspec
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer

from imsys.errors import Refused, Status, Unavailable
from imsys.sdk.comeback import asked_to_wait
from imsys.sdk.devices import DeviceInfo, part
from imsys.sdk.refusals import explain
from imsys.sdk.steady import steady_reactor
from imsys.sdk.trust import Trust, http_agent

_BODY_LIMIT = 65536
"""Bytes of a response, at most; several times the largest real one."""

_CONNECT = 5.0
"""Seconds to connect: short, so that a network that has come back is noticed by the next call soon."""

_AWAY = (502, 503, 504)
"""HTTP statuses with which a proxy answers when the gateway behind it does not."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The address of the resources server that a login names."""

    host: str
    port: int
    http_port: int


class ServerAddress(NamedTuple):
    """The address of a chat server."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Login:
    """The chat server to use and the token for it; ``others`` are chat servers that accept the token too."""

    uuid: int
    host: str
    port: int
    token: str = field(repr=False)
    resources: Resources | None = None
    others: tuple[ServerAddress, ...] = ()

    @property
    def place(self) -> ServerAddress:
        """The address of the chat server."""
        return ServerAddress(self.host, self.port)


class _Answer(msgspec.Struct):
    error: int
    message: str = ""
    retry_after: float | None = None


class _Registered(msgspec.Struct):
    uuid: int | str


class _ResourcesPart(msgspec.Struct):
    host: str = ""
    port: int | str = 0
    http_port: int | str = 0


class _PlacePart(msgspec.Struct):
    host: str
    port: int | str


class _LoggedIn(msgspec.Struct):
    uuid: int | str
    host: str
    port: int | str
    token: str
    resources: _ResourcesPart | None = None
    others: list[_PlacePart] = []


def status_of(number: int) -> Status:
    """Convert a number of the wire to a status; an unknown one becomes INTERNAL_ERROR."""
    try:
        return Status(number)
    except ValueError:
        return Status.INTERNAL_ERROR


class Gateway:
    """The gateway's calls, each with a deadline.

    Every call raises :class:`Refused` with the server's status, or :class:`Unavailable` (NETWORK_ERROR) with
    a sentence for people if the server cannot be reached in time.

    :param url: ``https://host:port`` (an IPv6 address in brackets); ``http://``, if the operator allows it,
        means no encryption and the chat server's plaintext port.
    :param trust: the certificate authorities to trust, or the path of their PEM file; by default the
        system's.
    :param deadline: seconds for one call.
    """

    def __init__(
        self, reactor: Any, url: str, trust: Trust | str | Path | None = None, *, deadline: float = 15.0
    ) -> None:
        scheme, netloc, self._base = _address(url)
        self.url = f"{scheme}://{netloc}"
        self.encrypted = scheme == "https"
        self.trust = trust if isinstance(trust, Trust) else Trust(trust)
        self._clock = reactor = steady_reactor(reactor)
        self._deadline = deadline
        self._agent = http_agent(reactor, self.trust, min(deadline, _CONNECT))

    async def request_code(self, email: str) -> None:
        """Have a verification code mailed."""
        await self._call("/get_verification", {"email": email})

    async def register(self, username: str, password: str, email: str, code: str) -> int:
        """Register an account with a code that was mailed to ``email``; return its uuid."""
        fields = {"username": username, "password": password, "email": email, "cpatcha": code}
        answer = _read(await self._call("/post_registration", fields), _Registered)
        return _number(answer.uuid)

    async def check_account(self, username: str, email: str) -> bool:
        """Return whether there is an account with this name and this e-mail address."""
        try:
            await self._call("/check_accountexists", {"username": username, "email": email})
        except Refused as refusal:
            if refusal.status is Status.MYSQL_ACCOUNT_NOT_EXISTS:
                return False
            raise
        return True

    async def reset_password(self, username: str, email: str, password: str, code: str) -> None:
        """Set a new password with a code that was mailed to ``email``; every session of the account ends."""
        await self._call(
            "/reset_password", {"username": username, "email": email, "password": password, "cpatcha": code}
        )

    async def login(
        self,
        username: str,
        password: str,
        *,
        failed: Iterable[ServerAddress] = (),
        device: DeviceInfo | None = None,
    ) -> Login:
        """Log in by password.

        :param device: the device that the token is for.
        :param failed: chat servers that could not be used just now; the gateway names another if there is
            one.
        """
        return await self._place({"username": username, "password": password}, failed, device)

    async def resume(
        self,
        uuid: int,
        token: str,
        *,
        failed: Iterable[ServerAddress] = (),
        device: DeviceInfo | None = None,
    ) -> Login:
        """Log in again by a token that is still valid; ``failed`` and ``device`` as in :meth:`login`."""
        return await self._place({"uuid": str(uuid), "token": token}, failed, device)

    async def _place(
        self, fields: dict[str, Any], failed: Iterable[ServerAddress], device: DeviceInfo | None
    ) -> Login:
        if names := [str(place) for place in failed]:
            fields["failed"] = names
        if device is not None:
            fields["device"] = part(device)
        return self._login(await self._call("/trylogin_server", fields))

    def _login(self, body: bytes) -> Login:
        answer = _read(body, _LoggedIn)
        files = answer.resources
        resources = None
        if files is not None and files.host:
            resources = Resources(
                host=files.host, port=_number(files.port), http_port=_number(files.http_port)
            )
        return Login(
            uuid=_number(answer.uuid),
            host=answer.host,
            port=_number(answer.port),
            token=answer.token,
            resources=resources,
            others=tuple(ServerAddress(other.host, _number(other.port)) for other in answer.others),
        )

    async def _call(self, path: str, fields: dict[str, Any]) -> bytes:
        waiting = Deferred.fromCoroutine(self._exchange(path, fields)).addTimeout(
            self._deadline, self._clock, _late
        )
        try:
            response, body = await waiting
        except (Refused, CancelledError):
            raise
        except Exception as problem:
            raise Unavailable(Status.NETWORK_ERROR, explain(problem)) from problem
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            sentence = f"This is no imsys server: it answers {path} with HTTP status {response.code}."
            if response.code in _AWAY:
                sentence = f"What stands before the server does not reach it (HTTP status {response.code}); try again later."
            raise Unavailable(Status.NETWORK_ERROR, sentence) from None
        if answer.error == Status.SUCCESS:
            return body
        raise _refusal(answer, response)

    async def _exchange(self, path: str, fields: dict[str, Any]) -> tuple[IResponse, bytes]:
        headers = Headers({b"Content-Type": [b"application/json"]})
        response = await self._agent.request(
            b"POST", self._base + path.encode("ascii"), headers, _Bytes(msgspec.json.encode(fields))
        )
        body = _Body(_BODY_LIMIT)
        response.deliverBody(body)
        return response, await body.whole


def _address(url: str) -> tuple[str, str, bytes]:
    """Split a gateway's URL into scheme, host with port, and base URL.

    :raises ValueError: it is not a valid URL.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        if parts.scheme not in {"https", "http"} or not host or "@" in parts.netloc or parts.port == 0:
            raise ValueError
        name = f"[{host}]" if ":" in host else host.encode("idna").decode("ascii")
    except ValueError:  # the example in the message shows what is wrong
        raise ValueError(
            f"{url!r} is no address of a server; it looks like https://127.0.0.1:8443."
        ) from None
    return (
        parts.scheme,
        parts.netloc,
        f"{parts.scheme}://{name}{'' if port is None else f':{port}'}".encode("ascii"),
    )


def _late(_: object, seconds: float) -> NoReturn:
    raise Unavailable(Status.NETWORK_ERROR, "The server does not answer in time.")


def _refusal(answer: _Answer, response: IResponse) -> Refused:
    after = answer.retry_after
    for value in response.headers.getRawHeaders("retry-after") or ():
        after = float(value) if value.isdecimal() and after is None else after
    return Refused(status_of(answer.error), answer.message, retry_after=asked_to_wait(after))


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError:
        raise Unavailable(Status.NETWORK_ERROR, "The server's answer cannot be read.") from None


def _number(value: int | str) -> int:
    try:
        return int(value)
    except ValueError:
        raise Unavailable(Status.NETWORK_ERROR, "The server's answer cannot be read.") from None


@implementer(IBodyProducer)
class _Bytes:
    """The body of a request, written all at once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:
        pass

    def resumeProducing(self) -> None:
        pass

    def stopProducing(self) -> None:
        pass


class _Body(Protocol):
    """Collects the body of a response; a larger one than the limit aborts the connection."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self.whole: Deferred[bytes] = Deferred(lambda _: self._abort())

    def dataReceived(self, data: bytes) -> None:
        self._parts.append(data)
        self._limit -= len(data)
        if self._limit < 0:
            self._abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.whole.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss) and self._limit >= 0:
            self.whole.callback(b"".join(self._parts))
        else:
            self.whole.errback(reason)

    def _abort(self) -> None:
        abort = getattr(self.transport, "abortConnection", None) or getattr(
            self.transport, "loseConnection", None
        )
        if abort is not None:
            abort()
