"""Scenes between users, over real sockets, with a server that behaves."""

from __future__ import annotations

import re

from imsys.errors import Refused, Status, Unavailable
from imsys.sdk import Client, ConnectionState, Credentials, Timing
from tests.sdk.scene import ALICE, BOB, CAROL, THREAD, Scene, Seen, texts


class Talking(Scene):
    async def test_message_arrives(self) -> None:
        """A text that Alice sends is acknowledged with its id, and Bob gets it once."""
        alice, bob = await self.online("alice"), await self.online("bob")
        heard = Seen(bob.on_message)
        sent = await alice.send(THREAD, "Hello, Bob")
        received = (await heard.wait(1))[0]
        self.assertEqual(
            (received.id, received.text, received.sender, received.mine),
            (sent.id, "Hello, Bob", ALICE, False),
        )
        self.assertTrue(sent.mine)
        self.assertEqual(received.unique_id, sent.unique_id)

    async def test_order_of_posts(self) -> None:
        """What is posted in one turn is stored in that order, in few requests."""
        alice, bob = await self.online("alice"), await self.online("bob")
        heard = Seen(bob.on_message)
        wanted = [f"text {number}" for number in range(250)]
        for text in wanted:
            alice.post(THREAD, text)
        self.assertEqual(texts(await heard.wait(250)), wanted)
        self.assertEqual(self.world.texts(THREAD), wanted)
        self.assertLess(len(self.world.batches), 6)

    async def test_large_texts(self) -> None:
        """Texts of the largest size are spread over frames that hold them."""
        alice = await self.online("alice")
        posted = [alice.post(THREAD, "\N{GRINNING FACE}" * 4096) for _ in range(8)]
        for outgoing in posted:
            await outgoing.when_stored()
        self.assertEqual(len(self.world.records[THREAD]), 8)
        self.assertGreater(len(self.world.batches), 2)

    async def test_refused_here(self) -> None:
        """Empty, overlong and impossible texts are refused before they are sent."""
        alice = await self.online("alice")
        for text, status in (
            ("", Status.MESSAGE_TOO_LONG),
            ("x" * 4097, Status.MESSAGE_TOO_LONG),
            ("\ud800", Status.INVALID_FIELD),
        ):
            with self.assertRaises(Refused) as caught:
                alice.post(THREAD, text)
            self.assertIs(caught.exception.status, status)

    async def test_one_bad_text(self) -> None:
        """A text that the server refuses fails alone.

        Those around it in the same request are stored in order.
        """
        alice = await self.online("alice")
        await alice.send(THREAD, "first")
        posted = [alice.post(THREAD, text) for text in ("a", "poison", "b", "c")]
        for outgoing in (posted[0], posted[2], posted[3]):
            await outgoing.when_stored()
        with self.assertRaises(Refused):
            await posted[1].when_stored()
        self.assertEqual(self.world.texts(THREAD), ["first", "a", "b", "c"])

    async def test_bounded_outbox(self) -> None:
        """Without a connection texts wait, up to a bound."""
        alice = self.client("alice", outbox=3)
        posted = [alice.post(THREAD, str(number)) for number in range(3)]
        with self.assertRaises(Refused) as caught:
            alice.post(THREAD, "one too many")
        self.assertIs(caught.exception.status, Status.SERVER_BUSY)
        await alice.start()
        await posted[-1].when_stored()
        await alice.send(THREAD, "last")
        self.assertEqual(self.world.texts(THREAD), ["0", "1", "2", "last"])

    async def test_unique_ids(self) -> None:
        """Ids of messages are 32 hex digits, and those made later sort later."""
        alice = await self.online("alice")
        first = await alice.send(THREAD, "one")
        later = 0.0
        await self.until(lambda: (later or 1) > 0)
        second = await alice.send(THREAD, "two")
        for message in (first, second):
            self.assertRegex(message.unique_id, re.compile("^[0-9a-f]{32}$"))
        self.assertLessEqual(first.unique_id[:12], second.unique_id[:12])

    async def test_own_messages_in_order(self) -> None:
        """One's own messages and those of the other are told in the order of the thread."""
        alice, bob = await self.online("alice"), await self.online("bob")
        told: list[tuple[int, str]] = []
        alice.on_message.subscribe(lambda message: told.append((message.id, message.text)))
        alice.on_sent.subscribe(lambda message: told.append((message.id, message.text)))
        heard = Seen(alice.on_message)
        await alice.send(THREAD, "1")
        await bob.send(THREAD, "2")
        await alice.send(THREAD, "3")
        await bob.send(THREAD, "4")
        await heard.wait(2)
        self.assertEqual([text for _, text in told], ["1", "2", "3", "4"])


