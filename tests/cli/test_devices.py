"""The devices of an account in imsys-cli: what it tells the server, /devices and /revoke."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.internet.defer import Deferred

from imsys.cli.accounts import Accounts
from imsys.sdk import Client, ConnectionState, Credentials, DeviceInfo, Gateway
from tests.cli.running import PASSWORD, CliCase

PHONE = DeviceInfo(id="phone", name="A phone", kind="phone")


class DevicesTests(CliCase):
    async def test_devices(self) -> None:
        """A sign-in has a device that stays the same; a chat lists the others, is told of new ones, and signs them out."""
        anna, ben = await self.friends("anna", "ben")
        password = Path(self.mktemp()).absolute()
        password.write_text(PASSWORD)
        os.chmod(password, 0o600)
        kept = Accounts({"XDG_CONFIG_HOME": str(self.config)})
        await self.cli("login", anna, "--password-file", str(password))
        first = kept.load(anna)
        await self.cli("login", anna, "--password-file", str(password))
        account = kept.load(anna)
        assert account is not None
        assert first is not None
        self.assertEqual((len(account.device), account.device), (32, first.device))
        person = self.run_cli("--as", anna, "chat", ben, terminal=True, server=False)
        await self.sees(person, "We are friends now!")
        gateway = Gateway(self.reactor, self.server.url, self.server.ca)
        credentials = Credentials(username=anna, password=PASSWORD, device=PHONE)
        phone = Client(self.reactor, gateway, credentials)
        self.addCleanup(lambda: Deferred.fromCoroutine(phone.stop()))
        await phone.start()
        await self.sees(person, "your account was signed in on a new device: A phone (phone)")
        person.type("/revoke 1\r")
        await self.sees(person, "/revoke N signs one of them out")
        person.type("/devices\r")
        devices = await phone.devices.all().all()
        number = [device.id for device in devices].index("phone") + 1
        await self.sees(person, f"{number}: A phone (phone), online")
        await self.sees(person, "(cli), online, this one")
        person.type(f"/revoke {number}\r")
        await self.sees(person, "A phone (phone) is signed out")
        while phone.state is not ConnectionState.SIGNED_OUT:
            await self.pause()
        person.type("/revoke others\r")
        await self.sees(person, "all other devices are signed out")
        person.type("\x04")
        await person.ended
        self.assertEqual(person.status, 0, person.shown)

    async def test_signed_in_before(self) -> None:
        """Who signed in when the chat and the commands had one session is not thrown out of an open chat by a command."""
        anna, ben = await self.friends("anna", "ben")
        (self.config / "imsys" / f"{anna}.commands").unlink()
        self.assertIn(ben, await self.cli("--as", anna, "friends", server=False))
        chat = self.run_cli("--as", anna, "chat", ben, server=False)
        chat.type("one\n")
        await self.sees(chat, "you: one")
        self.assertIn("sign in again", await self.cli("--as", anna, "friends", server=False, status=1))
        chat.type("two\n")
        await self.sees(chat, "you: two")

    async def test_logout(self) -> None:
        """Who signs out is signed out of the chat and of the other commands: no device of theirs stays."""
        (anna,) = await self.accounts("anna")
        gateway = Gateway(self.reactor, self.server.url, self.server.ca)
        phone = Client(self.reactor, gateway, Credentials(username=anna, password=PASSWORD, device=PHONE))
        self.addCleanup(lambda: Deferred.fromCoroutine(phone.stop()))
        await phone.start()
        await self.cli("--as", anna, "friends", server=False)
        self.assertEqual([device.kind for device in await phone.devices.all().all()].count("cli"), 2)
        await self.cli("--as", anna, "logout", server=False)
        self.assertEqual([device.kind for device in await phone.devices.all().all()], ["phone"])

    async def pause(self) -> None:
        turn: Deferred[None] = Deferred()
        self.reactor.callLater(0.01, turn.callback, None)
        await turn
