"""What a client learns at sign-in of what has become of its groups, and of what another device did, while it was away."""

from __future__ import annotations

from twisted.internet.task import deferLater

from imsys.sdk import (
    Client,
    DeviceInfo,
    GroupEvent,
    GroupNews,
    Hidden,
    MemorySeenStore,
    Message,
    Position,
    SeenStore,
    ThreadSettings,
)
from tests.sdk.direct import DirectCase
from tests.sdk.scene import Seen
from tests.support.stores import OnMariaDb, OnSqlite

PHONE = DeviceInfo(id="phone", name="Phone", kind="phone")
LAPTOP = DeviceInfo(id="laptop", name="Laptop", kind="desktop")


class Away(DirectCase):
    async def on(self, device: DeviceInfo, seen: SeenStore | None = None) -> Client:
        """Anna, on one of her devices."""
        client = self.client(self.anna, seen, device)
        await client.start()
        return client

    async def test_groups(self) -> None:
        """Who was removed, added, or both, while away is told so, once; and nothing of what was said in between."""
        anna, seen = await self.online(self.anna), MemorySeenStore()
        lost, both, kept = [
            (await anna.groups.create(title, [self.carl])).thread_id for title in ("Lost", "Both", "Kept")
        ]
        carl = await self.online(self.carl, seen)
        heard = Seen[Message](carl.on_message)
        for group in (lost, both, kept):
            await anna.send(group, "before")
        await self.until(lambda: len(heard.items) == 3)
        news = Seen[GroupNews](carl.on_group)
        await carl.stop()
        await anna.groups.remove(lost, [self.carl])
        await anna.groups.remove(both, [self.carl])
        await anna.send(both, "in between")
        await deferLater(self.reactor, 0.002)  # who comes in the same millisecond hears it
        await anna.groups.add(both, [self.carl])
        won = (await anna.groups.create("Won", [self.carl])).thread_id
        for group in (both, kept, won):
            await anna.send(group, "after")
        await carl.start()
        await self.until(lambda: len(heard.items) == 6 and len(news.items) == 4)
        self.assertEqual(
            {(one.thread_id, one.text) for one in heard.items[3:]},
            {(group, "after") for group in (both, kept, won)},
        )
        told = [(one.thread_id, one.event, one.by) for one in news.items]
        self.assertEqual(
            sorted(told, key=str),
            sorted(
                [
                    (lost, GroupEvent.REMOVED, self.anna),
                    (both, GroupEvent.REMOVED, self.anna),
                    (both, GroupEvent.ADDED, self.anna),
                    (won, GroupEvent.ADDED, self.anna),
                ],
                key=str,
            ),
        )
        self.assertLess(
            told.index((both, GroupEvent.REMOVED, self.anna)), told.index((both, GroupEvent.ADDED, self.anna))
        )
        await self.restart(carl)
        await anna.groups.remove(won, [self.carl])  # this one is told by a push
        await self.until(lambda: len(news.items) == 5)
        await self.restart(carl)
        self.assertEqual(len(news.items), 5)
        again = await self.online(self.carl, seen)  # a program that was started anew
        others = Seen[GroupNews](again.on_group)
        await anna.groups.remove(both, [self.carl])
        await self.until(lambda: bool(others.items))
        self.assertEqual([one.thread_id for one in others.items], [both])

    async def test_left_elsewhere(self) -> None:
        """A group that one has left on another device is told as that."""
        carl = await self.online(self.carl)
        group = (await carl.groups.create("Walks", [self.anna])).thread_id
        phone, laptop = await self.on(PHONE), await self.on(LAPTOP)
        news = Seen[GroupNews](phone.on_group)
        await phone.stop()
        await laptop.groups.leave(group)
        await phone.start()
        await self.until(lambda: bool(news.items))
        self.assertEqual([(one.thread_id, one.event) for one in news.items], [(group, GroupEvent.LEFT)])

    async def restart(self, client: Client) -> None:
        await client.stop()
        await client.start()

    async def test_own_state(self) -> None:
        """What one has read, set or hidden on another device is told, once; what one did here is not."""
        seen = MemorySeenStore()
        carl, laptop, phone = await self.online(self.carl), await self.on(LAPTOP), await self.on(PHONE, seen)
        thread = await laptop.history.private_thread(self.carl)
        heard = Seen[Message](phone.on_message)
        said = [await carl.send(thread, text) for text in ("one", "two", "three")]
        await self.until(lambda: len(heard.items) == 3)
        read, settings, hidden = self.listen(phone)
        await phone.mark_read(thread, said[0].id)
        await phone.threads.change(thread, draft="mine")
        await phone.history.hide(thread, [said[0].id])
        await phone.stop()
        await laptop.mark_read(thread, said[2].id)
        await laptop.threads.change(thread, pinned=True)
        await laptop.threads.change(thread, draft="")
        await laptop.history.hide(thread, [said[1].id])
        await laptop.history.hide(thread, up_to=said[1].id)
        await laptop.history.hide(thread, [said[2].id])
        await phone.start()
        marks = [said[2].id]

        def far() -> list[int]:
            """How far the laptop has read, among what it and this one have received."""
            return [one.read for one in read.items if one.read > said[0].id]

        await self.until(lambda: bool(far() and settings.items and len(hidden.items) == 2))
        self.assertEqual(settings.items, [await laptop.threads.settings(thread)])
        self.assertEqual(
            [(one.message_ids, one.up_to) for one in hidden.items], [((), said[1].id), ((said[2].id,), 0)]
        )
        await laptop.threads.change(thread, archived=True)  # this one is told by a push
        await self.until(lambda: len(settings.items) == 2)
        await self.restart(phone)
        await phone.stop()
        await laptop.threads.change(thread, archived=False)
        again = self.client(self.anna, seen, PHONE)  # a program that was started anew
        read2, settings2, hidden2 = self.listen(again)
        await again.start()
        await self.until(lambda: bool(settings2.items))
        self.assertEqual((far(), len(settings.items), len(hidden.items)), (marks, 2, 2))
        self.assertEqual(
            (
                [one.read for one in read2.items if one.read > 0],
                [one.archived for one in settings2.items],
                hidden2.items,
            ),
            ([], [False], []),
        )

    async def test_in_a_gap(self) -> None:
        """A push that was lost is noticed by the next one, or by catching up."""
        laptop, phone = await self.on(LAPTOP), await self.on(PHONE)
        thread = await laptop.history.private_thread(self.carl)
        _, settings, hidden = self.listen(phone)
        deliver, self.server.outbound.deliver_beside = self.server.outbound.deliver_beside, lambda *lost: None  # type: ignore[method-assign]
        await laptop.threads.change(thread, pinned=True)
        await laptop.history.hide(thread, up_to=1)
        self.server.outbound.deliver_beside = deliver  # type: ignore[method-assign]
        await laptop.threads.change(thread, draft="seen")
        await self.until(lambda: bool(settings.items and hidden.items))
        self.assertEqual([(one.pinned, one.draft) for one in settings.items], [(True, "seen")])
        self.server.outbound.deliver_beside = lambda *lost: None  # type: ignore[method-assign]
        await laptop.threads.change(thread, draft="")
        self.server.outbound.resync([self.anna])
        await self.until(lambda: len(settings.items) == 2)
        self.assertEqual(settings.items[-1].draft, "")

    def listen(self, client: Client) -> tuple[Seen[Position], Seen[ThreadSettings], Seen[Hidden]]:
        return Seen(client.on_own_position), Seen(client.on_settings), Seen(client.on_hidden)


class SqliteAwayTests(Away, OnSqlite):
    """On SQLite."""


class MariaDbAwayTests(Away, OnMariaDb):
    """On MariaDB."""


del Away
