"""Entries of the log that are no messages: order, effect, repetition, and who may."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from imsys.errors import Refused, Status
from imsys.store.appending import Appended, Draft, Submission
from imsys.store.changes import PINS, REACTIONS, Change, Edit, EntryKind, Pin, React, Recall
from imsys.store.database import Transaction
from imsys.store.pages import Record
from tests.support.stores import OnMariaDb, OnMariaDbPool, OnSqlite, StoreCase, text

DAY = 86400.0
NOWHERE = 5


class Changing(StoreCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert, self.carl = await self.people("anna", "bert", "carl")
        self.thread = await self.befriend(self.anna, self.bert)

    def change(self, actor: int, change: Change) -> Submission:
        return Submission(actor, 0, self.thread, (), change)

    async def append(self, *submissions: Submission) -> list[Appended | Refused]:
        return await self.stores.messages.append(self.ids, submissions)

    async def done(self, *submissions: Submission) -> list[Any]:
        """What was stored; everything must have been."""
        stored: list[Any] = []
        for result in await self.append(*submissions):
            assert isinstance(result, Appended), result
            stored += result.messages
        return stored

    async def refused(self, actor: int, change: Change) -> Status:
        """Why a change was refused; then nothing may have changed."""
        before = await self.state()
        (result,) = await self.append(self.change(actor, change))
        assert isinstance(result, Refused), result
        self.assertEqual(await self.state(), before)
        return result.status

    async def say(self, content: str, sender: int = 0) -> int:
        """Store a text; gives back its id."""
        sender = sender or self.anna
        (stored,) = await self.done(text(sender, self.anna + self.bert - sender, self.thread, content))
        return int(stored.msg_id)

    async def log(self, user: int = 0) -> list[Record]:
        return await self.stores.messages.page(user or self.anna, self.thread, 0, 1000, entries=True)

    async def state(self) -> list[Any]:
        return [await self.log(), await self.stores.conversations.pins(self.anna, self.thread)]

    async def test_one_order(self) -> None:
        """Messages and changes are one chain of ids, within a batch and across batches, and one page."""
        first = await self.say("one")
        stored = await self.done(
            text(self.bert, self.anna, self.thread, "two"),
            self.change(self.anna, Edit("e", first, "uno", None, DAY)),
            text(self.anna, self.bert, self.thread, "three", "four"),
            self.change(self.bert, React("r", first, "👍", True)),
        )
        stored += await self.done(
            self.change(self.bert, Pin("p", first, True)), text(self.bert, self.anna, self.thread, "five")
        )
        records = await self.log()
        ids = [0, *(record.msg_id for record in records)]
        self.assertEqual([(one.prev_id, one.msg_id) for one in stored], list(pairwise(ids))[3:])
        self.assertEqual(
            [(record.kind, record.number) for record in records[2:]],
            [(1, 3), (1, 4), (16, 0), (1, 5), (1, 6), (18, 0), (19, 0), (1, 7)],
        )
        messages = await self.stores.messages.page(self.bert, self.thread, 0, 1000)
        self.assertEqual([one.content for one in messages[2:]], ["uno", "two", "three", "four", "five"])
        pages: list[Record] = []
        while True:
            page = await self.stores.messages.page(
                self.bert, self.thread, pages[-1].msg_id if pages else 0, 3, entries=True
            )
            if not page:
                break
            pages += page
        self.assertEqual([one.msg_id for one in pages], ids[1:])
        newest = await self.stores.messages.page_before(self.bert, self.thread, 0, 3, entries=True)
        self.assertEqual([one.msg_id for one in newest], ids[-3:])

    async def test_edit(self) -> None:
        """An edit replaces; its entry, read later, has the text that is there then."""
        target = await self.say("one")
        await self.done(self.change(self.anna, Edit("a", target, "uno", [str(self.bert)], DAY)))
        await self.done(self.change(self.anna, Edit("b", target, "eins", None, DAY)))
        records = {record.msg_id: record for record in await self.log()}
        self.assertEqual(records[target].content, "eins")
        self.assertGreater(records[target].edited_at, 0)
        edits = [json.loads(record.content) for record in records.values() if record.kind == EntryKind.EDIT]
        self.assertEqual(edits, [{"target": str(target), "content": "eins"}] * 2)

    async def test_recall(self) -> None:
        """What was recalled is gone, with what others attached to it; and nothing can be done to it."""
        draft = Draft("unique", "secret")
        (stored,) = await self.done(Submission(self.anna, self.bert, self.thread, (draft,)))
        target = stored.msg_id
        await self.done(
            self.change(self.anna, Edit("e", target, "secret too", None, DAY)),
            self.change(self.bert, React("r", target, "👍", True)),
            self.change(self.bert, Pin("p", target, True)),
            self.change(self.anna, Recall("x", [target], DAY)),
        )
        record = next(one for one in await self.log() if one.msg_id == target)
        self.assertEqual((record.status, record.content, record.reactions, record.pinned), (2, "", (), False))
        for table in ("messages", "entries", "reactions", "pins"):
            rows = await self.database.read(Transaction.rows, f"SELECT * FROM {table}")
            self.assertNotIn("secret", str(rows), table)
        for change in (
            Edit("1", target, "x", None, DAY),
            Recall("2", [target], DAY),
            React("3", target, "👍", True),
            Pin("4", target, True),
        ):
            self.assertEqual(await self.refused(self.anna, change), Status.CHATRECORD_NOT_EXIST)

    async def test_repeated(self) -> None:
        """A change that is sent again is not carried out again: it has its former id and says so."""
        target = await self.say("one")
        again = self.change(self.bert, React("same", target, "👍", True))
        one, two = await self.done(again, again)
        (three,) = await self.done(again)
        self.assertEqual({one.msg_id, two.msg_id, three.msg_id}, {one.msg_id})
        self.assertEqual({(two.resent, two.prev_id), (three.resent, three.prev_id)}, {(True, one.prev_id)})

    async def test_nothing_to_do(self) -> None:
        """What is so already makes no entry."""
        target = await self.say("one")
        await self.done(
            self.change(self.bert, React("1", target, "👍", True)),
            self.change(self.bert, Pin("2", target, True)),
        )
        self.assertEqual(
            await self.done(
                self.change(self.bert, React("3", target, "👍", True)),
                self.change(self.anna, React("4", target, "👍", False)),
                self.change(self.anna, Pin("5", target, True)),
            ),
            [],
        )

    async def test_reactions(self) -> None:
        """Each emoji is counted, and whose it is; one more kind than may be is refused, one more user is not."""
        target = await self.say("one")
        for index in range(REACTIONS):
            await self.done(self.change(self.anna, React(str(index), target, chr(0x1F600 + index), True)))
        await self.done(self.change(self.bert, React("b", target, chr(0x1F600), True)))
        self.assertEqual(await self.refused(self.bert, React("m", target, "🙏", True)), Status.TOO_MANY)
        mine = next(one for one in await self.log(self.bert) if one.msg_id == target).reactions
        self.assertEqual(len(mine), REACTIONS)
        self.assertEqual([one for one in mine if one[2]], [(chr(0x1F600), 2, True)])
        read = self.stores.conversations.reactors
        everybody = await read(self.bert, self.thread, target, ("", 0), 100)
        self.assertEqual(len(everybody), REACTIONS + 1)
        paged: list[tuple[str, int]] = []
        while page := await read(self.bert, self.thread, target, paged[-1] if paged else ("", 0), 4):
            paged += page
        self.assertEqual(paged, everybody)

    async def test_pins(self) -> None:
        """The last pinned is first; one too many is refused."""
        targets = [await self.say(f"text {index}") for index in range(PINS + 1)]
        for index, target in enumerate(targets[:PINS]):
            await self.done(self.change(self.bert, Pin(str(index), target, True)))
        self.assertEqual(await self.refused(self.anna, Pin("m", targets[PINS], True)), Status.TOO_MANY)
        await self.done(self.change(self.anna, Pin("off", targets[0], False)))
        self.assertEqual(
            await self.stores.conversations.pins(self.anna, self.thread), targets[PINS - 1 : 0 : -1]
        )

    async def test_who_may(self) -> None:
        """A table of who may do what to a message of Anna's."""
        target = await self.say("one")
        other = await self.befriend(self.bert, self.carl)
        (elsewhere,) = await self.done(text(self.bert, self.carl, other, "there"))
        there = elsewhere.msg_id
        for actor, change, status in (
            (self.bert, Edit("1", target, "x", None, DAY), Status.PERMISSION_DENIED),
            (self.bert, Recall("2", [target], DAY), Status.PERMISSION_DENIED),
            (self.carl, Edit("3", target, "x", None, DAY), Status.PERMISSION_DENIED),
            (self.carl, React("4", target, "👍", True), Status.PERMISSION_DENIED),
            (self.carl, Pin("5", target, True), Status.PERMISSION_DENIED),
            (self.carl, Recall("6", [target], DAY), Status.PERMISSION_DENIED),
            (self.anna, Edit("7", NOWHERE, "x", None, DAY), Status.CHATRECORD_NOT_EXIST),
            (self.anna, Recall("8", [target, NOWHERE], DAY), Status.CHATRECORD_NOT_EXIST),
            (self.bert, React("9", there, "👍", True), Status.CHATRECORD_NOT_EXIST),
            (self.bert, Pin("10", there, True), Status.CHATRECORD_NOT_EXIST),
            (self.anna, Edit("11", target, "x", None, -1.0), Status.TOO_LATE),
            (self.anna, Recall("12", [target], -1.0), Status.TOO_LATE),
        ):
            self.assertEqual(await self.refused(actor, change), status, change)
        await self.stores.contacts.block(self.bert, self.anna, True)
        self.assertEqual(await self.refused(self.anna, React("13", target, "👍", True)), Status.BLOCKED)
        self.assertEqual(await self.refused(self.anna, Edit("14", target, "x", None, DAY)), Status.BLOCKED)
        await self.done(self.change(self.anna, Recall("15", [target], DAY)))  # one's own words always

    async def test_reply(self) -> None:
        """A text may answer a message of its thread, and no other."""
        target = await self.say("one")
        draft = Draft("r", "yes", extra=json.dumps({"reply_to": str(target)}), reply_to=target)
        wrong = Draft("w", "no", extra="{}", reply_to=NOWHERE)
        good, bad = await self.append(
            Submission(self.bert, self.anna, self.thread, (draft,), answers=True),
            Submission(self.bert, self.anna, self.thread, (wrong,), answers=True),
        )
        assert isinstance(good, Appended)
        assert isinstance(bad, Refused)
        self.assertEqual(bad.status, Status.CHATRECORD_NOT_EXIST)
        self.assertEqual(json.loads((await self.log())[-1].extra or ""), {"reply_to": str(target)})

    async def test_words_of_another(self) -> None:
        """What was forwarded stays as its author wrote it: who forwarded it cannot edit it."""
        extra = json.dumps({"forward": {"thread_id": "1", "msg_id": "2", "sender": str(self.bert)}})
        draft = Draft("f", "what Bert said", extra=extra)
        (stored,) = await self.done(Submission(self.anna, self.bert, self.thread, (draft,)))
        change = Edit("e", stored.msg_id, "what he did not say", None, DAY)
        self.assertEqual(await self.refused(self.anna, change), Status.INVALID_FIELD)

    async def test_hidden(self) -> None:
        """What one hides is there for the other."""
        first, second, third = [await self.say(content) for content in ("1", "2", "3")]
        await self.stores.conversations.hide(self.anna, self.thread, [second, NOWHERE], 0)
        self.assertEqual([one.msg_id for one in (await self.log())[2:]], [first, third])
        await self.stores.conversations.hide(self.anna, self.thread, [], second)
        self.assertEqual([one.msg_id for one in await self.log()], [third])
        self.assertEqual([one.msg_id for one in (await self.log(self.bert))[2:]], [first, second, third])
        messages = await self.stores.messages.page(self.anna, self.thread, 0, 100)
        self.assertEqual([one.msg_id for one in messages], [third])

    async def test_older_server(self) -> None:
        """Messages that a server of an older version wrote have no number; the next writer gives it to them."""
        await self.say("1")
        last = self.ids.next()
        await self.database.write(
            lambda tx: (
                tx.execute(
                    "INSERT INTO messages (thread_id, msg_id, sender_id, kind, content) VALUES (?, ?, ?, 1, 'old')",
                    self.thread,
                    last,
                    self.anna,
                ),
                tx.execute("UPDATE threads SET last_msg_id = ? WHERE thread_id = ?", last, self.thread),
            )
        )
        await self.say("2")
        self.assertEqual([one.number for one in await self.log()], [1, 2, 3, 4, 5])


class SqliteChangingTests(Changing, OnSqlite):
    """On SQLite."""


class MariaDbChangingTests(Changing, OnMariaDb):
    """On MariaDB."""


class MariaDbPoolChangingTests(Changing, OnMariaDbPool):
    """On MariaDB, in a thread."""


del Changing
