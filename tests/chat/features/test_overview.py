"""The list of threads and the settings of threads, frame by frame."""

from __future__ import annotations

from typing import Any

from imsys.errors import Status
from imsys.store.thread_settings import PINNED
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase
from tests.support.stores import OnMariaDb, OnSqlite

OVERVIEW, CHANGE, SETTINGS, PUSH = 270, 272, 274, 135


class Overview(ChatCase):
    async def setUp(self) -> None:
        await super().setUp()
        (self.anna, self.a), (self.bert, self.b) = await self.users("anna", "bert")
        self.thread = str(await self.befriend(self.anna, self.bert))

    async def test_first_screen(self) -> None:
        """One request has it all: who it is, what was said last, what is unread, and how it is kept."""
        request = text_request(self.bert, self.anna, self.thread, "Lunch?")
        request["text_msg"][0]["mentions"] = [str(self.anna)]
        sent = (await self.b.ask(23, **request))["verified_msg"][0]
        await self.a.ask(
            CHANGE, thread_id=self.thread, pinned=True, draft="Yes", muted_until="2125-01-01T00:00:00Z"
        )
        answer = await self.a.ask(OVERVIEW)
        self.assertEqual((answer["error"], answer["threads"], answer["is_complete"]), (0, [], True))
        (view,) = answer["pinned"]
        last = view.pop("last")
        self.assertEqual(
            view,
            {
                "thread_id": self.thread,
                "type": "PRIVATE",
                "uuid": str(self.bert),
                "title": "bert",
                "avator": "",
                "members": 2,
                "last_msg_id": sent["msg_id"],
                "active_id": sent["msg_id"],
                "unread": 2,
                "mentioned": True,
                "delivered": "0",
                "read": "0",
                "peer_delivered": "0",
                "peer_read": "0",
                "timer": 0,
                "muted_until": "2125-01-01T00:00:00.000Z",
                "pinned": True,
                "archived": False,
                "draft": "Yes",
            },
        )
        self.assertEqual(
            last,
            {
                "msg_id": sent["msg_id"],
                "msg_sender": str(self.bert),
                "msg_type": 1,
                "status": 0,
                "msg_content": "Lunch?",
                "timestamp": sent["timestamp"],
            },
        )
        (seen,) = (await self.b.ask(OVERVIEW))["threads"]
        self.assertEqual((seen["uuid"], seen["unread"], seen["draft"]), (str(self.anna), 0, ""))

    async def test_pages(self) -> None:
        """A cursor goes on where a page ended, and what is long makes a page shorter, not the frame longer."""
        others = await self.people(*(f"user{index}" for index in range(30)))
        content = "\u0001" * 200
        threads = [self.thread]
        for other in others:
            threads.append(str(await self.befriend(other, self.anna)))
            request = text_request(self.anna, other, threads[-1], content)
            request["text_msg"][0]["unique_id"] = str(other)
            self.assertEqual((await self.a.ask(23, **request))["error"], 0)
            await self.a.ask(CHANGE, thread_id=threads[-1], draft=content)
        found: list[str] = []
        cursor, pages = "", 0
        while True:
            page = await self.a.ask(OVERVIEW, cursor=cursor)
            found += [view["thread_id"] for view in page["threads"]]
            cursor, pages = page["next"], pages + 1
            if page["is_complete"]:
                break
        self.assertEqual(found, threads[::-1])
        self.assertGreater(pages, 1)
        small = await self.a.ask(OVERVIEW, cursor="", limit=3)
        self.assertEqual([view["thread_id"] for view in small["threads"]], found[:3])

    async def test_settings(self) -> None:
        """Settings are answered, told to the user's other devices, and to nobody else."""
        phone = await self.server.login(self.anna, "phone")
        fields: dict[str, Any] = {
            "thread_id": self.thread,
            "muted_until": "",
            "pinned": False,
            "archived": True,
            "draft": "é" * 4096,
        }
        answer = await self.a.ask(CHANGE, thread_id=self.thread, archived=True, draft=fields["draft"])
        self.assertEqual(answer, {"error": 0, "own_number": "1", **fields})
        self.assertEqual(await phone.next(PUSH), {"error": 0, "own_number": "1", **fields})
        self.assertEqual(await self.a.ask(SETTINGS, thread_id=self.thread), {"error": 0, **fields})
        self.assertEqual((await self.b.ask(SETTINGS, thread_id=self.thread))["draft"], "")
        self.assertEqual([client.pending(PUSH) for client in (self.a, self.b)], [[], []])

    async def test_refused(self) -> None:
        """What cannot be is refused with its status, changes nothing and is told to nobody."""
        stranger = await self.server.connect()
        self.assertEqual((await stranger.ask(OVERVIEW))["error"], Status.LOGIN_UNSUCCESSFUL)
        self.assertEqual((await stranger.ask(CHANGE, thread_id="1"))["error"], Status.LOGIN_UNSUCCESSFUL)
        ((_, c),) = await self.users("carl")
        for client, service, body, status in (
            (c, CHANGE, {"thread_id": self.thread, "draft": "x"}, Status.PERMISSION_DENIED),
            (c, SETTINGS, {"thread_id": self.thread}, Status.PERMISSION_DENIED),
            (self.a, SETTINGS, {"thread_id": "99999"}, Status.PERMISSION_DENIED),
            (self.a, SETTINGS, {"thread_id": "x"}, Status.JSONPARSE_ERROR),
            (self.a, CHANGE, {}, Status.JSONPARSE_ERROR),
            (self.a, CHANGE, {"thread_id": self.thread, "pinned": 1}, Status.JSONPARSE_ERROR),
            (self.a, CHANGE, {"thread_id": self.thread, "muted_until": "soon"}, Status.JSONPARSE_ERROR),
            (
                self.a,
                CHANGE,
                {"thread_id": self.thread, "muted_until": "2030-01-01T00:00:00"},
                Status.JSONPARSE_ERROR,
            ),
            (self.a, CHANGE, {"thread_id": self.thread, "draft": "x" * 4097}, Status.MESSAGE_TOO_LONG),
            (self.a, OVERVIEW, {"limit": 51}, Status.INVALID_FIELD),
            (self.a, OVERVIEW, {"limit": 0}, Status.INVALID_FIELD),
            (self.a, OVERVIEW, {"cursor": "x"}, Status.JSONPARSE_ERROR),
        ):
            answer = await client.ask(service, **body)
            self.assertEqual(answer["error"], status, (service, body, answer))
            self.assertEqual(client.pending(PUSH), [])
        self.assertEqual((await self.a.ask(SETTINGS, thread_id=self.thread))["draft"], "")

    async def test_too_many_pins(self) -> None:
        """One more pinned thread than may be is refused."""
        for index in range(PINNED + 1):
            (other,) = await self.people(f"user{index}")
            thread = str(await self.befriend(other, self.anna))
            answer = await self.a.ask(CHANGE, thread_id=thread, pinned=True)
        self.assertEqual(answer["error"], Status.TOO_MANY)
        self.assertEqual(len((await self.a.ask(OVERVIEW))["pinned"]), PINNED)


class SqliteOverviewTests(Overview, OnSqlite):
    """On SQLite."""


class MariaDbOverviewTests(Overview, OnMariaDb):
    """On MariaDB."""


del Overview
