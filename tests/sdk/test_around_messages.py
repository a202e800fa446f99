"""The list of threads, who is online and writes, texts that are sent later, messages that expire: by the client
library, on a real chat server.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from imsys.chat import presence
from imsys.errors import Refused, Status, Unavailable
from imsys.sdk import (
    Activity,
    Availability,
    Client,
    Message,
    Position,
    Presence,
    ScheduledNews,
    SettingsChange,
    Typing,
)
from imsys.sdk import presence as sdk_presence
from tests.sdk.direct import DirectCase
from tests.sdk.scene import Seen
from tests.support.stores import OnSqlite


class AroundTests(DirectCase, OnSqlite):
    """On SQLite; the stores are tested on both."""

    async def both(self) -> tuple[Client, Client, int]:
        anna, carl = await self.online(self.anna), await self.online(self.carl)
        return anna, carl, await anna.history.private_thread(self.carl)

    async def test_list_of_threads(self) -> None:
        """One request shows who has said what last, what is unread, and how one keeps each."""
        anna, carl, thread = await self.both()
        group = (await anna.groups.create("Walks", [self.carl])).thread_id
        await anna.send(thread, "one")
        said = await anna.send(group, "two", mentions=(self.carl,))
        first, second = await carl.threads.overview().all()
        self.assertEqual(
            (first.thread_id, first.private, first.title, first.members, first.unread, first.mentioned),
            (group, False, "Walks", 2, 1, True),
        )
        assert first.last is not None
        self.assertEqual((first.last.id, first.last.text, first.last.sender), (said.id, "two", self.anna))
        self.assertEqual((second.uuid, second.private, second.title), (self.anna, True, "anna"))
        until = datetime(2030, 1, 2, tzinfo=UTC)
        changed = await carl.threads.change(thread, pinned=True, muted_until=until, draft="Well")
        self.assertEqual(
            (changed.pinned, changed.muted_until, changed.draft, changed.archived),
            (True, until, "Well", False),
        )
        self.assertEqual(await carl.threads.settings(thread), changed)
        self.assertEqual([one.thread_id for one in await carl.threads.overview().all()], [thread, group])
        changed = await carl.threads.change(thread, unmute=True, pinned=False, archived=True)
        self.assertEqual((changed.muted_until, changed.draft), (None, "Well"))
        (only,) = await carl.threads.overview(archived=True).all()
        self.assertEqual(only.settings, changed)
        positions = Seen[Position](anna.on_position)
        await carl.mark_read(group, said.id)
        await self.until(lambda: any(one.read == said.id for one in positions.items))

    async def test_presence(self) -> None:
        """Who is looked at comes and goes, also across a reconnection; who writes is told as often as may be."""
        self.patch(presence, "GATHER", 0.02)
        anna, carl, thread = await self.both()
        (now,) = await anna.presence.watch([self.carl])
        self.assertEqual((now.uuid, now.availability), (self.carl, Availability.ONLINE))
        seen = Seen[Presence](anna.on_presence)
        await carl.stop()
        await self.until(lambda: bool(seen.items))
        self.assertIs(seen.items[-1].availability, Availability.OFFLINE)
        await anna.stop()
        await carl.start()
        await anna.start()
        await self.until(lambda: seen.items[-1].availability is Availability.ONLINE)
        known = len(seen.items)
        await anna.stop()
        await anna.start()
        await self.until(lambda: len(seen.items) > known)  # it was not known meanwhile
        self.assertEqual(seen.items[-1], seen.items[known - 1])
        typing = Seen[Typing](carl.on_typing)
        for _ in range(5):
            await anna.presence.writing(thread, Activity.RECORDING)
        await self.until(lambda: bool(typing.items))
        self.assertEqual(
            typing.items, [Typing(thread_id=thread, uuid=self.anna, activity=Activity.RECORDING)]
        )
        self.assertEqual(await carl.presence.seen_by(), "everybody")
        self.assertEqual(await carl.presence.seen_by("nobody"), "nobody")
        (now,) = await anna.presence.watch([self.carl])
        self.assertIs(now.availability, Availability.RECENTLY)

    async def test_looked_for_again(self) -> None:
        """Where a server cannot look for users after a reconnection it is asked again, and too many are none."""
        self.patch(presence, "GATHER", 0.02)
        self.patch(sdk_presence, "AGAIN", 0.02)
        anna, carl, _ = await self.both()
        await anna.presence.watch([self.carl])
        with self.assertRaises(Refused) as caught:
            await anna.presence.watch(range(1, 202))
        self.assertIs(caught.exception.status, Status.INVALID_FIELD)
        await anna.stop()
        store = self.stores.presence
        tries: list[Any] = []

        async def away(users: Any) -> Any:
            tries.append(users)
            if len(tries) < 3:
                raise Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database did not answer.")
            return await type(store).exist(store, users)

        self.patch(store, "exist", away)
        await anna.start()
        await self.until(lambda: len(tries) == 3)
        seen = Seen[Presence](anna.on_presence)
        await carl.stop()
        await self.until(lambda: bool(seen.items))
        self.assertEqual(tries, [[self.carl]] * 3)

    async def test_sent_later(self) -> None:
        """A text waits, is changed, is sent, and comes to both; another is cancelled."""
        anna, carl, thread = await self.both()
        news, heard, mine = (
            Seen[ScheduledNews](anna.on_scheduled),
            Seen[Message](carl.on_message),
            Seen[Message](anna.on_sent),
        )
        at = datetime.now(UTC) + timedelta(hours=1)
        waits = await anna.schedule.add(thread, "latr", at, mentions=(self.carl,))
        changed = await anna.schedule.change(waits.schedule_id, text="later")
        self.assertEqual(
            (changed.text, changed.mentions, changed.schedule_id), ("later", (self.carl,), waits.schedule_id)
        )
        other = await anna.schedule.add(thread, "never", at)
        self.assertEqual(len(await anna.schedule.waiting().all()), 2)
        await anna.schedule.cancel(other.schedule_id)
        with self.assertRaises(Refused) as caught:
            await anna.schedule.cancel(other.schedule_id)
        self.assertIs(caught.exception.status, Status.CHATRECORD_NOT_EXIST)
        with self.assertRaises(ValueError):
            await anna.schedule.add(thread, "when?", datetime(2030, 1, 1))

        def move(tx: Any) -> None:
            tx.execute("UPDATE scheduled SET next_at = next_at - ?", 3_600_000)

        await self.database.write(move)
        await self.server.scheduler.look()
        await self.until(
            lambda: bool(heard.items and mine.items and news.items and news.items[-1].state == "sent")
        )
        self.assertEqual((heard.items[0].text, mine.items[0].id), ("later", heard.items[0].id))

    async def test_expiring(self) -> None:
        """A message says when it is gone; the timer of a thread is an entry of its log."""
        anna, carl, thread = await self.both()
        heard = Seen[Message](carl.on_message)
        entry = await anna.set_timer(thread, 7200)
        assert isinstance(entry, SettingsChange)
        self.assertEqual(entry.timer, 7200)
        said = await anna.post(thread, "soon gone", expires=60)
        later = await anna.send(thread, "gone later")
        await self.until(lambda: len(heard.items) == 2)
        self.assertEqual(
            [one.expires_at for one in heard.items],
            [one.sent_at + timedelta(seconds=s) for one, s in zip(heard.items, (60, 7200), strict=True)],
        )
        self.assertEqual([said.expires_at, later.expires_at], [one.expires_at for one in heard.items])
        newest = [one async for one in carl.history.newest(thread)]
        self.assertEqual(
            [one.expires_at for one in newest[:2]], [one.expires_at for one in reversed(heard.items)]
        )
