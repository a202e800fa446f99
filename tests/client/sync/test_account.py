"""One account of the desktop client, and somebody who talks with it, on a real server."""

from __future__ import annotations

import os

from PIL import Image
from twisted.internet.defer import Deferred

from client.core.model import Kind, Link, Mark, Message, Stage, Stream, Transfer
from client.core.ports import Account, Failure, GivenUp
from tests.client.sync.scene import AccountCase


def texts(page: list[Message]) -> list[str]:
    return [message.text for message in page]


class TalkingTests(AccountCase):
    async def test_a_conversation(self) -> None:
        """Texts go both ways in one order, are counted, read, and marked as read."""
        anna, ben, thread = await self.pair()
        typed: Account = anna
        self.assertEqual(typed.conversations()[0].title, ben.me.username)
        seen: list[Message] = []
        arrived: list[Message] = []
        anna.changes.messages.subscribe(seen.extend)
        anna.changes.arrived.subscribe(arrived.extend)
        mine = await anna.send_text(thread, "Hello, **Ben**")
        self.assertEqual((mine.mark, mine.id), (Mark.WAITING, 0))
        page = await self.shows(anna, thread, lambda page: page and page[-1].mark >= Mark.STORED)
        self.assertEqual((page[-1].key, page[-1].text), (mine.key, "Hello, **Ben**"))
        self.assertEqual({one.key for one in seen if one.text.startswith("Hello, **")}, {mine.key})
        answer = await ben.send(thread, "Hi!")
        await self.until(lambda: "Hi!" in texts(arrived))
        row = anna.conversation(thread)
        assert row is not None
        assert row.last is not None
        self.assertEqual(row.last.text, "Hi!")
        unread = row.unread
        self.assertGreaterEqual(unread, 1)
        await anna.mark_read(thread, answer.id)
        row = anna.conversation(thread)
        assert row is not None
        self.assertEqual((row.unread, row.read), (0, answer.id))
        await ben.mark_read(thread, answer.id)
        page = await self.shows(
            anna, thread, lambda page: next(one for one in page if one.key == mine.key).mark is Mark.READ
        )
        self.assertEqual([one.order for one in page], sorted(one.order for one in page))

    async def test_what_was_there_is_there_again_offline(self) -> None:
        """All of it from the disk, before anything is connected.

        What is written then goes when there is a connection, once.
        """
        anna, ben, thread = await self.pair()
        await ben.send(thread, "one")
        await self.shows(anna, thread, lambda page: "one" in texts(page))
        anna.set_draft(thread, "dear b")
        await anna.arrange(thread, pinned=True, muted_until_ms=-1)
        anna.remember("scroll", "12")
        before = await anna.before(thread, None, 100)
        name = anna.me.username
        await anna.close()
        await ben.send(thread, "two")
        again = await self.account(name, start=False)
        row = again.conversations()[0]
        self.assertEqual(
            (row.draft, row.pinned, row.muted_until_ms, row.title), ("dear b", True, -1, ben.me.username)
        )
        self.assertEqual(again.remembered("scroll"), "12")
        self.assertEqual(await again.before(thread, None, 100), before)
        self.assertEqual(again.connection().link, Link.OFFLINE)
        with self.assertRaises(Failure):
            await again.search_person("x")
        for text in ("three", "four"):
            await again.send_text(thread, text)
        self.assertEqual(texts(await again.before(thread, None, 100))[-2:], ["three", "four"])
        again.start()
        page = await self.shows(
            again,
            thread,
            lambda page: (
                page[-1].mark >= Mark.STORED and page[-2].mark >= Mark.STORED and "two" in texts(page)
            ),
        )
        self.assertEqual(texts(page)[-3:], ["two", "three", "four"])
        self.assertEqual(
            texts([one async for one in ben.history.newest(thread)][:3])[::-1],  # type: ignore[arg-type]
            ["two", "three", "four"],
        )

    async def test_an_old_account_on_a_new_computer(self) -> None:
        """The newest page of each conversation is there by itself, with its unread count.

        What is older comes when it is looked at.
        """
        anna, ben, thread = await self.pair()
        for number in range(260):
            ben.post(thread, f"number {number}")
        await self.shows(anna, thread, lambda page: "number 259" in texts(page))
        read = next(one for one in await anna.before(thread, None, 10) if one.text == "number 255")
        await anna.mark_read(thread, read.id)
        await self.until(lambda: anna.connection().link is Link.ONLINE)
        name = anna.me.username
        await anna.close()
        new = await self.account(name, "elsewhere")
        await self.until(
            lambda: (
                new.conversations()
                and new.conversations()[0].last is not None
                and new.conversations()[0].unread
            )
        )
        row = new.conversations()[0]
        self.assertEqual((row.id, row.unread, row.read), (thread, 4, read.id))
        page = await new.before(thread, None, 50)
        whole = page
        while page:
            page = await new.before(thread, whole[0], 50)
            whole = page + whole
        self.assertEqual(
            [text for text in texts(whole) if text.startswith("number")],
            [f"number {number}" for number in range(260)],
        )
        self.assertEqual(len({one.id for one in whole}), len(whole))
        self.assertEqual(await new.after(thread, whole[0], 500), whole[1:])

    async def test_jumps(self) -> None:
        """To a message and to a day of which nothing is here yet, and on from there in both directions."""
        anna, ben, thread = await self.pair()
        for number in range(450):
            ben.post(thread, f"number {number}")
        await self.shows(anna, thread, lambda page: "number 449" in texts(page))
        all_of_it = await anna.before(thread, None, 1000)
        name = anna.me.username
        await anna.close()
        new = await self.account(name, "elsewhere")
        await self.until(lambda: new.conversations() and new.conversations()[0].last is not None)
        target = all_of_it[100]
        around = await new.around(thread, target.id, 20)
        self.assertIn(target.id, [one.id for one in around])
        self.assertEqual([one.id for one in around], [one.id for one in all_of_it[90:110]])
        later = await new.after(thread, around[-1], 150)
        self.assertEqual(
            [one.id for one in later[:150]], [one.id for one in all_of_it[110:260]][: len(later)]
        )
        self.assertEqual(
            await new.on_day(thread, all_of_it[50].at_ms),
            next(one.id for one in all_of_it if one.at_ms >= all_of_it[50].at_ms),
        )
        self.assertEqual(await new.on_day(thread, 0), all_of_it[0].id)
        self.assertEqual(await new.on_day(thread, all_of_it[-1].at_ms + 1), 0)
        self.assertEqual([one.text for one in await anna_find(new, thread)], ["number 449"])

    async def test_what_is_missing_in_the_middle_is_filled(self) -> None:
        """The client knew how far it was, and had nothing of it: killed between the two, say."""
        anna, ben, thread = await self.pair()
        for number in range(230):
            ben.post(thread, f"number {number}")
        await self.shows(anna, thread, lambda page: "number 229" in texts(page))
        whole = texts(await anna.before(thread, None, 1_000))
        await anna.parts.keeper.barrier()
        for table in ("spans", "messages"):
            await anna.parts.keeper.store.write(
                lambda db, table=table: db.execute(f"DELETE FROM {table}").fetchall()  # type: ignore[misc]
            )
        name = anna.me.username
        await anna.close()
        await ben.send(thread, "after that")
        again = await self.account(name)
        page = await self.shows(again, thread, lambda page: "after that" in texts(page), 1_000)
        self.assertEqual(texts(page), [*whole, "after that"])

    async def test_people(self) -> None:
        """Requests, friends, cards, blocks and the end of a friendship are told and kept."""
        anna_name, ben_name, carol_name = await self.register("anna", "ben", "carol")
        anna = await self.account(anna_name)
        ben, carol = await self.other(ben_name), await self.other(carol_name)
        await ben.contacts.add(anna.me.uuid, "It is me")
        await carol.contacts.add(anna.me.uuid, "Me too")
        await self.until(lambda: len(anna.requests()) == 2)
        self.assertEqual(
            {(one.person.username, one.text) for one in anna.requests()},
            {(ben_name, "It is me"), (carol_name, "Me too")},
        )
        thread = await anna.accept(ben.me.uuid, "Benny")
        await anna.decline(carol.me.uuid)
        await self.until(lambda: not anna.requests())
        self.assertEqual([(one.name, one.friend) for one in anna.people()], [("Benny", True)])
        self.assertEqual(await anna.conversation_with(ben.me.uuid), thread)
        await ben.contacts.update_profile(nickname="Benjamin")
        await self.until(lambda: anna.person(ben.me.uuid).nickname == "Benjamin")
        await anna.block(ben.me.uuid, True)
        self.assertTrue(anna.person(ben.me.uuid).blocked)
        await anna.unfriend(ben.me.uuid)
        self.assertEqual(list(anna.people()), [])
        failed = await anna.send_text(thread, "Are you there?")
        page = await self.shows(anna, thread, lambda page: page[-1].mark is Mark.FAILED)
        self.assertIn("friends", page[-1].failure)
        await anna.delete(page[-1])
        self.assertNotIn(failed.key, [one.key for one in await anna.before(thread, None, 9)])
        await anna.update_profile(nickname="Änne", description="about me")
        self.assertEqual((anna.me.name, anna.me.description), ("Änne", "about me"))
        with self.assertRaisesRegex(Failure, "nobody of this name"):
            await anna.search_person("nobody-at-all")

    async def test_a_friendship_that_they_ended(self) -> None:
        """The server tells nobody: what is written then is refused, and from that it is known."""
        anna, ben, thread = await self.pair()
        await ben.contacts.unfriend(anna.me.uuid)
        self.assertTrue(anna.person(ben.me.uuid).friend)
        sent = await anna.send_text(thread, "Still there?")
        page = await self.shows(anna, thread, lambda page: page[-1].mark is Mark.FAILED)
        self.assertEqual((page[-1].key, page[-1].failure), (sent.key, "You are not friends."))
        await self.until(lambda: not anna.person(ben.me.uuid).friend)
        await ben.contacts.add(anna.me.uuid, "Sorry")
        await self.until(anna.requests)
        await anna.accept(ben.me.uuid)
        self.assertTrue(anna.person(ben.me.uuid).friend)
        await anna.resend(page[-1])
        await self.shows(anna, thread, lambda page: any(one.key == sent.key and one.id for one in page))

    async def test_signed_out_elsewhere(self) -> None:
        """Is said in words; the way back is to start again."""
        anna, _, _ = await self.pair()
        said: list[str] = []
        anna.changes.signed_out.subscribe(said.append)
        other = await self.other(anna.me.username)
        await self.until(lambda: anna.connection().link is Link.SIGNED_OUT)
        self.assertIn("elsewhere", said[0])
        await other.stop()
        anna.start()
        await self.until(lambda: anna.connection().link is Link.ONLINE)
        await anna.sign_out()
        self.assertIs(anna.connection().link, Link.SIGNED_OUT)


