"""Texts that are sent later, and messages that expire: once, whatever crashes, and gone from everywhere."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from imsys.chat.scheduler import Scheduler
from imsys.errors import Refused, Status
from imsys.protocols.identifiers import new_file_id
from imsys.store.database import Transaction
from imsys.store.files import Content, Offer, Purpose
from imsys.store.scheduled import LEASE_MS, SCHEDULED
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase, ChatServer, RawClient
from tests.support.stores import OnMariaDb, OnSqlite

SCHEDULE, LIST, CHANGE, CANCEL, TIMER, PUSH = 300, 302, 304, 306, 308, 139
HOUR = 3600


def ahead(**more: float) -> str:
    return (datetime.now(UTC) + timedelta(**more)).isoformat()


class Timed(ChatCase):
    async def setUp(self) -> None:
        await super().setUp()
        (self.anna, self.a), (self.bert, self.b) = await self.users("anna", "bert")
        self.thread = str(await self.befriend(self.anna, self.bert))

    async def schedule(self, content: str = "later", **more: Any) -> str:
        """Schedule a text of Anna's; gives back its id."""
        body = {"thread_id": self.thread, "unique_id": content, "content": content, "at": ahead(hours=1)}
        answer = await self.a.ask(SCHEDULE, **(body | more))
        self.assertEqual(answer["error"], 0, answer)
        return str(answer["schedule_id"])

    async def pass_time(self, ms: int = HOUR * 1000 + 5000) -> None:
        """Have so much time passed for what waits and for what expires: more than an hour, since the server's
        clock and ours differ by a little.
        """

        def move(tx: Any) -> None:
            tx.execute("UPDATE scheduled SET next_at = next_at - ?", ms)
            tx.execute("UPDATE expiring SET due_at = due_at - ?", ms)

        await self.database.write(move)

    async def contents(self) -> list[str]:
        """What Bert reads in the thread, after the first two."""
        page = await self.stores.messages.page(self.bert, int(self.thread), 0, 100)
        return [record.content for record in page[2:]]

    # -- sent later

    async def test_sent(self) -> None:
        """A text is sent when it is due, not before, to both, and does not wait any more then."""
        await self.schedule(mentions=[str(self.bert)], expires=HOUR)
        await self.server.scheduler.look()
        self.assertEqual(await self.contents(), [])
        waiting = await self.a.ask(LIST)
        (text,) = waiting["scheduled"]
        self.assertEqual(
            (text["content"], text["mentions"], text["expires"]), ("later", [str(self.bert)], HOUR)
        )
        self.assertTrue(waiting["is_complete"])
        await self.pass_time()
        await self.server.scheduler.look()
        for client in (self.a, self.b):
            (got,) = (await client.next(25))["text_msg"]
            self.assertEqual((got["msg_content"], got["expires"]), ("later", HOUR))
            self.assertEqual(got["unique_id"], f"schedule:{text['schedule_id']}")
        told = await self.a.next(PUSH)
        self.assertEqual((told["state"], told["schedule_id"]), ("sent", text["schedule_id"]))
        self.assertEqual((await self.a.ask(LIST))["scheduled"], [])
        self.assertEqual(self.b.pending(PUSH), [])
        await self.server.scheduler.look()
        self.assertEqual(await self.contents(), ["later"])

    async def test_order(self) -> None:
        """Texts of a thread are sent in the order of their times."""
        for index, minutes in enumerate((3, 1, 2)):
            await self.schedule(f"text {index}", at=ahead(minutes=minutes))
        listed = [text["content"] for text in (await self.a.ask(LIST))["scheduled"]]
        await self.pass_time()
        await self.server.scheduler.look()
        self.assertEqual(await self.contents(), ["text 1", "text 2", "text 0"])
        self.assertEqual(listed, ["text 1", "text 2", "text 0"])

    async def test_changed_and_cancelled(self) -> None:
        """What waits may be changed or cancelled, of which the other devices hear; what was sent, or never was, cannot."""
        phone = await self.server.login(self.anna, "phone")
        first, second = await self.schedule("one"), await self.schedule("two")
        again = await self.a.ask(
            SCHEDULE, thread_id=self.thread, unique_id="one", content="another", at=ahead(hours=2)
        )
        self.assertEqual(again["schedule_id"], first)
        (there, _) = (await self.a.ask(LIST))["scheduled"]
        self.assertEqual((there["content"], there["at"]), ("one", again["at"]))
        pushes = [await phone.next(PUSH) for _ in range(3)]
        self.assertEqual([push["state"] for push in pushes], ["waiting"] * 3)
        self.assertEqual(pushes[-1]["scheduled"], there)
        at = ahead(minutes=5)
        changed = await self.a.ask(CHANGE, schedule_id=first, content="uno", at=at)
        self.assertEqual(changed["scheduled"]["content"], "uno")
        self.assertEqual((await phone.next(PUSH))["scheduled"]["content"], "uno")
        self.assertEqual((await self.a.ask(CANCEL, schedule_id=second))["error"], 0)
        self.assertEqual((await phone.next(PUSH))["state"], "cancelled")
        self.assertEqual(self.a.pending(PUSH), [])
        await self.pass_time()
        await self.server.scheduler.look()
        self.assertEqual(await self.contents(), ["uno"])
        for service in (CHANGE, CANCEL):
            for schedule_id in (first, second, "99999"):
                answer = await self.a.ask(service, schedule_id=schedule_id)
                self.assertEqual(answer["error"], Status.CHATRECORD_NOT_EXIST)

    async def test_died_in_between(self) -> None:
        """A server that dies after it stored a text leaves it to another one, which does not send it twice."""
        schedule_id = await self.schedule()
        await self.pass_time()
        store = self.stores.scheduled
        self.patch(store, "done", self.dies)
        await self.server.scheduler.look()
        self.assertEqual(await self.contents(), ["later"])
        self.patch(store, "done", type(store).done.__get__(store))
        await self.server.scheduler.look()  # it is not this server's to send now
        for service in (CHANGE, CANCEL):
            self.assertEqual((await self.a.ask(service, schedule_id=schedule_id))["error"], Status.TOO_LATE)
        other = ChatServer(self, dataclasses.replace(self.chat_config, name="other"), self.redis)
        await other.start()
        await self.pass_time(2 * LEASE_MS)
        await other.scheduler.look()
        self.assertEqual(await self.contents(), ["later"])
        self.assertEqual((await self.a.ask(LIST))["scheduled"], [])

    @staticmethod
    async def dies(schedule_ids: Any) -> None:
        raise Refused(Status.MYSQL_INTERNAL_ERROR, "It is gone.")

    async def test_many_servers(self) -> None:
        """Several servers that look at once send each text once."""
        for index in range(20):
            await self.schedule(f"text {index}")
        await self.pass_time()
        sent: list[str] = []
        server = self.server
        schedulers = [
            Scheduler(
                self.reactor,
                self.stores.scheduled,
                server.node,
                server.announcer.post,
                lambda text, refused: sent.append(text.content),
            )
            for _ in range(4)
        ]
        await gatherResults([Deferred.fromCoroutine(one.look()) for one in schedulers])
        self.assertEqual(sorted(sent), sorted(await self.contents()))
        self.assertEqual(len(sent), 20)

    async def test_database_away(self) -> None:
        """A text that could not be stored is sent when its lease is over."""
        await self.schedule()
        await self.pass_time()
        post = self.server.scheduler._post

        async def away(*arguments: Any) -> None:
            raise Refused(Status.MYSQL_INTERNAL_ERROR, "It is away.")

        self.server.scheduler._post = away
        await self.server.scheduler.look()
        self.server.scheduler._post = post
        await self.server.scheduler.look()
        self.assertEqual(await self.contents(), [])
        await self.pass_time(2 * LEASE_MS)
        await self.server.scheduler.look()
        self.assertEqual(await self.contents(), ["later"])

    async def test_blocked_meanwhile(self) -> None:
        """Who may not write there any more is told why the text was not sent."""
        await self.schedule()
        await self.b.ask(98, uuid=str(self.anna), blocked=True)
        await self.pass_time()
        await self.server.scheduler.look()
        told = await self.a.next(PUSH)
        self.assertEqual((told["state"], told["status"]), ("failed", Status.BLOCKED))
        self.assertEqual((await self.a.ask(LIST))["scheduled"], [])
        self.assertEqual(await self.contents(), [])

    async def test_refused(self) -> None:
        """What cannot be is refused with its status, and nothing waits."""
        ((_, c),) = await self.users("carl")
        stranger = await self.server.connect()
        for service in (SCHEDULE, LIST):
            self.assertEqual((await stranger.ask(service))["error"], Status.LOGIN_UNSUCCESSFUL)
        good = {"thread_id": self.thread, "unique_id": "u", "content": "x", "at": ahead(hours=1)}
        table: list[tuple[RawClient, int, dict[str, Any], Status]] = [
            (c, SCHEDULE, good, Status.PERMISSION_DENIED),
            (self.a, SCHEDULE, good | {"thread_id": "99999"}, Status.PERMISSION_DENIED),
            (self.a, SCHEDULE, good | {"at": ahead(hours=-1)}, Status.INVALID_FIELD),
            (self.a, SCHEDULE, good | {"at": ahead(days=370)}, Status.INVALID_FIELD),
            (self.a, SCHEDULE, good | {"at": "soon"}, Status.JSONPARSE_ERROR),
            (self.a, SCHEDULE, good | {"unique_id": ""}, Status.INVALID_FIELD),
            (self.a, SCHEDULE, good | {"content": ""}, Status.MESSAGE_TOO_LONG),
            (self.a, SCHEDULE, good | {"content": "x" * 4097}, Status.MESSAGE_TOO_LONG),
            (self.a, SCHEDULE, good | {"expires": 0}, Status.INVALID_FIELD),
            (self.a, SCHEDULE, good | {"mentions": "me"}, Status.INVALID_FIELD),
            (self.a, LIST, {"limit": 101}, Status.INVALID_FIELD),
            (self.a, LIST, {"cursor": "x"}, Status.JSONPARSE_ERROR),
            (c, TIMER, {"thread_id": self.thread, "unique_id": "u", "timer": HOUR}, Status.PERMISSION_DENIED),
            (
                self.a,
                TIMER,
                {"thread_id": self.thread, "unique_id": "u", "timer": HOUR - 1},
                Status.INVALID_FIELD,
            ),
            (
                self.a,
                TIMER,
                {"thread_id": self.thread, "unique_id": "u", "timer": 29 * 86400},
                Status.INVALID_FIELD,
            ),
            (self.a, TIMER, {"thread_id": self.thread, "unique_id": "u", "timer": -1}, Status.INVALID_FIELD),
            (self.a, TIMER, {"thread_id": self.thread, "unique_id": "", "timer": 0}, Status.INVALID_FIELD),
        ]
        for client, service, body, status in table:
            answer = await client.ask(service, **body)
            self.assertEqual(answer["error"], status, (service, body, answer))
        schedule_id = await self.schedule()
        for service in (CHANGE, CANCEL):  # it is not Carl's
            self.assertEqual(
                (await c.ask(service, schedule_id=schedule_id))["error"], Status.CHATRECORD_NOT_EXIST
            )
        answer = await self.a.ask(CHANGE, schedule_id=schedule_id, at=ahead(hours=-1))
        self.assertEqual(answer["error"], Status.INVALID_FIELD)
        await self.b.ask(98, uuid=str(self.anna), blocked=True)
        self.assertEqual((await self.a.ask(SCHEDULE, **good))["error"], Status.BLOCKED)
        self.assertEqual(len((await self.a.ask(LIST))["scheduled"]), 1)

    async def test_too_many(self) -> None:
        """One more than may be is refused; pages have them all."""
        for index in range(SCHEDULED):
            await self.schedule(f"text {index}")
        body = {"thread_id": self.thread, "unique_id": "u", "content": "x", "at": ahead(hours=1)}
        self.assertEqual((await self.a.ask(SCHEDULE, **body))["error"], Status.TOO_MANY)
        found: list[str] = []
        cursor = ""
        while True:
            page = await self.a.ask(LIST, cursor=cursor, limit=30)
            found += [text["content"] for text in page["scheduled"]]
            cursor = page["next"]
            if page["is_complete"]:
                break
        self.assertEqual(found, [f"text {index}" for index in range(SCHEDULED)])

    # -- gone after a time

    async def say(self, content: str, **more: Any) -> dict[str, Any]:
        request = text_request(self.anna, self.bert, self.thread, content)
        request["text_msg"][0] |= {"unique_id": f"{len(content)} characters", **more}
        for again in range(2):  # sent again, it is acknowledged again
            answer = await self.a.ask(23, **request)
            self.assertEqual(answer["error"], 0, answer)
            (acknowledged,) = answer["verified_msg"]
            if not again:
                pushed: dict[str, Any] = (await self.b.next(25))["text_msg"][0]
            self.assertEqual(acknowledged.get("expires"), pushed.get("expires"))
        return pushed

    async def test_timer(self) -> None:
        """What is written after a timer was set says when it expires, and is gone then, with all that belongs to it."""
        await self.say("stays")
        answer = await self.a.ask(TIMER, thread_id=self.thread, unique_id="timer", timer=HOUR)
        self.assertEqual(answer["error"], 0)
        (entry,) = (await self.b.next(133))["entries"]
        self.assertEqual((entry["msg_type"], entry["body"]), (21, {"timer": HOUR}))
        again = await self.b.ask(TIMER, thread_id=self.thread, unique_id="again", timer=HOUR)
        self.assertEqual((again["error"], again["msg_id"]), (0, "0"))
        text = await self.say("secret", mentions=[str(self.bert)], expires=2 * HOUR)
        self.assertEqual(text["expires"], HOUR)
        change = {"thread_id": self.thread, "target": text["msg_id"], "on": True}
        await self.b.ask(196, **change, unique_id="r", emoji="👍")
        await self.b.ask(198, **change, unique_id="p")
        (view,) = (await self.b.ask(270))["threads"]
        self.assertEqual((view["timer"], view["mentioned"]), (HOUR, True))
        await self.server.expirer.look()
        self.assertEqual(await self.contents(), ["stays", "secret"])
        await self.pass_time()
        await self.server.expirer.look()
        self.assertEqual(await self.contents(), ["stays", ""])
        for table in ("messages", "reactions", "pins", "mentions", "expiring"):
            rows = await self.database.read(lambda tx, table=table: tx.rows(f"SELECT * FROM {table}"))  # type: ignore[misc]
            self.assertNotIn("secret", str(rows))
            if table != "messages":
                self.assertEqual(rows, [], table)
        page = await self.b.ask(13, thread_id=self.thread, before="0", limit=5, entries=True)
        (gone,) = [record for record in page["chat_messages"] if record["msg_id"] == text["msg_id"]]
        self.assertEqual((gone["status"], gone["msg_content"]), (2, ""))
        self.assertNotIn("expires", gone)
        await self.b.ask(TIMER, thread_id=self.thread, unique_id="off", timer=0)
        self.assertNotIn("expires", await self.say("stays too"))

    async def test_single_text(self) -> None:
        """A text may expire by itself; the others stay."""
        await self.say("stays")
        self.assertEqual((await self.say("goes", expires=60))["expires"], 60)
        await self.pass_time()
        await self.server.expirer.look()
        self.assertEqual(await self.contents(), ["stays", ""])
        request = text_request(self.anna, self.bert, self.thread, "x")
        for seconds in (0, -1, 28 * 86400 + 1):
            request["text_msg"][0]["expires"] = seconds
            self.assertEqual((await self.a.ask(23, **request))["error"], Status.INVALID_FIELD)

    async def test_file(self) -> None:
        """The file of a message that expires is gone with it: nobody can get it any more."""
        await self.a.ask(TIMER, thread_id=self.thread, unique_id="timer", timer=HOUR)
        pushed = await self.send_file()
        self.assertEqual(pushed["expires"], HOUR)
        file_id = json.loads(pushed["msg_content"])["file_id"]
        self.assertEqual((await self.b.ask(66, file_id=file_id))["error"], 0)
        await self.pass_time()
        await self.server.expirer.look()
        self.assertEqual((await self.b.ask(66, file_id=file_id))["error"], Status.FILE_OPEN_ERROR)
        self.assertEqual(await self.stores.files.used(self.anna), (0, 0))
        self.assertEqual(await self.contents(), [""])

    async def test_recalled_file(self) -> None:
        """The file of a message that is recalled can be got by no other one from then on, and is gone soon."""
        for number in range(2):
            pushed = await self.send_file()
            file_id = json.loads(pushed["msg_content"])["file_id"]
            self.assertEqual((await self.b.ask(66, file_id=file_id))["error"], 0)
            keys = {"thread_id": self.thread, "unique_id": f"recall {number}", "targets": [pushed["msg_id"]]}
            self.assertEqual((await self.a.ask(194, **keys))["error"], 0)
            self.assertEqual((await self.b.ask(66, file_id=file_id))["error"], Status.FILE_OPEN_ERROR)
            await self.server.announcer.announce(self.file_id)  # a repetition does not bring it back
            await self.server.expirer.look()
            self.assertEqual((await self.a.ask(66, file_id=file_id))["error"], Status.FILE_OPEN_ERROR)
            self.assertEqual(await self.stores.files.used(self.anna), (0, 0))
            rows = await self.database.read(Transaction.rows, "SELECT * FROM expiring")
            self.assertEqual(rows, [])
            # the next one is of a thread whose messages expire as well
            await self.a.ask(TIMER, thread_id=self.thread, unique_id="timer", timer=HOUR)

    async def send_file(self) -> dict[str, Any]:
        """Anna sends a file of one byte; gives back what Bert is told."""
        files = self.stores.files
        offer = Offer(
            file_id=new_file_id(),
            owner=self.anna,
            purpose=Purpose.MESSAGE,
            thread_id=int(self.thread),
            server="resources1",
            filename="f",
            size=1,
            mime="text/plain",
        )
        await files.offer(offer, life=10, quota=100)
        content = Content(0, "resources1", b"%032d" % 1, 1, offer.file_id.hex(), "k", b"k")
        await files.finish(offer.file_id, content, mime="text/plain", announce=True)
        await self.server.announcer.announce(offer.file_id)
        self.file_id = offer.file_id
        (pushed,) = (await self.b.next(25))["text_msg"]
        found: dict[str, Any] = pushed
        return found

    async def test_many(self) -> None:
        """Many that expire at once go in steps, so that others can write meanwhile."""
        texts = [f"text {index}" for index in range(450)]
        for start in range(0, len(texts), 90):
            request = text_request(self.anna, self.bert, self.thread, *texts[start : start + 90])
            for item in request["text_msg"]:
                item["expires"] = 60
            self.assertEqual((await self.a.ask(23, **request))["error"], 0)
        await self.pass_time()
        for _ in range(3):
            await self.server.expirer.look()
        rows = await self.database.read(
            lambda tx: tx.rows("SELECT COUNT(*), MAX(LENGTH(content)) FROM messages WHERE status = 2")
        )
        self.assertEqual(rows, [(450, 0)])


class SqliteTimedTests(Timed, OnSqlite):
    """On SQLite."""


class MariaDbTimedTests(Timed, OnMariaDb):
    """On MariaDB."""


del Timed
