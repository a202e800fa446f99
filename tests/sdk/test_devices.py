"""One account on two devices with the client library, against the real servers."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred

from imsys.sdk import (
    AddedBy,
    Client,
    ConnectionState,
    Credentials,
    DeviceEvent,
    DeviceInfo,
    PrivacyChange,
    Refused,
    Status,
)
from tests.sdk.scene import Seen
from tests.sdk.test_real import PASSWORD, TIMING, Killed

PHONE = DeviceInfo(id="p" * 32, name="Phone", kind="phone")
LAPTOP = DeviceInfo(id="l" * 32, name="Laptop", kind="desktop")


class DevicesTests(Killed):
    async def on(self, device: DeviceInfo | None, other: Client) -> Client:
        """The account of a client, signed in on another device."""
        credentials = Credentials(username=other.me.username, password=PASSWORD, device=device)
        client = Client(self.reactor, self.gateway(), credentials, timing=TIMING)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        await client.start()
        return client

    async def test_two_devices(self) -> None:
        """Each sees what the other does; one names and signs out the other."""
        await self.server()
        anna, ben = await self.client("anna"), await self.client("ben")
        made = Seen(anna.on_friendship)
        await anna.contacts.add(ben.me.uuid, "Hello")
        await ben.contacts.accept(anna.me.uuid)
        (friendship,) = await made.wait(1)
        thread = friendship.thread_id
        phone = await self.on(PHONE, anna)
        news = Seen(phone.on_device)
        sent, heard, own, marks = (
            Seen(phone.on_sent),
            Seen(phone.on_message),
            Seen(phone.on_own_position),
            Seen(phone.on_position),
        )
        laptop = await self.on(LAPTOP, anna)
        change = (await news.wait(1))[0]
        self.assertEqual((change.event, change.device), (DeviceEvent.SIGNED_IN, LAPTOP))
        said = await laptop.send(thread, "from the laptop")
        self.assertEqual(
            [(one.id, one.text, one.mine) for one in await sent.wait(1)], [(said.id, said.text, True)]
        )
        written = await ben.send(thread, "to both")
        await heard.wait(1)
        await laptop.mark_read(thread, written.id)
        await self.until(lambda: any(one.read == written.id for one in own.items))
        self.assertTrue(all(one.uuid == ben.me.uuid for one in marks.items))
        await laptop.contacts.update_profile(nickname="Anni")
        await self.until(lambda: phone.me.nickname == "Anni")
        set_there = Seen(phone.on_privacy)
        await laptop.groups.set_added_by(AddedBy.FRIENDS)
        await laptop.presence.seen_by("nobody")
        self.assertEqual(
            await set_there.wait(2),
            [PrivacyChange(added_by=AddedBy.FRIENDS), PrivacyChange(seen_by="nobody")],
        )
        devices = {one.id: one for one in await phone.devices.all().all()}
        self.assertEqual(
            {key: (one.name, one.kind, one.this, one.online) for key, one in devices.items()},
            {
                "": ("", "", False, True),
                PHONE.id: ("Phone", "phone", True, True),
                LAPTOP.id: ("Laptop", "desktop", False, True),
            },
        )
        await laptop.devices.rename(PHONE.id, "Old phone")
        renamed = (await news.wait(2))[1]
        self.assertEqual(
            (renamed.event, renamed.device), (DeviceEvent.RENAMED, replace(PHONE, name="Old phone"))
        )
        with self.assertRaises(Refused) as caught:
            await phone.devices.revoke(PHONE.id)
        self.assertIs(caught.exception.status, Status.INVALID_FIELD)
        ended = Seen(laptop.on_connection_state)
        await phone.devices.revoke(LAPTOP.id)
        await self.until(lambda: laptop.state is ConnectionState.SIGNED_OUT)
        self.assertTrue(ended.items)
        await phone.devices.revoke_others()
        await self.until(lambda: anna.state is ConnectionState.SIGNED_OUT)
        self.assertEqual([one.id for one in await phone.devices.all().all()], [PHONE.id])

    async def test_token_kept(self) -> None:
        """A device comes back by its token, and leaves the session without a device alone."""
        await self.server()
        anna = await self.client("anna")
        phone = await self.on(PHONE, anna)
        token = phone.credentials.token
        await phone.stop()
        again = Client(
            self.reactor,
            self.gateway(),
            Credentials(uuid=anna.me.uuid, token=token, device=PHONE),
            timing=TIMING,
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(again.stop()))
        await again.start(persistent=False)
        self.assertIs(anna.state, ConnectionState.ONLINE)
        with self.assertRaises(Refused) as caught:
            await Client(
                self.reactor, self.gateway(), Credentials(uuid=anna.me.uuid, token=token), timing=TIMING
            ).start(persistent=False)
        self.assertIs(caught.exception.status, Status.LOGIN_UNSUCCESSFUL)
