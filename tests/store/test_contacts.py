"""Contacts on two nodes at once, accounts, and node numbers."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from imsys.errors import Refused, Status
from imsys.store import Stores, contacts
from imsys.store.contacts import Asked, Friendship, Pending
from imsys.store.ids import MessageIds, id_at
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase


class TwoNodes(StoreCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.other = Stores.on(self.open_database(), time.time)
        self.other_ids = MessageIds(time.time, 2)

    async def refused(self, call: Awaitable[Any]) -> Status:
        try:
            await call
        except Refused as refused:
            return refused.status
        return Status.SUCCESS

    async def test_crossing_requests(self) -> None:
        """Requests that cross on two nodes become one friendship with one thread, every time."""
        for number in range(10):
            one, two = await self.people(f"one{number}", f"two{number}")
            results = await gatherResults(
                [
                    Deferred.fromCoroutine(self.stores.contacts.ask(self.ids, one, two, "", "from one")),
                    Deferred.fromCoroutine(self.other.contacts.ask(self.other_ids, two, one, "", "from two")),
                ]
            )
            self.assertEqual({type(result) for result in results}, {Pending, Friendship})
            threads = [
                contact.thread_id
                for user in (one, two)
                for contact in await self.stores.contacts.friends(user, 0, 10)
            ]
            self.assertEqual(len(threads), 2)
            self.assertEqual(len(set(threads)), 1)
            history = await self.stores.messages.page(one, threads[0], 0, 10)
            self.assertEqual(len(history), 2)

    async def test_confirmed_twice(self) -> None:
        """Of two confirmations at once, one makes the friendship and the other finds it made."""
        for number in range(5):
            one, two = await self.people(f"one{number}", f"two{number}")
            await self.stores.contacts.ask(self.ids, one, two, "", "hi")
            results = await gatherResults(
                [
                    Deferred.fromCoroutine(self.stores.contacts.confirm(self.ids, one, two, "")),
                    Deferred.fromCoroutine(self.other.contacts.confirm(self.other_ids, one, two, "")),
                ]
            )
            self.assertEqual(
                sorted((made.again, len(made.hello)) for made in results), [(False, 2), (True, 0)]
            )
            self.assertEqual(len({(made.src.uuid, made.dst.uuid, made.thread_id) for made in results}), 1)

    async def test_done_already(self) -> None:
        """Who repeats what they have done is not refused, and nothing is done twice.

        It is refused to everybody else.
        """
        store = self.stores.contacts
        one, two, three = await self.people("one", "two", "three")
        confirm = lambda src, dst: self.refused(store.confirm(self.ids, src, dst, ""))  # noqa: E731
        for refused in (confirm(one, two), self.refused(store.decline(one, two)), confirm(one, one)):
            self.assertEqual(await refused, Status.FRIENDING_ERROR)
        self.assertEqual(await self.refused(store.unfriend(one, two)), Status.NOT_FRIENDS)
        self.assertIsNone(await store.between(one, three))
        await store.ask(self.ids, one, two, "n", "hi")
        for pair in ((one, two), (two, one)):
            pending = await store.between(*pair)
            assert isinstance(pending, Pending)
            self.assertEqual(
                (pending.person.uuid, pending.dst, pending.nickname, pending.message), (one, two, "n", "hi")
            )
        for _ in range(2):
            await store.decline(one, two)
        self.assertEqual(
            (await confirm(one, two), await self.refused(store.decline(two, one))),
            (Status.FRIENDING_ERROR,) * 2,
        )
        self.assertIsNone(await store.between(one, two))
        self.assertIsInstance(await store.ask(self.ids, one, two, "", "please"), Pending)
        made = [await store.confirm(self.ids, one, two, "") for _ in range(2)]
        self.assertEqual(
            [(friendship.again, friendship.news) for friendship in made], [(False, True), (True, True)]
        )
        old = round(contacts.AGAIN * 1000) + 1
        await self.database.write(
            lambda tx: tx.execute("UPDATE friendships SET created_at = created_at - ?", old)
        )
        self.assertFalse((await store.confirm(self.ids, one, two, "")).news)
        self.assertEqual(await confirm(two, one), Status.FRIENDING_ERROR)
        self.assertEqual(await self.refused(store.decline(one, two)), Status.FRIENDING_ERROR)
        for pair in ((one, two), (two, one)):
            found = await store.between(*pair)
            assert isinstance(found, Friendship)
            self.assertEqual((found.src.uuid, found.dst.uuid, found.thread_id), (one, two, made[0].thread_id))
        self.assertEqual(len(await self.stores.messages.page(one, made[0].thread_id, 0, 10)), 2)
        for user, friend in ((one, two), (one, two), (two, one)):
            await store.unfriend(user, friend)
        self.assertEqual(
            (await confirm(one, two), await self.refused(store.decline(one, two))),
            (Status.FRIENDING_ERROR,) * 2,
        )
        self.assertIsNone(await store.between(one, two))

    async def test_repeats(self) -> None:
        """A request that is asked again stays what it was."""
        one, two = await self.people("one", "two")
        await self.stores.contacts.ask(self.ids, one, two, "n", "first")
        self.assertIs(await self.stores.contacts.ask(self.ids, one, two, "n", "second"), Asked.REPEATED)
        self.assertEqual(
            [pending.message for pending in await self.stores.contacts.requests(two, 0, 10)], ["first"]
        )

    async def test_pages(self) -> None:
        """Friends and requests come in pages, each once."""
        me, *others = await self.people("me", *(f"other{n}" for n in range(25)))
        for other in others[:12]:
            await self.befriend(me, other)
        for other in others[12:]:
            await self.stores.contacts.ask(self.ids, other, me, "", "")
        seen: list[int] = []
        while page := await self.stores.contacts.friends(me, seen[-1] if seen else 0, 5):
            seen += [contact.person.uuid for contact in page]
        while page_ := await self.stores.contacts.requests(me, seen[-1] if len(seen) > 12 else 0, 5):
            seen += [pending.person.uuid for pending in page_]
        self.assertEqual(seen, others)

    async def test_logins_share_queries(self) -> None:
        """However many log in at once, and however many friends they have, it takes a fixed number of
        statements.
        """
        statements: list[str] = []
        stores = Stores.on(self.open_database(lambda sql, _: statements.append(sql)), time.time)
        people = await self.people(*(f"user{n}" for n in range(30)))
        me, other, *others = people
        for friend in others[:12]:
            await self.befriend(me, friend)
        for asker in reversed(others[12:]):
            await self.stores.contacts.ask(self.ids, asker, me, "called", f"from {asker}")
        await self.befriend(other, me)
        calls = [
            Deferred.fromCoroutine(stores.contacts.at_login(user, limit))
            for user, limit in [(other, 10), (me, 10), (me, 3), (7, 10)]
        ]
        calls += [Deferred.fromCoroutine(stores.contacts.at_login(user, 10)) for user in others]
        self.assertEqual(await self.refused(calls.pop(3)), Status.MYSQL_ACCOUNT_NOT_EXISTS)
        first, mine, short, *rest = await gatherResults(calls)
        self.assertEqual(len(statements), 2 * 3)
        self.assertEqual(
            (first.me.uuid, first.requests, [friend.uuid for friend in first.friends]), (other, [], [me])
        )
        self.assertEqual([friend.uuid for friend in mine.friends], [other, *others[:9]])
        self.assertEqual(
            [(one.person.uuid, one.dst, one.nickname) for one in mine.requests],
            [(n, me, "called") for n in others[12:22]],
        )
        self.assertEqual(mine.requests[0].message, f"from {others[12]}")
        self.assertEqual((short.friends, short.requests), (mine.friends[:3], mine.requests[:3]))
        self.assertEqual([found.me.uuid for found in rest], others)
        self.assertEqual(
            [[friend.uuid for friend in found.friends] for found in rest], [[me]] * 12 + [[]] * 16
        )

    async def test_a_crowd_of_requests(self) -> None:
        """Somebody whom hundreds have asked neither hides the requests of others nor adds more than one
        statement.
        """
        popular, quiet, *askers = await self.people(*(f"user{n}" for n in range(40)))
        for asker in askers:
            await self.stores.contacts.ask(self.ids, asker, popular, "", "")
        await self.stores.contacts.ask(self.ids, askers[0], quiet, "", "")
        statements: list[str] = []
        stores = Stores.on(self.open_database(lambda sql, _: statements.append(sql)), time.time)
        calls = [
            Deferred.fromCoroutine(stores.contacts.at_login(user, 3)) for user in (askers[1], quiet, popular)
        ]
        found = await gatherResults(calls)
        self.assertEqual(
            [[one.person.uuid for one in each.requests] for each in found], [[], askers[:1], askers[:3]]
        )
        self.assertEqual(len(statements), 3 + 4)

    async def test_full_batches(self) -> None:
        """As many logins as may share a transaction do, and are answered."""
        (me,) = await self.people("me")
        calls = [
            Deferred.fromCoroutine(self.stores.contacts.at_login(me, 10)) for _ in range(contacts.LOGINS + 2)
        ]
        self.assertEqual({found.me.username for found in await gatherResults(calls)}, {"me"})

    async def test_names(self) -> None:
        """Names are one by NFKC casefold and only by that, e-mail addresses by their lower case, whatever the
        collation.
        """
        create = self.stores.accounts.create
        await create("Straße", "a@example.com", "h")
        for name in ("STRASSE", "strasse", "ＳＴＲＡＳＳＥ"):
            self.assertEqual(await self.refused(create(name, "b@example.com", "h")), Status.USERNAME_TAKEN)
        self.assertEqual(await self.refused(create("other", "A@EXAMPLE.com", "h")), Status.EMAIL_TAKEN)
        for number, name in enumerate(("strässe", "strasse.", "стрaсса", "ölf", "olf")):
            await create(name, f"{number}@example.com", "h")
        found = await self.stores.accounts.credentials("sTRASSE")
        assert found is not None
        self.assertEqual((found.username, found.email, found.password_hash), ("Straße", "a@example.com", "h"))
        self.assertNotIn("h'", repr(found).replace("password_hash", ""))
        self.assertIsNone(await self.stores.accounts.credentials("strasse "))
        self.assertEqual(await self.stores.accounts.by_name_and_email("STRASSE", "A@example.COM"), found.uuid)
        self.assertIsNone(await self.stores.accounts.by_name_and_email("STRASSE", "0@example.com"))
        person = await self.stores.people.by_name("STRASSE")
        assert person is not None
        self.assertEqual((person.uuid, person.nickname), (found.uuid, "Straße"))

    async def test_registered_at_once(self) -> None:
        """Of several registrations of one name at once, one wins."""
        calls = [
            Deferred.fromCoroutine(self.refused(stores.accounts.create("name", f"{n}@example.com", "h")))
            for n, stores in enumerate((self.stores, self.other) * 3)
        ]
        results = await gatherResults(calls)
        self.assertEqual(sorted(results), [Status.SUCCESS] + [Status.USERNAME_TAKEN] * 5)

    async def test_node_numbers(self) -> None:
        """A number has one holder at a time, who gets ids above all that were made with it.

        A lost lease is noticed.
        """
        leases = await gatherResults(
            [
                Deferred.fromCoroutine(stores.nodes.acquire(f"h{n}"))
                for n, stores in enumerate((self.stores, self.other) * 3)
            ]
        )
        self.assertEqual(sorted(lease.number for lease in leases), [0, 1, 2, 3, 4, 5])
        ahead = id_at(time.time() + 5)
        holder = next(f"h{n}" for n, lease in enumerate(leases) if lease.number == 3)
        self.assertIsNotNone(await self.other.nodes.renew(3, holder, ahead))
        self.assertIsNone(await self.stores.nodes.renew(3, "somebody else", ahead))
        await self.stores.nodes.release(3, holder, ahead)
        again = await self.other.nodes.acquire("new")
        self.assertEqual(again.number, 3)
        self.assertGreaterEqual(again.floor_id, ahead)
        self.assertGreater(MessageIds(time.time, 3, again.floor_id).next(), ahead)
        self.assertIsNone(await self.stores.nodes.renew(3, holder, ahead))


class SqliteTwoNodesTests(TwoNodes, OnSqlite):
    """On SQLite."""


class MariaDbTwoNodesTests(TwoNodes, OnMariaDb):
    """On MariaDB."""


del TwoNodes