async def anna_find(account: Account, thread: int) -> list[Message]:
    return await account.find(thread, "NUMBER 449", 5)


class LiveTests(AccountCase):
    async def test_a_live_stream(self) -> None:
        """One that somebody starts is a message, and is told of; it can be watched until it is over.

        So is one of my own.
        """
        anna, ben, thread = await self.pair()
        told: list[Stream] = []
        anna.changes.stream.subscribe(told.append)
        live = await ben.live.start(thread, "Cats")
        page = await self.shows(anna, thread, lambda page: page[-1].kind is Kind.LIVE)
        self.assertEqual((page[-1].text, page[-1].stream), ("Cats", live.stream_id))
        await self.until(lambda: anna.streams(thread))
        stream = await anna.watch(live.stream_id)
        self.assertTrue(stream.play_url.startswith("rtmp"))
        self.assertNotIn(stream.play_url, repr(stream))
        row = anna.conversation(thread)
        assert row is not None
        self.assertEqual(row.live, live.stream_id)
        await ben.live.stop(live.stream_id)
        await self.until(lambda: not anna.streams(thread))
        self.assertFalse(told[-1].running)
        with self.assertRaisesRegex(Failure, "over"):
            await anna.watch(live.stream_id)
        mine = await anna.start_stream(thread, "Dogs")
        self.assertTrue(mine.publish_url)
        await anna.stop_stream(mine.id)


