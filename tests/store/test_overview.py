"""The list of a user's threads: their order, what is unread, and what a user sees of them."""

from __future__ import annotations

import random
from typing import Any

from imsys.errors import Refused, Status
from imsys.store.appending import Appended, Draft, Submission
from imsys.store.changes import Change, Edit, Pin, React, Recall, SetTimer
from imsys.store.members import ADMIN
from imsys.store.membership import Add, Remove, Settings
from imsys.store.overview import SHOWN, UNREAD, ThreadView
from imsys.store.thread_settings import PINNED, SettingsChange, ThreadSettings
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase

DAY = 86400.0
FAR = (1 << 63) - 1


def _random_steps(pair: tuple[int, int], count: int) -> list[tuple[int, str]]:
    chance = random.Random(7)
    kinds = ("new", "new", "old", "old", "change")
    return [(chance.choice(pair), chance.choice(kinds)) for _ in range(count)]


class Overview(StoreCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert, self.carl = await self.people("anna", "bert", "carl")
        self.thread = await self.befriend(self.anna, self.bert)
        self.other = await self.befriend(self.carl, self.anna)
        self.said = 0

    async def say(self, sender: int, content: str = "text", thread: int = 0, **more: Any) -> int:
        """Store a text; gives back its id."""
        thread = thread or self.thread
        pair = {self.thread: self.anna + self.bert, self.other: self.anna + self.carl}
        receiver = pair[thread] - sender if thread in pair else 0
        self.said += 1
        draft = Draft(f"said {self.said}", content, **more)
        (result,) = await self.stores.messages.append(
            self.ids, [Submission(sender, receiver, thread, (draft,))]
        )
        assert isinstance(result, Appended), result
        return result.messages[0].msg_id

    async def do(self, actor: int, change: Change, thread: int = 0) -> None:
        (result,) = await self.stores.messages.append(
            self.ids, [Submission(actor, 0, thread or self.thread, (), change)]
        )
        assert isinstance(result, Appended), result

    async def group(self, *members: int, count: int = 0) -> int:
        """A group, as the tables have it; gives back its thread."""

        def make(tx: Any) -> int:
            thread: int = tx.insert(
                "INSERT INTO threads (kind, title, avatar, member_count, members_version, created_at) "
                "VALUES (1, 'The group', 'picture', ?, 1, 0)",
                count or len(members),
            )
            tx.execute_many(
                "INSERT INTO members (thread_id, user_id, role) VALUES (?, ?, ?)",
                [(thread, user, ADMIN) for user in members],
            )
            return thread

        return await self.database.write(make)

    async def all(self, user: int = 0, **more: Any) -> list[ThreadView]:
        newest, _ = await self.stores.overview.newest(user or self.anna, (0, 0), 50, **more)
        return newest

    async def view(self, user: int, thread: int = 0) -> ThreadView:
        (found,) = [one for one in await self.all(user) if one.thread_id == (thread or self.thread)]
        return found

    async def unread(self, user: int, thread: int = 0) -> tuple[int, bool]:
        found = await self.view(user, thread)
        return found.unread, found.mentioned

    async def read(self, user: int, msg_id: int, thread: int = 0) -> None:
        await self.stores.threads.move_marks(user, thread or self.thread, msg_id, msg_id)

    def looks(self) -> int:
        """How often the database was read."""
        answered = self.database.answered
        return answered["general"] + answered["small"]

    async def test_order(self) -> None:
        """The thread in which something was said last, or that somebody came into, is first; other changes leave it where
        it is. Pages follow each other without a gap.
        """
        group = await self.group(self.anna)
        first = await self.say(self.bert, "one")
        await self.say(self.anna, "two", group)
        said = await self.say(self.carl, "three", self.other)
        changes: list[Change] = [
            React("1", first, "👍", True),
            Pin("2", first, True),
            Edit("3", first, "uno", None, DAY),
            SetTimer("4", 3600),
            React("5", first, "👍", False),
        ]
        for number, change in enumerate(changes):
            looks = self.looks()
            await self.do(self.bert, change)
            found = await self.all()
            self.assertEqual([one.thread_id for one in found], [self.other, group, self.thread], change)
            self.assertEqual(self.looks() - looks, 1, "one look is enough")
            self.assertEqual((found[0].active_id, found[2].active_id), (said, first))
            self.assertEqual(
                [one.last.content for one in found if one.last],
                ["three", "two", "uno" if number > 1 else "one"],
            )
        await self.do(self.anna, Settings("6", title="Walks"), group)
        await self.do(self.anna, Add("7", [self.bert], 100), group)
        self.assertEqual([one.thread_id for one in await self.all()], [group, self.other, self.thread])
        (view, _) = await self.all(self.bert)
        self.assertEqual((view.thread_id, view.active_id, view.last), (group, view.last_id, found[1].last))
        await self.say(self.carl, "four", self.other)
        await self.do(self.anna, Remove("8", [self.bert]), group)
        await self.do(self.anna, React("9", first, "👍", True))
        await self.do(self.bert, Recall("10", [first], DAY))
        self.assertEqual([one.thread_id for one in await self.all()], [self.other, group, self.thread])
        await self.say(self.anna, "five")
        found = await self.all()
        self.assertEqual([one.thread_id for one in found], [self.thread, self.other, group])
        paged: list[ThreadView] = []
        while True:
            before = (paged[-1].active_id, paged[-1].thread_id) if paged else (0, 0)
            page, _ = await self.stores.overview.newest(self.anna, before, 2)
            if not page:
                break
            paged += page
        self.assertEqual(paged, found)

    async def test_order_in_one_commit(self) -> None:
        """What is stored together counts in its order."""
        first = await self.say(self.bert, "one")

        def of(change: Change) -> Submission:
            return Submission(self.bert, 0, self.thread, (), change)

        def saying(content: str) -> Submission:
            return Submission(self.bert, self.anna, self.thread, (Draft(content, content),))

        some = [
            of(React("1", first, "👍", True)),
            saying("two"),
            of(Pin("2", first, True)),
            of(Pin("3", first, False)),
        ]
        results = await self.stores.messages.append(self.ids, some)
        ids = [one.messages[0].msg_id for one in results if isinstance(one, Appended)]
        view = await self.view(self.anna)
        self.assertEqual((view.active_id, view.last_id), (ids[1], ids[3]))
        (result,) = await self.stores.messages.append(self.ids, [saying("three")])
        assert isinstance(result, Appended)
        self.assertEqual((await self.view(self.anna)).active_id, result.messages[0].msg_id)

    async def test_what_is_seen(self) -> None:
        """A private thread has the other one's name, picture and marks; a group its own."""
        last = await self.say(self.bert, "x" * (SHOWN + 1))
        await self.read(self.bert, last)
        found = await self.view(self.anna)
        self.assertEqual((found.peer, found.title, found.members), (self.bert, "bert", 2))
        self.assertEqual((found.peer_read, found.peer_delivered, found.read), (last, last, 0))
        assert found.last is not None
        self.assertEqual((found.last.content, found.last.sender), ("x" * SHOWN, self.bert))
        group = await self.group(self.anna, self.carl, count=700)
        content = '{"file_id": "%s"}' % ("x" * SHOWN)
        await self.say(self.carl, content, group, kind=3)
        found = await self.view(self.anna, group)
        self.assertEqual((found.peer, found.title, found.avatar), (0, "The group", "picture"))
        self.assertEqual((found.members, found.unread, found.peer_read), (700, 1, 0))
        assert found.last is not None
        self.assertEqual((found.last.kind, found.last.content), (3, content))

    async def test_unread(self) -> None:
        """Unread is what others wrote after what I have read or written; other entries do not count."""
        self.assertEqual(await self.unread(self.anna), (1, False))  # the greeting, after the request
        self.assertEqual(await self.unread(self.bert), (0, False))
        first = await self.say(self.bert)
        second = await self.say(self.bert)
        self.assertEqual(await self.unread(self.anna), (3, False))
        await self.read(self.anna, first)
        self.assertEqual(await self.unread(self.anna), (1, False))
        await self.do(self.bert, React("r", second, "👍", True))
        self.assertEqual(await self.unread(self.anna), (1, False))
        await self.say(self.anna)  # what I write answers what I have read
        self.assertEqual(await self.unread(self.anna), (0, False))
        self.assertEqual(await self.unread(self.bert), (1, False))
        await self.say(self.bert)
        self.assertEqual(
            (await self.unread(self.anna), await self.unread(self.bert)), ((1, False), (0, False))
        )
        await self.read(self.anna, FAR)
        self.assertEqual(await self.unread(self.anna), (0, False))

    async def test_unread_after_an_entry(self) -> None:
        """A mark that stands on an entry which is no message counts from the message before it."""
        first = await self.say(self.bert)
        await self.do(self.bert, React("r", first, "👍", True))
        await self.read(self.anna, FAR)
        await self.say(self.bert)
        self.assertEqual(await self.unread(self.anna), (1, False))

    async def test_unread_in_a_group(self) -> None:
        """In a group, too, one's own messages are not unread; a newcomer's begin with what may be read."""
        group = await self.group(self.anna, self.bert, self.carl)
        for _ in range(3):
            await self.say(self.anna, thread=group)
        last = await self.say(self.bert, thread=group)
        self.assertEqual(
            [(await self.unread(user, group))[0] for user in (self.anna, self.bert, self.carl)], [1, 0, 4]
        )

        def late(tx: Any) -> None:
            tx.execute(
                "UPDATE members SET first_id = ? WHERE thread_id = ? AND user_id = ?", last, group, self.carl
            )

        await self.database.write(late)
        self.assertEqual(await self.unread(self.carl, group), (1, False))

    async def test_many_unread(self) -> None:
        """Beyond 999 it is only said that there are more."""
        drafts = tuple(Draft(f"many {index}", "x") for index in range(UNREAD + 5))
        await self.stores.messages.append(self.ids, [Submission(self.bert, self.anna, self.thread, drafts)])
        self.assertEqual(await self.unread(self.anna), (UNREAD, False))

    async def test_hidden(self) -> None:
        """What I have hidden is neither shown nor unread, and does not mention me; for the other nothing changes."""
        first = await self.say(self.bert, "one")
        second = await self.say(self.bert, "two", mentions=(self.anna,), extra="{}")
        await self.stores.conversations.hide(self.anna, self.thread, [second], 0)
        found = await self.view(self.anna)
        self.assertEqual((found.unread, found.mentioned, found.last and found.last.msg_id), (2, False, first))
        await self.stores.conversations.hide(self.anna, self.thread, [], FAR)
        found = await self.view(self.anna)
        self.assertEqual((found.unread, found.last), (0, None))
        third = await self.say(self.bert, "three")
        await self.do(self.bert, React("r", third, "👍", True))
        found = await self.view(self.anna)
        self.assertEqual((found.unread, found.last and found.last.content), (1, "three"))
        self.assertEqual((await self.view(self.bert)).last, found.last)

    async def test_mentioned(self) -> None:
        """One is mentioned as long as a message that does so is unread: by name, or with all; edited or recalled."""
        group = await self.group(self.anna, self.bert, self.carl)
        first = await self.say(self.anna, thread=group, mentions=(self.bert,), extra='{"mentions":["1"]}')
        self.assertEqual(await self.unread(self.bert, group), (1, True))
        self.assertEqual(await self.unread(self.carl, group), (1, False))
        await self.read(self.bert, first, group)
        self.assertEqual(await self.unread(self.bert, group), (0, False))
        everybody = await self.say(self.anna, thread=group, mentions=(0,), extra='{"mentions":"all"}')
        self.assertEqual(await self.unread(self.bert, group), (1, True))
        self.assertEqual(await self.unread(self.carl, group), (2, True))
        self.assertEqual(await self.unread(self.anna, group), (0, False))
        await self.do(self.anna, Edit("e", everybody, "not you", [str(self.carl)], DAY), group)
        self.assertEqual(await self.unread(self.bert, group), (1, False))
        self.assertEqual(await self.unread(self.carl, group), (2, True))
        await self.do(self.anna, Recall("x", [everybody], DAY), group)
        self.assertEqual(await self.unread(self.carl, group), (2, False))

    async def test_turns(self) -> None:
        """What a user wrote and all before it is read, whoever wrote how often, with changes in between and on servers of
        an older version, which know nothing of turns.
        """
        pair = (self.anna, self.bert)
        unread = {self.anna: 1, self.bert: 0}  # the second hello message is bert's
        for step, (sender, kind) in enumerate(_random_steps(pair, 60)):
            if kind == "change":
                first = (await self.stores.messages.page(self.anna, self.thread, 0, 1))[0].msg_id
                await self.do(sender, React(f"r{step}", first, "👍", bool(step % 2)))
                continue
            if kind == "old":
                await self.database.write(self._as_older, sender, f"old {step}")
            else:
                await self.say(sender)
            unread[sender] = 0
            unread[sum(pair) - sender] += 1
            if step % 3 == 0:  # else some older ones come one after the other
                self.assertEqual({user: (await self.unread(user))[0] for user in pair}, unread, step)
        self.assertEqual({user: (await self.unread(user))[0] for user in pair}, unread)

    def _as_older(self, tx: Any, sender: int, unique: str) -> None:
        """Store a text as a server of an older version does."""
        (last,) = tx.row("SELECT last_msg_id FROM threads WHERE thread_id = ?", self.thread)
        msg_id = self.ids.next(last)
        tx.execute(
            "INSERT INTO messages (thread_id, msg_id, sender_id, kind, unique_id, content) VALUES (?, ?, ?, 1, ?, 'old')",
            self.thread,
            msg_id,
            sender,
            unique.encode(),
        )
        tx.execute("UPDATE threads SET last_msg_id = ? WHERE thread_id = ?", msg_id, self.thread)

    async def test_older_server(self) -> None:
        """What a server of an older version wrote is numbered before it is counted."""
        await self.read(self.anna, FAR)
        ids = [self.ids.next() for _ in range(4)]

        def write(tx: Any) -> None:
            for msg_id, sender in zip(ids, (self.bert, self.anna, self.bert, self.bert), strict=True):
                tx.execute(
                    "INSERT INTO messages (thread_id, msg_id, sender_id, kind, content) VALUES (?, ?, ?, 1, 'old')",
                    self.thread,
                    msg_id,
                    sender,
                )
            tx.execute("UPDATE threads SET last_msg_id = ? WHERE thread_id = ?", ids[-1], self.thread)

        await self.database.write(write)
        self.assertEqual(await self.unread(self.anna), (2, False))
        self.assertEqual(await self.unread(self.bert), (0, False))

    async def test_settings(self) -> None:
        """Settings are one's own, and only those change that are named."""
        change, get = self.stores.thread_settings.change, self.stores.thread_settings.get
        self.assertEqual(await get(self.anna, self.thread), ThreadSettings())
        await change(self.anna, self.thread, SettingsChange(muted_until=5, draft="Dear Bert"))
        after, number = await change(self.anna, self.thread, SettingsChange(archived=True))
        self.assertEqual((after, number), (ThreadSettings(5, 0, True, "Dear Bert"), 2))
        self.assertEqual(await change(self.anna, self.thread, SettingsChange(archived=True)), (after, 2))
        self.assertEqual(await get(self.anna, self.thread), after)
        found = await self.view(self.anna)
        self.assertEqual((found.muted_until, found.archived, found.draft), (5, True, "Dear Bert"))
        self.assertEqual(await get(self.bert, self.thread), ThreadSettings())
        self.assertEqual([one.thread_id for one in await self.all(archived=True)], [self.thread])
        self.assertEqual([one.thread_id for one in await self.all(archived=False)], [self.other])
        await change(self.anna, self.thread, SettingsChange(muted_until=0, archived=False, draft=""))
        self.assertEqual(await get(self.anna, self.thread), ThreadSettings())
        rows = await self.database.read(lambda tx: tx.rows("SELECT COUNT(*) FROM thread_settings"))
        self.assertEqual(rows, [(1,)], "other devices have to learn of it")
        for store in (get(self.carl, self.thread), change(self.carl, self.thread, SettingsChange(draft="x"))):
            with self.assertRaises(Refused) as refused:
                await store
            self.assertEqual(refused.exception.status, Status.PERMISSION_DENIED)

    async def test_pinned(self) -> None:
        """Pinned threads are listed, the last one first, and are no more than may be."""
        change = self.stores.thread_settings.change
        groups = [await self.group(self.anna) for _ in range(PINNED)]
        for thread in groups:
            await change(self.anna, thread, SettingsChange(pinned=True))
        with self.assertRaises(Refused) as refused:
            await change(self.anna, self.thread, SettingsChange(pinned=True))
        self.assertEqual(refused.exception.status, Status.TOO_MANY)
        await change(self.anna, groups[0], SettingsChange(pinned=True))  # it is
        await change(self.anna, groups[0], SettingsChange(pinned=False))
        await change(self.anna, self.thread, SettingsChange(pinned=True))
        for limit in (50, 1):
            newest, pinned = await self.stores.overview.newest(self.anna, (0, 0), limit)
            self.assertEqual({one.thread_id for one in pinned}, {self.thread, *groups[1:]})
        _, pinned = await self.stores.overview.newest(
            self.anna, (newest[0].active_id, newest[0].thread_id), 1
        )
        self.assertEqual(pinned, [])
        self.assertEqual((await self.stores.overview.newest(self.bert, (0, 0), 50))[1], [])


class SqliteOverviewTests(Overview, OnSqlite):
    """On SQLite."""


class MariaDbOverviewTests(Overview, OnMariaDb):
    """On MariaDB."""


del Overview
