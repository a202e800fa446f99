"""Clients of a chat server in the test's process, without a gateway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imsys.sdk import Client, Credentials, DeviceInfo, Gateway, Login, SeenStore
from imsys.store.devices import DeviceInfo as Device
from imsys.store.devices import DeviceKind
from tests.sdk.scene import QUICK
from tests.support.chat import PATIENCE, ChatCase, ChatServer


class Direct(Gateway):
    """A gateway that knows its one user and its one server."""

    def __init__(self, reactor: Any, server: ChatServer, user: int) -> None:
        super().__init__(reactor, "http://127.0.0.1:9")
        self._server = server
        self._user = user

    async def login(self, username: str, password: str, *, failed: Any = (), device: Any = None) -> Login:
        """Give a new token."""
        on = None if device is None else Device(device.id, device.name, DeviceKind[device.kind.upper()])
        return await self._login(await self._server.tokens.issue(self._user, on))

    async def resume(self, uuid: int, token: str, *, failed: Any = (), device: Any = None) -> Login:
        """Let them come back."""
        return await self._login(token)

    async def _login(self, token: str) -> Login:
        return Login(uuid=self._user, host="127.0.0.1", port=self._server.port.getHost().port, token=token)


class DirectCase(ChatCase):
    """Anna and Carl, who are friends."""

    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.carl = await self.people("anna", "carl")
        await self.befriend(self.anna, self.carl)

    def client(self, user: int, seen: SeenStore | None = None, device: DeviceInfo | None = None) -> Client:
        client = Client(
            self.reactor,
            Direct(self.reactor, self.server, user),
            Credentials(username=str(user), password="-", device=device),
            seen=seen,
            timing=QUICK,
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        return client

    async def online(self, user: int, seen: SeenStore | None = None) -> Client:
        client = self.client(user, seen)
        await client.start()
        return client

    async def until(self, condition: Callable[[], bool]) -> None:
        late = self.reactor.seconds() + PATIENCE
        while not condition():
            self.assertLess(self.reactor.seconds(), late)
            await deferLater(self.reactor, 0.005)