class Marking(Scene):
    async def test_delivered_by_itself(self) -> None:
        """Alice learns that her message has arrived, without anything that Bob's application does."""
        alice = await self.online("alice")
        await self.online("bob")
        marks = Seen(alice.on_position)
        sent = await alice.send(THREAD, "Are you there?")
        position = (await marks.wait(1))[0]
        self.assertEqual(
            (position.thread_id, position.uuid, position.delivered, position.read), (THREAD, BOB, sent.id, 0)
        )

    async def test_read(self) -> None:
        """A message counts as read when the application says so."""
        alice, bob = await self.online("alice"), await self.online("bob")
        marks, heard = Seen(alice.on_position), Seen(bob.on_message)
        sent = await alice.send(THREAD, "Read this")
        await heard.wait(1)
        await bob.mark_read(THREAD, sent.id)
        await self.until(lambda: any(position.read == sent.id for position in marks.items))

    async def test_coalesced(self) -> None:
        """Many messages at once need few marks, and the last one is marked."""
        await self.online("bob", timing=Timing(mark=0.2))
        last = 0
        for number in range(100):
            last = self.world.say(THREAD, ALICE, str(number))
        await self.until(lambda: any(mark["delivered"] == str(last) for _, mark in self.world.positions))
        self.assertLess(len(self.world.positions), 20)


class Befriending(Scene):
    async def test_request_and_friendship(self) -> None:
        """Carol asks, Alice accepts, both are told, and the first messages of their thread arrive like any
        others.
        """
        alice, carol = await self.online("alice"), await self.online("carol")
        asked, made, heard = Seen(alice.on_friend_request), Seen(carol.on_friendship), Seen(carol.on_message)
        found = await carol.contacts.search("alice")
        self.assertEqual(found.uuid, ALICE)
        await carol.contacts.add(found.uuid, "Hello?")
        request = (await asked.wait(1))[0]
        self.assertEqual(
            (request.person.uuid, request.person.username, request.text), (CAROL, "carol", "Hello?")
        )
        await alice.contacts.accept(request.person.uuid)
        friendship = (await made.wait(1))[0]
        self.assertEqual(friendship.person.username, "alice")
        self.assertEqual(texts(await heard.wait(1)), ["We are friends now!"])
        await carol.send(friendship.thread_id, "At last")
        with self.assertRaises(Refused) as caught:
            await alice.contacts.accept(CAROL)
        self.assertIs(caught.exception.status, Status.FRIENDING_ERROR)

    async def test_requests_made_meanwhile(self) -> None:
        """Requests that came while a client was away are told at login, once each, however many."""
        for uuid in range(20, 45):
            self.world.user(uuid, f"user{uuid}")
        self.world.requests[ALICE] = list(range(20, 45))
        alice = self.client("alice")
        asked = Seen(alice.on_friend_request)
        await alice.start()
        self.world.drop()
        await self.state(alice, ConnectionState.WAITING)
        await self.state(alice, ConnectionState.ONLINE)
        self.assertEqual([request.person.uuid for request in asked.items], list(range(20, 45)))

    async def test_profile(self) -> None:
        """A change of one's own card returns the card as it is."""
        alice = await self.online("alice")
        self.assertEqual((await alice.contacts.update_profile(nickname="Ally")).nickname, "Ally")


class Reading(Scene):
    async def test_pages(self) -> None:
        """Threads, friends, requests and records are read page by page behind one loop."""
        for number in range(25):
            self.world.user(100 + number, f"friend{number}")
            self.world.befriend(1000 + number, ALICE, 100 + number)
        for number in range(25):
            self.world.store(THREAD, BOB, str(number))
        alice = await self.online("alice")
        self.assertEqual(len(await alice.history.threads().all()), 26)
        self.assertEqual(len({friend.uuid async for friend in alice.contacts.friends()}), 26)
        forwards = [message.text async for message in alice.history.records(THREAD, page=7)]
        self.assertEqual(forwards, [str(number) for number in range(25)])
        backwards = [message.text async for message in alice.history.newest(THREAD, page=7)]
        self.assertEqual(backwards, forwards[::-1])
        pages = [texts(page) async for page in alice.history.newest(THREAD, page=10).each()]
        self.assertEqual(pages, [forwards[15:], forwards[5:15], forwards[:5]])
        self.assertEqual(await alice.history.private_thread(BOB), THREAD)


