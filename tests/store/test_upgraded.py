"""A store that the version before conversations made: what becomes of its data, and that one can go on with it."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pymysql
from twisted.internet.threads import deferToThread

from imsys.config import ChatConfig
from imsys.redis.client import RedisService
from imsys.store import Stores, numbering, steps
from imsys.store.database import Transaction
from imsys.store.heads import lock_heads
from imsys.store.ids import MessageIds
from imsys.store.migrations import migrate
from imsys.store.overview import UNREAD
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatServer, RawClient
from tests.support.children import folder
from tests.support.daemons import environment
from tests.support.previous import database_settings, old_store
from tests.support.servers import redis_server
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase

Rows = dict[str, tuple[list[str], list[Any]]]
"""Of each table the columns, and the rows."""

_COLUMNS = {
    "sqlite": "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c "
    "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid",
    "mysql": "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() "
    "ORDER BY table_name, ordinal_position",
}


class Upgraded(StoreCase):
    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor = reactor
        self.config = self.database_config()
        made = await deferToThread(old_store, self.config)
        self.users: dict[str, int] = made["users"]
        self.threads: dict[str, int] = made["threads"]
        self.database = self.open_database()
        self.stores = Stores.on(self.database, time.time)
        self.ids = MessageIds(time.time, 1)
        self.before = await self.rows()

    async def rows(self, columns: Rows | None = None) -> Rows:
        """All that is in the tables, or in these columns."""
        return await self.database.read(_all_rows, columns)

    async def test_migrated(self) -> None:
        """All is there as it was, and counted; migrating again changes nothing."""
        await deferToThread(migrate, self.config)
        await self.check()
        self.assertEqual(await deferToThread(migrate, self.config), [])

    async def test_portions(self) -> None:
        """Few messages are numbered at a time, so that servers of the version before, which are writing, need not wait."""
        done: list[int] = []

        def number(tx: Transaction, *arguments: Any) -> None:
            count = "SELECT COUNT(*) FROM messages WHERE number > 0"
            ((before,),) = tx.rows(count)
            numbering.number(tx, *arguments)
            ((after,),) = tx.rows(count)
            done.append(after - before)

        self.patch(steps, "number", number)
        self.patch(steps, "MESSAGES", 70)
        await deferToThread(migrate, self.config)
        self.assertEqual(max(done), 70)
        self.assertGreater(len(done), 40)
        await self.check()

    async def test_killed(self) -> None:
        """A migration that is killed after each of its statements goes on where it was, and ends as any other."""
        done = await deferToThread(
            subprocess.run,
            [sys.executable, "-m", "tests.support.dying_migration"],
            capture_output=True,
            text=True,
            timeout=100,
            env=environment(**database_settings(self.config)),
            cwd=folder("dying"),
            stdin=subprocess.DEVNULL,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertGreater(int(done.stdout), 40)
        self.assertEqual(await deferToThread(migrate, self.config), [])
        await self.check()

    async def check(self) -> None:
        """What was there is there; messages have numbers without gaps, and what is unread is known."""
        after = await self.rows(self.before)
        for table, (columns, rows) in self.before.items():
            self.assertEqual(after[table], (columns, rows), table)
        messages = await self.database.read(
            lambda tx: tx.rows(
                "SELECT thread_id, msg_id, sender_id, number, edited_at, extra FROM messages ORDER BY thread_id, msg_id"
            )
        )
        self.assertGreater(len(messages), 3000)
        by_thread: dict[int, list[Any]] = {}
        for thread, *message in messages:
            by_thread.setdefault(thread, []).append(message)
        self.assertEqual(set(by_thread), set(self.threads.values()))
        heads = await self.database.read(
            lambda tx: tx.rows("SELECT thread_id, last_msg_id, last_number, numbered_id FROM threads")
        )
        for thread, last, last_number, numbered in heads:
            there = by_thread[thread]
            self.assertEqual([number for _, _, number, *_ in there], list(range(1, len(there) + 1)))
            self.assertEqual((last, last_number, numbered), (there[-1][0], len(there), there[-1][0]))
            self.assertEqual({(edited, extra) for *_, edited, extra in there}, {(0, None)})
        for user in self.users.values():
            views, _ = await self.stores.overview.newest(user, (0, 0), 50)
            for view in views:
                there = by_thread[view.thread_id]
                floor = max(view.read, *(msg_id for msg_id, sender, *_ in there if sender == user), 0)
                unread = sum(msg_id > floor for msg_id, *_ in there)
                self.assertEqual(view.unread, min(unread, UNREAD))

    async def test_going_on(self) -> None:
        """Who was signed in still is, reads the whole history, and all that is new can be done to what is old."""
        await deferToThread(migrate, self.config)
        service = RedisService(self.reactor, redis_server())
        service.startService()
        self.addCleanup(service.stopService)
        self.server = ChatServer(self, ChatConfig(), service.redis)
        await self.server.start()
        a, b = [await self.log_in(name) for name in ("anna", "bert")]
        thread = str(self.threads["anna bert"])
        log = await self.log(b, thread)
        columns, rows = self.before["messages"]
        where = columns.index("thread_id")
        old = sorted(row[columns.index("msg_id")] for row in rows if row[where] == int(thread))
        self.assertEqual([int(one["msg_id"]) for one in log], old)
        target, last = log[17]["msg_id"], log[-1]["msg_id"]
        mine = next(
            one for one in log if one["msg_sender"] == str(self.users["anna"]) and one["msg_type"] == 1
        )
        text = text_request(self.users["anna"], self.users["bert"], thread, "well")
        text["text_msg"][0]["reply_to"] = target
        said = (await a.ask(23, **text))["verified_msg"][0]["msg_id"]
        pushed = (await b.next(25))["text_msg"][0]
        self.assertEqual((pushed["prev_id"], pushed["reply_to"]), (last, target))
        before = said
        changes = (
            (192, {"target": mine["msg_id"], "content": "edited"}),
            (196, {"target": target, "emoji": "👍", "on": True}),
            (198, {"target": target, "on": True}),
            (194, {"targets": [mine["msg_id"]]}),
        )
        for service_id, change in changes:
            answer = await a.ask(service_id, thread_id=thread, unique_id=f"{service_id}", **change)
            self.assertEqual(answer["error"], 0, answer)
            (entry,) = (await b.next(133))["entries"]
            self.assertEqual((entry["msg_id"], entry["prev_id"]), (answer["msg_id"], before))
            before = entry["msg_id"]
        now = {one["msg_id"]: one for one in await self.log(b, thread)}
        self.assertEqual(len(now), len(old) + 5)
        self.assertEqual((now[target]["reactions"][0]["emoji"], now[target]["pinned"]), ("👍", True))
        self.assertEqual((now[mine["msg_id"]]["status"], now[mine["msg_id"]]["msg_content"]), (2, ""))
        self.assertEqual(now[said]["number"], len(old) + 1)
        views = (await b.ask(270))["threads"]
        (unread,) = [view["unread"] for view in views if view["thread_id"] == thread]
        self.assertEqual(unread, 1)

    async def log_in(self, name: str) -> RawClient:
        """With a token of then."""
        client = await self.server.connect()
        answer = await client.ask(5, uuid=str(self.users[name]), token=f"the token of {name}", seq=0)
        self.assertEqual(answer["error"], 0, answer)
        return client

    async def log(self, client: RawClient, thread: str) -> list[dict[str, Any]]:
        """All of a thread's log."""
        found: list[dict[str, Any]] = []
        while True:
            after = found[-1]["msg_id"] if found else "0"
            page = await client.ask(13, thread_id=thread, msg_id=after, limit=100, entries=True)
            found += page["chat_messages"]
            if page["is_complete"]:
                return found


