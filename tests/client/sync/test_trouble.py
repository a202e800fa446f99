"""A server that goes and comes back, a disk that is full, a store that is damaged."""

from __future__ import annotations

import contextlib
import os
import signal

from PIL import Image
from twisted.internet.defer import Deferred

from client.core.model import Connection, Link, Mark, Message
from client.core.ports import Failure
from client.sync.account import AccountSync
from imsys.sdk import Credentials
from tests.cli.running import PASSWORD as PASSWORD_OF_ALL
from tests.client.sync.scene import KEY, QUICK, AccountCase
from tests.support.all_in_one import PASSWORD, AllInOne


class ServerTests(AccountCase):
    async def test_a_server_that_is_killed(self) -> None:
        """The banner's reason and the time of the next try are told.

        What is written meanwhile goes when it is back, with no click.
        """
        alone = AllInOne(self, self.reactor)
        daemon = await alone.start({})
        ben = await alone.user("ben")
        await (await alone.user("anna")).stop()
        account = AccountSync(
            self.reactor,
            alone.gateway,
            Credentials(username="anna", password=PASSWORD),
            self.home / "anna",
            KEY,
            timing=QUICK,
        )
        await account.open()
        self.addCleanup(lambda: Deferred.fromCoroutine(account.close()))
        account.start()
        await self.until(lambda: account.connection().link is Link.ONLINE)
        told: list[Connection] = []
        account.changes.connection.subscribe(told.append)
        await account.ask_friend(ben.me.uuid, "Hello?")
        await ben.contacts.accept(account.me.uuid)
        await self.until(account.conversations)
        thread = account.conversations()[0].id
        await daemon.stop(signal.SIGKILL)
        await self.until(lambda: account.connection().link is Link.WAITING)
        sent = await account.send_text(thread, "in between")
        picture = self.home / "p.png"
        Image.new("RGB", (40, 30)).save(picture)
        filed = await account.send_file(thread, picture)
        await self.until(lambda: [one for one in told if "running" in one.reason])
        waiting = next(one for one in told if one.link is Link.WAITING and one.reason)
        self.assertGreater(waiting.retry_at_ms, 0)
        self.assertEqual(waiting.server, alone.gateway.url.partition("://")[2])
        self.assertEqual(
            [one.mark for one in await account.before(thread, None, 2)], [Mark.WAITING, Mark.WAITING]
        )
        await alone.start({})
        account.retry_now()
        page = await self.shows(account, thread, lambda page: all(one.mark >= Mark.STORED for one in page))
        self.assertEqual([one.key for one in page if one.key in (sent.key, filed.key)], [sent.key, filed.key])
        self.assertEqual(told[-1], Connection(Link.ONLINE, waiting.server))


class DiskTests(AccountCase):
    async def test_a_full_disk(self) -> None:
        """Is said once; texts go both ways and are shown, what was stored is there, and the rest is stored
        when there is room again.
        """
        anna, ben, thread = await self.pair()
        notices: list[str] = []
        seen: list[Message] = []
        anna.changes.notice.subscribe(notices.append)
        anna.changes.messages.subscribe(seen.extend)
        store = anna.parts.keeper.store
        pages = await store.read(lambda db: int(db.pragma("page_count")))
        await store.read(lambda db: db.pragma("max_page_count", pages + 1))
        for number in range(30):
            await anna.send_text(thread, f"mine {number} " + "x" * 2000)
        await ben.send(thread, "theirs")
        page = await self.shows(
            anna,
            thread,
            lambda page: (
                len([one for one in page if one.mark >= Mark.STORED and one.text.startswith("mine")]) == 30
            ),
        )
        await self.shows(anna, thread, lambda page: "theirs" in [one.text for one in page])
        self.assertEqual(len({one.key for one in page}), len(page))
        self.assertEqual([text for text in notices if "no room" in text], notices)
        self.assertEqual(len(notices), 1)
        self.assertTrue(any(one.text == "theirs" for one in seen))
        await store.read(lambda db: db.pragma("max_page_count", 1 << 30))
        name = anna.me.username
        await anna.close()
        again = await self.account(name, start=False)
        self.assertEqual(
            len([one for one in await again.before(thread, None, 99) if one.text.startswith("mine")]), 30
        )

    async def test_a_damaged_store(self) -> None:
        """Is set aside and said; everything comes from the server again."""
        anna, ben, thread = await self.pair()
        for number in range(150):
            ben.post(thread, f"number {number}")
        await self.shows(anna, thread, lambda page: "number 149" in [one.text for one in page])
        name = anna.me.username
        await anna.close()
        (self.home / name / "store.db").write_bytes(b"not a database" * 1000)
        again = AccountSync(
            self.reactor,
            self.gateway,
            Credentials(username=name, password=PASSWORD_OF_ALL),
            self.home / name,
            KEY,
            timing=QUICK,
        )
        notices: list[str] = []
        again.changes.notice.subscribe(notices.append)
        await again.open()
        self.addCleanup(lambda: Deferred.fromCoroutine(again.close()))
        self.assertIn("damaged", notices[0])
        again.start()
        await self.until(lambda: again.conversations() and again.conversations()[0].last is not None)
        self.assertEqual(again.conversations()[0].title, ben.me.username)
        page = await again.before(thread, None, 200)
        self.assertEqual([one.text for one in page][-150:], [f"number {number}" for number in range(150)])

    async def test_damage_that_comes_to_light_while_it_runs(self) -> None:
        """A new store is begun under the account's feet: drafts and what waits are in it, the messages come
        again.
        """
        anna, ben, thread = await self.pair()
        for number in range(300):
            ben.post(thread, f"number {number} " + "x" * 500)
        await self.shows(anna, thread, lambda page: any(one.text.startswith("number 299") for one in page))
        anna.set_draft(thread, "almost")
        notices: list[str] = []
        anna.changes.notice.subscribe(notices.append)
        store = anna.parts.keeper.store
        await store.write(lambda db: None)
        await store.read(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        path = self.home / anna.me.username / "store.db"
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(path.stat().st_size - 4096))
        await store.read(lambda db: db.pragma("shrink_memory"))
        with contextlib.suppress(Failure):
            await anna.before(thread, None, 200)
        await self.until(lambda: notices)
        self.assertIn("damaged", notices[0])
        page = await self.shows(anna, thread, lambda page: len(page) == 200)
        self.assertTrue(page[-1].text.startswith("number 299"))
        sent = await anna.send_text(thread, "goes on")
        await self.shows(anna, thread, lambda page: page[-1].key == sent.key and page[-1].mark >= Mark.STORED)
        row = anna.conversation(thread)
        assert row is not None
        self.assertEqual(row.draft, "almost")


class HostileTests(AccountCase):
    async def test_what_somebody_sends(self) -> None:
        """Names with paths, rubbish for a picture, texts that look like orders: they stay what they are, in
        the folder of the account.
        """
        anna, ben, thread = await self.pair()
        await ben.transfers.upload(
            self.file("x.png", b"\x89PNG no picture"), thread, filename="con.png"
        ).result()
        await ben.send(thread, "<img src=https://evil.example/x> \u202e \0 " + "\u0301" * 500)
        await self.shows(anna, thread, lambda page: any(one.text.startswith("<img") for one in page))
        page = await self.shows(anna, thread, lambda page: any(one.attachment for one in page))
        file = next(one for one in page if one.attachment)
        got = await anna.fetch(file)
        self.assertTrue(got.is_relative_to(self.home / anna.me.username / "files"))
        self.assertEqual(got.name, "_con.png")
        self.assertIsNone(await anna.preview(file))
