"""Where files and live streams go, and where they are: the resources servers, as clients reach them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imsys.cluster.server_list import ServerList
from imsys.cluster.stubs import imsys_v1_pb2
from imsys.errors import Refused, Status

AGAIN = 0.5
"""Seconds after which balance is asked again for a server that was not there."""


@dataclass(frozen=True, slots=True)
class ResourcesServer:
    """A resources server, as a client is told of it."""

    name: str
    host: str
    port: int
    http_port: int
    rtmp_port: int = 0
    """For live streams, without TLS; 0: closed."""
    rtmps_port: int = 0


class ResourcesDirectory:
    """Chooses resources servers for files and live streams, and finds them again.

    What was sent to a server since balance last told of it counts as if it were there.

    :param fresh: seconds for which an answer of balance is good: as long as a server's own report is.
    """

    def __init__(self, listed: ServerList, fresh: float) -> None:
        self._listed = listed
        self._fresh = fresh
        self._known: object = None
        self._sent: Counter[str] = Counter()
        self._promised: Counter[str] = Counter()

    async def pick(self, size: int, *, plaintext: bool) -> ResourcesServer:
        """The least loaded server that has room for so many bytes, the one with the most room among equals.

        :param plaintext: the port without TLS is wanted, where there is one.
        :raises Refused: 11, there is none.
        :raises Unavailable: balance does not answer.
        """
        best = await self._best(lambda server: self._room(server) >= size)
        if best is None:
            raise _none("There is no resources server that takes this file now.")
        self._promised[best.name] += size
        return _place(best, plaintext)

    async def pick_live(self, *, plaintext: bool) -> ResourcesServer:
        """The same for a live stream. :raises Refused: 11, there is none. :raises Unavailable: balance does not answer."""
        best = await self._best(lambda server: bool(server.ports.rtmp or server.ports.rtmps))
        if best is None:
            raise _none("There is no resources server that takes live streams now.")
        return _place(best, plaintext)

    async def _best(self, able: Callable[[imsys_v1_pb2.Server], bool]) -> imsys_v1_pb2.Server | None:
        for age in (self._fresh, AGAIN):
            found = [server for server in await self._servers(age) if able(server) and _takes(server)]
            if found:
                best: imsys_v1_pb2.Server = min(found, key=self._order)
                self._sent[best.name] += 1
                return best
        return None

    def _order(self, server: imsys_v1_pb2.Server) -> tuple[int, float, str]:
        return server.load + server.assigned + self._sent[server.name], -self._room(server), server.name

    async def named(self, name: str, *, plaintext: bool) -> ResourcesServer:
        """The server that has a file, be it draining, full or unfit. :raises Refused: 11, it is away. :raises Unavailable: balance is."""
        for age in (self._fresh, AGAIN):
            for server in await self._servers(age):
                if server.name == name:
                    return _place(server, plaintext)
        raise _none("The resources server that has this is away.")

    async def _servers(self, age: float) -> Any:
        servers = await self._listed.servers(age)
        if servers is not self._known:
            self._known = servers
            self._sent.clear()
            self._promised.clear()
        return servers

    def _room(self, server: imsys_v1_pb2.Server) -> float:
        return server.free - self._promised[server.name] if server.HasField("free") else float("inf")


def _takes(server: imsys_v1_pb2.Server) -> bool:
    full = server.capacity and server.load >= server.capacity
    return not (server.draining or server.unfit or full)


def _place(server: imsys_v1_pb2.Server, plaintext: bool) -> ResourcesServer:
    ports = server.ports
    port = (ports.plain or ports.tls) if plaintext else ports.tls
    return ResourcesServer(server.name, server.host, port, ports.http, ports.rtmp, ports.rtmps)


def _none(message: str) -> Refused:
    return Refused(Status.NO_AVAILABLE_RESOURCES_SERVER, message, retry_after=1.0)
