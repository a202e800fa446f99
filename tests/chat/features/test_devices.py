"""Devices of a user: sessions side by side, what each sees of the others, listing, naming and signing out."""

from __future__ import annotations

import dataclasses
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imsys.chat import outbound
from imsys.chat.user_sessions import sessions_of
from imsys.config import ChatConfig
from imsys.redis.tokens import Tokens
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase, RawClient, device_keys
from tests.support.stores import OnMariaDb, OnSqlite

WRONG_DEVICES: list[tuple[dict[str, Any], int]] = [
    ({"id": "", "name": "", "kind": "desktop"}, 70),
    ({"id": "x" * 65, "name": "", "kind": "desktop"}, 70),
    ({"id": "a\x00b", "name": "", "kind": "desktop"}, 70),
    ({"id": "x", "name": "n" * 51, "kind": "desktop"}, 70),
    ({"id": "x", "name": "\u202eexe", "kind": "desktop"}, 70),
    ({"id": "x", "name": "", "kind": "toaster"}, 70),
    ({"id": 7, "name": "", "kind": "desktop"}, 1),
    ({"id": "x", "kind": "desktop"}, 1),
    ({"id": "x", "name": ""}, 1),
]


class DevicesCase(ChatCase):
    async def devices(self, user: int, *devices: str) -> list[RawClient]:
        """Sessions of a user on these devices."""
        return [await self.server.login(user, device) for device in devices]

    async def listed(self, client: RawClient, **keys: Any) -> list[dict[str, Any]]:
        page = await client.ask(250, **keys)
        self.assertEqual(page["error"], 0, page)
        devices: list[dict[str, Any]] = page["devices"]
        return devices

    async def quiet(self, client: RawClient, *services: int) -> None:
        """Nothing of these services has come by the time that a heartbeat is answered."""
        await client.ask(32)
        self.assertEqual([client.pending(service) for service in services], [[]] * len(services))


