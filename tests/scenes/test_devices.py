"""Three devices of a user on two chat servers, which are processes; one of them is killed."""

from __future__ import annotations

import signal
from typing import Any

from imsys.store.devices import DeviceInfo, DeviceKind
from tests.chat.features.test_conversation import text_request
from tests.support.chat import RawClient, device_keys
from tests.support.cluster import ChatServersCase
from tests.support.tokens import tokens_for


class DevicesTests(ChatServersCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert = (int(person["uuid"]) for person in self.people)
        self.tokens = tokens_for(self, self.routes._redis, self.config.database)
        self.held = {
            device: await self.tokens.issue(self.anna, DeviceInfo(device, device, DeviceKind.PHONE))
            for device in ("phone", "laptop")
        } | {"": self.people[0]["token"]}

    async def device(self, name: str, device: str) -> RawClient:
        """A session of Anna's on a device."""
        keys: dict[str, Any] = {"device": device_keys(device)} if device else {}
        return await self.log_in(name, uuid=str(self.anna), token=self.held[device], seq=1, **keys)

    async def has(self, client: RawClient, content: str) -> None:
        """Wait for a text, or for a request to catch up with which it is there."""
        while True:
            await client.ask(32)
            for push in client.pending(25):
                if content in [item["msg_content"] for item in push["text_msg"]]:
                    return
            if client.pending(128):
                page = await client.ask(13, thread_id=self.threads[0], msg_id="0", before="0", limit=100)
                if content in [record["msg_content"] for record in page["chat_messages"]]:
                    return

    async def test_killed(self) -> None:
        """Each device hears of everything that the others and friends wrote, whatever becomes of a server."""
        phone = await self.device("one", "phone")
        laptop, plain = [await self.device("two", device) for device in ("laptop", "")]
        b = await self.log_in("one", **self.people[1], seq=1)
        thread = self.threads[0]
        for client in (laptop, plain):
            await client.next(128)  # all servers know of them
        await laptop.ask(23, **text_request(self.anna, self.bert, thread, "from the laptop"))
        for client in (phone, plain, b):
            await self.has(client, "from the laptop")
        await b.ask(23, **text_request(self.bert, self.anna, thread, "to all"))
        for client in (phone, laptop, plain):
            await self.has(client, "to all")
            self.assertEqual(sum("to all" in str(push) for push in client.pending(25)), 1)
        laptop.send(23, **text_request(self.anna, self.bert, thread, "last words"))
        await laptop.next(24)
        self.servers["two"].send(signal.SIGKILL)
        await laptop.until_closed()
        await self.has(phone, "last words")
        await b.ask(23, **text_request(self.bert, self.anna, thread, "while they are away"))
        await self.has(phone, "while they are away")
        laptop, plain = [await self.device("one", device) for device in ("laptop", "")]
        await phone.ask(23, **text_request(self.anna, self.bert, thread, "all on one"))
        for client in (laptop, plain, b):
            await self.has(client, "all on one")
        self.assertEqual((phone.closed, phone.pending(8)), (False, []))

    async def test_revoked(self) -> None:
        """A device on another server is signed out at once, and all others when that is asked for."""
        phone = await self.device("one", "phone")
        laptop, plain = [await self.device("two", device) for device in ("laptop", "")]
        listed = (await phone.ask(250))["devices"]
        self.assertEqual(
            [(one["id"], one["online"]) for one in listed], [("", True), ("laptop", True), ("phone", True)]
        )
        self.assertEqual(await phone.ask(254, id="laptop"), {"error": 0})
        await laptop.until_closed()
        self.assertEqual((await plain.ask(32))["error"], 0)
        self.assertEqual(await plain.ask(256), {"error": 0})
        await phone.until_closed()
        self.assertEqual([one["id"] for one in (await plain.ask(250))["devices"]], [""])

    async def test_flushed(self) -> None:
        """Redis loses everything: within one renewal all devices are found again."""
        phone = await self.device("one", "phone")
        laptop = await self.device("two", "laptop")
        b = await self.log_in("two", **self.people[1], seq=1)
        await laptop.next(128)
        await self.routes._redis.call("FLUSHALL")
        for client in (phone, laptop):
            await client.next(128)
        await b.ask(23, **text_request(self.bert, self.anna, self.threads[0], "again"))
        for client in (phone, laptop):
            await self.has(client, "again")
