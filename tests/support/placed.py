"""Clients that go to a certain chat server, or to another one while that is away."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from imsys.sdk import Gateway, Login, ServerAddress, Timing

TIMING = dataclasses.replace(Timing(), longest_wait=0.5, first_wait=0.1, spread=0.05, shun=0.2, patience=0.5)
"""For servers that are killed and come back."""


class Placed(Gateway):
    """A gateway that sends its one user to a certain server, and names the other one as well."""

    def __init__(self, reactor: Any, ports: Mapping[str, int], first: str) -> None:
        super().__init__(reactor, "http://127.0.0.1:9")
        self._ports = ports
        self.first = first

    async def resume(self, uuid: int, token: str, *, failed: Any = (), device: Any = None) -> Login:
        """Let them come back."""
        here, *others = sorted(self._ports, key=lambda name: name != self.first)
        return Login(
            uuid=uuid,
            host="127.0.0.1",
            port=self._ports[here],
            token=token,
            others=tuple(ServerAddress("127.0.0.1", self._ports[name]) for name in others),
        )
