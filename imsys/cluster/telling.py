"""Telling the chat servers of files: any of them will do."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import grpc
from twisted.application.service import Service
from twisted.logger import Logger

from imsys.cluster.client import send
from imsys.cluster.listed import Listed
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.config import ClusterConfig
from imsys.errors import ConfigError, Refused, Status, Unavailable

_log = Logger()

Address = tuple[str, int]


class ChatServers(Service):
    """Calls to whichever chat server answers.

    :param fresh: seconds for which balance's list of them is good.
    """

    def __init__(self, reactor: Any, cluster: ClusterConfig, listed: Listed, fresh: float) -> None:
        self._reactor = reactor
        self._trust = Trust(cluster)
        self._deadline = cluster.deadline
        self._listed = listed
        self._fresh = fresh
        self._channels: dict[Address, grpc.Channel] = {}

    def stopService(self) -> None:
        """Close the channels; calls under way fail."""
        super().stopService()
        self._close(list(self._channels))

    async def announce(self, file_id: bytes) -> None:
        """Have a whole file's thread told, durably; to do so again is harmless.

        :raises Refused: with what the chat server answered.
        :raises Unavailable: 3, none answered in time.
        """
        request = imsys_v1_pb2.AnnounceRequest(file_id=file_id)
        end = self._reactor.seconds() + self._deadline
        for address in await self._addresses():
            remaining = end - self._reactor.seconds()
            if remaining <= 0 or not self.running:
                break
            try:
                stub = imsys_v1_pb2_grpc.AnnouncementsStub(self._channel(address))
                answer = await send(self._reactor, stub.Announce, request, remaining)
            except (grpc.RpcError, ConfigError, ValueError) as error:  # ValueError: the channel was closed just now
                _log.debug("a chat server was not told of a file: {reason}", reason=type(error).__name__)
                continue
            if answer.error:
                raise Refused(_status(answer.error), answer.message)
            return
        raise Unavailable(Status.GRPC_ERROR, "No chat server answered.")

    async def _addresses(self) -> Sequence[Address]:
        """Where they are, in an order that spreads calls; those that are leaving last."""
        servers = [server for server in await self._listed.servers(self._fresh) if server.ports.grpc]
        addresses = {(server.grpc_host or server.host, server.ports.grpc): server.draining for server in servers}
        self._close([address for address in self._channels if address not in addresses])
        return sorted(addresses, key=lambda address: (addresses[address], random.random()))  # noqa: S311

    def _channel(self, address: Address) -> grpc.Channel:
        channel = self._channels.get(address)
        if channel is None:
            channel = self._channels[address] = self._trust.channel(*address)
        return channel

    def _close(self, addresses: Sequence[Address]) -> None:
        for address in addresses:
            self._channels.pop(address).close()


def _status(number: int) -> Status:
    try:
        return Status(number)
    except ValueError:
        return Status.INTERNAL_ERROR
