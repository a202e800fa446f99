"""gRPC channels to the servers on balance's list, one for each address."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import grpc
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from imsys.cluster.calls import send
from imsys.cluster.trust import Trust

Address = tuple[str, int]

RETIRED = 90.0
"""Seconds that a channel with old credentials stays open for its calls, which take at most 60 s."""


class Channels:
    """Channels, made when first needed; they connect when used. New credentials replace all of them."""

    def __init__(self, reactor: Any, trust: Trust) -> None:
        self._reactor = reactor
        self._trust = trust
        self._generation = trust.generation
        self._channels: dict[Address, grpc.Channel] = {}
        self._retired: dict[grpc.Channel, IDelayedCall] = {}
        self._beginner: Executor | None = None

    def to(self, address: Address) -> grpc.Channel:
        """Return the channel to a server.

        :raises ConfigError: it would be plaintext, which is not allowed.
        """
        if self._generation != self._trust.generation:
            self._generation = self._trust.generation
            self._retire()
        channel = self._channels.get(address)
        if channel is None:
            channel = self._channels[address] = self._trust.channel(*address)
        return channel

    def send(self, call: Any, request: Any, timeout: float) -> Deferred[Any]:
        """Begin a unary call of a stub of one of the channels; see :func:`~imsys.cluster.calls.send`.

        It is begun in a thread: the first call of a channel that has none in progress starts a thread of its own and
        waits for it; under load that takes some milliseconds, for which the reactor would stand still.
        """
        if self._beginner is None:
            self._beginner = ThreadPoolExecutor(1, "grpc-begin")
        return send(self._reactor, call, request, timeout, self._beginner)

    def keep(self, addresses: Collection[Address]) -> None:
        """Close channels to other addresses than these; their calls fail."""
        for address in [address for address in self._channels if address not in addresses]:
            self._channels.pop(address).close()

    def close(self) -> None:
        """Close all channels."""
        self.keep(())
        for channel, call in self._retired.items():
            call.cancel()
            channel.close()
        self._retired.clear()
        if self._beginner is not None:
            self._beginner.shutdown(wait=False)
            self._beginner = None

    def _retire(self) -> None:
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            self._retired[channel] = self._reactor.callLater(RETIRED, self._over, channel)

    def _over(self, channel: grpc.Channel) -> None:
        del self._retired[channel]
        channel.close()
