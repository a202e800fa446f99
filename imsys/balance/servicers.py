"""The gRPC services of balance: our own calls, and those of the original system."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence

from twisted.logger import Logger

from imsys.balance.allocation import FAILED, Allocation, Given, Reported, Wish
from imsys.balance.plain import ALREADY, GRPC, INSTANCE, NOT_THERE, PlainRegistry, PlainServer, refuse
from imsys.balance.registry import (
    KINDS,
    Registry,
    Server,
    check_grpc_host,
    check_host,
    check_kind,
    check_name,
    check_port,
)
from imsys.balance.suspicions import Suspicions
from imsys.cluster.stubs import imsys_v1_pb2, message_pb2
from imsys.errors import Refused, Status
from imsys.redis.tokens import Tokens

_log = Logger()

MOST_WRONG = 1000
"""Servers with wrong clocks that are remembered, at most."""

UNFIT = 500
"""Characters of the reason why a server is unfit, at most."""

SILENT = "It does not answer."
"""The reason that is listed for a server that was set aside."""

MOST = 1000
"""Users of one call, at most."""


class RegistryServicer:
    """``imsys.v1.Registry``.

    :param calendar: returns Unix seconds.
    :param skew: seconds by which a server's clock may differ.
    """

    def __init__(
        self, registry: Registry, suspicions: Suspicions, calendar: Callable[[], float], skew: float
    ) -> None:
        self._registry = registry
        self._suspicions = suspicions
        self._calendar = calendar
        self._skew = skew
        self._wrong: set[str] = set()  # servers whose wrong clocks are logged

    async def Register(self, request: imsys_v1_pb2.RegisterRequest) -> imsys_v1_pb2.RegisterResponse:
        """Register a server, or renew its lease.

        :raises Refused: CHATTING_SERVER_ALREADY_EXISTS (7) or RESOURCES_SERVER_ALREADY_EXISTS (9), the name
            is taken; INVALID_FIELD (70), a field is malformed, or the clock of a server that has just started
            is wrong.
        """
        server = _read(request)
        now = int(self._calendar() * 1000)
        self._compare(server.name, request.clock_ms, now, serves=request.again)
        await self._registry.register(server)
        peers = [
            _write(peer) for peer in await self._registry.servers(server.kind) if peer.name != server.name
        ]
        # after the list, so that a loss of the registry in between shows in the epoch
        epoch = await self._registry.epoch()
        return imsys_v1_pb2.RegisterResponse(
            lease_ms=self._registry.lease_ms, clock_ms=now, peers=peers, epoch=epoch
        )

    def _compare(self, name: str, theirs: int, ours: int, *, serves: bool) -> None:
        """Refuse a starting server with a wrong clock.

        One that serves already is only logged: ours may be wrong.
        """
        if abs(theirs - ours) <= self._skew * 1000:
            if name in self._wrong:
                self._wrong.remove(name)
                _log.info("the clock of {name} says what balance's says again", name=name)
            return
        sentence = f"The clock of {name} says {_time(theirs)}, balance's says {_time(ours)}: they are more than {self._skew:g} s apart."
        if not serves:
            raise Refused(Status.INVALID_FIELD, sentence)
        if name not in self._wrong and len(self._wrong) < MOST_WRONG:
            self._wrong.add(name)
            _log.warn(
                "{sentence} It serves on; tickets and logins of it may end too early, or too late.",
                sentence=sentence,
            )

    async def Withdraw(self, request: imsys_v1_pb2.WithdrawRequest) -> imsys_v1_pb2.WithdrawResponse:
        """End a registration at once.

        :raises Refused: CHATTING_SERVER_NOT_EXISTS (6) or RESOURCES_SERVER_NOT_EXISTS (8), this incarnation
            is not registered.
        """
        kind = check_kind(request.kind)
        if not await self._registry.withdraw(kind, request.name, request.incarnation):
            raise refuse(NOT_THERE, INSTANCE, kind, request.name)
        return imsys_v1_pb2.WithdrawResponse()

    async def List(self, request: imsys_v1_pb2.ListRequest) -> imsys_v1_pb2.ListResponse:
        """List all live servers, of one kind or both.

        :raises Refused: INVALID_FIELD (70), there is no such kind.
        """
        kinds = (check_kind(request.kind),) if request.kind else KINDS
        return imsys_v1_pb2.ListResponse(
            servers=[_write(server) for kind in kinds for server in await self._registry.servers(kind)]
        )

    async def Suspect(self, request: imsys_v1_pb2.SuspectRequest) -> imsys_v1_pb2.SuspectResponse:
        """Probe a server that a peer cannot reach, and answer then.

        :raises Refused: INVALID_FIELD (70), no such kind.
        """
        await self._suspicions.suspect(check_kind(request.kind), request.name, request.incarnation)
        return imsys_v1_pb2.SuspectResponse()


class BalanceServicer:
    """``imsys.v1.Balance``.

    :param reported: called with servers that users could not use.
    """

    def __init__(
        self, allocation: Allocation, tokens: Tokens, reported: Callable[[Sequence[Reported]], None]
    ) -> None:
        self._allocation = allocation
        self._tokens = tokens
        self._reported = reported

    async def Allocate(self, request: imsys_v1_pb2.AllocateRequest) -> imsys_v1_pb2.AllocateResponse:
        """Allocate servers to a user, by the given token, or with a new one, which the caller must store.

        Without a resources server the user still gets a chat server.

        :raises Refused: NO_AVAILABLE_CHATTING_SERVER (10); LOGIN_UNSUCCESSFUL (18), the token is invalid;
            INVALID_FIELD (70), the uuid is invalid.
        """
        (response,) = await self._allocate([request])
        return response

    async def AllocateAll(self, request: imsys_v1_pb2.AllocateAllRequest) -> imsys_v1_pb2.AllocateAllResponse:
        """Allocate servers to many users, each refused by itself.

        :raises Refused: SERVER_BUSY (73), too many users.
        """
        if len(request.requests) > MOST:
            raise Refused(Status.SERVER_BUSY, f"Up to {MOST} users are given servers in one call.")
        return imsys_v1_pb2.AllocateAllResponse(responses=await self._allocate(request.requests))

    async def _allocate(
        self, requests: Sequence[imsys_v1_pb2.AllocateRequest]
    ) -> list[imsys_v1_pb2.AllocateResponse]:
        wishes = [_wish(request) for request in requests]
        given, reported = await self._allocation.allocate([wish for wish in wishes if isinstance(wish, Wish)])
        if reported:
            self._reported(reported)
        answers = iter(given)
        return [_allocated(wish if isinstance(wish, Refused) else next(answers)) for wish in wishes]

    async def Check(self, request: imsys_v1_pb2.CheckRequest) -> imsys_v1_pb2.CheckResponse:
        """Check that a token is valid for a user. :raises Refused: LOGIN_UNSUCCESSFUL (18), it is not."""
        if not await self._tokens.check(_uuid(request.uuid), request.token):
            raise Refused(Status.LOGIN_UNSUCCESSFUL, "The token does not open this account.")
        return imsys_v1_pb2.CheckResponse()


class UserServicer:
    """``message.UserService``, for the original's callers."""

    def __init__(self, allocation: Allocation, tokens: Tokens) -> None:
        self._allocation = allocation
        self._tokens = tokens

    async def RegisterUser(
        self, request: message_pb2.UserRegisterRequest
    ) -> message_pb2.UserRegisterResponse:
        """Allocate a chat server and issue a token.

        The port is one without TLS if open, as the original's clients need.

        :raises Refused: NO_AVAILABLE_CHATTING_SERVER (10); INVALID_FIELD (70), the uuid is invalid.
        """
        (given,), _ = await self._allocation.allocate([Wish(_uuid(request.uuid), original=True)])
        if isinstance(given, Refused):
            raise given
        await self._tokens.keep(request.uuid, given.token)
        return message_pb2.UserRegisterResponse(
            host=given.chat.host, port=str(given.chat.port), token=given.token
        )

    async def LoginUser(self, request: message_pb2.LoginRequest) -> message_pb2.LoginResponse:
        """Check that a token is valid for a user. :raises Refused: LOGIN_UNSUCCESSFUL (18), it is not."""
        if not await self._tokens.check(_uuid(request.uuid), request.token):
            raise Refused(Status.LOGIN_UNSUCCESSFUL, "The token does not open this account.")
        return message_pb2.LoginResponse()

    async def LogoutUser(self, request: message_pb2.LogoutRequest) -> message_pb2.LogoutResponse:
        """Revoke a user's token. :raises Refused: LOGIN_UNSUCCESSFUL (18), it is invalid."""
        uuid = _uuid(request.uuid)
        if not await self._tokens.check(uuid, request.token):
            raise Refused(Status.LOGIN_UNSUCCESSFUL, "The token does not open this account.")
        await self._tokens.revoke(uuid, request.token)
        return message_pb2.LogoutResponse()


