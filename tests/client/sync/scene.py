"""Accounts of the client with a whole server behind them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from client.core.model import Link, Message
from client.sync.account import AccountSync
from imsys.sdk import Client, Credentials, DeviceInfo, Gateway, Timing
from tests.cli.running import PASSWORD, server
from tests.support.children import folder

KEY = b"k" * 32
QUICK = Timing(spread=0.05, first_wait=0.1, longest_wait=0.3, mark=0.05, save=0.05, standing=0.1)


class AccountCase(TestCase):
    """Users of one server that all scenes share."""

    timeout = 60

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.server = server()
        self.home = folder("client")
        self.gateway = Gateway(reactor, self.server.url, self.server.ca)

    async def register(self, *kinds: str) -> list[str]:
        """Make accounts; their names."""
        run = secrets.token_hex(3)
        names = [f"{kind}-{run}" for kind in kinds]
        for name in names:
            email = f"{name}@example.org"
            await self.gateway.request_code(email)
            await self.gateway.register(name, PASSWORD, email, self.server.codes(email)[0])
        return names

    async def other(self, name: str) -> Client:
        """Somebody who uses the library alone."""
        client = Client(
            self.reactor, self.gateway, Credentials(username=name, password=PASSWORD), timing=QUICK
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        await client.start()
        return client

    async def account(
        self,
        name: str,
        place: str = "",
        *,
        start: bool = True,
        gateway: Gateway | None = None,
        device: str = "",
        **more: Any,
    ) -> AccountSync:
        """Somebody with the desktop client; with the same place, what was there before is there again.

        :param device: a session beside those of other devices; by default there is one for all.
        """
        info = DeviceInfo(id=device.ljust(32, "0"), name=device, kind="desktop") if device else None
        credentials = Credentials(username=name, password=PASSWORD, device=info)
        account = AccountSync(
            self.reactor,
            gateway or self.gateway,
            credentials,
            self.home / (place or name),
            KEY,
            timing=QUICK,
            **more,
        )
        self.closed = False
        await account.open()
        self.addCleanup(lambda: Deferred.fromCoroutine(account.close()))
        if start:
            account.start()
            await self.until(lambda: account.connection().link is Link.ONLINE)
        return account

    async def pair(self) -> tuple[AccountSync, Client, int]:
        """Anna with the desktop client, Ben with the library, and their conversation."""
        anna_name, ben_name = await self.register("anna", "ben")
        ben = await self.other(ben_name)
        anna = await self.account(anna_name)
        await anna.ask_friend((await anna.search_person(ben_name)).uuid, "Hello?")
        await ben.contacts.accept(anna.me.uuid)
        await self.until(lambda: anna.conversations())
        return anna, ben, anna.conversations()[0].id

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait; the test's own time-out ends a wait for what never comes."""
        while not condition():
            await deferLater(self.reactor, 0.01)

    async def shows(
        self,
        account: AccountSync,
        conversation: int,
        condition: Callable[[list[Message]], object],
        most: int = 200,
    ) -> list[Message]:
        """Wait until a conversation shows what is wanted."""
        while True:
            page = await account.before(conversation, None, most)
            if condition(page):
                return page
            await deferLater(self.reactor, 0.05)

    def file(self, name: str, data: bytes) -> Path:
        """A file to send."""
        path = self.home / name
        path.write_bytes(data)
        return path
