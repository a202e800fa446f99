"""``imsys-ctl drain`` and ``rolling``: stop or restart servers after moving their users to others."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from imsys.errors import Refused, Status, Unavailable

if TYPE_CHECKING:
    from imsys.cluster.stubs.imsys_v1_pb2 import Server
    from imsys.config import Config

LOOK = 0.5
"""Seconds between two looks at a server's progress."""

STOPPING = 60.0
"""Seconds for a server to end after the time for its users to move."""

BACK = 120.0
"""Seconds for a server to be back, by default."""

KINDS = ("chat", "resources")


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add both commands to the parser."""
    text = "have a server take nobody new, its users move to others, and its process end; wait until it has"
    drain = commands.add_parser("drain", parents=[common], help=text, description=text)
    drain.add_argument("name", metavar="NAME", help="its name, as 'imsys-ctl status' has it")
    drain.add_argument("--kind", choices=KINDS, help="where two have the same name")
    text = "drain one chat server after the other, each when the one before it is there again"
    rolling = commands.add_parser("rolling", parents=[common], help=text, description=text)
    rolling.add_argument(
        "--command",
        metavar="COMMAND",
        default="",
        help="a shell command that starts a server again, such as 'ssh {host} systemctl restart imsys@chat'; "
        "{name} is its name, {host} where the other servers reach it. Without it the service manager is waited for",
    )
    rolling.add_argument(
        "--wait",
        metavar="SECONDS",
        type=_seconds,
        default=BACK,
        help=f"that a server has to be there again ({BACK:g} if not given)",
    )
    for parser in (drain, rolling):
        parser.add_argument(
            "--seconds",
            metavar="N",
            type=_seconds,
            default=0.0,
            help="in which its users move ([chat] drain of the server if not given)",
        )
    drain.set_defaults(
        run=lambda options: _run(
            options, lambda draining: draining.drain(options.name, options.kind, options.seconds)
        )
    )
    rolling.set_defaults(
        run=lambda options: _run(
            options, lambda draining: draining.roll(options.seconds, options.command, options.wait)
        )
    )


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds, up to 86400")
    return value


def _run(options: argparse.Namespace, work: Callable[[Draining], Awaitable[None]]) -> int:
    from imsys.ctl.configured import calling
    from imsys.ctl.reacting import on_reactor

    config = calling(options)

    async def run(reactor: Any) -> None:
        draining = Draining(reactor, config)
        try:
            await work(draining)
        finally:
            await draining.close()

    on_reactor(run)
    return 0


class Draining:
    """Drains servers that are registered at balance, and waits for them.

    :raises ConfigError: the cluster's certificates are missing.
    """

    def __init__(self, reactor: Any, config: Config) -> None:
        from imsys.cluster.client import GrpcClient
        from imsys.cluster.trust import Trust

        self._reactor = reactor
        self._config = config
        self._trust = Trust(config.cluster)
        self._balance = GrpcClient(reactor, self._trust, config.balance.addresses)
        self._balance.startService()

    async def close(self) -> None:
        """Close the connections."""
        from twisted.internet.defer import maybeDeferred

        await maybeDeferred(self._balance.stopService)

    async def drain(self, name: str, kind: str | None, seconds: float) -> None:
        """Drain a server, report its progress, and wait for its end.

        :param seconds: time for its users to move; 0: as the server is configured.
        :raises Refused: there is no such server, or it does not drain or end.
        """
        found = [
            server for server in await self._servers() if server.name == name and kind in (None, server.kind)
        ]
        if not found:
            raise Refused(Status.CHATTING_SERVER_NOT_EXISTS, f"No server named {name} is registered.")
        if len(found) > 1:
            raise Refused(Status.INVALID_FIELD, f"There are two servers named {name}: say which with --kind.")
        await self._drain(found[0], seconds)

    async def roll(self, seconds: float, command: str, wait: float) -> None:
        """Drain one chat server after the other, and wait for each to be back.

        :raises Refused: one does not end or come back, or no other server accepts its users.
        """
        names = [
            server.name for server in await self._servers() if server.kind == "chat" and server.incarnation
        ]
        if not names:
            raise Refused(Status.CHATTING_SERVER_NOT_EXISTS, "No chat server is registered.")
        for name in names:
            chats = {server.name: server for server in await self._servers() if server.kind == "chat"}
            if name not in chats:
                raise Refused(Status.CHATTING_SERVER_NOT_EXISTS, f"{name} is not registered any more.")
            if not any(_takes_users(server) for server in chats.values() if server.name != name):
                raise Refused(
                    Status.NO_AVAILABLE_CHATTING_SERVER,
                    f"No other chat server takes the users of {name} now.",
                )
            await self._drain(chats[name], seconds)
            if command:
                await self._command(command, chats[name])
            await self._back(chats[name], wait)
        _say(f"All {len(names)} chat servers were restarted.")

    async def _drain(self, server: Server, seconds: float) -> None:
        from imsys.chat.moving import GRACE, RATE
        from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc

        answer = await self._ask(
            server, imsys_v1_pb2_grpc.ControlStub, "Drain", imsys_v1_pb2.DrainRequest(seconds=seconds)
        )
        _say(f"{server.name} drains: {_connections(answer.connections)} left.")
        limit: float | None = None
        if server.kind == "chat" or seconds:
            limit = max(seconds or self._config.chat.drain, server.load / RATE) + GRACE + STOPPING
        await self._gone(server, answer.connections, limit)
        _say(f"{server.name} has ended.")

    async def _gone(self, server: Server, left: int, limit: float | None) -> None:
        """Wait until a server is neither registered nor answering; if balance is down, keep waiting."""
        began = self._reactor.seconds()
        while True:
            await self._pause()
            now = await self._registered(server)
            if now is not None and now.incarnation == server.incarnation:
                if now.load != left:
                    left = now.load
                    _say(f"{server.name}: {_connections(left)} left.")
            elif not await self._answers(server):
                return
            if limit is not None and self._reactor.seconds() - began > limit:
                raise Refused(
                    Status.GRPC_ERROR,
                    f"{server.name} has not ended after {limit:.0f} s: {_connections(left)} left.",
                )

    async def _registered(self, server: Server) -> Server | None:
        """Return a server's present registration, or ``server`` as it was if balance does not answer."""
        try:
            servers = await self._servers()
        except Unavailable:
            return server
        return next((one for one in servers if (one.kind, one.name) == (server.kind, server.name)), None)

    async def _answers(self, server: Server) -> bool:
        """Return whether this start of a server still answers."""
        from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc

        try:
            answer = await self._ask(
                server, imsys_v1_pb2_grpc.ControlStub, "Probe", imsys_v1_pb2.ProbeRequest()
            )
        except Unavailable:
            return False
        return bool(answer.incarnation == server.incarnation)

    async def _back(self, server: Server, wait: float) -> None:
        _say(f"{server.name} is waited for.")
        end = self._reactor.seconds() + wait
        while True:
            now = await self._registered(server)
            if now is not None and now.incarnation not in ("", server.incarnation) and _takes_users(now):
                _say(f"{server.name} is there again.")
                return
            if self._reactor.seconds() > end:
                came = now is not None and now.incarnation != server.incarnation
                why = (
                    f"is there again, but takes nobody: {now.unfit or 'it drains'}"
                    if came and now is not None
                    else "is not there again"
                )
                raise Refused(
                    Status.CHATTING_SERVER_NOT_EXISTS,
                    f"After {wait:g} s {server.name} {why}. No other server was touched.",
                )
            await self._pause()

    async def _command(self, command: str, server: Server) -> None:
        from imsys.ctl.shell import run

        host = server.grpc_host or server.host
        line = command.replace("{name}", shlex.quote(server.name)).replace("{host}", shlex.quote(host))
        status = await run(self._reactor, line, os.environ)
        if status:
            raise Refused(
                Status.GRPC_ERROR,
                f"The command for {server.name} ended with {status}. No other server was touched.",
            )

    async def _servers(self) -> list[Server]:
        from imsys.ctl.status import listed

        return await listed(self._balance, self._config)

    async def _ask(self, server: Server, stub: Any, method: str, request: Any) -> Any:
        """Make one call to a server. :raises Unavailable: it did not answer. :raises Refused: it refuses."""
        from twisted.internet.defer import maybeDeferred

        from imsys.cluster.client import GrpcClient, NotOffered
        from imsys.cluster.trust import address

        where = server.grpc_host or server.host, server.ports.grpc
        client = GrpcClient(self._reactor, self._trust, [where])
        client.startService()
        try:
            answer = await client.call(stub, method, request)
        except NotOffered:
            older = f"{server.name} is of an older release and cannot be asked: send its process SIGUSR2."
            raise Refused(Status.GRPC_ERROR, older) from None
        except Unavailable:
            raise Unavailable(
                Status.GRPC_ERROR, f"{server.name} does not answer at {address(*where)}."
            ) from None
        finally:
            await maybeDeferred(client.stopService)
        if answer.error:
            raise Refused(Status(answer.error), f"{server.name}: {answer.message}")
        return answer

    async def _pause(self) -> None:
        from twisted.internet.task import deferLater

        await deferLater(self._reactor, LOOK)


def _takes_users(server: Server) -> bool:
    return not server.draining and not server.unfit


def _connections(count: int) -> str:
    return "1 connection is" if count == 1 else f"{count} connections are"


def _say(line: str) -> None:
    print(line, flush=True)
