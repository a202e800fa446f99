"""Every statement of the stores: explained on both databases, and its work counted while the store grows."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from twisted.python.modules import getModule

from imsys.errors import Refused, Status
from imsys.protocols.identifiers import new_file_id
from imsys.store import Stores
from imsys.store import sign_ins as store_sign_ins
from imsys.store.appending import Appended, Draft, Submission
from imsys.store.bulk import befriend, free_numbers, insert_accounts
from imsys.store.changes import Change, Edit, Pin, React, Recall, SetTimer
from imsys.store.database import Transaction
from imsys.store.devices import DeviceInfo
from imsys.store.files import Content, Offer, Purpose
from imsys.store.groups import NewGroup
from imsys.store.live import LiveStream
from imsys.store.membership import (
    Accept,
    Add,
    JoinByLink,
    Leave,
    LetIn,
    Mute,
    Picture,
    Remove,
    SetRole,
    Settings,
)
from imsys.store.presence import SeenBy
from imsys.store.scheduled import Scheduled
from imsys.store.sign_ins import SignIn, SignInStore
from imsys.store.thread_settings import SettingsChange
from tests.support.stores import OnMariaDb, OnSqlitePool, StoreCase, text

SMALL, LARGE = 400, 1600
"""Users, each with six friends, in the store when work is counted."""

SLACK = 40
"""Steps that chance may make (a page that is split, a row that is marked as deleted).