class SideBySide(DevicesCase):
    async def test_side_by_side(self) -> None:
        """A text reaches each device of its receiver, and each other device of its sender."""
        anna, bert = await self.people("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        phone, laptop, old = await self.devices(anna, "phone", "laptop", "")
        b, b2 = await self.devices(bert, "phone", "web")
        self.assertEqual((len(self.server.directory), len(self.server.directory.users())), (5, 2))
        ack = await phone.ask(23, **text_request(anna, bert, thread, "one"))
        for client in (b, b2, laptop, old):
            (item,) = (await client.next(25))["text_msg"]
            self.assertEqual(
                (item["msg_content"], item["unique_id"], item["msg_sender"], item["msg_id"]),
                ("one", "one", str(anna), ack["verified_msg"][0]["msg_id"]),
            )
        await b.ask(23, **text_request(bert, anna, thread, "two"))
        for client in (phone, laptop, old, b2):
            self.assertEqual((await client.next(25))["text_msg"][0]["msg_content"], "two")
        for client in (phone, laptop, old, b, b2):
            await self.quiet(client, 8, 25)

    async def test_gone_meanwhile(self) -> None:
        """What a device did whose connection ended before that was stored its user's others learn by catching up."""
        self.patch(outbound, "RETRY", 0.05)
        anna, bert = await self.people("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        (b,) = await self.devices(bert, "phone")
        append = self.stores.messages.append
        for more in ((), ("tablet",)):  # the laptop is alone afterwards, or is not
            phone, laptop, *_ = await self.devices(anna, "phone", "laptop", *more)
            asked, stored = Deferred[None](), Deferred[None]()

            async def slowly(*arguments: Any, **keys: Any) -> Any:
                asked.callback(None)  # noqa: B023
                await stored  # noqa: B023
                return await append(*arguments, **keys)

            self.patch(self.stores.messages, "append", slowly)
            phone.send(23, **text_request(anna, bert, thread, f"last words {more}"))
            await asked
            await phone.abort()
            while "phone" in [one.device for one in sessions_of(self.server.directory.local(anna))]:
                await deferLater(self.reactor, 0.005)
            stored.callback(None)
            await b.next(25)
            await laptop.next(128)

    async def test_same_device(self) -> None:
        """A login ends the session of its own device, and no other; one without a device that without one."""
        (anna,) = await self.people("anna")
        phone, laptop, old = await self.devices(anna, "phone", "laptop", "")
        phone_again, old_again = await self.devices(anna, "phone", "")
        for ended in (phone, old):
            self.assertEqual((await ended.next(8))["message"], "You logged in elsewhere.")
            await ended.until_closed()
        for client in (laptop, phone_again, old_again):
            self.assertEqual((await client.ask(32))["error"], 0)
        self.assertEqual(len(self.server.directory), 3)
        for client in (laptop, old_again, phone_again):
            await client.abort()
        while len(self.server.directory):
            await deferLater(self.reactor, 0.01)
        self.assertEqual(self.server.directory.users(), [])
        await self.server.directory._routes.dropped()
        self.assertEqual(await self.redis.call("KEYS", self.redis.key("route", "*")), [])
        self.assertEqual(await self.redis.call("KEYS", self.redis.key("devices", "*")), [])

    async def test_one_again(self) -> None:
        """When the others are gone, the one that is left is a session like any other."""
        anna, bert = await self.people("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        phone, laptop = await self.devices(anna, "phone", "laptop")
        await laptop.abort()
        while len(self.server.directory) > 1:
            await deferLater(self.reactor, 0.01)
        self.assertIsNone(self.server.session(anna).siblings)
        await phone.ask(23, **text_request(anna, bert, thread, "one"))
        await self.quiet(phone, 25)

    async def test_other_news(self) -> None:
        """Positions, cards, friendships and files reach the user's other devices; what has no push has them catch up."""
        anna, bert, carl = await self.people("anna", "bert", "carl")
        thread = str(await self.befriend(anna, bert))
        phone, laptop = await self.devices(anna, "phone", "laptop")
        b = await self.server.login(bert)
        await b.ask(23, **text_request(bert, anna, thread, "one"))
        text = (await phone.next(25))["text_msg"][0]["msg_id"]
        await phone.ask(100, thread_id=thread, read=text)
        mark = {"thread_id": thread, "uuid": str(anna), "delivered": text, "read": text, "error": 0}
        self.assertEqual([await laptop.next(129), await b.next(129)], [mark, mark])
        await phone.ask(92, nickname="Anni")
        self.assertEqual((await laptop.next(130))["nickname"], "Anni")
        self.assertEqual((await b.next(130))["nickname"], "Anni")
        c = await self.server.login(carl)
        await c.ask(17, src_uuid=str(carl), dst_uuid=str(anna), message="Hi", nickname="")
        for client in (phone, laptop):
            self.assertEqual((await client.next(19))["src_uuid"], str(carl))
        await phone.ask(94, src_uuid=str(carl))
        await laptop.next(128)
        await c.ask(17, src_uuid=str(carl), dst_uuid=str(anna), message="Hi", nickname="")
        await phone.ask(20, src_uuid=str(carl), dst_uuid=str(anna))
        for client in (phone, laptop, c):
            await client.next(22)
        for service, keys in ((96, {"friend_uuid": str(carl)}), (98, {"uuid": str(carl), "blocked": True})):
            self.assertEqual((await phone.ask(service, **keys))["error"], 0)
            await laptop.next(128)
        await self.quiet(phone, 25, 128, 129, 130)

    async def test_privacy(self) -> None:
        """Who may add me and who sees me is told to my other devices when it is set, and not when it is asked for or refused."""
        (anna,) = await self.people("anna")
        phone, laptop = await self.devices(anna, "phone", "laptop")
        for service, key in ((246, "added_by"), (294, "seen_by")):
            self.assertEqual((await phone.ask(service, **{key: "friends"}))[key], "friends")
            self.assertEqual(await laptop.next(141), {key: "friends", "error": 0})
            self.assertEqual((await laptop.ask(service))[key], "friends")
            self.assertEqual((await laptop.ask(service, **{key: "them"}))["error"], 70)
        await self.quiet(phone, 141)
        await self.quiet(laptop, 141)

    async def test_attempts(self) -> None:
        """Attempts of a client count for its device: a late one of one device ends nothing of another."""
        (anna,) = await self.people("anna")
        token = await self.server.tokens.issue(anna)
        login = {"uuid": str(anna), "token": token, "client": "c", "seq": 1}
        plain = await self.server.connect()
        self.assertEqual((await plain.ask(5, attempt=7, **login))["error"], 0)
        phone = await self.server.connect()
        login["token"] = await self.server.tokens.issue(anna)
        answer = await phone.ask(5, attempt=5, device=device_keys("phone"), **login)
        self.assertEqual(answer["error"], 0, answer)
        late = await self.server.connect()
        self.assertEqual((await late.ask(5, attempt=5, device=device_keys("phone"), **login))["error"], 19)
        self.assertEqual((await plain.ask(32))["error"], 0)


class SqliteSideBySideTests(SideBySide, OnSqlite):
    """On SQLite."""


class MariaDbSideBySideTests(SideBySide, OnMariaDb):
    """On MariaDB."""


del SideBySide


class Listed(DevicesCase):
    async def test_list(self) -> None:
        """The list has each device: its name, kind and times, whether it is online, and which is this one."""
        anna, bert = await self.people("anna", "bert")
        phone, laptop, _ = await self.devices(anna, "phone", "laptop", "")
        await self.devices(bert, "phone")
        await laptop.abort()
        while len(self.server.directory) > 3:
            await deferLater(self.reactor, 0.01)
        await self.server.directory._routes.dropped()
        devices = await self.listed(phone)
        short = [(one["id"], one["name"], one["kind"], one["this"], one["online"]) for one in devices]
        self.assertEqual(
            short,
            [
                ("", "", "", False, True),
                ("laptop", "Laptop", "desktop", False, False),
                ("phone", "Phone", "desktop", True, True),
            ],
        )
        self.assertTrue(all(one["created"] <= one["last_seen"] for one in devices))
        first = await phone.ask(250, limit=1)
        self.assertEqual(([one["id"] for one in first["devices"]], first["is_complete"]), ([""], False))
        rest = await phone.ask(250, limit=2, cursor=first["next"])
        self.assertEqual(
            ([one["id"] for one in rest["devices"]], rest["is_complete"]), (["laptop", "phone"], True)
        )
        end = await phone.ask(250, cursor=rest["next"])
        self.assertEqual((end["devices"], end["is_complete"], end["next"]), ([], True, rest["next"]))

    async def test_last_seen(self) -> None:
        """A device was last seen when its session ended."""
        (anna,) = await self.people("anna")
        phone, laptop = await self.devices(anna, "phone", "laptop")
        before = (await self.listed(phone))[0]
        calendar = self.server.tokens._calendar
        self.patch(self.server.tokens, "_calendar", lambda: calendar() + 3600)
        await laptop.abort()
        while (found := (await self.listed(phone))[0])["last_seen"] <= before["last_seen"] or found["online"]:
            await deferLater(self.reactor, 0.01)

    async def test_rename(self) -> None:
        """A device keeps the name that its user gives it, whatever it calls itself later; the others are told."""
        (anna,) = await self.people("anna")
        phone, laptop = await self.devices(anna, "phone", "laptop")
        while phone.pending(134):
            await phone.next(134)
        self.assertEqual(await phone.ask(252, id="phone", name="Work 手机"), {"error": 0})
        push = await laptop.next(134)
        self.assertEqual((push["event"], push["id"], push["name"]), ("renamed", "phone", "Work 手机"))
        await self.devices(anna, "phone")
        self.assertEqual([one["name"] for one in await self.listed(laptop)], ["Laptop", "Work 手机"])

    async def test_sign_in_is_told(self) -> None:
        """A sign-in on a new device is told to the others, once."""
        (anna,) = await self.people("anna")
        (phone,) = await self.devices(anna, "phone")
        (laptop,) = await self.devices(anna, "laptop")
        push = await phone.next(134)
        self.assertEqual(
            (push["event"], push["id"], push["name"], push["kind"]),
            ("signed_in", "laptop", "Laptop", "desktop"),
        )
        await laptop.abort()
        await self.devices(anna, "laptop")
        await self.devices(anna, "")
        self.assertEqual((await phone.next(134))["id"], "")
        self.assertEqual(phone.pending(134), [])

    async def test_told_later(self) -> None:
        """A sign-in while the others were offline is told when they are there at a later login of that device."""
        (anna,) = await self.people("anna")
        (phone,) = await self.devices(anna, "phone")
        await phone.abort()
        while len(self.server.directory):
            await deferLater(self.reactor, 0.01)
        await self.server.directory._routes.dropped()
        (laptop,) = await self.devices(anna, "laptop")
        (phone,) = await self.devices(anna, "phone")
        await self.devices(anna, "laptop")
        self.assertEqual((await phone.next(134))["id"], "laptop")
        self.assertEqual(laptop.pending(134), [])

    async def test_revoke(self) -> None:
        """Revoking a device ends its session and its tokens, and nothing else; again it is no mistake."""
        (anna,) = await self.people("anna")
        phone, laptop, old = await self.devices(anna, "phone", "laptop", "")
        tokens = self.server.tokens
        _, second, first = await tokens.devices(anna, None, 9)
        other, spare = await tokens.issue(anna, first.info), await tokens.issue(anna, second.info)
        self.assertEqual(await phone.ask(254, id="laptop"), {"error": 0})
        self.assertEqual((await laptop.next(8))["message"], "Your login was revoked.")
        await laptop.until_closed()
        while (await old.next(134))["event"] != "revoked":
            pass
        self.assertEqual(
            await tokens.live([(anna, Tokens.digest(one)) for one in (other, spare)]), [True, False]
        )
        again = await self.server.connect()
        answer = await again.ask(5, uuid=str(anna), token=spare, device=device_keys("laptop"), seq=1)
        self.assertEqual(answer["error"], 18)
        self.assertEqual([one["id"] for one in await self.listed(phone)], ["", "phone"])
        self.assertEqual((await phone.ask(254, id="laptop"))["error"], 0)
        self.assertEqual((await phone.ask(254, id=""))["error"], 0)
        await old.until_closed()
        self.assertEqual((await phone.ask(32))["error"], 0)

    async def test_revoke_others(self) -> None:
        """Revoking all others leaves this session alone."""
        (anna,) = await self.people("anna")
        phone, laptop, old = await self.devices(anna, "phone", "laptop", "")
        self.assertEqual((await old.ask(256))["error"], 0)
        for client in (phone, laptop):
            await client.next(8)
            await client.until_closed()
        self.assertEqual([one["id"] for one in await self.listed(old)], [""])
        await self.server.directory.renew()
        self.assertEqual((await old.ask(256))["error"], 0)

    async def test_older_token(self) -> None:
        """A token from before there were devices is bound to the one that first uses it."""
        (anna,) = await self.people("anna")
        token = await self.server.tokens.issue(anna)

        async def login(**keys: Any) -> int:
            client = await self.server.connect()
            return int((await client.ask(5, uuid=str(anna), token=token, seq=1, **keys))["error"])

        self.assertEqual(await login(device=device_keys("phone")), 0)
        self.assertEqual(await login(device=device_keys("laptop")), 18)
        self.assertEqual(await login(device=device_keys("phone")), 0)
        self.assertEqual(await login(), 0, "the original's clients, and files, know no devices")
        phone = await self.server.login(anna, "phone")
        self.assertEqual([one["id"] for one in await self.listed(phone)], ["phone"])
        await (await self.server.login(anna, "laptop")).ask(254, id="phone")
        self.assertEqual(await login(device=device_keys("phone")), 18)

    async def test_refusals(self) -> None:
        """Each service says what it does not take, stores nothing and tells nobody."""
        anna, bert = await self.people("anna", "bert")
        phone, laptop = await self.devices(anna, "phone", "laptop")
        (theirs,) = await self.devices(bert, "tablet")
        while not phone.pending(134):
            await phone.ask(32)
        await phone.next(134)
        before = await self.listed(phone)
        for service in (250, 252, 254, 256):
            stranger = await self.server.connect()
            self.assertEqual((await stranger.ask(service, id="phone", name="x"))["error"], 18, service)
        refusals: list[tuple[int, dict[str, Any], int]] = [
            (250, {"cursor": "what"}, 1),
            (250, {"cursor": 7}, 1),
            (250, {"limit": 0}, 70),
            (250, {"limit": 101}, 70),
            (252, {"id": "tablet", "name": "x"}, 70),  # somebody else's
            (252, {"id": "nothing", "name": "x"}, 70),
            (252, {"id": "x" * 4000, "name": "x"}, 70),
            (252, {"id": "laptop", "name": "n" * 51}, 70),
            (252, {"id": "laptop", "name": "a\nb"}, 70),
            (252, {"id": "laptop"}, 1),
            (254, {"id": "tablet"}, 70),
            (254, {"id": "nothing"}, 70),
            (254, {"id": "phone"}, 70),  # this one
            (254, {}, 1),
        ]
        for service, keys, error in refusals:
            answer = await phone.ask(service, **keys)
            self.assertEqual(answer["error"], error, (service, keys))
            self.assertIn("message", answer)
        self.assertEqual(
            [one | {"last_seen": ""} for one in await self.listed(phone)],
            [one | {"last_seen": ""} for one in before],
        )
        for client in (laptop, theirs):
            await self.quiet(client, 8, 134)

    async def test_wrong_device(self) -> None:
        """A device that is malformed is refused, and so is the token of another one."""
        (anna,) = await self.people("anna")
        phone = await self.server.login(anna, "phone")
        devices = await self.server.tokens.devices(anna, None, 9)
        token = await self.server.tokens.issue(anna, devices[0].info)
        client = await self.server.connect()
        for device, error in WRONG_DEVICES:
            answer = await client.ask(5, uuid=str(anna), token=token, device=device, seq=1)
            self.assertEqual(answer["error"], error, device)
        for keys in ({}, {"device": device_keys("laptop")}):
            self.assertEqual((await client.ask(5, uuid=str(anna), token=token, seq=1, **keys))["error"], 18)
        self.assertEqual((await phone.ask(32))["error"], 0)


class SqliteListedTests(Listed, OnSqlite):
    """On SQLite."""


class MariaDbListedTests(Listed, OnMariaDb):
    """On MariaDB."""


del Listed


class FewDevicesTests(DevicesCase, OnSqlite):
    chat_config = ChatConfig(devices=2)

    async def test_too_many(self) -> None:
        """On one device more than is allowed nobody comes in, and nobody is thrown out; without a device one may."""
        (anna,) = await self.people("anna")
        phone, laptop = await self.devices(anna, "phone", "laptop")
        third = await self.server.connect()
        info = (await self.server.tokens.devices(anna, None, 9))[0].info
        token = await self.server.tokens.issue(anna, dataclasses.replace(info, id="tablet"))
        login = {"uuid": str(anna), "token": token, "device": device_keys("tablet"), "seq": 1}
        answer = await third.ask(5, **login)
        self.assertEqual(answer["error"], 82, answer)
        self.assertIn("2 devices", answer["message"])
        old, laptop_again = await self.devices(anna, "", "laptop")
        await laptop.until_closed()
        for client in (phone, old):
            self.assertEqual((await client.ask(32))["error"], 0)
        self.assertEqual((await third.ask(5, **login))["error"], 82)
        for client in (old, laptop_again):
            await client.abort()
        while len(self.server.directory) > 1:
            await deferLater(self.reactor, 0.01)
        await self.server.directory._routes.dropped()
        self.assertEqual((await third.ask(5, **login))["error"], 0)


class SingleSessionTests(DevicesCase, OnSqlite):
    chat_config = ChatConfig(single_session=True)

    async def test_single(self) -> None:
        """With one session for each user a login ends the one before it, whatever device it is on."""
        (anna,) = await self.people("anna")
        phone, laptop = await self.devices(anna, "phone", "laptop")
        await phone.next(8)
        await phone.until_closed()
        (old,) = await self.devices(anna, "")
        await laptop.until_closed()
        self.assertEqual((await old.ask(32))["error"], 0)
        self.assertEqual([one["id"] for one in await self.listed(old)], ["", "laptop", "phone"])