def _all_rows(tx: Transaction, wanted: Rows | None) -> Rows:
    if wanted is None:
        columns: dict[str, list[str]] = {}
        for table, column in tx.rows(_COLUMNS[tx.dialect.name]):
            columns.setdefault(table, []).append(column)
        del columns["schema_migrations"]
    else:
        columns = {table: some for table, (some, _) in wanted.items()}
    return {
        table: (some, sorted(tx.rows(f"SELECT {', '.join(some)} FROM {table}"), key=repr))
        for table, some in columns.items()
    }


class SqliteUpgradedTests(Upgraded, OnSqlite):
    """On SQLite."""


class MariaDbUpgradedTests(Upgraded, OnMariaDb):
    """On MariaDB."""

    async def test_conflicts(self) -> None:
        """A portion that a deadlock, or another member of a cluster, has undone is numbered again."""
        calls: list[int] = []

        def number(tx: Transaction, heads: Any, up_to: int) -> None:
            calls.append(up_to)
            numbering.number(tx, heads, up_to)
            if len(calls) % 3 == 0:
                raise pymysql.err.OperationalError(1213, "Deadlock found")

        self.patch(steps, "number", number)
        self.patch(steps, "MESSAGES", 500)
        self.patch(steps, "PAUSE", 0.01)
        await deferToThread(migrate, self.config)
        self.assertGreater(len(calls), 8)
        await self.check()

    async def test_long_thread(self) -> None:
        """To number what a server of the version before wrote last, nothing is read of what was there before."""
        await deferToThread(migrate, self.config)
        threads = [self.threads[pair] for pair in ("anna bert", "anna carl", "dora emil")]
        self.assertLess(await self.database.write(_rows_read, threads), 100)


def _rows_read(tx: Transaction, threads: list[int]) -> int:
    for head in lock_heads(tx, threads).values():
        tx.execute(
            "INSERT INTO messages (thread_id, msg_id, sender_id, kind, content) VALUES (?, ?, ?, 1, 'news')",
            head.thread_id,
            head.last_msg_id + 1,
            head.low,
        )
        tx.execute("UPDATE threads SET last_msg_id = last_msg_id + 1 WHERE thread_id = ?", head.thread_id)
    heads = lock_heads(tx, threads).values()
    before = _reads(tx)
    numbering.number(tx, heads)
    read = _reads(tx) - before
    assert all(head.numbered for head in heads)
    return read


def _reads(tx: Transaction) -> int:
    return sum(int(count) for _, count in tx.rows_literal("SHOW SESSION STATUS LIKE 'Handler_read%'"))


del Upgraded