class SigningIn(Scene):
    async def test_wrong_password(self) -> None:
        """A wrong password is not tried again."""
        client = Client(self.reactor, self.gateway(), Credentials(username="alice", password="wrong"))
        with self.assertRaises(Refused) as caught:
            await client.start()
        self.assertIs(caught.exception.status, Status.LOGIN_INFO_ERROR)
        self.assertIs(client.state, ConnectionState.SIGNED_OUT)
        self.assertEqual(len(self.world.gateway_calls), 1)

    async def test_token(self) -> None:
        """A client with a token needs no password."""
        token = self.world.token(ALICE)
        client = Client(self.reactor, self.gateway(), Credentials(uuid=ALICE, token=token))
        await client.start()
        self.assertEqual(client.me.username, "alice")
        self.assertEqual(client.credentials.username, "alice")
        await client.stop()

    async def test_old_token(self) -> None:
        """A token that has died is replaced by means of the password, and without one the client is signed
        out.
        """
        client = Client(
            self.reactor,
            self.gateway(),
            Credentials(username="alice", password="correct horse", uuid=ALICE, token="old"),
        )
        await client.start()
        self.assertNotEqual(client.credentials.token, "old")
        await client.stop()
        client = Client(self.reactor, self.gateway(), Credentials(uuid=ALICE, token="old"))
        with self.assertRaises(Refused) as caught:
            await client.start()
        self.assertIs(caught.exception.status, Status.LOGIN_UNSUCCESSFUL)

    async def test_signed_out_elsewhere(self) -> None:
        """The older of two sessions is told and does not come back by itself; what it had not sent fails."""
        first = await self.online("alice")
        told, stream = Seen(first.on_signed_out), first.messages()
        self.world.silent.add(23)
        unsent = first.post(THREAD, "lost")
        await self.until(lambda: self.world.seen[23] > 0)
        second = await self.online("alice")
        self.assertEqual(await told.wait(1), ["This account signed in somewhere else."])
        self.assertIs(first.state, ConnectionState.SIGNED_OUT)
        for attempt in (unsent.when_stored(), first.contacts.search("bob"), stream.__anext__()):
            with self.assertRaises(Refused):
                await attempt
        self.world.silent.clear()
        await second.send(THREAD, "still here")
        self.assertEqual(len(self.world.connections), 1)

    async def test_log_out(self) -> None:
        """Logging out revokes the token and disconnects for good."""
        alice = await self.online("alice")
        await alice.log_out()
        self.assertEqual(self.world.tokens, {})
        self.assertIs(alice.state, ConnectionState.OFFLINE)
        self.assertEqual(alice.credentials.token, "")

    async def test_stop(self) -> None:
        """A stopped client fails what waits at once, and can be started again."""
        alice = await self.online("alice")
        await alice.stop()
        await self.until(lambda: not self.world.connections)
        with self.assertRaises(Unavailable):
            await alice.contacts.search("bob")
        await alice.start()
        await alice.send(THREAD, "back")

    async def test_once_only(self) -> None:
        """A client that is not persistent raises the first failure instead of trying again."""
        self.world.gateway_down = True
        alice = self.client("alice")
        with self.assertRaises(Refused) as caught:
            await alice.start(persistent=False)
        self.assertIs(caught.exception.status, Status.SERVER_BUSY)
        self.assertIs(alice.state, ConnectionState.OFFLINE)
        self.assertEqual(len(self.world.gateway_calls), 1)

    async def test_persistent(self) -> None:
        """A client waits for servers that are down."""
        self.world.gateway_down = True
        alice = self.client("alice")
        starting = alice.start()
        from twisted.internet.defer import Deferred

        started = Deferred.fromCoroutine(starting)
        await self.until(lambda: len(self.world.gateway_calls) >= 3)
        self.world.gateway_down = False
        await started
        self.assertIs(alice.state, ConnectionState.ONLINE)

    async def test_only_questions(self) -> None:
        """A client that does not receive asks for nothing at login, and marks nothing as delivered."""
        bob = await self.online("bob", receive=False)
        self.world.say(THREAD, ALICE, "Hello")
        await bob.contacts.search("alice")
        self.assertEqual((self.world.seen[68], self.world.positions), (0, []))
