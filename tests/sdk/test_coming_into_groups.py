"""What the client library tells of a group to who comes into it, and to who is not in it any more."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import deferLater

from imsys.errors import Refused, Status
from imsys.sdk import (
    ConnectionState,
    GroupEvent,
    GroupNews,
    MemorySeenStore,
    Message,
)
from tests.sdk.direct import DirectCase
from tests.sdk.scene import Seen
from tests.support.stores import OnMariaDb, OnSqlite


class Coming(DirectCase):
    async def test_newcomer(self) -> None:
        """Who comes into a group is told what is said from then on; what was before is there to be read."""
        anna, seen = await self.online(self.anna), MemorySeenStore()
        group = (await anna.groups.create("Walks")).thread_id
        for text in ("one", "two"):
            await anna.send(group, text)
        carl = await self.online(self.carl, seen)
        heard = Seen[Message](carl.on_message)
        await anna.groups.add(group, [self.carl])
        await anna.send(group, "three")
        await self.until(lambda: bool(heard.items))
        self.assertEqual([one.text for one in heard.items], ["three"])
        self.assertEqual([one.text async for one in carl.history.records(group)], ["one", "two", "three"])
        await carl.stop()
        other = (await anna.groups.create("Songs")).thread_id
        await anna.send(other, "before")
        await deferLater(self.reactor, 0.002)
        await anna.groups.add(other, [self.carl])
        await anna.send(other, "after")
        carl = await self.online(self.carl, seen)
        heard = Seen[Message](carl.on_message)
        await anna.send(other, "at last")
        await self.until(lambda: bool(heard.items) and heard.items[-1].text == "at last")
        self.assertNotIn("before", [one.text for one in heard.items])

    async def test_back_again(self) -> None:
        """Who left and comes back is not told what was said in between as if it were new."""
        anna, carl = await self.online(self.anna), await self.online(self.carl)
        group = (await anna.groups.create("Walks", [self.carl])).thread_id
        heard = Seen[Message](carl.on_message)
        await anna.send(group, "one")
        await self.until(lambda: len(heard.items) == 1)
        await carl.groups.leave(group)
        await anna.send(group, "in between")
        await anna.groups.add(group, [self.carl])
        await anna.send(group, "two")
        await self.until(lambda: len(heard.items) == 2)
        self.assertEqual(heard.items[-1].text, "two")

    async def test_removed(self) -> None:
        """Who was removed comes back online all the same, also where the group was being read."""
        anna, seen = await self.online(self.anna), MemorySeenStore()
        group = (await anna.groups.create("Walks", [self.carl])).thread_id
        carl = await self.online(self.carl, seen)
        news = Seen[GroupNews](carl.on_group)
        heard: Seen[Any] = Seen(carl.on_message)
        await anna.send(group, "Hello")
        await self.until(lambda: bool(heard.items))
        await anna.groups.remove(group, [self.carl])
        await self.until(lambda: bool(news.items))
        self.assertIs(news.items[0].event, GroupEvent.REMOVED)
        carl._catching_up.thread_soon(group)
        await carl.stop()
        await carl.start()
        self.assertIs(carl.state, ConnectionState.ONLINE)
        try:
            await carl.send(group, "Why?")
        except Refused as refused:
            self.assertIs(refused.status, Status.CHATTHREAD_NOT_EXIST)
        else:
            self.fail("It was sent.")


class SqliteComingTests(Coming, OnSqlite):
    """On SQLite."""


class MariaDbComingTests(Coming, OnMariaDb):
    """On MariaDB."""


del Coming
