"""Scenes in which one of several servers dies, freezes or does not let its user in, over real sockets."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import ConnectionDone

from imsys.errors import Refused, Status
from imsys.sdk import Client, ConnectionState, Timing
from tests.sdk.fake import FakeChat
from tests.sdk.scene import ALICE, BOB, QUICK, THREAD, Scene, Seen, texts

SHARP = replace(QUICK, silence=0.6, brief=0.0)
"""Notices in tenths of a second what takes seconds in life."""
IMPATIENT = replace(SHARP, login=0.3)


class Several(Scene):
    servers_count = 3

    def setUp(self) -> None:
        super().setUp()
        self.world.tells_others = True
        self.one, self.two, self.three = self.world.servers

    async def back(self, client: Client) -> FakeChat:
        """Wait until the client has lost its server and found one; which one."""
        await self.state(client, ConnectionState.WAITING)
        await self.state(client, ConnectionState.ONLINE)
        return self.world.where(ALICE)

    def asked(self) -> list[list[str]]:
        """What each call of the gateway said had failed."""
        return [fields.get("failed", []) for _, fields in self.world.gateway_calls]


class Losses(Several):
    async def test_reset(self) -> None:
        """Whose connection is reset, even again and again, is back on the same server in a moment, without
        the gateway.
        """
        alice = await self.online("alice", timing=replace(Timing(), brief=0.0))
        began = self.reactor.seconds()
        for _ in range(7):
            self.world.drop()
            self.assertIs(await self.back(alice), self.one)
        # with waits that are not begun anew, over a minute
        self.assertLess(self.reactor.seconds() - began, 15.0)
        self.assertEqual(len(self.world.gateway_calls), 1)

    async def test_killed(self) -> None:
        """Whose server is killed goes straight to another, and sends there what it had not got acknowledged."""
        alice = await self.online("alice", timing=SHARP)
        self.one.silent.add(23)
        posted = alice.post(THREAD, "in between")
        await self.until(lambda: self.world.seen[23] > 0)
        await self.one.down()
        self.assertIn(await self.back(alice), (self.two, self.three))
        await posted.when_stored()
        self.assertEqual(len(self.world.gateway_calls), 1)

    async def test_spread(self) -> None:
        """Those who lose their server together do not all go to the same other one."""
        for uuid in range(20, 36):
            self.world.user(uuid, f"user{uuid}")
        clients = [self.client(f"user{uuid}", timing=QUICK) for uuid in range(20, 36)]
        await gatherResults([Deferred.fromCoroutine(client.start()) for client in clients])
        await self.one.down()
        await self.until(lambda: len(self.world.logins) == 32)
        self.assertEqual({session.server for session in self.world.sessions.values()}, {self.two, self.three})

    async def test_frozen(self) -> None:
        """A server that falls silent while somebody waits for it is left, and not tried again, by its user or
        the gateway.
        """
        alice = await self.online("alice", timing=SHARP)
        self.one.frozen = True
        posted = alice.post(THREAD, "in between")
        self.assertIn(await self.back(alice), (self.two, self.three))
        await posted.when_stored()
        self.assertEqual(self.world.given_up, [])
        await alice.stop()
        await alice.start()
        self.assertEqual(self.asked(), [[], [self.one.name]])

    async def test_others_unknown(self) -> None:
        """A client that was told of no other server asks the gateway, and says which one failed it."""
        self.world.tells_others = False
        alice = await self.online("alice", timing=SHARP)
        await self.one.down()
        self.assertIs(await self.back(alice), self.two)
        self.assertEqual(self.asked(), [[], [self.one.name]])
        self.assertIn("token", self.world.gateway_calls[-1][1])

    async def test_all_gone(self) -> None:
        """Where no server is left it is tried again until there is one, and nothing that waited is lost."""
        alice = await self.online("alice", timing=SHARP)
        for server in self.world.servers:
            await server.down()
        await self.state(alice, ConnectionState.WAITING)
        posted = alice.post(THREAD, "in between")
        await self.until(lambda: len(self.world.gateway_calls) > 3)
        self.two.up()
        await posted.when_stored()
        self.assertIs(self.world.where(ALICE), self.two)

    async def test_gateway_down(self) -> None:
        """Who knows of another server needs no gateway to come back."""
        alice = await self.online("alice", timing=SHARP)
        self.world.gateway_down = True
        await self.one.down()
        self.assertIn(await self.back(alice), (self.two, self.three))

    async def test_dead_token(self) -> None:
        """A server that does not know the token any more does not end it: the gateway has the last word, and
        then the password.
        """
        alice = await self.online("alice", timing=SHARP)
        self.world.tokens.clear()
        self.world.drop()
        await self.back(alice)
        self.assertEqual(
            [("password" in fields) for _, fields in self.world.gateway_calls], [True, False, True]
        )

    async def test_breaks_at_once(self) -> None:
        """A server that takes logins and breaks at once is not tried again before others."""
        alice = await self.online("alice", timing=replace(SHARP, brief=60.0))
        self.world.drop()
        self.assertIn(await self.back(alice), (self.two, self.three))


class Attempts(Several):
    async def test_unanswered_login(self) -> None:
        """A server that does not answer a login costs a moment: the next is tried, and the first connection
        is cut off.
        """
        self.one.frozen = True
        alice = await self.online("alice", timing=IMPATIENT)
        self.assertIn(self.world.where(ALICE), (self.two, self.three))
        self.assertEqual(len(self.world.gateway_calls), 1)
        await self.until(lambda: bool(self.world.given_up))
        self.assertNotIn(ConnectionDone, self.world.given_up)
        self.assertIs(alice.state, ConnectionState.ONLINE)

    async def test_refused_for_a_while(self) -> None:
        """A server that cannot let anybody in now is cut off, and the next is tried at once."""
        self.one.refusals[5] = {
            "error": int(Status.MYSQL_INTERNAL_ERROR),
            "message": "The database did not answer.",
        }
        await self.online("alice", timing=SHARP)
        self.assertIn(self.world.where(ALICE), (self.two, self.three))
        await self.until(lambda: bool(self.world.given_up))
        self.assertNotIn(ConnectionDone, self.world.given_up)

    async def test_stopped_in_the_middle(self) -> None:
        """An attempt that is stopped is cut off: nobody takes its login later."""
        self.world.silent.add(5)
        alice = self.client("alice")
        started = Deferred.fromCoroutine(alice.start())
        started.addErrback(lambda _: None)
        await self.until(lambda: self.world.seen[5] > 0)
        await alice.stop()
        await self.until(lambda: not self.world.connections)
        self.assertEqual(len(self.world.given_up), 1)
        self.assertNotIn(ConnectionDone, self.world.given_up)

    async def test_slow_servers(self) -> None:
        """Servers that are slow, since everybody comes at once, are given more time with each round."""
        for server in self.world.servers:
            server.delay = 0.5
        await self.online("alice", timing=replace(SHARP, login=0.15, silence=9.0))

    async def test_numbers(self) -> None:
        """Each login has the client's name and a number above that of the one before."""
        await self.online("alice", timing=SHARP)
        await self.online("bob", timing=SHARP)
        self.world.drop()
        await self.until(lambda: len(self.world.logins) == 4)
        mine = [request for _, request in self.world.logins if request["uuid"] == str(ALICE)]
        self.assertEqual(len(mine), 2)
        self.assertEqual(len({request["client"] for request in mine}), 1)
        self.assertLess(mine[0]["attempt"], mine[1]["attempt"])
        self.assertEqual(len({request["client"] for _, request in self.world.logins}), 2)


