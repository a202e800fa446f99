"""What is sent later, what does not stay, and who reacted, between the desktop client and a real server."""

from __future__ import annotations

from client.core.model import Reactor
from client.core.ports import Failure
from client.core.timed import DAY
from tests.client.sync.scene import AccountCase
from tests.client.sync.test_groups import happened, said


class TimedTests(AccountCase):
    async def test_scheduled(self) -> None:
        """A text waits at the server, known on every device; it is changed, cancelled, or sent on time."""
        anna, ben, thread = await self.pair()
        told: list[int] = []
        anna.changes.scheduled.subscribe(told.append)
        tomorrow = anna.parts.outgoing.moment() + DAY * 1000
        first = await anna.schedule(thread, "Good morning", tomorrow)
        other = await anna.schedule(thread, "Not this one", tomorrow + 1000)
        phone = await self.account(anna.me.username, "phone", device="phone")
        await self.until(lambda: len(phone.scheduled(thread)) == 2)
        await anna.reschedule(first, text="Good morning!")
        await anna.unschedule(other)
        await self.until(lambda: [one.text for one in phone.scheduled(thread)] == ["Good morning!"])
        self.assertEqual(list(anna.scheduled(thread)), list(phone.scheduled(thread)))
        await anna.reschedule(first, at_ms=anna.parts.outgoing.moment() + 1500)
        await self.shows(anna, thread, lambda page: "Good morning!" in said(page))
        await self.until(lambda: not anna.scheduled(thread) and not phone.scheduled(thread))
        self.assertIn("Good morning!", [one.text async for one in ben.history.newest(thread)])
        self.assertEqual(set(told), {thread})
        with self.assertRaises(Failure):
            await anna.unschedule(other)

    async def test_timer(self) -> None:
        """Both sides know a thread's timer, and what is written then says when it is gone."""
        anna, ben, thread = await self.pair()
        await anna.set_timer(thread, DAY)
        await self.until(lambda: (about := anna.conversation(thread)) and about.timer == DAY)
        mine = await anna.send_text(thread, "For a day")
        await ben.send(thread, "So is this")
        page = await self.shows(anna, thread, lambda page: {"For a day", "So is this"} <= set(said(page)))
        gone = [one.expires_ms - one.at_ms for one in page if one.text]
        self.assertEqual([left for left in gone if left > 0], [DAY * 1000] * 2)
        self.assertEqual(happened(page), ["timer"])
        phone = await self.account(anna.me.username, "phone", device="phone")
        await self.until(lambda: (about := phone.conversation(thread)) and about.timer == DAY)
        page = await self.shows(phone, thread, lambda page: "So is this" in said(page))
        self.assertIn(mine.text, said(page))
        await ben.set_timer(thread, 0)
        await self.until(lambda: (about := anna.conversation(thread)) and about.timer == 0)

    async def test_expiry(self) -> None:
        """A message that expires is taken from the screen and from the store by itself, and is unread no more."""
        anna, ben, thread = await self.pair()
        gone: list[str] = []
        anna.changes.removed.subscribe(lambda some: gone.extend(one.text for one in some))
        await ben.send(thread, "It stays")
        await self.shows(anna, thread, lambda page: "It stays" in said(page))
        before = anna.conversation(thread)
        assert before is not None
        await ben.post(thread, "It does not", expires=2)
        await self.until(lambda: gone)
        self.assertEqual(gone, ["It does not"])
        about = anna.conversation(thread)
        assert about is not None
        assert about.last is not None
        self.assertEqual((about.unread, about.last.text), (before.unread, "It stays"))
        name = anna.me.username
        await anna.close()
        again = await self.account(name, start=False)
        page = said(await again.before(thread, None, 50))
        self.assertEqual(page[-1], "It stays")
        self.assertNotIn("It does not", page)

    async def test_expiry_while_away(self) -> None:
        """What has expired while the program did not run is not shown when it starts."""
        anna, ben, thread = await self.pair()
        await ben.post(thread, "Only for an hour", expires=3600)
        await self.shows(anna, thread, lambda page: "Only for an hour" in said(page))
        name, now = anna.me.username, anna.parts.outgoing.moment() / 1000
        await anna.close()
        again = await self.account(name, start=False, now=lambda: now + 3601)
        self.assertNotIn("Only for an hour", said(await again.before(thread, None, 50)))


class WhoTests(AccountCase):
    async def test_reactors(self) -> None:
        """Who reacted to a message, and how, is known to the server."""
        anna, ben, thread = await self.pair()
        await ben.send(thread, "Cake?")
        page = await self.shows(anna, thread, lambda page: "Cake?" in said(page))
        await anna.react(page[-1], "🎂", on=True)
        await ben.react(thread, page[-1].id, "🎂")
        page = await self.shows(
            anna, thread, lambda page: page[-1].reactions and page[-1].reactions[0].count == 2
        )
        found = await anna.reactors(page[-1])
        self.assertCountEqual(found, [Reactor(anna.me.uuid, "🎂"), Reactor(ben.me.uuid, "🎂")])

    async def test_members_by_name(self) -> None:
        """Members of a group can be mentioned once one is acquainted with them; a file is
        forwarded there, and one goes live.
        """
        anna, ben, thread = await self.pair()
        made, _ = await anna.create_group("Sunday cake", [ben.me.uuid])
        about = anna.conversation(made)
        assert about is not None
        await anna.acquaint(made)
        about = anna.conversation(made)
        assert about is not None
        self.assertEqual(about.people, (ben.me.uuid,))
        path = self.file("recipe.txt", b"flour, butter, eggs")
        await anna.send_file(thread, path)
        page = await self.shows(anna, thread, lambda page: page and page[-1].id and page[-1].attachment)
        await anna.forward(page[-1], made)
        page = await self.shows(anna, made, lambda page: page[-1].id and page[-1].attachment)
        attachment = page[-1].attachment
        assert attachment is not None
        self.assertEqual(attachment.filename, "recipe.txt")
        await anna.start_stream(made, "Cake, live")
        await self.until(lambda: anna.streams(made))
        self.assertEqual([one.title async for one in ben.live.running(made)], ["Cake, live"])
        theirs = [one async for one in ben.history.newest(made)]
        self.assertEqual([one.attachment.filename for one in theirs if one.attachment], ["recipe.txt"])
