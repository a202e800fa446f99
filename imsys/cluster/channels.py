"""Channels to servers that balance has told of, one for each address."""

from __future__ import annotations

from collections.abc import Collection

import grpc

from imsys.cluster.trust import Trust

Address = tuple[str, int]


class Channels:
    """Made when they are first needed; they connect when they are used."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._channels: dict[Address, grpc.Channel] = {}

    def to(self, address: Address) -> grpc.Channel:
        """The channel to a server. :raises ConfigError: it would be plaintext, and that is not allowed."""
        channel = self._channels.get(address)
        if channel is None:
            channel = self._channels[address] = self._trust.channel(*address)
        return channel

    def keep(self, addresses: Collection[Address]) -> None:
        """Close those to others; calls under way there fail."""
        for address in [address for address in self._channels if address not in addresses]:
            self._channels.pop(address).close()

    def close(self) -> None:
        """Close all."""
        self.keep(())
