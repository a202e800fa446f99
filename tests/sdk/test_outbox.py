"""What becomes of texts while servers do not take them, over real sockets."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status, Unavailable
from imsys.sdk import ConnectionState, Message, Outgoing
from imsys.sdk.connection import Disconnected
from imsys.sdk.outbox import DAY, Outbox
from imsys.util.backoff import Backoff
from tests.sdk.scene import ALICE, BOB, CAROL, QUICK, THREAD, Scene, Seen, texts

OTHER = 12
"""The thread of Alice and Carol."""

FAULTS = (
    Status.MYSQL_INTERNAL_ERROR,
    Status.GRPC_ERROR,
    Status.REDIS_UNKNOWN_ERROR,
    Status.NETWORK_ERROR,
    Status.SERVER_BUSY,
    Status.RATE_LIMITED,
)


def refused(status: Status, **more: object) -> dict[str, object]:
    return {"error": int(status), "message": "No.", **more}


class Waits(SynchronousTestCase):
    """With time made by hand, and a server that refuses everything."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.tries: list[float] = []
        self.problem: Refused = Refused(Status.MYSQL_INTERNAL_ERROR, "No.")
        self.stuck = 0

    def outbox(self, keep: float = DAY) -> Outbox:
        def request(texts: object, reply: object) -> Deferred[Any]:
            self.tries.append(self.clock.seconds())
            return fail(self.problem)

        async def receiver(thread_id: int) -> int:
            return BOB

        def stuck() -> None:
            self.stuck += 1

        outbox = Outbox(
            *(self.clock, request, receiver, lambda *_: None, stuck),
            keep=keep,
            backoff=lambda: Backoff(0.5, 5.0, lambda: 1.0),
        )
        outbox.start(ALICE)
        return outbox

    def waits(self) -> list[float]:
        return [later - before for before, later in pairwise(self.tries)]

    def state(self, outgoing: Outgoing[Message]) -> BaseException | None:
        """What it failed with, if it did."""
        failed: list[Failure] = []
        outgoing.when_stored().addErrback(failed.append)
        return failed[0].value if failed else None

    def test_longer_and_longer(self) -> None:
        """The waits between tries double up to 5 s, for a day, after which the text fails."""
        outgoing = self.outbox().post("id", THREAD, "patient")
        for _ in range(160):
            self.clock.advance(0.125)
        self.assertEqual(self.waits(), [0.5, 1.0, 2.0, 4.0, 5.0, 5.0])
        while self.clock.seconds() < DAY - 10:
            self.clock.advance(5.0)
        self.assertIsNone(self.state(outgoing))
        self.clock.advance(5.0)
        self.clock.advance(5.0)
        self.assertIsInstance(self.state(outgoing), Unavailable)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_asked_to_wait(self) -> None:
        """A server that asks for patience gets it, within reason."""
        self.problem = Refused(Status.RATE_LIMITED, "No.", retry_after=7.0)
        self.outbox().post("id", THREAD, "patient")
        self.clock.advance(7.4)
        self.assertEqual(len(self.tries), 1)
        self.problem = Refused(Status.RATE_LIMITED, "No.", retry_after=1e9)
        self.clock.advance(0.1)
        self.assertEqual(len(self.tries), 2)
        self.clock.advance(61.0)
        self.assertEqual(len(self.tries), 3)

    def test_limit(self) -> None:
        """Past the limit that the application has set a text fails, and none before its own."""
        outbox = self.outbox(keep=60.0)
        first, other = outbox.post("1", THREAD, "first"), outbox.post("2", OTHER, "other")
        self.clock.advance(30.0)
        second = outbox.post("3", THREAD, "second")
        self.clock.advance(29.9)
        self.assertEqual([outgoing.settled for outgoing in (first, other, second)], [False, False, False])
        self.clock.advance(0.1)
        self.assertEqual([outgoing.settled for outgoing in (first, other, second)], [True, True, False])
        self.clock.advance(30.0)
        self.assertTrue(second.settled)
        self.assertEqual((len(outbox), self.clock.getDelayedCalls()), (0, []))

    def test_mistakes(self) -> None:
        """Ten mistakes in a row that the server makes with one text alone take a while, and end it."""
        self.problem = Refused(Status.INTERNAL_ERROR, "No.")
        outgoing = self.outbox().post("id", THREAD, "broken")
        for _ in range(320):
            self.clock.advance(0.1)
        self.assertIsNone(self.state(outgoing))
        for _ in range(20):
            self.clock.advance(0.1)
        self.assertIs(self.state(outgoing), self.problem)
        self.assertEqual((len(self.tries), self.clock.getDelayedCalls()), (10, []))

    def test_refused_for_good(self) -> None:
        """What is refused for good fails at once."""
        for status in (
            Status.PERMISSION_DENIED,
            Status.NOT_FRIENDS,
            Status.MESSAGE_TOO_LONG,
            Status.INVALID_FIELD,
            Status.BLOCKED,
        ):
            self.problem = Refused(status, "No.")
            self.assertIs(self.state(self.outbox().post("id", THREAD, "never")), self.problem)

    def test_no_answers(self) -> None:
        """Two requests in a row without an answer in time are the connection's fault.

        A connection that has ended is nobody's.
        """
        self.problem = Unavailable(Status.NETWORK_ERROR, "The server does not answer in time.")
        self.outbox().post("id", THREAD, "lost")
        self.assertEqual((len(self.tries), self.stuck), (2, 1))
        self.problem = Disconnected()
        outbox = self.outbox()
        outbox.post("id", THREAD, "lost")
        self.assertEqual((len(self.tries), self.stuck), (3, 1))
        outbox.start(ALICE)
        self.assertEqual(len(self.tries), 4)


