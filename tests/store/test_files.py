"""Files in the database: offers, quotas, contents that are kept once, what is due, who may read."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock

from imsys.errors import Refused, Status
from imsys.protocols.identifiers import new_file_id
from imsys.store import Stores
from imsys.store.files import PUT_OFF, Content, File, FileStore, Finished, Offer, Purpose, State
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase

DAY = 86400.0


def content_of(offer: Offer, data: bytes = b"", **changes: Any) -> Content:
    """What a store has of a file that is whole."""
    content = Content(
        0, offer.server, hashlib.sha256(data).digest(), offer.size, offer.file_id.hex(), "k1", b"wrapped"
    )
    return dataclasses.replace(content, **changes)


class Keeping(StoreCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.files = FileStore(self.database, self.clock.seconds)
        self.anna, self.bert, self.carl = await self.people("anna", "bert", "carl")
        self.thread = await self.befriend(self.anna, self.bert)

    def draft(self, size: int = 5, **changes: Any) -> Offer:
        offer = Offer(
            file_id=new_file_id(),
            owner=self.anna,
            purpose=Purpose.MESSAGE,
            thread_id=self.thread,
            server="resources1",
            filename="katze.jpg",
            size=size,
            mime="image/jpeg",
        )
        return dataclasses.replace(offer, **changes)

    async def offer(self, size: int = 5, *, quota: int = 0, **changes: Any) -> Offer:
        offer = self.draft(size, **changes)
        await self.files.offer(offer, life=DAY, quota=quota)
        return offer

    async def whole(self, data: bytes = b"hello", *, announce: bool = True, **changes: Any) -> File:
        offer = await self.offer(len(data), **changes)
        finished = await self.files.finish(
            offer.file_id, content_of(offer, data), mime=offer.mime, announce=announce
        )
        assert finished is not None
        return finished[0]

    async def refused(self, status: Status, call: Any) -> None:
        with self.assertRaises(Refused) as caught:
            await call
        self.assertEqual(caught.exception.status, status)

    async def used(self, user: int = 0) -> tuple[int, int]:
        return await self.files.used(user or self.anna)

    # -- offering

    async def test_offered(self) -> None:
        """What was offered is found as it was offered, on its way, until its time is over."""
        offer = await self.offer(7, sha256=b"\xff" * 32, key_id="k1", wrapped_key=b"\0\xff")
        file = await self.files.find(offer.file_id)
        assert file is not None
        wanted = (
            offer.owner,
            Purpose.MESSAGE,
            self.thread,
            "resources1",
            "katze.jpg",
            7,
            "image/jpeg",
            b"\xff" * 32,
            State.ARRIVING,
        )
        got = (
            file.owner,
            file.purpose,
            file.thread_id,
            file.server,
            file.filename,
            file.size,
            file.mime,
            file.offered_sha256,
            file.state,
        )
        self.assertEqual(got, wanted)
        self.assertEqual(
            (file.key_id, file.wrapped_key, file.content, file.thumbnail_id), ("k1", b"\0\xff", None, None)
        )
        self.assertEqual(file.expires_ms - file.created_ms, 86_400_000)
        self.assertIsNone(await self.files.find(new_file_id()))

    async def test_who_may_offer(self) -> None:
        """Only a member may offer a file to a thread, to a friend who did not block them.

        Nothing is counted for the others.
        """
        await self.refused(Status.PERMISSION_DENIED, self.offer(owner=self.carl))
        await self.refused(Status.PERMISSION_DENIED, self.offer(thread_id=10**9))
        await self.stores.contacts.block(self.bert, self.anna, True)
        await self.refused(Status.BLOCKED, self.offer())
        await self.offer(owner=self.bert)
        await self.stores.contacts.block(self.bert, self.anna, False)
        await self.stores.contacts.unfriend(self.bert, self.anna)
        await self.refused(Status.NOT_FRIENDS, self.offer())
        self.assertEqual(
            [await self.used(user) for user in (self.anna, self.bert, self.carl)], [(0, 0), (5, 1), (0, 0)]
        )
        await self.offer(owner=self.carl, thread_id=0, purpose=Purpose.ORIGINAL)

    async def test_quota(self) -> None:
        """A file that just fits does, the next byte does not.

        What is given up, refused or deleted makes room.
        """
        first = await self.offer(60, quota=100)
        await self.refused(Status.QUOTA_EXCEEDED, self.offer(41, quota=100))
        second = await self.offer(40, quota=100)
        await self.refused(Status.QUOTA_EXCEEDED, self.offer(1, quota=100))
        await self.offer(0, quota=100)
        self.assertEqual(await self.used(), (100, 3))
        self.assertTrue(await self.files.give_up(first.file_id))
        await self.files.refuse(second.file_id)
        await self.files.refuse(second.file_id)
        self.assertEqual(await self.used(), (0, 1))
        await self.files.delete(second.file_id)
        await self.files.delete(second.file_id)
        self.assertEqual(await self.used(), (0, 1))
        third = await self.whole(b"x" * 100)
        await self.refused(Status.QUOTA_EXCEEDED, self.offer(1, quota=100))
        await self.files.delete(third.file_id)
        self.assertEqual(await self.used(), (0, 1))

    async def test_quota_at_once(self) -> None:
        """Of many offers at once, from several servers, as many are taken as there is room for, and none
        fails otherwise.
        """
        stores = [Stores.on(self.open_database(), self.clock.seconds).files for _ in range(4)]

        async def one(store: FileStore) -> bool:
            try:
                await store.offer(self.draft(10), life=DAY, quota=100)
            except Refused as refused:
                self.assertEqual(refused.status, Status.QUOTA_EXCEEDED)
                return False
            return True

        taken = await gatherResults([Deferred.fromCoroutine(one(store)) for store in stores * 6])
        self.assertEqual((taken.count(True), await self.used()), (10, (100, 10)))

    async def test_what_is_kept_counts(self) -> None:
        """Of a file in whose place another one is kept, that one's size counts, also when it is deleted."""
        offer = await self.offer(1000, purpose=Purpose.AVATAR, thread_id=0, quota=1100)
        content = content_of(offer, b"small", size=40)
        for _ in range(2):
            finished = await self.files.finish(offer.file_id, content, mime="", announce=False)
            assert finished is not None
            self.assertEqual(
                (finished.file.size, finished.file.readable_size, await self.used()), (1000, 40, (40, 1))
            )
        await self.offer(1060, quota=1100)
        await self.files.delete(offer.file_id)
        self.assertEqual(await self.used(), (1060, 1))

    async def test_many_on_their_way(self) -> None:
        """So many files of a user may be on their way, however small.

        One that is whole, given up, or whose time is over makes room.
        """

        async def offer() -> Offer:
            draft = self.draft(0)
            await self.files.offer(draft, life=DAY, quota=0, most=3)
            return draft

        await self.offer(0, owner=self.bert)
        first, second, third = [await offer() for _ in range(3)]
        with self.assertRaises(Refused) as caught:
            await offer()
        self.assertEqual((caught.exception.status, caught.exception.retry_after), (Status.SERVER_BUSY, 60))
        await self.files.finish(first.file_id, content_of(first), mime="", announce=False)
        await self.files.give_up(second.file_id)
        await self.files.refuse(third.file_id)
        for _ in range(3):
            await offer()
        await self.refused(Status.SERVER_BUSY, offer())
        self.assertEqual(await self.used(), (0, 4))
        self.clock.advance(DAY)
        await offer()

    async def test_many_at_once(self) -> None:
        """Of many offers at once, from several servers, no more than that many are taken."""
        stores = [Stores.on(self.open_database(), self.clock.seconds).files for _ in range(4)]

        async def one(store: FileStore) -> bool:
            try:
                await store.offer(self.draft(1), life=DAY, quota=0, most=5)
            except Refused as refused:
                self.assertEqual(refused.status, Status.SERVER_BUSY)
                return False
            return True

        taken = await gatherResults([Deferred.fromCoroutine(one(store)) for store in stores * 6])
        self.assertEqual((taken.count(True), await self.used()), (5, (5, 5)))

    async def test_key_of_the_spool(self) -> None:
        """The first key that is given to a file stays its key."""
        offer = await self.offer()
        first = await self.files.sealed_under(offer.file_id, "k1", b"one")
        again = await self.files.sealed_under(offer.file_id, "k2", b"two")
        self.assertEqual(
            [(file.key_id, file.wrapped_key) for file in (first, again) if file is not None],
            [("k1", b"one")] * 2,
        )
        self.assertIsNone(await self.files.sealed_under(new_file_id(), "k", b"x"))

    # -- whole

    async def test_equal_contents(self) -> None:
        """Equal bytes are kept once in a store, by the first that came, until the last file of them is
        deleted.
        """
        first, again = await self.whole(b"same"), await self.whole(b"same", owner=self.bert)
        elsewhere, other = await self.whole(b"same", server="resources2"), await self.whole(b"else")
        contents = [file.content for file in (first, again, elsewhere, other)]
        assert all(contents)
        self.assertEqual(
            [one.blob for one in contents if one],
            [file.file_id.hex() for file in (first, first, elsewhere, other)],
        )
        self.assertEqual(
            await self.files.known_blobs([again.file_id.hex(), first.file_id.hex()]), {first.file_id.hex()}
        )
        self.assertEqual(await self.files.known_blobs([]), set())
        self.assertEqual(await self.files.delete(first.file_id), [])
        self.assertEqual(await self.files.delete(first.file_id), [])
        self.assertEqual(await self.files.delete(again.file_id), [contents[0]])
        self.assertEqual(await self.files.delete(elsewhere.file_id), [contents[2]])
        self.assertEqual([one.blob for one in await self.files.contents(0, 10)], [other.file_id.hex()])

    async def test_finished_again(self) -> None:
        """To finish a file again changes nothing, and tells whether the blob that was put there is the one
        that is kept.
        """
        offer = await self.offer()
        content = content_of(offer, b"hello")
        for _ in range(2):
            finished = await self.files.finish(offer.file_id, content, mime="image/png", announce=True)
            assert finished is not None
            self.assertEqual(
                (finished[0].state, finished[0].mime, finished[1]), (State.WHOLE, "image/png", True)
            )
        late = await self.offer()
        finished = await self.files.finish(
            late.file_id, content_of(late, b"hello"), mime="image/png", announce=False
        )
        assert finished is not None
        self.assertFalse(finished[1])
        self.assertEqual(
            [one.file.file_id for one in await self.files.due("resources1", 10)], [offer.file_id]
        )
        self.assertEqual(
            len(await self.files.delete(offer.file_id) + await self.files.delete(late.file_id)), 1
        )

    async def test_gone_meanwhile(self) -> None:
        """A file that was given up or refused is never whole, and one that is whole is not given up or
        refused.
        """
        gone, refused = await self.offer(), await self.offer()
        await self.files.give_up(gone.file_id)
        await self.files.refuse(refused.file_id)
        for offer in (gone, refused):
            self.assertIsNone(
                await self.files.finish(offer.file_id, content_of(offer), mime="", announce=True)
            )
        self.assertEqual((await self.files.contents(0, 10), await self.files.due("resources1", 10)), ([], []))
        whole = await self.whole()
        self.assertFalse(await self.files.give_up(whole.file_id))
        await self.files.refuse(whole.file_id)
        self.assertEqual(await self.files.find(whole.file_id), whole)

    async def test_equal_at_once(self) -> None:
        """Equal files that are finished at once, on several connections, share one content.

        Deleted at once, the last frees it.
        """
        stores = [Stores.on(self.open_database(), self.clock.seconds).files for _ in range(4)]
        offers = [await self.offer(4) for _ in range(16)]
        finishing = [
            Deferred.fromCoroutine(
                stores[number % 4].finish(offer.file_id, content_of(offer, b"same"), mime="", announce=True)
            )
            for number, offer in enumerate(offers)
        ]
        finished = [result for result in await gatherResults(finishing) if result is not None]
        self.assertEqual([len(finished), sum(one.taken for one in finished)], [16, 1])
        self.assertEqual(len({file.content.content_id for file, _, _ in finished if file.content}), 1)
        deleting = [
            Deferred.fromCoroutine(stores[number % 4].delete(offer.file_id))
            for number, offer in enumerate(offers)
        ]
        freed = await gatherResults(deleting)
        self.assertEqual(sum(map(len, freed)), 1)
        self.assertEqual((await self.files.contents(0, 10), await self.used()), ([], (0, 0)))

    async def test_replaced_at_once(self) -> None:
        """While the last file of a content is deleted others of it come: a file that is whole always has a
        content that is there.
        """
        other = Stores.on(self.open_database(), self.clock.seconds).files
        for _ in range(8):
            old, new = await self.whole(b"same"), await self.offer(4)
            deleting = Deferred.fromCoroutine(self.files.delete(old.file_id))
            finishing = Deferred.fromCoroutine(
                other.finish(new.file_id, content_of(new, b"same"), mime="", announce=False)
            )
            freed, finished = await deleting, await finishing
            assert finished is not None
            (kept,) = await self.files.contents(0, 10)
            self.assertEqual(finished[0].content, kept)
            self.assertNotIn(kept.blob, [one.blob for one in freed])
            self.assertEqual(finished[1], kept.blob == new.file_id.hex())
            await self.files.delete(new.file_id)

    async def original(self, data: bytes, filename: str = "katze.jpg", owner: int = 0) -> Offer:
        return await self.offer(
            len(data), purpose=Purpose.ORIGINAL, thread_id=0, filename=filename, owner=owner or self.anna
        )

    async def finished(self, store: FileStore, offer: Offer, data: bytes) -> Finished:
        finished = await store.finish(offer.file_id, content_of(offer, data), mime="", announce=False)
        assert finished is not None
        return finished

    async def test_in_its_place(self) -> None:
        """A file of the original service that becomes whole takes the place of that name in the same
        transaction, and of no other.
        """
        others = [await self.original(b"other", "katze.jpg "), await self.original(b"other", "Katze.jpg")]
        others += [await self.original(b"other", owner=self.bert), await self.offer(5)]
        for other in others:
            self.assertEqual((await self.finished(self.files, other, b"other")).freed, [])
        first, arriving = await self.original(b"first"), await self.original(b"later")
        one = await self.finished(self.files, first, b"first")
        second = await self.original(b"second")
        two = await self.finished(self.files, second, b"second")
        self.assertEqual((one.freed, two.freed), ([], [one.file.content]))
        self.assertIsNone(await self.files.find(first.file_id))
        self.assertEqual(await self.finished(self.files, second, b"second"), Finished(two.file, True, []))
        again = await self.original(b"second")
        three = await self.finished(self.files, again, b"second")
        self.assertEqual((three.taken, three.freed, three.file.content), (False, [], two.file.content))
        for offer in (*others, arriving):
            self.assertIsNotNone(await self.files.find(offer.file_id))

    async def test_in_its_place_at_once(self) -> None:
        """Of two that become whole at the same time, on two servers, one is there in the end."""
        other = Stores.on(self.open_database(), self.clock.seconds).files
        for _ in range(8):
            offers = [await self.original(b"one"), await self.original(b"two")]
            pairs = zip((self.files, other), offers, (b"one", b"two"), strict=True)
            done = await gatherResults([Deferred.fromCoroutine(self.finished(*pair)) for pair in pairs])
            left = [found for offer in offers if (found := await self.files.find(offer.file_id)) is not None]
            self.assertEqual(len(left), 1)
            self.assertEqual(await self.files.contents(0, 10), [left[0].content])
            self.assertEqual(await self.used(), (3, 1))
            self.assertGreaterEqual(sum(len(one.freed) for one in done), 1)

    async def test_given_up_at_once(self) -> None:
        """A file whose time is over in the moment in which it is finished is either whole or gone."""
        other = Stores.on(self.open_database(), self.clock.seconds).files
        for _ in range(8):
            offer = await self.offer(4)
            finishing = Deferred.fromCoroutine(
                self.files.finish(offer.file_id, content_of(offer, b"same"), mime="", announce=True)
            )
            giving_up = Deferred.fromCoroutine(other.give_up(offer.file_id))
            finished, gone = await finishing, await giving_up
            self.assertEqual((finished is None, await self.files.find(offer.file_id) is None), (gone, gone))
        self.assertEqual((await self.used())[1], len(await self.files.due("resources1", 100)))

    async def test_thumbnail(self) -> None:
        """A file is deleted with its thumbnail; whoever may read it may read that."""
        small = await self.whole(b"small", purpose=Purpose.DERIVED, thread_id=0, announce=False)
        offer = await self.offer()
        await self.files.finish(
            offer.file_id, content_of(offer, b"large"), mime="", thumbnail_id=small.file_id, announce=True
        )
        self.assertEqual(await self.files.is_derived_from(small.file_id), offer.file_id)
        self.assertEqual(await self.files.readable(small.file_id, self.bert), small)
        await self.refused(Status.FILE_OPEN_ERROR, self.files.readable(small.file_id, self.carl))
        self.assertEqual(len(await self.files.delete(offer.file_id)), 2)
        self.assertEqual((await self.files.find(small.file_id), await self.used()), (None, (0, 0)))

    async def test_expired(self) -> None:
        """What is not whole when its time is over is told to its server, the oldest first.

        What is whole stays.
        """
        await self.whole()
        refused, first = await self.offer(), await self.offer()
        await self.files.refuse(refused.file_id)
        self.clock.advance(1)
        second = await self.offer()
        await self.offer(server="resources2")
        self.assertEqual(await self.files.expired("resources1", 10), [])
        self.clock.advance(DAY)
        self.assertEqual(
            await self.files.expired("resources1", 10), [first.file_id, second.file_id, refused.file_id]
        )
        self.assertEqual(await self.files.expired("resources1", 1), [first.file_id])

    # -- who may read

    async def test_readable(self) -> None:
        """A whole file is for the members of its thread, one that is on its way or for no thread for its
        owner alone, an avatar for all.
        """
        users = (self.anna, self.bert, self.carl)

        async def readers(file_id: bytes) -> list[int]:
            found = []
            for user in users:
                try:
                    await self.files.readable(file_id, user)
                    found.append(user)
                except Refused as refused:
                    self.assertEqual(refused.status, Status.FILE_OPEN_ERROR)
            return found

        arriving, own = await self.offer(), await self.whole(thread_id=0, purpose=Purpose.ORIGINAL)
        refused, avatar = await self.offer(), await self.whole(thread_id=0, purpose=Purpose.AVATAR)
        await self.files.refuse(refused.file_id)
        self.assertEqual(await readers((await self.whole()).file_id), [self.anna, self.bert])
        self.assertEqual(await readers(arriving.file_id), [self.anna])
        self.assertEqual(await readers(own.file_id), [self.anna])
        self.assertEqual(await readers(avatar.file_id), list(users))
        self.assertEqual(await readers(refused.file_id), [])
        self.assertEqual(await readers(new_file_id()), [])
        self.clock.advance(DAY)  # nobody can go on with it any more, and has to offer it anew
        self.assertEqual((await readers(arriving.file_id), await readers(own.file_id)), ([], [self.anna]))

    # -- the outbox

    async def test_outbox(self) -> None:
        """A whole file is due at its server until it is told, later when it is put off, and not any more when
        it is deleted.
        """
        first = await self.whole(b"1")
        self.clock.advance(0.001)
        second, _ = await self.whole(b"2"), await self.whole(b"3", announce=False)
        third = await self.whole(b"4", server="resources2")
        due = await self.files.due("resources1", 10)
        self.assertEqual([(one.file, one.attempts) for one in due], [(first, 0), (second, 0)])
        self.assertEqual(await self.files.to_announce(first.file_id), (first, self.bert))
        await self.files.postpone(first.file_id, 2.0)
        self.assertEqual([one.file for one in await self.files.due("resources1", 10)], [second])
        self.clock.advance(2)
        self.assertEqual(
            [(one.file, one.attempts) for one in await self.files.due("resources1", 10)],
            [(second, 0), (first, 1)],
        )
        self.assertEqual([one.file for one in await self.files.due("resources1", 1)], [second])
        await self.files.postpone(second.file_id, PUT_OFF)
        self.assertEqual([one.file for one in await self.files.due("resources1", 10)], [first])
        self.clock.advance(-3600)  # it was set back: what was put off is told now, and not an hour later
        self.assertEqual([one.file for one in await self.files.due("resources1", 10)], [first, second])
        self.clock.advance(3600)
        await self.files.told(second.file_id)
        await self.files.delete(first.file_id)
        self.assertEqual(await self.files.due("resources1", 10), [])
        self.assertEqual([one.file for one in await self.files.due("resources2", 10)], [third])
        await self.refused(Status.FILE_OPEN_ERROR, self.files.to_announce(first.file_id))
        await self.refused(Status.FILE_OPEN_ERROR, self.files.to_announce((await self.offer()).file_id))

    # -- avatars

    async def avatar(self, data: bytes) -> File:
        self.clock.advance(1)
        return await self.whole(data, thread_id=0, purpose=Purpose.AVATAR)

    async def test_avatar(self) -> None:
        """A new avatar is in the profile, the friends are named, and the one before it is gone with its
        content.
        """
        await self.whole(b"a photo")
        first = await self.avatar(b"1")
        changed = await self.files.become_avatar(first.file_id, "one")
        assert changed is not None
        self.assertEqual((changed[0].avatar, changed[1]), ("one", [self.bert]))
        self.assertEqual(await self.files.become_avatar(first.file_id, "one"), changed)
        second = await self.avatar(b"2")
        self.assertEqual(await self.files.find(first.file_id), first)
        await self.files.become_avatar(second.file_id, "two")
        (person,) = await self.stores.people.by_uuid([self.anna])
        self.assertEqual((person.avatar, await self.files.find(first.file_id)), ("two", None))
        self.assertEqual(len(await self.files.page(b"", 10, user=self.anna)), 2)
        self.assertIsNone(await self.files.become_avatar(first.file_id, "one"))
        self.assertIsNone(
            await self.files.become_avatar((await self.offer(purpose=Purpose.AVATAR)).file_id, "x")
        )

    async def test_all_at_once(self) -> None:
        """Files with equal contents and pictures come and go on many connections at once: what is counted is
        what is there.
        """
        stores = [Stores.on(self.open_database(), self.clock.seconds).files for _ in range(4)]
        chance = random.Random(11)

        async def life(store: FileStore) -> None:
            for _ in range(8):
                data, picture = (b"%d" % chance.randrange(3) for _ in range(2))
                owner, purpose = (
                    chance.choice((self.anna, self.bert)),
                    chance.choice((Purpose.MESSAGE, Purpose.ORIGINAL)),
                )
                small = self.draft(1, owner=owner, thread_id=0, purpose=Purpose.DERIVED)
                large = self.draft(1, owner=owner, thread_id=0, purpose=purpose)
                for offer in (small, large):
                    await store.offer(offer, life=DAY, quota=0)
                await store.finish(small.file_id, content_of(small, picture), mime="", announce=False)
                finish = store.finish(
                    large.file_id, content_of(large, data), mime="", thumbnail_id=small.file_id, announce=True
                )
                end = chance.choice((store.refuse, store.give_up, store.delete, store.find))
                both: list[Deferred[Any]] = [
                    Deferred.fromCoroutine(finish),
                    Deferred.fromCoroutine(end(large.file_id)),
                ]
                await gatherResults(both)

        await gatherResults([Deferred.fromCoroutine(life(store)) for store in stores * 3])
        counted = await self.rows("SELECT user_id, bytes, files FROM file_usage ORDER BY user_id")
        there = await self.rows(
            "SELECT owner_id, SUM(size), COUNT(*) FROM files WHERE state <> 2 AND owner_id IN (SELECT user_id FROM file_usage) "
            "GROUP BY owner_id ORDER BY owner_id"
        )
        self.assertEqual(
            [tuple(map(int, row)) for row in counted if row[2]], [tuple(map(int, row)) for row in there]
        )
        refs = await self.rows("SELECT content_id, refs FROM contents ORDER BY content_id")
        have = "SELECT content_id, COUNT(*) FROM files WHERE content_id IS NOT NULL GROUP BY content_id ORDER BY content_id"
        self.assertEqual(refs, await self.rows(have))

    async def rows(self, sql: str) -> list[Any]:
        return await self.database.read(lambda tx: tx.rows(sql))

    async def test_avatars_at_once(self) -> None:
        """Of two that are announced in any order, on two servers at once, the later one stays, and the
        profile names it.
        """
        other = Stores.on(self.open_database(), self.clock.seconds).files
        for turn in range(8):
            files = [await self.avatar(b"%d" % turn), await self.avatar(b"later %d" % turn)]
            calls = [
                Deferred.fromCoroutine(store.become_avatar(file.file_id, file.file_id.hex()))
                for store, file in zip(
                    (self.files, other), files if turn % 2 else reversed(files), strict=True
                )
            ]
            await gatherResults(calls)
            (person,) = await self.stores.people.by_uuid([self.anna])
            self.assertEqual(person.avatar, files[1].file_id.hex())
            self.assertEqual(await self.files.page(b"", 10, user=self.anna), [files[1]])

    # -- for the operator

    async def test_pages(self) -> None:
        """Files are paged by their identifiers: all, those of a user, those of a thread."""
        other = await self.befriend(self.anna, self.carl)
        mine = [await self.whole(b"%d" % number) for number in range(3)]
        theirs = [await self.offer(owner=self.bert), await self.offer(owner=self.carl, thread_id=other)]

        async def pages(**which: int) -> list[bytes]:
            found, after = [], b""
            while page := await self.files.page(after, 2, **which):
                found += [file.file_id for file in page]
                after = found[-1]
            return found

        ids = [file.file_id for file in mine]
        self.assertEqual(await pages(), sorted([*ids, *(offer.file_id for offer in theirs)]))
        self.assertEqual(await pages(user=self.anna), sorted(ids))
        self.assertEqual(await pages(thread_id=self.thread), sorted([*ids, theirs[0].file_id]))
        content = mine[0].content
        assert content is not None
        self.assertEqual(await self.files.of_content(content.content_id, 10), [mine[0]])

    async def test_rewrapped(self) -> None:
        """A key that is wrapped anew is stored, unless it was changed meanwhile."""
        file = await self.whole()
        (content,) = await self.files.contents(0, 10)
        await self.files.rewrapped(
            [(content.content_id, "k0", "k2", b"wrong"), (content.content_id, "k1", "k2", b"new")]
        )
        await self.files.rewrapped([(content.content_id, "k1", "k3", b"late")])
        found = await self.files.find(file.file_id)
        assert found is not None
        assert found.content is not None
        self.assertEqual((found.content.key_id, found.content.wrapped_key), ("k2", b"new"))
        self.assertEqual(await self.files.contents(content.content_id, 10), [])


class SqliteKeepingTests(Keeping, OnSqlite):
    """On SQLite."""


class MariaDbKeepingTests(Keeping, OnMariaDb):
    """On MariaDB."""


del Keeping