class Abandoned(Several):
    """A login that was given up is taken later on all the same."""

    async def abandon(self) -> Client:
        """A client that has such a login out there, and is online elsewhere."""
        self.one.frozen = True
        return await self.online("alice", timing=IMPATIENT)

    async def test_older_servers(self) -> None:
        """Where that ends the newer session, its client knows why, and comes back; nothing is missing."""
        alice = await self.abandon()
        told, heard = Seen(alice.on_signed_out), Seen(alice.on_message)
        self.one.thaw()
        self.world.store(THREAD, BOB, "meanwhile")
        await self.back(alice)
        self.assertEqual(texts(await heard.wait(1)), ["meanwhile"])
        self.assertEqual(told.items, [])

    async def test_servers_that_count(self) -> None:
        """Servers that compare the numbers refuse it, and nobody notices."""
        self.world.counts_attempts = True
        alice = await self.abandon()
        changes = Seen(alice.on_connection_state)
        self.one.thaw()
        self.assertEqual([port for port, _ in self.world.logins][-1], self.one.port)
        await alice.send(THREAD, "still here")
        self.assertEqual(changes.items, [])

    async def test_once_for_each(self) -> None:
        """It explains one sign-out; the next is a real one."""
        alice = await self.abandon()
        told = Seen(alice.on_signed_out)
        self.one.thaw()
        await self.back(alice)
        other = await self.online("alice")
        await told.wait(1)
        self.assertIs(alice.state, ConnectionState.SIGNED_OUT)
        self.assertIs(other.state, ConnectionState.ONLINE)

    async def test_two_clients(self) -> None:
        """Two clients of one user that both have such logins out there do not sign each other out for ever:
        the later one stays.
        """
        first = await self.abandon()
        second = await self.online("alice", timing=IMPATIENT)
        await self.until(lambda: ConnectionState.SIGNED_OUT in (first.state, second.state))
        await self.until(
            lambda: {first.state, second.state} == {ConnectionState.SIGNED_OUT, ConnectionState.ONLINE}
        )
        self.assertLessEqual(len(self.world.logins), 5)
        ended = first if first.state is ConnectionState.SIGNED_OUT else second
        await (second if ended is first else first).send(THREAD, "still here")


class Retrying(Scene):
    async def test_the_time_of_the_next_attempt_is_told(self) -> None:
        """And an application need not wait for it: what would come in a minute is done now."""
        slow = replace(QUICK, first_wait=60.0, longest_wait=60.0)
        alice = self.client(timing=slow)
        told = Seen(alice.on_connection_state)
        self.world.gateway_down = True
        started = alice.start()
        waiting = Deferred.fromCoroutine(started)
        await self.state(alice, ConnectionState.WAITING)
        retry_in = told.items[-1].retry_in
        assert retry_in is not None
        self.assertTrue(30.0 <= retry_in <= 60.0)
        self.assertIsNone(told.items[0].retry_in)
        self.world.gateway_down = False
        alice.retry_now()
        await waiting
        self.assertIs(alice.state, ConnectionState.ONLINE)
        alice.retry_now()
        self.assertIs(alice.state, ConnectionState.ONLINE)

    async def test_no_time_is_told_where_nothing_is_tried_again(self) -> None:
        """The first failure is the end of it."""
        alice = self.client()
        told = Seen(alice.on_connection_state)
        self.world.gateway_down = True
        with self.assertRaises(Refused):
            await alice.start(persistent=False)
        self.assertEqual({change.retry_in for change in told.items}, {None})
