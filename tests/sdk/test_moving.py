"""Scenes in which a server asks its users to go, over real sockets: nobody is ever without a connection."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imsys.errors import Status
from imsys.sdk import Client, ConnectionState, Message, StateChange, Timing
from tests.sdk.scene import ALICE, BOB, THREAD, Seen, texts
from tests.sdk.test_coming_back import IMPATIENT, SHARP, Several


class Moves(Several):
    async def moved(self) -> None:
        """Wait until Alice is on another server than the first, and on no other."""
        await self.until(
            lambda: (
                ALICE in self.world.sessions
                and self.world.where(ALICE) is not self.one
                and not self.one.sessions
            )
        )

    async def watched(self, timing: Timing = SHARP) -> tuple[Client, Seen[StateChange]]:
        """Alice, online on the first server, and what she hears of her connection from now on."""
        alice = await self.online("alice", timing=timing)
        self.assertIs(self.world.where(ALICE), self.one)
        return alice, Seen(alice.on_connection_state)

    async def test_moves(self) -> None:
        """A client that is asked to move goes straight to another server; its application notices nothing."""
        alice, changes = await self.watched()
        told = Seen(alice.on_signed_out)
        self.one.ask_to_move()
        await self.moved()
        await alice.send(THREAD, "from elsewhere")
        self.assertEqual((changes.items, told.items, len(self.world.gateway_calls)), ([], [], 1))
        self.assertEqual(len(self.world.connections), 1)

    async def test_moment(self) -> None:
        """It goes when it was told to, not before."""
        _, changes = await self.watched()
        began = self.reactor.seconds()
        self.one.ask_to_move(0.4)
        await self.moved()
        self.assertGreaterEqual(self.reactor.seconds() - began, 0.4)
        self.assertEqual(changes.items, [])

    async def test_by_the_gateway(self) -> None:
        """A client that knows of no other server asks the gateway for one, and says which it is on."""
        self.world.tells_others = False
        alice, changes = await self.watched()
        self.one.ask_to_move()
        await self.moved()
        self.assertEqual(self.asked(), [[], [self.one.name]])
        self.assertEqual(changes.items, [])
        self.world.drop()
        self.assertIs(await self.back(alice), self.two)  # and not where it was asked to go

    async def test_not_back(self) -> None:
        """Who has just left a server does not go back to it when the next one breaks, while there is a third."""
        alice, _ = await self.watched()
        self.one.ask_to_move()
        await self.moved()
        second = self.world.where(ALICE)
        await second.down()
        self.assertNotIn(await self.back(alice), (self.one, second))

    async def test_in_the_middle_of_a_conversation(self) -> None:
        """Both move, again and again, while both write: every text is there once, for both, in one order."""
        alice, bob = await self.online("alice", timing=SHARP), await self.online("bob", timing=SHARP)
        changes = [Seen(client.on_connection_state) for client in (alice, bob)]
        heard: dict[str, list[Message]] = {"alice": [], "bob": []}
        for name, client in (("alice", alice), ("bob", bob)):
            client.on_message.subscribe(heard[name].append)
            client.on_sent.subscribe(heard[name].append)
        posted = []
        for number in range(100):
            posted += [alice.post(THREAD, f"alice {number}"), bob.post(THREAD, f"bob {number}")]
            if number % 25 == 10:
                for uuid in (ALICE, BOB):
                    self.world.where(uuid).ask_to_move()
            await deferLater(self.reactor, 0.004)
        for outgoing in posted:
            await outgoing.when_stored()
        await self.until(lambda: all(len(messages) >= 200 for messages in heard.values()))
        wanted = [int(record["msg_id"]) for record in self.world.records[THREAD]]
        self.assertEqual(len(wanted), 200)
        for messages in heard.values():
            self.assertEqual([message.id for message in messages], wanted)
        self.assertGreater(len(self.world.logins), 5)
        self.assertEqual([seen.items for seen in changes], [[], []])

    async def test_question_under_way(self) -> None:
        """What was asked before is answered on the old connection, and what is asked meanwhile on the new
        one.
        """
        alice, changes = await self.watched()
        self.one.delay = 0.15
        early = Deferred.fromCoroutine(alice.contacts.search("bob"))
        self.two.delay = self.three.delay = 0.1
        self.one.ask_to_move()
        await self.until(lambda: len(self.world.connections) == 2)
        late = Deferred.fromCoroutine(alice.contacts.search("carol"))
        self.assertEqual([(await one).username for one in (early, late)], ["bob", "carol"])
        await self.moved()
        self.assertEqual(changes.items, [])

    async def test_text_under_way(self) -> None:
        """A text that the old server does not acknowledge is sent again on the new one."""
        alice, changes = await self.watched()
        self.one.silent.add(23)
        posted = alice.post(THREAD, "stuck")
        await self.until(lambda: self.world.seen[23] == 1)
        self.one.ask_to_move()
        await posted.when_stored()
        self.assertIsNot(self.world.where(ALICE), self.one)
        self.assertEqual(changes.items, [])

    async def test_missed_in_between(self) -> None:
        """What nobody pushed, since the one server had let go and the other did not know yet, is there all
        the same.
        """
        alice, changes = await self.watched()
        heard = Seen(alice.on_message)
        self.world.lose = 1
        self.world.say(THREAD, BOB, "in between")
        self.one.ask_to_move()
        self.assertEqual(texts(await heard.wait(1)), ["in between"])
        self.assertEqual(changes.items, [])

    async def test_asked_to_sign_in(self) -> None:
        """Requests for friendship that came in between are told."""
        alice, _ = await self.watched()
        asked = Seen(alice.on_friend_request)
        self.world.user(9, "dave")
        self.world.requests[ALICE] = [9]
        self.one.ask_to_move()
        self.assertEqual([request.person.username for request in await asked.wait(1)], ["dave"])

    async def test_nowhere_to_go(self) -> None:
        """Where nobody else takes it, a client stays, and tries again."""
        for server in (self.two, self.three):
            await server.down()
        alice, changes = await self.watched()
        self.one.ask_to_move()
        await self.until(lambda: len(self.world.gateway_calls) >= 3)
        await alice.send(THREAD, "still here")
        self.two.up()
        await self.moved()
        await alice.send(THREAD, "elsewhere")
        self.assertEqual(changes.items, [])

    async def test_nobody_answers(self) -> None:
        """Another server that does not take the login costs nothing but time; the next one is tried."""
        self.two.frozen = self.three.frozen = True
        alice, changes = await self.watched(IMPATIENT)
        self.one.ask_to_move()
        await self.until(lambda: bool(self.world.given_up))
        await alice.send(THREAD, "still here")
        self.assertEqual(changes.items, [])
        self.three.thaw()
        await self.until(lambda: self.world.where(ALICE) is self.three)

    async def test_abandoned_move(self) -> None:
        """A move that was given up and is taken later on signs nobody out: the client comes back."""
        self.world.counts_attempts = True
        self.two.frozen = self.three.frozen = True
        alice, _ = await self.watched(IMPATIENT)
        told = Seen(alice.on_signed_out)
        self.one.ask_to_move()
        await self.until(lambda: bool(self.world.given_up))
        self.two.thaw()
        self.three.thaw()
        await self.until(lambda: len(self.world.logins) >= 3 and alice.state is ConnectionState.ONLINE)
        await alice.send(THREAD, "here again")
        self.assertEqual(told.items, [])

    async def test_server_ends_meanwhile(self) -> None:
        """A server that ends while the login at another is on its way takes nobody's connection away."""
        alice, changes = await self.watched()
        self.two.delay = self.three.delay = 0.1
        self.one.ask_to_move()
        await self.until(lambda: len(self.world.connections) == 2)
        await self.one.down()
        posted = alice.post(THREAD, "meanwhile")
        await posted.when_stored()
        self.assertEqual(changes.items, [])

    async def test_both_end(self) -> None:
        """Where that login fails as well, the client comes back in the usual way."""
        alice, changes = await self.watched()
        self.two.delay = self.three.delay = 0.1
        for server in (self.two, self.three):
            server.refusals[5] = {
                "error": int(Status.REDIS_UNKNOWN_ERROR),
                "message": "Redis did not answer.",
            }
        self.one.ask_to_move()
        await self.until(lambda: len(self.world.connections) == 2)
        await self.one.down()
        await self.until(lambda: len(changes.items) >= 1)
        for server in (self.two, self.three):
            server.refusals.clear()
        await self.state(alice, ConnectionState.ONLINE)
        self.assertIs(changes.items[0].state, ConnectionState.WAITING)

    async def test_signed_out_meanwhile(self) -> None:
        """Somebody else who signs in while a move is refused signs this client out."""
        alice, _ = await self.watched()
        told = Seen(alice.on_signed_out)
        for server in (self.two, self.three):
            server.delay = 0.2
            server.refusals[5] = {
                "error": int(Status.REDIS_UNKNOWN_ERROR),
                "message": "Redis did not answer.",
            }
        self.one.ask_to_move()
        await self.until(lambda: len(self.world.connections) == 2)
        await self.online("alice", timing=SHARP)
        await told.wait(1)
        self.assertIs(alice.state, ConnectionState.SIGNED_OUT)

    async def test_stopped_meanwhile(self) -> None:
        """A client that is stopped in the middle of a move leaves nothing behind."""
        alice, _ = await self.watched()
        self.two.frozen = self.three.frozen = True
        self.one.ask_to_move()
        await self.until(lambda: len(self.world.connections) == 2)
        await alice.stop()
        await self.until(lambda: not self.world.connections)

    async def test_asked_twice(self) -> None:
        """The last word on when to go is what counts."""
        _, changes = await self.watched()
        self.one.ask_to_move(3600.0)
        self.one.ask_to_move(0.0)
        await self.moved()
        self.assertEqual((changes.items, len(self.world.logins)), ([], 2))

    async def test_lost_before(self) -> None:
        """A connection that ends before its moment is lost as any other, and the move is off."""
        alice, changes = await self.watched()
        self.one.ask_to_move(3600.0)
        await alice.contacts.search("bob")
        self.assertIsNotNone(alice._link._moving._timer)
        self.world.drop()
        await self.state(alice, ConnectionState.WAITING)
        await self.state(alice, ConnectionState.ONLINE)
        self.assertIsNone(alice._link._moving._timer)
        self.assertEqual((len(changes.items), len(self.world.logins)), (3, 2))

    async def test_quiet_after(self) -> None:
        """A client that has moved goes on with heartbeats, and leaves its new server when that falls silent."""
        alice = await self.online("alice", timing=replace(SHARP, heartbeat=0.05))
        self.one.ask_to_move()
        await self.moved()
        new = self.world.where(ALICE)
        new.frozen = True
        self.assertIsNot(await self.back(alice), new)