class Faults(Scene):
    def setUp(self) -> None:
        super().setUp()
        self.world.befriend(OTHER, ALICE, CAROL)

    async def test_kept(self) -> None:
        """A text is sent again for as long as servers fail, and is stored when they work again, before those
        after it.
        """
        alice = await self.online("alice")
        for status in FAULTS:
            self.world.refusals.setdefault(23, []).extend([refused(status)] * 6)
        posted = [alice.post(THREAD, str(number)) for number in range(3)]
        for outgoing in posted:
            await outgoing.when_stored()
        self.assertEqual(self.world.texts(THREAD), ["0", "1", "2"])
        self.assertGreater(self.world.seen[23], 36)

    async def test_mistake(self) -> None:
        """A text that makes the server fail by itself is given up after a while, it alone.

        Other threads do not even wait.
        """
        alice = await self.online("alice")
        posted = [alice.post(THREAD, text) for text in ("0", "broken", "1")]
        await alice.send(OTHER, "unrelated")
        with self.assertRaises(Refused) as caught:
            await posted[1].when_stored()
        self.assertIs(caught.exception.status, Status.INTERNAL_ERROR)
        await posted[2].when_stored()
        self.assertEqual(self.world.texts(THREAD), ["0", "1"])
        self.assertGreaterEqual(self.world.seen[23], 10)

    async def test_mistakes_pass(self) -> None:
        """A server that makes mistakes for a moment, whatever it is sent, loses nothing."""
        alice = await self.online("alice")
        self.world.refusals[23] = [refused(Status.INTERNAL_ERROR)] * 8
        posted = [alice.post(THREAD, str(number)) for number in range(3)]
        for outgoing in posted:
            await outgoing.when_stored()
        self.assertEqual(self.world.texts(THREAD), ["0", "1", "2"])

    async def test_no_session(self) -> None:
        """A server that has forgotten the session is left for a new connection, which takes the text."""
        alice = await self.online("alice")
        self.world.refusals[23] = [refused(Status.LOGIN_UNSUCCESSFUL)]
        await alice.send(THREAD, "hello")
        self.assertEqual(len(self.world.logins), 2)

    async def test_limit_without_connection(self) -> None:
        """The limit holds where there is no server at all."""
        self.world.gateway_down = True
        alice = self.client("alice", timing=replace(QUICK, keep=0.05))
        Deferred.fromCoroutine(alice.start()).addErrback(lambda _: None)
        with self.assertRaises(Unavailable):
            await alice.send(THREAD, "in vain")


