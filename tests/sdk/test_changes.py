"""Changes to a conversation by the client library: sent as texts are, told in one order with them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError

from imsys.errors import Refused, Status
from imsys.sdk import (
    ConnectionState,
    Edit,
    Entry,
    EntryKind,
    Hidden,
    Logged,
    Message,
    NotServed,
    Outgoing,
    Pin,
    Reaction,
    Recall,
    UnknownEntry,
    explain,
)
from tests.sdk.fake import MOMENT
from tests.sdk.scene import ALICE, BOB, THREAD, Scene, Seen


async def failed(outgoing: Outgoing[Any]) -> Refused:
    """Why something was refused."""
    try:
        await outgoing
    except Refused as refused:
        return refused
    raise AssertionError("It was not refused.")


class Sending(Scene):
    async def test_in_order(self) -> None:
        """Texts and changes to one thread are sent in the order in which they were posted, and told in it."""
        alice = await self.online()
        told: list[Logged] = []
        alice.on_sent.subscribe(told.append)
        alice.on_entry.subscribe(told.append)
        first = await alice.send(THREAD, "one")
        posted: list[Any] = [
            alice.post(THREAD, "two"),
            alice.post(THREAD, "three"),
            alice.edit(THREAD, first.id, "uno"),
            alice.post(THREAD, "four", reply_to=first.id, mentions=(BOB,)),
            alice.react(THREAD, first.id, "👍"),
            alice.pin(THREAD, first.id),
            alice.recall(THREAD, [first.id, first.id]),
        ]
        stored = [await one for one in posted]
        self.assertEqual(told, [first, *stored])
        self.assertEqual(
            [type(one) for one in stored], [Message, Message, Edit, Message, Reaction, Pin, Recall]
        )
        self.assertEqual([one.id for one in told], sorted(one.id for one in told))
        edit = stored[2]
        self.assertEqual((edit.target, edit.text, edit.actor, edit.mine), (first.id, "uno", ALICE, True))
        self.assertEqual(stored[-1].targets, (first.id,))
        self.assertEqual((stored[3].reply_to, stored[3].mentions), (first.id, (BOB,)))
        self.assertEqual(sum(self.world.batches), 4)

    async def test_lost_acknowledgement(self) -> None:
        """A change whose answer got lost with the connection is sent again, and is there once."""
        alice = await self.online()
        first = await alice.send(THREAD, "one")
        self.world.swallow = 1
        edit, text = alice.edit(THREAD, first.id, "uno"), alice.post(THREAD, "two")
        await self.until(lambda: self.world.seen[192] == 1)
        self.world.drop()
        stored = await edit
        assert stored is not None
        self.assertLess(stored.id, (await text).id)
        self.assertEqual(self.world.seen[192], 2)
        self.assertEqual(len(self.world.records[THREAD]), 3)

    async def test_refused(self) -> None:
        """A refusal ends one change, and not what comes after it; a fault of the moment ends none."""
        alice = await self.online()
        first = await alice.send(THREAD, "one")
        self.world.refusals[192] = [
            {"error": int(Status.SERVER_BUSY), "message": "Later.", "retry_after": 0.0},
            {"error": int(Status.TOO_LATE), "message": "It is too late to edit this message."},
        ]
        edit, react = alice.edit(THREAD, first.id, "uno"), alice.react(THREAD, first.id, "👍")
        refused = await failed(edit)
        self.assertEqual(explain(refused), "It is too late to edit this message.")
        self.assertIsNotNone(await react)

    async def test_nothing_to_change(self) -> None:
        """Where all was so already there is no entry."""
        alice = await self.online()
        same = {
            "thread_id": str(THREAD),
            "unique_id": "x",
            "msg_id": "0",
            "prev_id": "0",
            "timestamp": MOMENT,
        }
        self.world.answers[198] = lambda request: same
        seen = Seen(alice.on_entry)
        self.assertIsNone(await alice.pin(THREAD, 1000))
        self.assertEqual(seen.items, [])

    async def test_bad_input(self) -> None:
        """What cannot be sent is refused at once, and is not sent."""
        alice = await self.online()
        for call, status in (
            (lambda: alice.edit(THREAD, 1000, ""), Status.MESSAGE_TOO_LONG),
            (lambda: alice.edit(THREAD, 1000, "x" * 4097), Status.MESSAGE_TOO_LONG),
            (lambda: alice.edit(THREAD, 1000, "x", mentions=tuple(range(101))), Status.INVALID_FIELD),
            (lambda: alice.post(THREAD, "x", mentions=tuple(range(101))), Status.INVALID_FIELD),
            (lambda: alice.recall(THREAD, []), Status.INVALID_FIELD),
            (lambda: alice.recall(THREAD, range(1, 102)), Status.INVALID_FIELD),
            (lambda: alice.react(THREAD, 1000, "\ud800"), Status.INVALID_FIELD),
        ):
            self.assertEqual(self.assertRaises(Refused, call).status, status)
        self.assertFalse({192, 194, 196, 198, 23} & set(self.world.seen))

    async def test_withdrawn(self) -> None:
        """A change that was not sent can be taken back, and what waits behind it goes on."""
        alice = self.client()
        edit, text = alice.edit(THREAD, 1000, "uno"), alice.post(THREAD, "two")
        failed = self.assertFailure(edit.when_stored(), CancelledError)
        self.assertTrue(edit.withdraw())
        await failed
        await alice.start()
        await text
        self.assertEqual(self.world.seen[192], 0)

    async def test_old_server(self) -> None:
        """A server that has no such service: a clear error, asked once; the connection and texts go on."""
        self.world.old = True
        alice = await self.online()
        first = await alice.send(THREAD, "one")
        for _ in range(4):
            refused = await failed(alice.edit(THREAD, first.id, "x"))
            self.assertIsInstance(refused, NotServed)
        self.assertIn("of an earlier version", explain(refused))
        self.assertEqual(self.world.seen[192], 1)
        await alice.send(THREAD, "two")
        self.assertIs(alice.state, ConnectionState.ONLINE)


class Told(Scene):
    def happens(self, kind: int, **body: Any) -> dict[str, Any]:
        """Bob changes something; nobody is told."""
        return self.world.store(THREAD, BOB, "", msg_type=kind, body=body)

    def tell(self, *stored: dict[str, Any]) -> None:
        self.world.push(ALICE, 133, {"thread_id": str(THREAD), "entries": list(stored)})

    async def test_chain(self) -> None:
        """A change whose predecessor is missing waits for it: texts and changes are one chain."""
        alice = await self.online()
        told: list[Logged] = []
        alice.on_message.subscribe(told.append)
        alice.on_entry.subscribe(told.append)
        said = self.world.say(THREAD, BOB, "one")
        lost = self.happens(int(EntryKind.EDIT), target=str(said), content="uno")
        self.tell(self.happens(int(EntryKind.PIN), target=str(said), on=True))
        await self.until(lambda: len(told) == 3)
        text, edit, pin = told
        assert isinstance(text, Message)
        assert isinstance(edit, Edit)
        assert isinstance(pin, Pin)
        self.assertEqual((edit.id, edit.target, edit.text), (int(lost["msg_id"]), said, "uno"))
        self.assertEqual((pin.target, pin.on, pin.mine, pin.actor), (said, True, False, BOB))

    async def test_missed_while_away(self) -> None:
        """What was changed while the client was away it learns when it comes back, in order."""
        alice = await self.online()
        seen: Seen[Entry] = Seen(alice.on_entry)
        said = self.world.say(THREAD, BOB, "one")
        await self.until(lambda: self.world.seen[100] > 0)
        self.world.holding = []
        self.world.drop()
        self.happens(int(EntryKind.REACTION), target=str(said), emoji="👍", on=True)
        self.happens(77, something="new")
        self.happens(int(EntryKind.RECALL), targets=[str(said)])
        await self.until(lambda: len(seen.items) == 3)
        reaction, unknown, recall = seen.items
        assert isinstance(reaction, Reaction)
        assert isinstance(recall, Recall)
        assert isinstance(unknown, UnknownEntry)
        self.assertEqual((unknown.kind, unknown.body), (77, {"something": "new"}))
        self.assertEqual(recall.targets, (said,))

    async def test_strange_bodies(self) -> None:
        """A body that cannot be read has its place all the same."""
        alice = await self.online()
        seen: Seen[Entry] = Seen(alice.on_entry)
        self.tell(
            self.happens(16, target="x", content="y"), self.happens(18, emoji=5), self.happens(19, target="1")
        )
        await self.until(lambda: len(seen.items) == 3)
        self.assertEqual([type(one) for one in seen.items], [UnknownEntry] * 3)

    async def test_streams(self) -> None:
        """A stream of messages passes over changes; that of the log has all, my own as well."""
        alice, bob = self.client(), self.client("bob")
        messages, log = alice.messages(), bob.log()
        self.assertRaises(RuntimeError, alice.log)
        await alice.start()
        await bob.start()
        said = await bob.send(THREAD, "one")
        await bob.edit(THREAD, said.id, "uno")
        await bob.send(THREAD, "two")
        self.assertEqual([(await anext(messages)).text for _ in range(2)], ["one", "two"])
        got = [await anext(log) for _ in range(3)]
        self.assertEqual([type(one) for one in got], [Message, Edit, Message])
        self.assertTrue(all(one.mine for one in got))

    async def test_hidden(self) -> None:
        """What another device of mine has hidden is told."""
        alice = await self.online()
        seen: Seen[Hidden] = Seen(alice.on_hidden)
        self.world.push(ALICE, 140, {"thread_id": str(THREAD), "msg_ids": ["5", "6"], "up_to": "3"})
        await self.until(lambda: bool(seen.items))
        self.assertEqual(seen.items, [Hidden(thread_id=THREAD, message_ids=(5, 6), up_to=3)])