class RegisterServicer:
    """``message.ChattingRegisterService`` or ``message.ResourcesRegisterService``, with their statuses."""

    def __init__(self, plain: PlainRegistry, kind: str) -> None:
        self._plain = plain
        self._kind = kind

    async def RegisterInstance(self, request: message_pb2.RegisterRequest) -> message_pb2.StatusResponse:
        """Register a public address.

        :raises Refused: CHATTING_SERVER_ALREADY_EXISTS (7) or RESOURCES_SERVER_ALREADY_EXISTS (9);
            INVALID_FIELD (70).
        """
        return await self._register(INSTANCE, request)

    async def RegisterGrpc(self, request: message_pb2.RegisterRequest) -> message_pb2.StatusResponse:
        """Register a gRPC address. :raises Refused: GRPC_SERVER_ALREADY_EXISTS (5); INVALID_FIELD (70)."""
        return await self._register(GRPC, request)

    async def ShutdownInstance(self, request: message_pb2.ShutdownRequest) -> message_pb2.StatusResponse:
        """Remove a public address.

        :raises Refused: CHATTING_SERVER_NOT_EXISTS (6) or RESOURCES_SERVER_NOT_EXISTS (8).
        """
        return await self._shut_down(INSTANCE, request)

    async def ShutdownGrpc(self, request: message_pb2.ShutdownRequest) -> message_pb2.StatusResponse:
        """Remove a gRPC address. :raises Refused: GRPC_SERVER_NOT_EXISTS (4)."""
        return await self._shut_down(GRPC, request)

    async def GetInstancePeers(self, request: message_pb2.PeerRequest) -> message_pb2.PeerResponse:
        """Return the public addresses of the other servers.

        :raises Refused: CHATTING_SERVER_NOT_EXISTS (6) or RESOURCES_SERVER_NOT_EXISTS (8), the caller is not
            registered.
        """
        return await self._peers(INSTANCE, request)

    async def GetGrpcPeers(self, request: message_pb2.PeerRequest) -> message_pb2.PeerResponse:
        """Return the gRPC addresses of the others.

        :raises Refused: GRPC_SERVER_NOT_EXISTS (4), the caller is not one.
        """
        return await self._peers(GRPC, request)

    async def _register(self, table: str, request: message_pb2.RegisterRequest) -> message_pb2.StatusResponse:
        info = request.info
        server = PlainServer(
            table, self._kind, check_name(info.name), check_host(info.host), check_port(info.port)
        )
        if not await self._plain.add(server):
            raise refuse(ALREADY, table, self._kind, info.name)
        return message_pb2.StatusResponse()

    async def _shut_down(
        self, table: str, request: message_pb2.ShutdownRequest
    ) -> message_pb2.StatusResponse:
        if not await self._plain.remove(table, self._kind, request.cur_server):
            raise refuse(NOT_THERE, table, self._kind, request.cur_server)
        return message_pb2.StatusResponse()

    async def _peers(self, table: str, request: message_pb2.PeerRequest) -> message_pb2.PeerResponse:
        peers = await self._plain.peers(table, self._kind, request.cur_server)
        if peers is None:
            raise refuse(NOT_THERE, table, self._kind, request.cur_server)
        return message_pb2.PeerResponse(
            lists=[
                message_pb2.ServerInfo(name=peer.name, host=peer.host, port=str(peer.port)) for peer in peers
            ]
        )