class Withdrawals(Scene):
    async def test_not_sent(self) -> None:
        """What was never sent is withdrawn for good, and nothing else with it."""
        alice = self.client("alice")
        posted = [alice.post(THREAD, text) for text in ("one", "two", "three")]
        self.assertTrue(posted[1].withdraw())
        self.assertTrue(posted[1].withdraw())
        with self.assertRaises(CancelledError):
            await posted[1].when_stored()
        await alice.start()
        await posted[2].when_stored()
        self.assertEqual(self.world.texts(THREAD), ["one", "three"])
        self.assertFalse(posted[2].withdraw())

    async def test_acknowledgement_lost(self) -> None:
        """What was sent may have been stored: then it is in the thread, and told, once, in its order."""
        alice = await self.online("alice")
        told: list[str] = []
        alice.on_message.subscribe(lambda message: told.append(message.text))
        alice.on_sent.subscribe(lambda message: told.append(message.text))
        self.world.swallow = 1
        outgoing = alice.post(THREAD, "regretted")
        await self.until(lambda: self.world.texts(THREAD) == ["regretted"])
        self.assertFalse(outgoing.withdraw())
        self.world.say(THREAD, BOB, "What?")
        await self.until(lambda: len(told) == 2)
        self.assertEqual(told, ["regretted", "What?"])

    async def test_acknowledged_all_the_same(self) -> None:
        """An acknowledgement that comes after the withdrawal tells of the message, and asks no server for it."""
        alice = await self.online("alice", timing=replace(QUICK, patience=60.0))
        told = Seen(alice.on_sent)
        await alice.send(THREAD, "first")
        outgoing = alice.post(THREAD, "regretted")
        self.assertTrue(outgoing.sent)
        self.assertFalse(outgoing.withdraw())
        self.assertEqual(texts(await told.wait(2)), ["first", "regretted"])
        self.assertEqual(self.world.seen[13], 0)

    async def test_in_a_wait(self) -> None:
        """A text that is tried again and again is withdrawn, and the next takes its place."""
        alice = await self.online("alice")
        self.world.refusals[23] = [refused(Status.MYSQL_INTERNAL_ERROR)] * 1000
        first = alice.post(THREAD, "first")
        await self.until(lambda: self.world.seen[23] > 3)
        first.withdraw()
        seen = self.world.seen[23]
        second = alice.post(THREAD, "second")
        # the first of these may still have been on its way
        await self.until(lambda: self.world.seen[23] > seen + 1)
        self.world.refusals.clear()
        await second.when_stored()
        self.assertEqual(self.world.texts(THREAD), ["second"])


class Restarts(Scene):
    async def test_given_up(self) -> None:
        """Texts that wait when a client is stopped fail, also where it was never started."""
        for started in (True, False):
            alice = self.client("alice")
            if started:
                self.world.silent.add(23)
                await alice.start()
            outgoing = alice.post(THREAD, "unsent")
            await alice.stop()
            with self.assertRaises(Unavailable):
                await outgoing.when_stored()

    async def test_kept(self) -> None:
        """An application that wants to go on with them after a pause does so, with the same ids."""
        alice = await self.online("alice")
        self.world.swallow = 1
        posted = [alice.post(THREAD, "one")]
        await self.until(lambda: self.world.texts(THREAD) == ["one"])
        posted.append(alice.post(THREAD, "two"))
        await alice.stop(keep_texts=True)
        self.assertIs(alice.state, ConnectionState.OFFLINE)
        posted.append(alice.post(THREAD, "three"))
        await alice.start()
        for outgoing in posted:
            await outgoing.when_stored()
        self.assertEqual(self.world.texts(THREAD), ["one", "two", "three"])


class FirstThings(Scene):
    async def test_after_catching_up(self) -> None:
        """Texts go out when a client has caught up: one that the server does nothing with keeps nobody from
        signing in.
        """
        self.world.store(THREAD, BOB, "history")
        alice = await self.online("alice")
        heard = Seen(alice.on_message)
        self.world.silent.update({23, 68})
        alice.post(THREAD, "blocked")
        await self.until(lambda: self.world.seen[23] == 1)
        asked = self.world.seen[68]
        self.world.store(THREAD, BOB, "meanwhile")
        self.world.drop()
        await self.until(lambda: self.world.seen[68] > asked)
        self.assertEqual(self.world.seen[23], 1)
        self.assertIs(alice.state, ConnectionState.SIGNING_IN)
        self.world.silent.discard(68)
        self.world.drop()
        self.assertEqual(texts(await heard.wait(1)), ["meanwhile"])
        await self.state(alice, ConnectionState.ONLINE)
        await self.until(lambda: self.world.seen[23] == 2)