What grows with the store makes hundreds.
"""

ALLOWED = {
    "FROM nodes WHERE expires_at <= ?": "there are 1,024 rows, whatever is stored, and it is asked once at a start",
    "FROM nodes WHERE expires_at > ?": "the same 1,024 rows, every ten seconds",
    "ORDER BY t.last_msg_id, t.thread_id LIMIT ": "sorts the threads of one user: as many as they have friends, whatever is stored",
    "END DESC, t.thread_id DESC LIMIT ": "sorts the threads of one user, and scans the page of them",
    ") d LEFT JOIN messages m ON": "scans what is due, as far as the limit",
    ") p JOIN threads t ON": "scans the page of threads",
    "filename = ? AND state = 1 ORDER BY file_id": "sorts the files of one name of one user: the new one, and the one that it replaces",
    "FROM file_outbox ORDER BY due_at LIMIT ?": "reads the index from its beginning, as far as the limit",
    "AND s.state IN (0, 1) AND s.stream_id > ?": "sorts the live streams of one user's threads",
    "ORDER BY m.thread_id, o.user_id LIMIT ?": "sorts the members of each thread of one user",
    "CAST(UNIX_TIMESTAMP": "reads no table",
    "ORDER BY role DESC, joined_at, user_id LIMIT 1": "sorts the members of one group, when its owner's account goes",
    "ROW_NUMBER() OVER": "reads what a server of an older version wrote to one thread, once",
    "GROUP BY x.thread_id, x.sender_id": "the same",
}
"""Parts of statements that may read a whole table or sort, and why that does not grow with the store."""

Statement = tuple[str, Sequence[Any]]


class Plans(StoreCase):
    timeout = 300

    async def setUp(self) -> None:
        await super().setUp()
        self.seen: dict[str, Statement] = {}
        await self.grow(SMALL)
        self.watched = self.open_database(self.watch)
        self.stores = Stores.on(self.watched, time.time)
        await self.play()

    def watch(self, sql: str, parameters: Sequence[Any]) -> None:
        """Remember one of each statement: numbers and literals in its text do not make another."""
        self.seen.setdefault(re.sub(r"x'[0-9a-f]*'|\d+(,\d+)*", "#", sql), (sql, parameters))

    async def grow(self, count: int) -> None:
        """So many more users, with friends, threads, messages, requests and blocks."""
        await self.database.write(self.fill, count)
        if self.database.dialect.name == "mysql":
            for table in (
                "accounts",
                "profiles",
                "friend_requests",
                "friendships",
                "blocks",
                "threads",
                "members",
                "messages",
                *CONVERSATIONS,
                *FILES,
                *SIGN_INS,
            ):
                await self.database.read(lambda tx, table=table: tx.rows(f"ANALYZE TABLE {table}"))  # type: ignore[misc]

    def fill(self, tx: Transaction, count: int) -> None:
        user, thread = free_numbers(tx)
        users = range(user, user + count)
        insert_accounts(tx, [(uuid, f"user{uuid}") for uuid in users], 0)
        befriend(
            tx,
            self.ids,
            [(one, one + step) for one in users for step in (1, 2, 3) if one + step in users],
            thread,
            0,
        )
        asking = [(one, one + 9) for one in users if one + 9 in users]
        tx.execute_many(
            "INSERT INTO friend_requests (low_id, high_id, src_id, dst_id, state, updated_at) VALUES (?, ?, ?, ?, 1, 0)",
            [(low, high, low, high) for low, high in asking],
        )
        tx.execute_many("INSERT INTO blocks (user_id, blocked_id, created_at) VALUES (?, ?, 0)", asking)
        fill_conversations(tx, users, thread)
        fill_files(tx, users, thread)
        fill_live(tx, users, thread)
        tx.execute_many(
            "INSERT INTO sign_ins (digest, user_id, epoch, created_at, used_at, expires_at) VALUES (?, ?, 0, 0, ?, ?)",
            [
                (b"%032d" % (user * 2 + turn), user, FOREVER - user, FOREVER)
                for user in users
                for turn in range(2)
            ],
        )
        tx.execute_many(
            "INSERT INTO devices (user_id, device, name, kind, created_at, told) VALUES (?, ?, '', 0, 0, 1)",
            [(user, b"") for user in users],
        )
        tx.execute_many("INSERT INTO epochs (user_id, epoch) VALUES (?, 0)", [(user,) for user in users])

    async def play(self) -> None:
        """Everything that the stores can do."""
        stores, ids = self.stores, self.ids
        await stores.health.read()
        await stores.health.write()
        await stores.health.append()
        anna, bert, carl, dora = [
            await stores.accounts.create(name, f"{name}@x.example", "-")
            for name in ("anna", "bert", "carl", "dora")
        ]
        await stores.accounts.credentials("anna")
        await stores.accounts.by_name_and_email("anna", "anna@x.example")
        await stores.accounts.taken("anna", "x")
        await stores.accounts.taken("nobody", "x")
        await stores.accounts.has_email("anna@x.example")
        await stores.accounts.set_password(anna, "-")
        await stores.accounts.reset_password("-", anna)
        self.patch(store_sign_ins, "MOST", 2)
        sign_ins = SignInStore(self.watched, 1000)
        digests = [bytes([number]) * 32 for number in range(3)]
        for now, digest in enumerate(digests):
            await sign_ins.keep(SignIn(digest, anna, None, now, 5000))
        await sign_ins.keep(SignIn(b"d" * 32, anna, None, 3, 5000, DeviceInfo("phone")))
        await sign_ins.bind(digests[2], anna, DeviceInfo("tablet"), 3)
        await sign_ins.devices(anna, None, 10, 3)
        await sign_ins.rename(anna, "phone", "Phone", 3)
        await sign_ins.untold(anna, "phone")
        await sign_ins.mark_told(anna, "phone")
        await sign_ins.end_device(anna, "phone")
        await sign_ins.keep(SignIn(b"e" * 32, anna, None, 4, 5000))
        await sign_ins.end_others(anna, digests[0])
        await sign_ins.find(digests)
        sign_ins.stamp(digests[0], 9)
        await sign_ins._stamping.idle()
        await sign_ins.of_user(anna)
        await sign_ins.end(digests[0], anna)
        await sign_ins.end_all(anna)
        await stores.people.by_name("anna")
        await stores.people.by_uuid([anna, bert])
        await stores.people.change(anna, nickname="A", avatar="")
        thread = await self.befriended(anna, bert)
        await self.befriended(anna, dora)
        await stores.contacts.ask(ids, carl, anna, "", "")
        await stores.contacts.decline(carl, anna)
        await stores.contacts.ask(ids, carl, anna, "", "")
        for blocked in (True, False):
            await stores.contacts.block(anna, carl, blocked)
        await stores.contacts.block(anna, dora, True)
        await stores.contacts.at_login(anna, 10)
        await stores.contacts.friends(anna, 0, 100)
        await stores.contacts.requests(anna, 0, 100)
        await stores.threads.of_user(anna, 0, 10)
        await stores.threads.private(anna, bert)
        await stores.threads.heads_since(anna, 1, (5, 5), 10)
        await stores.threads.members([thread])
        await stores.messages.append(ids, [text(anna, bert, thread, "a")])
        await stores.messages.append(
            ids, [text(anna, bert, thread, "around locks"), text(anna, bert, 1 << 40, "nowhere")], wait=False
        )
        await stores.messages.append(ids, [text(anna, bert, thread, "a", "b"), text(carl, bert, 1, "c")])
        await self.in_a_group(anna, bert)
        await stores.threads.move_marks(bert, thread, (1 << 63) - 1, 0)
        await stores.threads.marks(anna, (1, 1), 100, mine=True)
        await stores.messages.page(anna, thread, 0, 10)
        await stores.messages.page_before(anna, thread, 0, 10)
        await self.play_changes(anna, bert, thread)
        await self.play_groups(anna, bert, carl)
        await self.play_live(anna, thread)
        await self.play_files(anna, bert, thread)
        await stores.contacts.ask(ids, carl, anna, "", "")  # the block has ended that from before
        await stores.contacts.between(anna, carl)
        await stores.contacts.confirm(ids, anna, bert, "")
        for _ in range(2):
            await stores.contacts.unfriend(anna, bert)
        lease = await stores.nodes.acquire("h")
        await stores.nodes.renew(lease.number, "h", 5)
        await stores.nodes.release(lease.number, "h", 5)

    async def play_changes(self, anna: int, bert: int, thread: int) -> None:
        stores = self.stores
        (appended,) = await stores.messages.append(self.ids, [text(anna, bert, thread, "changing")])
        assert isinstance(appended, Appended)
        target = appended.messages[0].msg_id
        changes: list[Change] = [
            Edit("edit", target, "changed", None, 9.0),
            React("on", target, "x", True),
            React("off", target, "x", False),
            Pin("pin", target, True),
            Pin("unpin", target, False),
        ]
        answer = Draft("answer", "so", extra="{}", reply_to=target)
        await stores.messages.append(
            self.ids,
            [
                *(Submission(anna, 0, thread, (), change) for change in changes),
                Submission(bert, anna, thread, (answer,), answers=True),
            ],
        )
        await self.play_overview(anna, bert, thread, target)
        await self.play_presence(anna, bert, thread)
        await self.play_timed(anna, bert, thread, target)
        await stores.conversations.pins(anna, thread)
        await stores.conversations.reactors(anna, thread, target, ("x", 1), 10)
        await stores.conversations.text(anna, thread, target)
        await stores.messages.page(anna, thread, 0, 100, entries=True)
        await stores.messages.page_before(anna, thread, 0, 100, details=True)
        await stores.messages.append(
            self.ids, [Submission(anna, 0, thread, (), Recall("recall", [target], 9.0))]
        )
        await stores.conversations.hide(anna, thread, [target], 0)
        await stores.conversations.hide(anna, thread, [(1 << 63) - 1], 1)

        def behind(tx: Transaction) -> None:
            tx.execute("UPDATE threads SET numbered_id = 0 WHERE thread_id = ?", thread)

        await self.database.write(behind)
        await stores.messages.append(self.ids, [text(anna, bert, thread, "numbered")])

    async def play_timed(self, anna: int, bert: int, thread: int, target: int) -> None:
        stores, scheduled = self.stores, self.stores.scheduled
        texts = [Scheduled(0, anna, thread, str(number), 5 + number, "x") for number in range(3)]
        for one in (*texts, texts[0]):
            schedule_id = (await scheduled.add(one, target, 0)).schedule_id
        await scheduled.of_user(anna, (5, 1), 10)
        await scheduled.change(anna, schedule_id, "y", 6)
        await scheduled.cancel(anna, schedule_id)
        await scheduled.done([one.schedule_id for one in await scheduled.take(1000, 10)])
        for seconds in (3600, 0):
            change = SetTimer(f"timer {seconds}", seconds)
            await stores.messages.append(self.ids, [Submission(anna, 0, thread, (), change)])
            if seconds:
                await stores.messages.append(self.ids, [text(bert, anna, thread, "expires")])
        await stores.expiry.expire(await stores.expiry.due(FOREVER // 2, 10))

    async def play_presence(self, anna: int, bert: int, thread: int) -> None:
        presence = self.stores.presence
        await presence.set_seen_by(anna, SeenBy.FRIENDS)
        await presence.seen_by(anna)
        await presence.exist([anna, 5])
        await presence.open_to(anna, [bert, *range(100_001, 100_010)])
        await presence.audiences([(anna, thread), (bert, thread), (bert, 1 << 40)])

    async def play_overview(self, anna: int, bert: int, thread: int, target: int) -> None:
        stores = self.stores
        settings = stores.thread_settings
        for pinned in (True, False):
            await settings.change(anna, thread, SettingsChange(pinned=pinned))
        await settings.change(anna, thread, SettingsChange(pinned=True, draft="x"))
        await settings.get(anna, thread)
        await stores.own_changes.look(anna, 5)
        await stores.own_changes.after(anna, 0)
        noted = Draft("noted", "x", extra="{}", mentions=(anna,), expires=9)
        await stores.messages.append(self.ids, [Submission(bert, anna, thread, (noted,))])
        await stores.messages.append(
            self.ids, [Submission(bert, 0, thread, (), React("last", target, "y", True))]
        )
        for only in (None, True, False):
            await stores.overview.newest(anna, (0, 0), 50, only)
        await stores.overview.newest(anna, (0, 0), 1)
        await stores.overview.newest(anna, (5, 5), 1)
        await stores.conversations.hide(anna, thread, [target], 0)
        await stores.overview.newest(anna, (0, 0), 50)

        def behind(tx: Transaction) -> None:
            tx.execute("UPDATE threads SET numbered_id = 0 WHERE thread_id = ?", thread)

        await self.database.write(behind)
        await stores.overview.newest(anna, (0, 0), 50)

    async def play_groups(self, anna: int, bert: int, carl: int) -> None:
        groups = self.stores.groups
        new = NewGroup("group", "G", "", Picture(b"", ""), False, False, [bert, carl])
        made = await groups.create(self.ids, anna, new, 9)
        group = made.messages[0].thread_id
        await groups.made(anna, "group")
        await groups.invited(anna, group)
        await groups.added_by(carl, 0)
        await groups.get(anna, group)
        await groups.members(anna, group, 0, 10)
        (said,) = await self.stores.messages.append(self.ids, [text(anna, 0, group, "said")])
        assert isinstance(said, Appended)
        await groups.readers(anna, group, said.messages[0].msg_id, 0, 10)
        await groups.invitations(carl, 0, 10)
        open_, asking = [await groups.new_link(anna, group, 9, 9, approval=asks) for asks in (False, True)]
        await groups.links(anna, group)
        await groups.behind(open_.link)
        (dora,) = await self.people("dora2")
        picture = await self.picture(anna)
        for actor, change in (
            (anna, Add("g1", [carl, dora], 9)),
            (carl, Accept("g2", 9)),
            (anna, Remove("g3", [carl, dora])),
            (anna, SetRole("g4", bert, 2)),
            (anna, SetRole("g6", bert, 0)),
            (anna, Mute("g7", bert, 9)),
            (dora, JoinByLink("g8", open_.link, 9)),
            (carl, JoinByLink("g9", asking.link, 9)),
            (anna, LetIn("g10", carl, False, 9)),
            (carl, JoinByLink("g11", asking.link, 9)),
            (anna, LetIn("g12", carl, True, 9)),
            (anna, Settings("g13", title="H", channel=True, avatar=picture)),
            (anna, Leave("g14", hand_over=True)),
        ):
            (result,) = await self.stores.messages.append(self.ids, [Submission(actor, 0, group, (), change)])
            assert isinstance(result, Appended), (change, result)
        await groups.asking(bert, group, 0, 10)
        await groups.revoke(bert, group, open_.link)
        await groups.decline(carl, group)
        followed = Stores.on(self.watched, time.time)
        await followed.groups.lists_of([group])
        await self.stores.messages.append(
            self.ids, [Submission(bert, 0, group, (), Settings("g15", channel=False))]
        )
        await followed.groups.lists_of([group])

    async def picture(self, owner: int) -> Picture:
        """A picture for a group."""
        name, common = new_file_id(), {"thread_id": 0, "server": "r1", "filename": "f", "size": 1, "mime": ""}
        await self.stores.files.offer(
            Offer(file_id=name, owner=owner, purpose=Purpose.GROUP, **common),  # type: ignore[arg-type]
            life=10,
            quota=100,
        )
        content = Content(0, "r1", b"%032d" % 99, 1, name.hex(), "k", b"k")
        await self.stores.files.finish(name, content, mime="", announce=False)
        return Picture(name, "picture")

    async def play_files(self, anna: int, bert: int, thread: int) -> None:
        files, made = self.stores.files, []
        for purpose in (Purpose.DERIVED, Purpose.MESSAGE, Purpose.AVATAR, Purpose.ORIGINAL, Purpose.MESSAGE):
            offer = Offer(
                file_id=new_file_id(),
                owner=anna,
                purpose=purpose,
                thread_id=thread if purpose is Purpose.MESSAGE else 0,
                server="r1",
                filename="f",
                size=1,
                mime="",
            )
            await files.offer(offer, life=10, quota=100, most=10)
            await files.sealed_under(offer.file_id, "k", b"k")
            made.append(offer.file_id)
        small, large, avatar, original, other = made
        for number, file_id in enumerate((small, large, avatar, original)):
            content = Content(0, "r1", b"%032d" % number, 1, file_id.hex(), "k", b"k")
            await files.finish(
                file_id, content, mime="", thumbnail_id=small if file_id == large else None, announce=True
            )
        await files.readable(small, bert)
        first = "UPDATE members SET first_id = ? WHERE thread_id = ? AND user_id = ?"
        await self.database.write(lambda tx: tx.execute(first, 1, thread, bert))
        with contextlib.suppress(Refused):
            await files.readable(large, bert)
        await self.database.write(lambda tx: tx.execute(first, 0, thread, bert))
        await files.to_announce(large)
        await files.become_avatar(avatar, "x")
        await files.due("r1", 10)
        await files.overdue("r1", 0, 10)
        await files.postpone(large, 5)
        await files.told(large)
        await files.refuse(other)
        await files.give_up(other)
        await files.expired("r1", 10)
        await files.used(anna)
        await files.page(b"", 10)
        await files.page(b"", 10, user=anna)
        await files.page(b"", 10, thread_id=thread)
        await files.of_content(1, 10)
        await files.contents(0, 10)
        await files.known_blobs([large.hex()])
        await files.rewrapped([(1, "k", "l", b"k")])
        await files.delete(large)
        for _ in range(40):  # of one file any index is as good as another
            await files.offer(dataclasses.replace(offer, file_id=new_file_id()), life=10, quota=100)

    async def play_live(self, anna: int, thread: int) -> None:
        live = self.stores.live
        first, second = [
            LiveStream(stream_id=new_file_id(), owner=anna, thread_id=thread, title="t", server="r1")
            for _ in range(2)
        ]
        for stream in (first, second):
            await live.start(stream, 9, wait=0.0 if stream is second else 600.0, longest=600.0)
        await live.mark_posted(first.stream_id)
        await live.running(anna)
        await live.running(anna, thread_id=thread)
        await live.recipients(first.stream_id)
        await live.recipients((await self.started_in_a_group(anna)).stream_id)
        await live.reassign(first.stream_id, "r1", "r2")
        await live.mark_live(first.stream_id, "r2", away=60.0)
        await live.beat("r2", {first.stream_id: 1}, away=60.0)
        await live.may_watch(first.stream_id, anna)
        await live.mark_waiting(first.stream_id, "r2", away=60.0)
        with contextlib.suppress(Refused):
            await live.end(first.stream_id, 1)
        await live.end(first.stream_id, anna)
        await live.end_due(await live.due(2))

    async def started_in_a_group(self, anna: int) -> LiveStream:
        def make(tx: Transaction) -> int:
            group = tx.insert("INSERT INTO threads (kind, created_at) VALUES (1, 0)")
            tx.execute_many("INSERT INTO members (thread_id, user_id) VALUES (?, ?)", [(group, anna)])
            return group

        stream = LiveStream(
            stream_id=new_file_id(),
            owner=anna,
            thread_id=await self.database.write(make),
            title="t",
            server="r1",
        )
        return await self.stores.live.start(stream, 9, wait=600.0, longest=600.0)

    async def befriended(self, one: int, other: int) -> int:
        await self.stores.contacts.ask(self.ids, one, other, "", "Hi")
        return (await self.stores.contacts.confirm(self.ids, one, other, "")).thread_id

    async def in_a_group(self, anna: int, bert: int) -> None:
        def make(tx: Transaction) -> int:
            group = tx.insert("INSERT INTO threads (kind, created_at) VALUES (1, 0)")
            tx.execute_many(
                "INSERT INTO members (thread_id, user_id) VALUES (?, ?)", [(group, anna), (group, bert)]
            )
            return group

        group = await self.database.write(make)
        await self.stores.messages.append(self.ids, [text(anna, 0, group, "in a group")])

    @property
    def statements(self) -> list[Statement]:
        """What can be explained and done again."""
        return [
            one
            for one in self.seen.values()
            if one[0].startswith(("SELECT", "UPDATE", "DELETE")) or "ON DUPLICATE" in one[0]
        ]

    async def test_no_statement_was_forgotten(self) -> None:
        """Every statement in the source of the stores is among those that are looked at."""
        played = "\n".join(sql for sql, _ in self.seen.values())
        here = self.database.dialect.name
        self.assertEqual(
            [one for one in written() if one not in played and ONLY_ON.get(one, here) == here], []
        )
        self.assertGreater(len(self.statements), 35)

    async def test_plans(self) -> None:
        """No statement reads a whole table, or sorts more than it returns."""
        bad = []
        for sql, parameters in self.statements:
            if not sql.startswith("INSERT") and not any(part in sql for part in ALLOWED):
                bad += [(sql, plan) for plan in await self.database.read(self.explain, sql, parameters)]
        self.assertEqual(bad, [])
        scan = "SELECT content FROM messages WHERE content = ? ORDER BY content"
        self.assertTrue(await self.database.read(self.explain, scan, ["y"]), "a scan goes unnoticed")

    async def test_work(self) -> None:
        """A store with many times as much in it makes no statement work more."""
        before = [await self.work(*statement) for statement in self.statements]
        growing = ("SELECT COUNT(*) FROM messages WHERE content = ?", ("y",))
        scan = await self.work(*growing)
        await self.grow(LARGE - SMALL)
        after = [await self.work(*statement) for statement in self.statements]
        rows = zip(self.statements, before, after, strict=True)
        self.assertEqual(
            [(sql, small, large) for (sql, _), small, large in rows if large > small + SLACK], []
        )
        self.assertGreater(await self.work(*growing), scan + 10 * SLACK, "work goes unnoticed")

    @staticmethod
    def explain(tx: Transaction, sql: str, parameters: Sequence[Any]) -> list[str]:
        """What in the plan of a statement would grow with the store."""
        raise NotImplementedError

    async def work(self, sql: str, parameters: Sequence[Any]) -> int:
        """The steps that a statement takes; what it changes is undone."""

        def run(tx: Transaction) -> None:
            raise Undone(self.count(tx, sql, parameters))

        try:
            await self.database.write(run)
        except Undone as undone:
            return undone.steps
        raise AssertionError("unreachable")

    @staticmethod
    def count(tx: Transaction, sql: str, parameters: Sequence[Any]) -> int:
        """Run a statement; how many steps it took."""
        raise NotImplementedError


CONVERSATIONS = (
    "entries",
    "reactions",
    "pins",
    "hidden",
    "mentions",
    "expiring",
    "thread_settings",
    "scheduled",
    "invitations",
    "group_links",
    "join_requests",
    "departures",
)
FILES = ("files", "contents", "file_usage", "file_outbox", "live_streams")
SIGN_INS = ("sign_ins", "epochs", "devices")


def fill_conversations(tx: Transaction, users: range, thread: int) -> None:
    """Three of each in a thread of each user's: of messages that are not there, but nobody asks that."""
    rows = [(thread + user - users[0], 1000 + turn, user) for user in users for turn in range(3)]
    tx.execute_many(
        "INSERT INTO entries (thread_id, entry_id, actor_id, kind, unique_id, body) VALUES (?, ?, ?, 18, ?, '')",
        [(*row, b"%d.%d" % (row[2], row[1])) for row in rows],
    )
    reactions = [(thread_id, msg_id, b"x", user) for thread_id, msg_id, user in rows]
    tx.execute_many(
        "INSERT INTO reactions (thread_id, msg_id, emoji, user_id) VALUES (?, ?, ?, ?)", reactions
    )
    tx.execute_many("INSERT INTO pins (thread_id, msg_id, entry_id) VALUES (?, ?, ?)", rows)
    tx.execute_many("INSERT INTO hidden (thread_id, msg_id, user_id) VALUES (?, ?, ?)", rows)
    tx.execute_many("INSERT INTO mentions (thread_id, msg_id, user_id) VALUES (?, ?, ?)", rows)
    tx.execute_many(
        "INSERT INTO expiring (thread_id, msg_id, due_at) VALUES (?, ?, ?)",
        [(thread_id, msg_id, FOREVER - user) for thread_id, msg_id, user in rows],
    )
    tx.execute_many(
        "INSERT INTO thread_settings (thread_id, user_id, pinned_at, draft) VALUES (?, ?, 1, '')",
        sorted({(thread_id, user) for thread_id, _, user in rows}),
    )
    tx.execute_many(
        "INSERT INTO scheduled (thread_id, user_id, unique_id, due_at, content, next_at) VALUES (?, ?, ?, ?, 'x', ?)",
        [
            (thread_id, user, b"%d" % msg_id, FOREVER - user, FOREVER - user)
            for thread_id, msg_id, user in rows
        ],
    )
    tx.execute_many(
        "INSERT INTO invitations (thread_id, user_id, inviter_id, created_at) VALUES (?, ?, 1, 0)",
        [(thread_id, user + turn) for thread_id, turn, user in rows],
    )
    tx.execute_many(
        "INSERT INTO join_requests (thread_id, user_id, created_at) VALUES (?, ?, 0)",
        [(thread_id, user + turn) for thread_id, turn, user in rows],
    )
    tx.execute_many(
        "INSERT INTO group_links (link, thread_id, created_by, created_at, expires_at, uses, approval) VALUES (?, ?, ?, ?, 0, 0, 0)",
        [(b"%08d%08d" % (user, turn), thread_id, user, turn) for thread_id, turn, user in rows],
    )


