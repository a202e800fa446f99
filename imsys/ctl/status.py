"""``imsys-ctl status``: who is registered, and how loaded."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from imsys.config import Config
from imsys.errors import ConfigError, Refused, Status, Unavailable

if TYPE_CHECKING:
    from imsys.cluster.client import GrpcClient
    from imsys.cluster.stubs.imsys_v1_pb2 import Server

HEADINGS = ("KIND", "NAME", "ADDRESS", "PLAIN", "HTTP", "RTMP", "GRPC", "LOAD", "CAPACITY", "STATE")


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("status", parents=[common], help="list the servers that are registered at balance, with their load")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from twisted.internet import task

    from imsys.ctl import settings

    config = settings(options)

    async def show(reactor: Any) -> None:
        try:
            rows = await servers(reactor, config)
        except (ConfigError, Refused) as error:
            sys.stderr.write(f"imsys-ctl: {error.message if isinstance(error, Refused) else error}\n")
            raise SystemExit(1) from None
        print("\n".join(table([HEADINGS, *rows])) if rows else "No server is registered.")

    task.react(show)
    return 0


async def servers(reactor: Any, config: Config) -> list[tuple[str, ...]]:
    """One row for every registered server, chat servers first.

    :raises Unavailable: no balance server answers.
    """
    from twisted.internet.defer import maybeDeferred

    from imsys.cluster.client import GrpcClient

    client = GrpcClient(reactor, config.cluster, config.balance.addresses)
    client.startService()
    try:
        return [_row(server) for server in await listed(client, config)]
    finally:
        await maybeDeferred(client.stopService)


async def listed(balance: GrpcClient, config: Config) -> list[Server]:
    """Every registered server, chat servers first, then by name.

    :raises Unavailable: no balance server answers.
    """
    from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc

    try:
        answer = await balance.call(imsys_v1_pb2_grpc.RegistryStub, "List", imsys_v1_pb2.ListRequest())
    except Unavailable:
        where = ", ".join(f"{host}:{port}" for host, port in config.balance.addresses)
        raise Unavailable(Status.GRPC_ERROR, f"No balance server answers at {where}.") from None
    if answer.error:
        raise Refused(Status(answer.error), answer.message)
    return sorted(answer.servers, key=lambda server: (server.kind, server.name))


def _row(server: Any) -> tuple[str, ...]:
    ports = server.ports
    state = "draining, " * server.draining + f"unfit: {server.unfit}" if server.unfit else "draining" if server.draining else "ready"
    return (
        server.kind,
        server.name,
        f"{server.host}:{ports.tls}",
        str(ports.plain or "-"),
        str(ports.http or "-"),
        "/".join(str(port) for port in (ports.rtmp, ports.rtmps) if port) or "-",
        f"{server.grpc_host or server.host}:{ports.grpc}",
        str(server.load),
        str(server.capacity or "-"),
        state,
    )


def table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Lines with columns beneath each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
