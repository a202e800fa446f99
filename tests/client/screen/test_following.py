"""What others do, and what follows a user to another computer, between real windows and a real server."""

from __future__ import annotations

import secrets
from typing import Any

from PySide6.QtGui import QAction
from twisted.internet.defer import Deferred

from client.viewmodels.conversation_list import Shown
from imsys.sdk import Client, Credentials, Gateway
from tests.cli.running import PASSWORD, server
from tests.client.screen.clients import ClientsCase, Desktop


class FollowingTests(ClientsCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = server()

    async def register(self, *kinds: str) -> list[str]:
        """Accounts that are friends; their names."""
        run, gateway = secrets.token_hex(3), Gateway(self.reactor, self.server.url, self.server.ca)
        names = [f"{kind}-{run}" for kind in kinds]
        clients = []
        for name in names:
            email = f"{name}@example.org"
            await gateway.request_code(email)
            await gateway.register(name, PASSWORD, email, self.server.codes(email)[0])
            client = Client(self.reactor, gateway, Credentials(username=name, password=PASSWORD))
            self.addCleanup(lambda client=client: Deferred.fromCoroutine(client.stop()))  # type: ignore[misc]
            await client.start()
            clients.append(client)
        first, second = clients
        await first.contacts.add(second.me.uuid, "Hello?")
        await second.contacts.accept(first.me.uuid)
        for client in clients:
            await client.stop()
        return names

    async def come(self, name: str) -> Desktop:
        """Somebody at a computer of their own, with the conversation open."""
        port = self.server.url.rpartition(":")[2]
        desktop = Desktop(self, name, {"IMSYS_GATEWAY_PORT": port, "IMSYS_HOME": str(self.server.home)})
        await desktop.sign_in(PASSWORD)
        await desktop.open()
        return desktop

    async def test_two_people(self) -> None:
        """One sees that the other is online, writes, has written, and is gone."""
        names = await self.register("anna", "ben")
        anna, ben = await self.come(names[0]), await self.come(names[1])

        def said(desktop: Desktop) -> str:
            return desktop.view.conversation.header._about.text()

        await self.until(lambda: said(anna) == said(ben) == "online", "nobody is online")
        self.keys(anna.view.conversation.composer.edit, "He")
        await self.until(lambda: said(ben) == f"{anna.name} is writing…", "nobody writes")
        self.assertEqual(said(anna), "online")
        anna.write("llo")
        await self.until(lambda: "Hello" in ben.texts and said(ben) == "online")
        await ben.close()
        await self.until(lambda: said(anna).startswith("last seen at"), "who has gone is still there")

    async def test_two_computers(self) -> None:
        """A draft, a pin, and what is muted and archived by clicks are at the other computer at once."""
        names = await self.register("anna", "ben")
        home, office = await self.come(names[0]), await self.come(names[0])
        self.keys(home.view.conversation.composer.edit, "On my way")
        composer = office.view.conversation.composer
        await self.until(lambda: composer.text() == "On my way", "the draft did not come")
        self.keys(composer.edit, " home")
        composer = home.view.conversation.composer
        await self.until(lambda: composer.text() == "On my way home")
        office.write("")
        await self.until(lambda: composer.text() == "" and home.texts[-1:] == ["On my way home"])

        def choose(words: str) -> None:
            one = home.view.conversations.at(0)
            assert one is not None
            menu = home.view.list.menu_of(one)
            actions = [*menu.actions(), *(inner for action in menu.actions() for inner in _inside(action))]
            next(action for action in actions if action.text() == words).trigger()
            home.view.conversations.refresh()

        there = office.view.conversations
        choose("Pin")
        choose("For good")
        await self.until(lambda: (one := there.at(0)) and one.pinned and one.muted_until_ms == -1)
        choose("Archive")
        await self.until(lambda: there.rowCount() == 0)
        there.show(Shown.ARCHIVED)
        self.assertEqual(there.rowCount(), 1)


def _inside(action: QAction) -> list[QAction]:
    menu: Any = action.menu()
    return list(menu.actions()) if menu is not None else []