def fill_files(tx: Transaction, users: range, thread: int) -> None:
    """Two files of each user, of many threads, one of them whole and due; as many contents."""
    ids = {(user, turn): b"%08d%08d" % (user, turn) for user in users for turn in range(2)}
    tx.execute_many(
        "INSERT INTO contents (store, sha256, size, blob_name, key_id, wrapped_key, refs, created_at) VALUES ('r1', ?, 1, ?, 'k', ?, 1, 0)",
        [(b"%032d" % user, str(user), b"k") for user in users],
    )
    tx.execute_many(
        "INSERT INTO files (file_id, owner_id, purpose, thread_id, server, filename, size, mime, state, key_id, wrapped_key, content_id, "
        "thumbnail_id, created_at, expires_at) VALUES (?, ?, 0, ?, ?, 'f', 1, '', ?, '', ?, ?, ?, 0, ?)",
        [
            (
                file_id,
                user,
                thread + user - users[0],
                f"r{2 + user % 5}",
                1 - turn,
                b"",
                None if turn else user,
                b"%016d" % user,
                user,
            )
            for (user, turn), file_id in ids.items()
        ],
    )
    tx.execute_many(
        "INSERT INTO file_usage (user_id, bytes, files) VALUES (?, 2, 2)", [(user,) for user in users]
    )
    tx.execute_many(
        "INSERT INTO file_outbox (file_id, server, due_at) VALUES (?, 'r2', ?)",
        [(ids[user, 0], user) for user in users],
    )


