"""Devices of a user on two chat servers: what each sees, and what happens when a server, news or Redis are lost.

The servers hand pushes to each other directly here, as in :mod:`tests.chat.test_directory`; between processes it is
gRPC (see tests.scenes.test_devices).
"""

from __future__ import annotations

from imsys.cluster.peers import RemotePush
from imsys.protocols.framing import CHAT
from imsys.redis.routes import Route
from tests.chat.features.test_conversation import text_request
from tests.support.chat import RawClient
from tests.support.two_servers import TwoServers

OURS = "Your login was revoked."


class ScatteredTests(TwoServers):
    """Scenes."""

    async def people_with_devices(self) -> tuple[int, int, str, list[RawClient], RawClient]:
        """Anna with three devices on two servers and Bert with one, friends."""
        anna, bert = await self.people("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        devices = [
            await self.one.login(anna, "phone"),
            await self.two.login(anna, "laptop"),
            await self.two.login(anna, ""),
        ]
        return anna, bert, thread, devices, await self.one.login(bert)

    async def text(self, client: RawClient) -> str:
        item = (await client.next(25))["text_msg"][0]
        return str(item["msg_content"])

    async def drained(self, *clients: RawClient) -> None:
        """Take what has come so far of requests to catch up."""
        for client in clients:
            await client.ask(32)
            while client.pending(128):
                await client.next(128)

    async def test_everywhere(self) -> None:
        """What is sent to a user, and by one of their devices, reaches all others once, on any server."""
        anna, bert, thread, devices, b = await self.people_with_devices()
        await b.ask(23, **text_request(bert, anna, thread, "to all"))
        self.assertEqual([await self.text(one) for one in devices], ["to all"] * 3)
        for number, sender in enumerate(devices):
            await sender.ask(23, **text_request(anna, bert, thread, f"from {number}"))
            self.assertEqual(await self.text(b), f"from {number}")
            others = [one for one in devices if one is not sender]
            self.assertEqual([await self.text(one) for one in others], [f"from {number}"] * 2)
        for client in (*devices, b):
            await client.ask(32)
            self.assertEqual((client.pending(25), client.pending(8)), ([], []))
        self.assertEqual((self.one.directory.spread(), self.two.directory.spread()), ([anna], [anna]))
        self.assertEqual((len(self.one.directory), len(self.two.directory)), (2, 2))

    async def test_catches_up(self) -> None:
        """Who comes beside others catches up as soon as all servers have heard of it, and not before."""
        anna, bert = await self.people("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        await self.one.login(anna, "phone")
        b = await self.one.login(bert)
        self.link.late = []
        laptop = await self.two.login(anna, "laptop")
        await b.ask(23, **text_request(bert, anna, thread, "only the phone gets it"))
        await laptop.ask(32)
        self.assertEqual((laptop.pending(25), laptop.pending(128)), ([], []))
        self.link.let_news_through()
        await laptop.next(128)
        await b.ask(23, **text_request(bert, anna, thread, "both"))
        self.assertEqual(await self.text(laptop), "both")

    async def test_news_lost(self) -> None:
        """A server that was not told of a session elsewhere learns it at the next renewal, and has it catch up."""
        anna, bert = await self.people("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        phone = await self.one.login(anna, "phone")
        b = await self.one.login(bert)
        self.link.late = []
        laptop = await self.two.login(anna, "laptop")
        self.link.late = None
        await b.ask(23, **text_request(bert, anna, thread, "first"))
        self.assertEqual(await self.text(phone), "first")
        await self.one.directory.renew()
        await laptop.next(128)
        await b.ask(23, **text_request(bert, anna, thread, "second"))
        self.assertEqual(await self.text(laptop), "second")

    async def test_same_device_elsewhere(self) -> None:
        """A device that logs in on another server leaves its session on this one, and the others theirs."""
        anna, bert, thread, (phone, laptop, plain), b = await self.people_with_devices()
        laptop_again = await self.one.login(anna, "laptop")
        self.assertEqual((await laptop.next(8))["message"], "You logged in elsewhere.")
        plain_again = await self.one.login(anna)
        await plain.until_closed()
        await b.ask(23, **text_request(bert, anna, thread, "all on one"))
        here = (phone, laptop_again, plain_again)
        self.assertEqual([await self.text(one) for one in here], ["all on one"] * 3)
        self.assertEqual((self.one.directory.spread(), len(self.two.directory)), ([], 0))

    async def test_flushed(self) -> None:
        """After Redis has lost everything all devices are found again within one renewal."""
        anna, bert, thread, devices, b = await self.people_with_devices()
        await self.flush()
        for server in (self.one, self.two, self.one, self.two):
            await server.directory.renew()
        for client in devices:
            await client.next(128)
        (where,), _ = await self.one.directory.locate([anna])
        self.assertEqual(where, anna)
        found = (await self.one.directory._routes.find([anna]))[anna]
        self.assertEqual(
            sorted((route.device, route.node) for route in found),
            [("", "two"), ("laptop", "two"), ("phone", "one")],
        )
        await b.ask(23, **text_request(bert, anna, thread, "still all"))
        self.assertEqual([await self.text(one) for one in devices], ["still all"] * 3)

    async def test_revoked_elsewhere(self) -> None:
        """A device is signed out at once on another server, and one that cannot be told when it renews."""
        anna, _, _, (phone, laptop, plain), _ = await self.people_with_devices()
        self.assertEqual((await phone.ask(254, id="laptop"))["error"], 0)
        self.assertEqual((await laptop.next(8))["message"], OURS)
        self.link.down.add("two")
        self.assertEqual((await phone.ask(256))["error"], 0)
        self.assertEqual((await plain.ask(32))["error"], 0)
        await self.two.directory.renew()
        self.assertEqual((await plain.next(8))["message"], OURS)
        self.link.down.clear()
        self.assertEqual([one["id"] for one in (await phone.ask(250))["devices"]], ["phone"])
        self.assertEqual(anna in self.two.directory.users(), False)

    async def test_server_gone(self) -> None:
        """When a server is gone nothing is sent there any more, and its devices come back elsewhere."""
        anna, bert, thread, (phone, *_), b = await self.people_with_devices()
        self.link.down.add("two")
        self.one.outbound.lost("two")
        self.link.sent.clear()
        await b.ask(23, **text_request(bert, anna, thread, "one left"))
        self.assertEqual(await self.text(phone), "one left")
        self.assertEqual(self.link.sent, [])
        laptop = await self.one.login(anna, "laptop")
        await phone.ask(23, **text_request(anna, bert, thread, "here"))
        self.assertEqual(await self.text(laptop), "here")


class VersionBeforeTests(TwoServers):
    """What a server of the version before, which does not know devices, sees and does."""

    async def plain_route(self, user: int) -> Route | None:
        """What the version before finds of a user."""
        text = await self.service.redis.call("GET", self.service.redis.key("route", user))
        return None if text is None else Route.parse(text)

    async def test_stand_in(self) -> None:
        """It finds a user by one of the devices, and takes none of them for newer than its own sessions."""
        (anna,) = await self.people("anna")
        phone = await self.one.login(anna, "phone")
        found = await self.plain_route(anna)
        assert found is not None
        self.assertEqual((found.node, found.login_ms), ("one", 0))
        laptop = await self.two.login(anna, "laptop")
        self.assertEqual((await self.plain_route(anna)), await self.plain_route(anna))
        plain = await self.two.login(anna)
        found = await self.plain_route(anna)
        assert found is not None
        self.assertGreater(found.login_ms, 0)
        await self.one.directory.renew()
        self.assertEqual(await self.plain_route(anna), found)
        await plain.abort()
        while len(self.two.directory) > 1:
            await self.settle()
        await self.two.directory._routes.dropped()
        found = await self.plain_route(anna)
        assert found is not None
        self.assertEqual(found.login_ms, 0)
        for client, server in ((phone, self.one), (laptop, self.two)):
            await client.abort()
            while len(server.directory):
                await self.settle()
            await server.directory._routes.dropped()
        self.assertIsNone(await self.plain_route(anna))

    async def test_written_before(self) -> None:
        """A route that it has written is that of the session without a device."""
        (anna,) = await self.people("anna")
        await self.service.redis.call(
            "SET", self.service.redis.key("route", anna), "two|two-inc|5|1000", "PX", 15000
        )
        where, _ = await self.one.directory.locate([anna])
        self.assertEqual(where, {anna: {"two": 1000}})
        await self.one.login(anna, "phone")
        self.assertEqual(self.one.directory.spread(), [anna])
        self.assertEqual((await self.plain_route(anna)), Route("two", "two-inc", "5", 1000))

    async def test_ends_no_device(self) -> None:
        """It ends the session that stands in for others by a login without a device; that session goes on."""
        (anna,) = await self.people("anna")
        phone = await self.one.login(anna, "phone")
        found = await self.plain_route(anna)
        assert found is not None
        self.assertFalse(await self.one.outbound.end_session(anna, found.session, "bye"))
        self.assertEqual((await phone.ask(32))["error"], 0)
        self.assertTrue(await self.one.outbound.end_session(anna, found.session, "bye", "phone"))
        await phone.until_closed()

    async def test_pushes_of_it(self) -> None:
        """What it sends to the one server that it knows reaches the user's devices on the others from there."""
        (anna,) = await self.people("anna")
        phone, laptop = await self.one.login(anna, "phone"), await self.two.login(anna, "laptop")
        self.one.outbound.receive([RemotePush((anna,), CHAT.encode(130, b'{"nickname":"x"}'), 1)], True)
        for client in (phone, laptop):
            self.assertEqual((await client.next(130))["nickname"], "x")
        for client in (phone, laptop):
            await client.ask(32)
            self.assertEqual(client.pending(130), [])
