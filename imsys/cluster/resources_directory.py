"""Pick resources servers for files and live streams, and find them by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imsys.cluster.server_list import ServerList
from imsys.cluster.stubs import imsys_v1_pb2
from imsys.errors import Refused, Status

AGAIN = 0.5
"""Age in seconds of balance's list beyond which it is read again if the first search finds no server."""


@dataclass(frozen=True, slots=True)
class ResourcesServer:
    """The addresses of a resources server for clients."""

    name: str
    host: str
    port: int
    http_port: int
    rtmp_port: int = 0
    """For live streams, without TLS; 0: closed."""
    rtmps_port: int = 0


class ResourcesDirectory:
    """Picks resources servers for files and live streams, and finds them by name.

    Files and streams assigned to a server since balance's last answer count as if they were there.

    :param fresh: seconds for which an answer of balance is valid: as long as a server's own report.
    """

    def __init__(self, listed: ServerList, fresh: float) -> None:
        self._listed = listed
        self._fresh = fresh
        self._known: object = None
        self._sent: Counter[str] = Counter()
        self._promised: Counter[str] = Counter()

    async def pick(self, size: int, *, plaintext: bool) -> ResourcesServer:
        """Pick the least loaded server with room for so many bytes; among equals, the one with the most room.

        :param plaintext: return the port without TLS, if there is one.
        :raises Refused: NO_AVAILABLE_RESOURCES_SERVER (11), there is none.
        :raises Unavailable: balance did not answer.
        """
        best = await self._best(lambda server: self._room(server) >= size)
        if best is None:
            raise _none("There is no resources server that takes this file now.")
        self._promised[best.name] += size
        return _place(best, plaintext)

    async def pick_live(self, *, plaintext: bool) -> ResourcesServer:
        """Pick the least loaded server for a live stream.

        :raises Refused: NO_AVAILABLE_RESOURCES_SERVER (11), there is none.
        :raises Unavailable: balance did not answer.
        """
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
        """Find a server by name, even if it is draining, full or unfit.

        :raises Refused: NO_AVAILABLE_RESOURCES_SERVER (11), it is down.
        :raises Unavailable: balance did not answer.
        """
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
