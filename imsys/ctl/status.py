"""``imsys-ctl status``: list the servers and their load, and tell whether users can log in and write."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from imsys.config import Config
from imsys.errors import ConfigError, Refused, Status, Unavailable
from imsys.security.certificates import End, days_left, ends_of
from imsys.util.home import as_owner

if TYPE_CHECKING:
    from imsys.cluster.client import GrpcClient
    from imsys.cluster.stubs.imsys_v1_pb2 import Server
    from imsys.ctl.parts import Part

HEADINGS = ("KIND", "NAME", "ADDRESS", "PLAIN", "HTTP", "RTMP", "GRPC", "LOAD", "CAPACITY", "STATE")

NEEDED = ("gateway", "balance", "database", "Redis")
"""Kinds of parts of which at least one must work for users to log in."""


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    text = "list the servers, what they stand on, and when certificates expire; the status is 1 where people cannot log in or write"
    parser = commands.add_parser("status", parents=[common], help=text, description=text)
    parser.add_argument("--json", action="store_true", help="print the same for a program")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from imsys.ctl.configured import calling
    from imsys.ctl.reacting import on_reactor

    config = calling(options)
    with as_owner(config.home) if config.database.engine == "sqlite" else contextlib.nullcontext():
        seen = on_reactor(lambda reactor: _look(reactor, config))
    print(_as_json(seen) if options.json else "\n".join(_as_text(seen)))
    return 1 if seen.troubles else 0


@dataclass(frozen=True)
class Seen:
    """The state of an installation.

    :param servers: the servers registered at balance; empty if balance does not answer.
    :param ends: expiry dates of certificates in files, or presented by parts.
    :param unread: why the files of certificates could not be read.
    """

    servers: Sequence[Server]
    parts: Sequence[Part]
    ends: Sequence[End]
    now: datetime
    unread: str = ""

    @property
    def troubles(self) -> list[str]:
        """Why users cannot log in or write, one sentence each."""
        found = []
        for kind in NEEDED:
            parts = [part for part in self.parts if part.kind == kind]
            if parts and all(part.fault for part in parts):
                found.append(
                    f"{kind[0].upper()}{kind[1:]} at {', '.join(part.address for part in parts)}: {parts[0].fault.rstrip('.')}."
                )
        if not any(server.kind == "chat" and _takes_users(server) for server in self.servers):
            found.append("No chat server takes users.")
        return found


async def _look(reactor: Any, config: Config) -> Seen:
    from imsys.ctl.parts import look

    parts = await look(reactor, config)
    try:
        servers = await registered(reactor, config)
    except Refused:
        servers = []  # reported by the check of balance
    shown = [part.certificate for part in parts if part.certificate is not None]
    try:
        here, unread = ends_of(config), ""
    except ConfigError as error:  # the operator may not be allowed to read them
        here, unread = [], str(error)
    return Seen(servers, parts, [*here, *shown], datetime.now(UTC), unread)


def _takes_users(server: Server) -> bool:
    full = server.capacity and server.load >= server.capacity
    return not (server.draining or server.unfit or full)


def _as_text(seen: Seen) -> Iterable[str]:
    yield from table([HEADINGS, *map(_row, seen.servers)]) if seen.servers else ["No server is registered."]
    yield ""
    yield from table(
        [
            ("PART", "ADDRESS", "STATE"),
            *((part.kind, part.address, part.fault or "ready") for part in seen.parts),
        ]
    )
    if seen.ends:
        yield ""
        rows = [(end.what, end.path, f"{end.when:%Y-%m-%d}", _left(end, seen.now)) for end in seen.ends]
        yield from table([("CERTIFICATE", "FILE OR ADDRESS", "EXPIRES", "LEFT"), *rows])
    if seen.unread:
        yield seen.unread
    if seen.troubles:
        yield ""
        yield f"People cannot log in, or cannot write. {' '.join(seen.troubles)}"


def _left(end: End, now: datetime) -> str:
    return days_left(end, now) if end.when > now else "expired"


def _as_json(seen: Seen) -> str:
    return json.dumps(
        {
            "ok": not seen.troubles,
            "troubles": seen.troubles,
            "servers": [_fields(server) for server in seen.servers],
            "parts": [
                {"kind": part.kind, "address": part.address, "ok": not part.fault, "fault": part.fault}
                for part in seen.parts
            ],
            "certificates_unread": seen.unread,
            "certificates": [
                {
                    "what": end.what,
                    "path": end.path,
                    "expires": end.when.isoformat(),
                    "days_left": end.left(seen.now).days,
                }
                for end in seen.ends
            ],
        },
        indent=2,
    )


def _fields(server: Server) -> dict[str, Any]:
    ports = server.ports
    return {
        "kind": server.kind,
        "name": server.name,
        "host": server.host,
        "ports": {name: getattr(ports, name) for name in ("tls", "plain", "http", "rtmp", "rtmps", "grpc")},
        "grpc_host": server.grpc_host or server.host,
        "load": server.load,
        "capacity": server.capacity,
        "draining": server.draining,
        "unfit": server.unfit,
    }


async def registered(reactor: Any, config: Config) -> list[Server]:
    """Return all registered servers, chat servers first.

    :raises Unavailable: no balance server answers.
    """
    from twisted.internet.defer import maybeDeferred

    from imsys.cluster.client import GrpcClient
    from imsys.cluster.trust import Trust

    client = GrpcClient(reactor, Trust(config.cluster), config.balance.addresses)
    client.startService()
    try:
        return await listed(client, config)
    finally:
        await maybeDeferred(client.stopService)


async def listed(balance: GrpcClient, config: Config) -> list[Server]:
    """Return all registered servers, chat servers first, then by name.

    :raises Unavailable: no balance server answers.
    """
    from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
    from imsys.cluster.trust import address

    try:
        answer = await balance.call(imsys_v1_pb2_grpc.RegistryStub, "List", imsys_v1_pb2.ListRequest())
    except Unavailable:
        where = ", ".join(address(host, port) for host, port in config.balance.addresses)
        raise Unavailable(Status.GRPC_ERROR, f"No balance server answers at {where}.") from None
    if answer.error:
        raise Refused(Status(answer.error), answer.message)
    return sorted(answer.servers, key=lambda server: (server.kind, server.name))


def _row(server: Server) -> tuple[str, ...]:
    from imsys.cluster.trust import address

    ports = server.ports
    state = (
        "draining, " * server.draining + f"unfit: {server.unfit}"
        if server.unfit
        else "draining"
        if server.draining
        else "ready"
    )
    return (
        server.kind,
        server.name,
        address(server.host, ports.tls or ports.plain),
        str(ports.plain or "-"),
        str(ports.http or "-"),
        "/".join(str(port) for port in (ports.rtmp, ports.rtmps) if port) or "-",
        address(server.grpc_host or server.host, ports.grpc),
        str(server.load),
        str(server.capacity or "-"),
        state,
    )


def table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Format rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