def _read(request: imsys_v1_pb2.RegisterRequest) -> Server:
    info, ports = request.info, request.ports
    if not _is_incarnation(request.incarnation):
        raise Refused(Status.INVALID_FIELD, "The incarnation of a server is 1 to 64 letters and digits.")
    tls = check_port(info.port) if info.port else ports.tls
    for port in (tls, ports.plain, ports.http, ports.grpc, ports.rtmp, ports.rtmps):
        if port > 65535:
            raise Refused(Status.INVALID_FIELD, "The port of a server is a number up to 65535.")
    return Server(
        name=check_name(info.name),
        kind=check_kind(request.kind),
        host=check_host(info.host),
        tls=tls,
        plain=ports.plain,
        http=ports.http,
        grpc=ports.grpc,
        rtmp=ports.rtmp,
        rtmps=ports.rtmps,
        grpc_host=check_grpc_host(request.grpc_host) if request.grpc_host else "",
        incarnation=request.incarnation,
        load=request.load,
        capacity=request.capacity,
        draining=request.draining,
        unfit=request.unfit[:UNFIT],
        free=request.free if request.HasField("free") else -1,
    )


def _write(server: Server) -> imsys_v1_pb2.Server:
    return imsys_v1_pb2.Server(
        name=server.name,
        kind=server.kind,
        host=server.host,
        ports=imsys_v1_pb2.Ports(
            tls=server.tls,
            plain=server.plain,
            http=server.http,
            grpc=server.grpc,
            rtmp=server.rtmp,
            rtmps=server.rtmps,
        ),
        grpc_host=server.grpc_host,
        incarnation=server.incarnation,
        load=server.load,
        capacity=server.capacity,
        draining=server.draining,
        unfit=server.unfit or (SILENT if server.aside else ""),
        assigned=server.assigned,
        free=server.free if server.free >= 0 else None,
    )


