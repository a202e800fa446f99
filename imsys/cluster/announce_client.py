"""Have any chat server announce files and live streams."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import grpc
from twisted.application.service import Service
from twisted.logger import Logger

from imsys.cluster.channels import Address, Channels
from imsys.cluster.server_list import ServerList
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.errors import ConfigError, Refused, Status, Unavailable

_log = Logger()


def passes(refused: Refused) -> bool:
    """Return whether a retry may succeed; otherwise the refusal is final."""
    return refused.status.retryable or refused.status is Status.INTERNAL_ERROR


class ChatServers(Service):
    """Calls chat servers, one after the other, until one answers.

    :param fresh: seconds for which balance's list of them is valid.
    """

    def __init__(self, reactor: Any, trust: Trust, listed: ServerList, fresh: float) -> None:
        self._reactor = reactor
        self._channels = Channels(reactor, trust)
        self._deadline = trust.deadline
        self._listed = listed
        self._fresh = fresh

    def stopService(self) -> None:
        """Close the channels; calls in progress fail."""
        super().stopService()
        self._channels.close()

    async def announce(self, file_id: bytes) -> None:
        """Have a complete file announced durably; a repetition is harmless.

        :raises Refused: the chat server's answer.
        :raises Unavailable: GRPC_ERROR (3), none answered in time.
        """
        await self._tell("Announce", imsys_v1_pb2.AnnounceRequest(file_id=file_id))

    async def announce_live(self, stream_id: bytes) -> None:
        """Have the present state of a live stream announced to its thread.

        :raises Refused: the chat server's answer.
        :raises Unavailable: GRPC_ERROR (3), none answered in time.
        """
        await self._tell("AnnounceLive", imsys_v1_pb2.AnnounceLiveRequest(stream_id=stream_id))

    async def _tell(self, method: str, request: Any) -> None:
        end = self._reactor.seconds() + self._deadline
        for address in await self._addresses():
            remaining = end - self._reactor.seconds()
            if remaining <= 0 or not self.running:
                break
            try:
                stub = imsys_v1_pb2_grpc.AnnouncementsStub(self._channels.to(address))
                answer = await self._channels.send(getattr(stub, method), request, remaining)
            except (
                grpc.RpcError,
                ConfigError,
                ValueError,
            ) as error:  # ValueError: the channel was closed just now
                _log.debug(
                    "a chat server did not answer {method}: {reason}",
                    method=method,
                    reason=type(error).__name__,
                )
                continue
            if answer.error:
                raise Refused(_status(answer.error), answer.message)
            return
        raise Unavailable(Status.GRPC_ERROR, "No chat server answered.")

    async def _addresses(self) -> Sequence[Address]:
        """Return the servers' addresses in random order; those that drain or are unfit come last."""
        servers = [server for server in await self._listed.servers(self._fresh) if server.ports.grpc]
        addresses = {
            (server.grpc_host or server.host, server.ports.grpc): server.draining or bool(server.unfit)
            for server in servers
        }
        self._channels.keep(addresses)
        return sorted(addresses, key=lambda address: (addresses[address], random.random()))  # noqa: S311


def _status(number: int) -> Status:
    try:
        return Status(number)
    except ValueError:
        return Status.INTERNAL_ERROR
