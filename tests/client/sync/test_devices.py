"""Devices and privacy of the desktop client, with a whole server behind it."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from client.core.ports import Account, Failure
from client.core.privacy import Privacy
from client.sync.account import AccountSync
from imsys.sdk import AddedBy, Client, ConnectionState, Credentials, DeviceInfo
from tests.cli.running import PASSWORD
from tests.client.sync.scene import QUICK, AccountCase

PHONE = DeviceInfo(id="p" * 32, name="Phone", kind="phone")
TABLET = DeviceInfo(id="t" * 32, name="Tablet", kind="web")


def names(account: AccountSync) -> list[str]:
    """Of the sign-ins that are news."""
    return [one.name for one in account.sign_ins()]


class DevicesTests(AccountCase):
    async def on(self, device: DeviceInfo, name: str) -> Client:
        """The same account, on another device."""
        client = Client(
            self.reactor,
            self.gateway,
            Credentials(username=name, password=PASSWORD, device=device),
            timing=QUICK,
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        await client.start()
        return client

    async def noticing(self, account: AccountSync) -> None:
        """Wait until it knows which devices are no news."""
        await self.until(lambda: account.parts.known.settings.get("devices.noticed"))

    async def test_devices(self) -> None:
        """They are listed, named and signed out, and what others do to them is told."""
        (name,) = await self.register("anna")
        phone = await self.on(PHONE, name)
        anna: Account = await self.account(name)
        changed: list[None] = []
        anna.changes.devices.subscribe(changed.append)
        mine, other = await anna.devices()
        self.assertTrue(mine.this)
        self.assertEqual((other.id, other.name, other.kind, other.online), (PHONE.id, "Phone", "phone", True))
        self.assertLess(abs(other.seen_ms - other.created_ms), 60_000)
        await anna.name_device(PHONE.id, "Old phone")
        await phone.devices.rename(mine.id, "Desk")
        await self.until(lambda: changed)
        self.assertEqual([one.name for one in await anna.devices()], ["Desk", "Old phone"])
        with self.assertRaises(Failure):
            await anna.name_device(PHONE.id, "x" * 51)
        with self.assertRaises(Failure):
            await anna.sign_out_device(mine.id)
        await anna.sign_out_device(PHONE.id)
        await self.until(lambda: phone.state is ConnectionState.SIGNED_OUT)
        tablet = await self.on(TABLET, name)
        self.assertEqual(len(await anna.devices()), 2)
        await anna.sign_out_others()
        await self.until(lambda: tablet.state is ConnectionState.SIGNED_OUT)
        self.assertEqual([one.name for one in await anna.devices()], ["Desk"])

    async def test_sign_ins(self) -> None:
        """A sign-in on a new device is news until it was noticed, on the next start and of a time away too; this
        device's own is none.
        """
        (name,) = await self.register("anna")
        phone = await self.on(PHONE, name)
        anna = await self.account(name)
        await self.noticing(anna)
        self.assertEqual(names(anna), [])
        tablet = await self.on(TABLET, name)
        await self.until(anna.sign_ins)
        self.assertEqual([(one.name, one.kind) for one in anna.sign_ins()], [("Tablet", "web")])
        await anna.close()
        again = await self.account(name)
        await self.until(again.sign_ins)
        self.assertEqual(names(again), ["Tablet"])
        await phone.devices.rename(TABLET.id, "Kitchen")
        await self.until(lambda: names(again) == ["Kitchen"])
        again.notice_sign_ins()
        self.assertEqual(names(again), [])
        await again.close()
        await phone.devices.revoke(TABLET.id)
        await tablet.stop()
        await self.on(TABLET, name)
        third = await self.account(name)
        await self.until(third.sign_ins)
        self.assertEqual(names(third), ["Tablet"])
        await phone.devices.revoke(TABLET.id)
        await self.until(lambda: not third.sign_ins())

    async def test_privacy(self) -> None:
        """What is set here is set everywhere, and what is set elsewhere is told; offline it cannot be had."""
        (name,) = await self.register("anna")
        phone = await self.on(PHONE, name)
        real = await self.account(name)
        anna: Account = real
        self.assertEqual(await anna.privacy(), Privacy("everybody", "everybody"))
        await anna.set_privacy(added_by="friends")
        await anna.set_privacy(seen_by="nobody")
        self.assertEqual(
            (await phone.groups.added_by(), await phone.presence.seen_by()), (AddedBy.FRIENDS, "nobody")
        )
        changed: list[None] = []
        anna.changes.privacy.subscribe(changed.append)
        await phone.groups.set_added_by(AddedBy.NOBODY)
        await self.until(lambda: changed)
        self.assertEqual(await anna.privacy(), Privacy("nobody", "nobody"))
        await real.close()
        for question in (anna.privacy(), anna.devices(), anna.sign_out_others()):
            with self.assertRaises(Failure):
                await question