class FilesTests(AccountCase):
    async def test_a_picture_with_a_caption(self) -> None:
        """Is there at once, goes up, and is one message to both; the caption follows.

        Its preview and the whole come down elsewhere.
        """
        anna, _ben, thread = await self.pair()
        path = self.home / "photo.png"
        Image.effect_noise((640, 480), 90).save(path)
        stages: list[Stage] = []
        anna.changes.transfer.subscribe(lambda one: stages.append(one.stage))
        sent = await anna.send_file(thread, path, "Look!")
        assert sent.attachment is not None
        self.assertEqual((sent.kind, sent.attachment.width, sent.attachment.height), (Kind.IMAGE, 640, 480))
        page = await self.shows(
            anna, thread, lambda page: texts(page)[-1:] == ["Look!"] and page[-1].mark >= Mark.STORED
        )
        self.assertEqual((page[-2].key, page[-2].text, page[-2].mark >= Mark.STORED), (sent.key, "", True))
        self.assertEqual(len([one for one in page if one.attachment]), 1)
        self.assertEqual(stages[-1], Stage.DONE)
        self.assertEqual(list(anna.transfers()), [])
        self.assertEqual(await anna.preview(page[-2]), path)
        name = anna.me.username
        await anna.close()
        new = await self.account(name, "elsewhere")
        await self.until(lambda: new.conversations() and new.conversations()[0].last is not None)
        await self.shows(new, thread, lambda page: any(one.attachment for one in page))
        (there,) = await new.files("image", "PHOTO", 9, 0)
        preview = await new.preview(there)
        assert preview is not None
        with Image.open(preview) as picture:
            self.assertLessEqual(max(picture.size), 640)
        got = await new.fetch(there)
        self.assertEqual(got.read_bytes(), path.read_bytes())
        copy = await new.fetch(there, to=self.home / "copy.png")
        self.assertEqual(copy.read_bytes(), path.read_bytes())
        (there,) = await new.files("", "", 9, 0)
        assert there.attachment is not None
        self.assertEqual((there.attachment.path, there.attachment.width > 0), (str(got), True))
        self.assertEqual((new.keeps(there), len(await new.files("", "", 9, 0, here=True))), (True, 1))
        await new.discard(there)
        self.assertFalse(got.exists())
        self.assertEqual(await new.files("", "", 9, 0, here=True), [])
        self.assertTrue(copy.exists())
        await new.fetch(there)
        self.assertGreater(await new.cached(), 0)
        await new.clear_cache()
        self.assertEqual(await new.cached(), 0)
        (there,) = await new.files("", "", 9, 0)
        assert there.attachment is not None
        self.assertEqual(there.attachment.path, "")

    async def test_pause_resume_and_cancel(self) -> None:
        """A paused upload stays so over a new start.

        It goes on when it is told to, and one that is cancelled is gone.
        """
        anna, _ben, thread = await self.pair()
        big = self.file("big.bin", os.urandom(30_000_000))
        sent = await anna.send_file(thread, big)
        anna.pause(sent.key)
        self.assertEqual([one.stage for one in anna.transfers()], [Stage.PAUSED])
        name = anna.me.username
        await anna.close()
        again = await self.account(name)
        self.assertEqual([(one.key, one.stage) for one in again.transfers()], [(sent.key, Stage.PAUSED)])
        again.resume(sent.key)
        page = await self.shows(again, thread, lambda page: page[-1].mark >= Mark.STORED)
        self.assertEqual(page[-1].key, sent.key)
        other = await again.send_file(thread, self.file("other.bin", os.urandom(20_000_000)))
        await again.cancel(other.key)
        self.assertEqual([one.key for one in await again.before(thread, None, 1)], [sent.key])
        with self.assertRaises(Failure):
            await again.send_file(thread, self.home / "nothing")

    async def test_a_download_that_is_cancelled(self) -> None:
        """It is as if it had never begun: nothing is said of it, no part of it is left, and it can be had anew."""
        anna, ben, thread = await self.pair()
        data = os.urandom(20_000_000)
        await ben.transfers.upload(self.file("big.bin", data), thread).result()
        page = await self.shows(anna, thread, lambda page: any(one.attachment for one in page))
        file = next(one for one in page if one.attachment)
        told: list[Transfer] = []
        anna.changes.transfer.subscribe(told.append)
        waiting = Deferred.fromCoroutine(anna.fetch(file))
        await self.until(lambda: any(one.stage is Stage.MOVING for one in told))
        anna.pause(file.key)
        await self.until(lambda: told[-1].stage is Stage.PAUSED)
        await anna.cancel(file.key)
        with self.assertRaises(GivenUp):
            await waiting
        self.assertEqual((told[-1].stage, told[-1].problem, anna.transfers()), (Stage.CANCELLED, "", ()))
        got = await anna.fetch(file)
        self.assertEqual(got.read_bytes(), data)

    async def test_avatars(self) -> None:
        """One that is sent is mine, and on the disk of who sees it."""
        anna, ben, _thread = await self.pair()
        path = self.home / "me.png"
        Image.new("RGB", (300, 300), "red").save(path)
        await ben.transfers.avatar(path).result()
        await self.until(lambda: anna.person(ben.me.uuid).avatar)
        there = await anna.avatar(anna.person(ben.me.uuid).avatar)
        assert there is not None
        with Image.open(there) as picture:
            self.assertEqual(picture.size[0], picture.size[1])
        await anna.set_avatar(path)
        await self.until(lambda: anna.me.avatar)
        self.assertIsNone(await anna.avatar("../../etc/passwd"))