def _wish(request: imsys_v1_pb2.AllocateRequest) -> Wish | Refused:
    if request.uuid <= 0:
        return _NO_UUID
    failed = [address for text in request.failed[:FAILED] if (address := _address(text)) is not None]
    return Wish(request.uuid, request.plaintext, request.token, failed, device=request.device)


def _address(text: str) -> tuple[str, int] | None:
    """Parse ``host:port``, with or without brackets around an IPv6 address; ``None``: it is invalid."""
    match = re.fullmatch(r"\[?([A-Za-z0-9_.:%-]{1,253}?)\]?:([0-9]{1,5})", text)
    return None if match is None else (match[1], int(match[2]))


def _allocated(given: Given | Refused) -> imsys_v1_pb2.AllocateResponse:
    if isinstance(given, Refused):
        return imsys_v1_pb2.AllocateResponse(error=given.status, message=given.message)
    response = imsys_v1_pb2.AllocateResponse(
        host=given.chat.host,
        port=given.chat.port,
        token=given.token,
        others=[imsys_v1_pb2.Address(host=other.host, port=other.port) for other in given.others],
    )
    if given.resources is None:
        response.resources_error = Status.NO_AVAILABLE_RESOURCES_SERVER
    else:
        response.resources_host = given.resources.host
        response.resources_port = given.resources.port
        response.resources_http_port = given.resources.http
    return response


def _is_incarnation(text: str) -> bool:
    return 0 < len(text) <= 64 and text.isascii() and text.isalnum()


_NO_UUID = Refused(Status.INVALID_FIELD, "A uuid is a positive number.")


def _uuid(uuid: int) -> int:
    if uuid <= 0:
        raise _NO_UUID
    return uuid


def _time(ms: int) -> str:
    try:
        return datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC).isoformat(timespec="milliseconds")
    except (OverflowError, OSError, ValueError):
        return f"{ms} ms"