def fill_live(tx: Transaction, users: range, thread: int) -> None:
    """Two streams of each user, of many threads: one that is over, one that is live and long due."""
    tx.execute_many(
        "INSERT INTO live_streams (stream_id, owner_id, thread_id, title, record, state, server, created_at, seen_at, latest_at, due_at) "
        "VALUES (?, ?, ?, 't', 0, ?, ?, 0, 0, ?, ?)",
        [
            (
                b"%08d%08d" % (user, state),
                user,
                thread + user - users[0],
                state,
                f"r{2 + user % 5}",
                FOREVER,
                None if state == 2 else user,
            )
            for user in users
            for state in (1, 2)
        ],
    )


FOREVER = 1 << 60


class Undone(Refused):
    """Rolls a transaction back."""

    def __init__(self, steps: int) -> None:
        super().__init__(Status.SUCCESS, "")
        self.steps = steps


ONLY_ON = {
    "DELETE FROM messages WHERE msg_id IN (": "sqlite",
    "SELECT * FROM (": "sqlite",
    "UPDATE threads SET last_msg_id = ? WHERE thread_id = ?": "sqlite",
    "UPDATE messages SET number = s.n FROM (": "sqlite",
    "UPDATE messages m JOIN (": "mysql",
    "INSERT INTO threads (thread_id, last_msg_id, last_number, turn) VALUES ": "mysql",
    "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)": "mysql",
}
"""Statements that one database alone gets."""


