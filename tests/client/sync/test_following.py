"""What follows a user to all devices, and what others do now, on a real server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from client.core import following
from client.core.following import Activity, Presence
from client.core.model import Conversation, Link
from client.core.ports import Failure
from client.sync.account import AccountSync
from client.sync.features import arrangement
from imsys import sdk
from imsys.sdk import Client
from tests.client.sync.scene import AccountCase


def row(account: AccountSync, conversation: int) -> Conversation:
    found = account.conversation(conversation)
    assert found is not None
    return found


class FollowingCase(AccountCase):
    def setUp(self) -> None:
        super().setUp()
        self.patch(arrangement, "SETTLES", 0.02)

    async def devices(self) -> tuple[AccountSync, AccountSync, Client, int]:
        """Anna at two computers, Ben, and their conversation."""
        anna, ben, thread = await self.pair()
        name = anna.me.username
        await anna.close()
        laptop = await self.account(name, "laptop", device="laptop")
        office = await self.account(name, "office", device="office")
        for one in (laptop, office):
            await self.until(lambda one=one: one.conversation(thread))  # type: ignore[misc]
        return laptop, office, ben, thread


class ArrangementTests(FollowingCase):
    async def test_at_once(self) -> None:
        """What is changed at one device is so at the other, in both directions, and stays after a restart."""
        laptop, office, _, thread = await self.devices()
        await laptop.arrange(thread, pinned=True, muted_until_ms=-1)
        await self.until(lambda: row(office, thread).pinned and row(office, thread).muted_until_ms == -1)
        until = 1_900_000_000_123
        await office.arrange(thread, archived=True, muted_until_ms=until)
        await self.until(lambda: row(laptop, thread).archived)
        self.assertEqual(row(laptop, thread).muted_until_ms, until)
        laptop.set_draft(thread, "dear ")
        laptop.set_draft(thread, "dear Ben")
        await self.until(lambda: row(office, thread).draft == "dear Ben")
        office.set_draft(thread, "")
        await self.until(lambda: row(laptop, thread).draft == "")
        await laptop.arrange(thread, muted_until_ms=0, archived=False, pinned=False)
        await self.until(lambda: row(office, thread).muted_until_ms == 0 and not row(office, thread).pinned)
        for one in (laptop, office):
            await self.until(lambda one=one: not one.parts.known.row(thread).untold)  # type: ignore[misc]
        office.set_draft(thread, "x")
        await self.until(lambda: row(laptop, thread).draft == "x")
        name = laptop.me.username
        await laptop.close()
        again = await self.account(name, "laptop", start=False)
        self.assertEqual((row(again, thread).draft, again.parts.known.row(thread).untold), ("x", frozenset()))

    async def test_without_a_connection(self) -> None:
        """What was changed meanwhile is sent when there is one, and counts; what was changed elsewhere comes."""
        laptop, office, _, thread = await self.devices()
        name = laptop.me.username
        await laptop.close()
        laptop = await self.account(name, "laptop", start=False, device="laptop")
        laptop.set_draft(thread, "from the train")
        await laptop.arrange(thread, pinned=True)
        long = "word " * 100
        await office.arrange(thread, archived=True)
        office.set_draft(thread, "from the office")
        await self.until(lambda: not office.parts.known.row(thread).untold)
        laptop.start()
        await self.until(lambda: row(office, thread).draft == "from the train" and row(office, thread).pinned)
        await self.until(lambda: row(laptop, thread).archived)
        name = office.me.username
        await office.close()
        laptop.set_draft(thread, long)  # the list has the beginning of it alone
        await self.until(lambda: not laptop.parts.known.row(thread).untold)
        office = await self.account(name, "office", device="office")
        await self.until(lambda: row(office, thread).draft == long)
        laptop.set_draft(thread, "a" * 5_000)  # more than a server takes stays here
        await laptop.arrange(thread, pinned=False)
        await self.until(lambda: not row(office, thread).pinned)
        self.assertEqual((len(row(laptop, thread).draft), row(office, thread).draft), (5_000, long))

    async def test_a_closing_program(self) -> None:
        """What was written last is told before it ends."""
        laptop, office, _, thread = await self.devices()
        self.patch(arrangement, "SETTLES", 600)
        laptop.set_draft(thread, "bye")
        await laptop.close()
        await self.until(lambda: row(office, thread).draft == "bye")

    async def test_too_many_pins(self) -> None:
        """The eleventh is refused in words, and is not pinned here either; what else was changed is kept."""
        anna, _, thread = await self.pair()
        groups = [(await anna.create_group(f"Group {number}", []))[0] for number in range(10)]
        for one in groups:
            await anna.arrange(one, pinned=True)
        with self.assertRaises(Failure) as caught:
            await anna.arrange(thread, pinned=True, archived=True)
        self.assertEqual(str(caught.exception), "At most 10 conversations are pinned.")
        self.assertEqual((row(anna, thread).pinned, row(anna, thread).archived), (False, True))
        kept = await anna.parts.client.threads.settings(thread)
        self.assertEqual((kept.pinned, kept.archived), (False, True))
        known = anna.parts.known
        known.change(replace(known.row(thread).conversation, gone=True))
        await anna.arrange(thread, archived=False)  # what is not mine any more I keep as I like
        self.assertEqual(anna.parts.known.row(thread).untold, frozenset())

    async def test_between_question_and_answer(self) -> None:
        """Of what is changed here and elsewhere at the same time the last counts; what is told before the answer is older."""
        anna, _, thread = await self.pair()
        asked: list[tuple[dict[str, Any], Deferred[sdk.ThreadSettings]]] = []

        def change(thread_id: int, **wanted: Any) -> Deferred[sdk.ThreadSettings]:
            asked.append((wanted, Deferred()))
            return asked[-1][1]

        self.patch(anna.parts.client.threads, "change", change)
        plain = sdk.ThreadSettings(thread_id=thread, muted_until=None, pinned=False, archived=False, draft="")
        anna.set_draft(thread, "a")
        await self.until(lambda: len(asked) == 1)
        anna.set_draft(thread, "b")
        theirs = replace(plain, draft="c", archived=True)
        anna.parts.client.on_settings.emit(theirs)
        self.assertEqual(row(anna, thread).draft, "b")
        asked[0][1].callback(replace(theirs, draft="a"))
        await self.until(lambda: len(asked) == 2)
        self.assertEqual(asked[1][0], {"draft": "b"})
        self.assertEqual((row(anna, thread).draft, row(anna, thread).archived), ("b", True))
        anna.parts.client.on_settings.emit(theirs)
        asked[1][1].callback(replace(theirs, draft="b"))
        self.assertEqual(row(anna, thread).draft, "b")
        anna.parts.client.on_settings.emit(theirs)  # after mine
        await self.until(lambda: row(anna, thread).draft == "c")
        self.assertEqual(len(asked), 2)
        anna.set_draft(thread, "d")
        anna.set_draft(thread, "c")  # it is there already
        anna.parts.arrangement.soon(0)
        await self.until(lambda: not anna.parts.known.row(thread).untold)
        self.assertEqual(len(asked), 2)


class NewDeviceTests(FollowingCase):
    async def test_first_screen(self) -> None:
        """One request has the list: names, what was said last, what is unread, who is mentioned, how all are kept."""
        laptop, _, ben, thread = await self.devices()
        (group, _) = await laptop.create_group("Sunday cake", [ben.me.uuid])
        first = await ben.send(thread, "number 0")
        await laptop.parts.client.mark_read(thread, first.id)
        for number in range(1, 151):
            ben.post(thread, f"number {number}")
        last = await ben.send(group, f"@{laptop.me.username} come!", mentions=(laptop.me.uuid,))
        await laptop.arrange(thread, pinned=True, archived=True)
        laptop.set_draft(group, "I bring")
        await self.until(lambda: row(laptop, thread).unread == 150 and row(laptop, group).mentioned)
        known = laptop.parts.known
        await self.until(lambda: not (known.row(thread).untold or known.row(group).untold))
        new = await self.account(laptop.me.username, "phone", device="phone", start=False)
        asked: list[str] = []
        really = new.parts.client.threads._ask

        def ask(request: Any, reply: Any) -> Any:
            asked.append(type(request).__name__)
            return really(request, reply)

        async def never(conversation: int) -> None:
            await Deferred()

        self.patch(new.parts.client.threads, "_ask", ask)
        self.patch(new.parts.history, "begin", never)  # the pages of conversations do not come
        new.start()
        await self.until(lambda: len(new.conversations()) == 2)
        private, sunday = row(new, thread), row(new, group)
        self.assertEqual(
            (
                private.title,
                private.unread,
                private.read,
                private.pinned,
                private.archived,
                private.mentioned,
            ),
            (ben.me.username, 150, first.id, True, True, False),
        )
        self.assertEqual(
            (sunday.title, sunday.members, sunday.unread, sunday.mentioned, sunday.draft),
            ("Sunday cake", 2, 1, True, "I bring"),
        )
        assert sunday.last is not None
        self.assertEqual(
            (sunday.last.id, sunday.last.text, sunday.last.sender), (last.id, last.text, ben.me.uuid)
        )
        assert private.last is not None
        self.assertEqual(private.last.text, "number 150")
        self.assertEqual(asked, ["OverviewRequest"])
        await self.until(lambda: new.person(ben.me.uuid).username == ben.me.username)

    async def test_counted_once(self) -> None:
        """What comes in the first moments is counted by the server or here, and not by both."""
        laptop, _, ben, thread = await self.devices()
        await ben.send(thread, "one")
        new = await self.account(laptop.me.username, "phone", device="phone", start=False)
        read = new.parts.overview._take

        async def late(page: list[sdk.Overview]) -> None:
            """The answer is older than what has come by a push."""
            said = await ben.send(thread, "two")
            await self.until(lambda: new.conversation(thread))
            self.assertEqual(new.parts.known.row(thread).synced, said.id)
            await read(page)

        self.patch(new.parts.overview, "_take", late)
        before = row(laptop, thread).unread
        new.start()
        await self.until(lambda: row(laptop, thread).unread == before + 1)
        await self.until(lambda: thread in new.parts.overview.counted)
        await self.shows(new, thread, lambda page: page and page[-1].text == "two")
        self.assertEqual(row(new, thread).unread, row(laptop, thread).unread)

    async def test_read_elsewhere_meanwhile(self) -> None:
        """What was read on another device while this one was away is read here, once it is back."""
        laptop, office, ben, thread = await self.devices()
        said = await ben.send(thread, "read me")
        await self.until(lambda: row(office, thread).unread and row(laptop, thread).unread)
        name = office.me.username
        await office.close()
        await laptop.mark_read(thread, said.id)
        office = await self.account(name, "office", start=False, device="office")
        self.assertTrue(row(office, thread).unread)
        office.start()
        await self.until(lambda: not row(office, thread).unread)


class OthersTests(FollowingCase):
    async def test_presence(self) -> None:
        """Who is looked at comes and goes; without a connection, and of others, nothing is known."""
        anna, ben, _ = await self.pair()
        uuid = ben.me.uuid
        told: list[int] = []
        anna.changes.presence.subscribe(told.extend)
        self.assertIsNone(anna.presence(uuid))
        anna.look_at([uuid])
        await self.until(lambda: anna.presence(uuid) == Presence(online=True))
        self.assertEqual(told, [uuid])
        await ben.stop()
        await self.until(lambda: anna.presence(uuid) != Presence(online=True))
        gone = anna.presence(uuid)
        assert gone is not None
        self.assertEqual((gone.online, gone.hidden, bool(gone.last_seen_ms)), (False, False, True))
        self.assertEqual(gone.last_seen_ms % 60_000, 0)
        await anna.parts.client.stop()
        self.assertEqual((anna.connection().link, anna.presence(uuid)), (Link.OFFLINE, None))
        anna.start()
        await self.until(lambda: anna.presence(uuid) == gone)
        await ben.start()
        await self.until(lambda: anna.presence(uuid) == Presence(online=True))
        await ben.presence.seen_by("nobody")
        await self.until(lambda: anna.presence(uuid) == Presence(hidden=True))
        anna.look_at(())
        self.assertIsNone(anna.presence(uuid))

    async def test_writing(self) -> None:
        """It is told and ends with a message; mine is told each three seconds, and not to large groups."""
        anna, ben, thread = await self.pair()
        told: list[int] = []
        anna.changes.busy.subscribe(told.append)
        await ben.presence.writing(thread)
        await self.until(lambda: anna.busy(thread) == {ben.me.uuid: Activity.WRITING})
        await ben.send(thread, "Hello")
        await self.until(lambda: not anna.busy(thread))
        self.assertEqual(told, [thread, thread])
        heard: list[sdk.Typing] = []
        ben.on_typing.subscribe(heard.append)
        known = anna.parts.known
        known.change(replace(known.row(thread).conversation, members=101))
        anna.tell_activity(thread)
        known.change(replace(known.row(thread).conversation, members=100))
        await anna.send_file(thread, self.file("plan.bin", b"x" * 100_000))
        await self.until(lambda: heard)
        anna.tell_activity(thread)
        self.assertEqual([one.activity for one in heard], [sdk.Activity.FILE])

    async def test_silence_and_loss(self) -> None:
        """Who is not heard of writes no more; without a connection nobody does."""
        anna, ben, thread = await self.pair()
        self.patch(following, "LASTS_S", 0.05)
        await ben.presence.writing(thread, sdk.Activity.RECORDING)
        await self.until(lambda: anna.busy(thread) == {ben.me.uuid: Activity.RECORDING})
        await self.until(lambda: not anna.busy(thread))
        self.assertIsNone(anna.parts.busy._next)  # and nothing waits
        anna.parts.client.on_typing.emit(
            sdk.Typing(thread_id=thread, uuid=ben.me.uuid, activity=sdk.Activity.TYPING)
        )
        self.assertTrue(anna.busy(thread))
        await anna.parts.client.stop()
        self.assertFalse(anna.busy(thread))