def written() -> Iterator[str]:
    """The statements in the source of the stores, up to where something is put in."""
    for module in getModule("imsys.store").walkModules():
        # for commands, what is asked seldom, and what is put together of the others
        name = module.name.rpartition(".")[2]
        if name in ("bulk", "file_servers", "kinds", "migrations", "sqlite_process", "steps"):
            continue
        for node in ast.walk(ast.parse(module.filePath.getContent())):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.match(r"(SELECT|INSERT|UPDATE|DELETE) ", node.value)
            ):
                yield node.value


class SqlitePlansTests(Plans, OnSqlitePool):
    """On SQLite."""

    @staticmethod
    def explain(tx: Transaction, sql: str, parameters: Sequence[Any]) -> list[str]:
        details = [row[3] for row in tx.rows(f"EXPLAIN QUERY PLAN {sql}", *parameters)]
        # the second is what was found, and has its limit
        fine = re.compile(r"SCAN (CONSTANT ROW|\(subquery-\d+\))")
        return [
            one
            for one in details
            if (one.startswith("SCAN") and not fine.fullmatch(one)) or "TEMP B-TREE" in one
        ]

    @staticmethod
    def count(tx: Transaction, sql: str, parameters: Sequence[Any]) -> int:
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        connection = tx._cursor.connection
        connection.set_progress_handler(step, 1)
        try:
            tx.rows(sql, *parameters)
        finally:
            connection.set_progress_handler(None, 1)
        return steps


class MariaDbPlansTests(Plans, OnMariaDb):
    """On MariaDB."""

    @staticmethod
    def explain(tx: Transaction, sql: str, parameters: Sequence[Any]) -> list[str]:
        rows = tx.rows(f"EXPLAIN {sql}", *parameters)
        # that is what was found, and has its limit
        stored = [row for row in rows if not str(row[2]).startswith("<derived")]
        return [
            str(row)
            for row in stored
            if row[3] in ("ALL", "index") or re.search("filesort|temporary", row[9] or "")
        ]

    @staticmethod
    def count(tx: Transaction, sql: str, parameters: Sequence[Any]) -> int:
        def counters() -> int:
            rows = tx.rows_literal(
                "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler_read%' OR Variable_name = 'Sort_rows'"
            )
            return sum(int(value) for _, value in rows)

        counters()
        first = counters()
        second = counters()
        tx.rows(sql, *parameters)
        return counters() - second - (second - first)


del Plans
