"""Sessions that are to move to other servers: with a clock of the test's own, and on a real server with real
connections.
"""

from __future__ import annotations

import json
import math
from typing import Any

from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase

from imsys.chat import moving
from imsys.chat.moving import GRACE, RATE, SLICE, STEP, Moving
from imsys.protocols.framing import CHAT, FrameDecoder
from imsys.redis.routes import Attempt
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase, RawClient
from tests.support.stores import OnSqlite


class Sitting:
    """A session, as far as moving knows it: what it was asked, and when it was to leave."""

    def __init__(self, clock: Clock, knows: bool) -> None:
        self._clock = clock
        self.open = True
        self.attempt = Attempt("c", 1) if knows else None
        self.asked: list[float] = []
        """Seconds of the clock at which it is to move, once for each time that it was asked."""
        self.left: float | None = None

    def push(self, data: bytes) -> None:
        (frame,) = FrameDecoder(CHAT, 65535).feed(data)
        assert frame.service == 132
        body = json.loads(frame.body)
        assert body["error"] == 0
        self.asked.append(self._clock.seconds() + body["after"])

    def leave(self, why: str) -> None:
        assert why
        self.open = False
        self.left = self._clock.seconds()


class MovingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.here: list[Any] = []
        self.moving = Moving(self.clock, lambda: list(self.here))
        self.addCleanup(self.moving.stop)

    def people(self, count: int, *, knows: bool = True) -> list[Sitting]:
        made = [Sitting(self.clock, knows) for _ in range(count)]
        self.here += made
        return made

    def until(self, seconds: float) -> None:
        """Let time pass up to so many seconds from the beginning."""
        while self.clock.seconds() < 1000 + seconds:
            self.clock.advance(min(0.05, 1000 + seconds - self.clock.seconds()))

    def even(self, moments: list[float], count: int, seconds: float) -> None:
        """Moments are spread evenly: so many, in each part of the time one."""
        share = seconds / count
        self.assertEqual(len(moments), count)
        for place, moment in enumerate(sorted(moments)):
            self.assertTrue(
                share * place - 0.01 <= moment - 1000 <= share * (place + 1) + STEP + 0.06, (place, moment)
            )

    def test_asked(self) -> None:
        """Who knows the push is asked at once, each for a moment of its own, and is closed if it is still
        here some seconds after that.
        """
        people = self.people(20)
        self.assertEqual(self.moving.begin(10), 10 + GRACE)
        self.even([person.asked[0] for person in people], 20, 10)
        stays, goes = people[:10], people[10:]
        for person in goes:
            person.open = False
        self.until(10 + GRACE + 1)
        for person in stays:
            assert person.left is not None
            told = person.asked[0] + GRACE  # in whole milliseconds
            self.assertTrue(told - 0.001 <= person.left <= told + 0.2)
        self.assertEqual({person.left for person in goes}, {None})
        self.assertEqual([len(person.asked) for person in people], [1] * 20)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_not_asked(self) -> None:
        """Who does not know the push is closed at a moment of its own, and asked nothing."""
        people = self.people(20, knows=False)
        self.moving.begin(10)
        self.until(11)
        self.even([person.left or 0.0 for person in people], 20, 10)
        self.assertEqual([person.asked for person in people], [[]] * 20)

    def test_too_many(self) -> None:
        """No more of them move in a second than the other servers can take, and no turn asks very many."""
        count = SLICE * 10
        people = self.people(count)
        self.assertEqual(self.moving.begin(1), count / RATE + GRACE)
        self.assertEqual(sum(bool(person.asked) for person in people), SLICE)
        for _ in range(10):
            self.clock.advance(0)
        self.even([person.asked[0] for person in people], count, count / RATE)

    def test_no_time(self) -> None:
        """Where there is no time for that, they move as fast as there is time."""
        people = self.people(SLICE)
        self.assertEqual(self.moving.begin(0.1, rate=math.inf), 0.1 + GRACE)
        self.even([person.asked[0] for person in people], SLICE, 0.1)

    def test_who_comes_later(self) -> None:
        """Who logs in while the others move is asked, too, and moves with the last of them, or at once."""
        self.people(3)
        self.moving.begin(10)
        self.until(5)
        (late,) = self.people(1)
        self.moving.came(late)  # type: ignore[arg-type]
        self.assertTrue(1005 <= late.asked[0] <= 1010, late.asked)
        self.until(20)
        (later,) = self.people(1)
        self.moving.came(later)  # type: ignore[arg-type]
        self.assertTrue(1020 <= later.asked[0] <= 1021, later.asked)

    def test_nobody_moves(self) -> None:
        """As long as nothing has begun, who comes is left alone."""
        (person,) = self.people(1)
        self.moving.came(person)  # type: ignore[arg-type]
        self.assertEqual((person.asked, self.clock.getDelayedCalls()), ([], []))

    def test_hurry(self) -> None:
        """Beginning again may bring moments nearer, and never puts them off."""
        (person,) = self.people(1)
        self.moving.begin(100)
        self.assertEqual(self.moving.begin(200), 100 + GRACE)
        self.assertEqual(len(person.asked), 1)
        self.until(1)
        self.assertEqual(self.moving.begin(2), 2 + GRACE)
        self.assertEqual(len(person.asked), 2)
        self.assertTrue(1001 <= person.asked[1] <= 1003)
        self.until(3 + GRACE + 1)
        self.assertIsNotNone(person.left)

    def test_cancelled(self) -> None:
        """Where the server can serve after all, nobody else is asked, and nobody is closed."""
        people = [*self.people(SLICE), *self.people(SLICE, knows=False)]
        self.moving.begin(10)
        asked = [len(person.asked) for person in people]
        self.moving.cancel()
        self.until(20)
        self.assertEqual([len(person.asked) for person in people], asked)
        self.assertEqual([person.left for person in people], [None] * len(people))
        (late,) = self.people(1)
        self.moving.came(late)  # type: ignore[arg-type]
        self.assertEqual(late.asked, [])

    def test_for_good(self) -> None:
        """Where it is for good, that changes nothing."""
        people = [*self.people(SLICE), *self.people(SLICE, knows=False)]
        self.moving.begin(10, for_good=True)
        self.moving.cancel()
        self.until(10 + GRACE + 1)
        self.assertNotIn(None, [person.left for person in people])

    def test_stopped(self) -> None:
        """When the server stops, nothing is left to be done."""
        self.people(SLICE * 2)
        self.moving.begin(10)
        self.moving.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class SceneTests(ChatCase, OnSqlite):
    """Real sessions."""

    async def setUp(self) -> None:
        await super().setUp()
        directory = self.server.directory
        self.moving = Moving(self.reactor, directory.sessions)
        self.server.came = self.moving.came
        self.addCleanup(self.moving.stop)

    async def login(self, user: int, **keys: Any) -> RawClient:
        client = await self.server.connect()
        self.assertEqual(
            (await client.ask(5, uuid=str(user), token=await self.server.tokens.issue(user), **keys))[
                "error"
            ],
            0,
        )
        return client

    async def test_both_kinds(self) -> None:
        """A client that knows the push goes on until it has moved.

        Another one is closed when all that it asked for is answered.
        """
        self.patch(moving, "GRACE", 0.3)
        anna, bert = await self.people("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        a, b = await self.login(anna, client="c", attempt=1), await self.login(bert)
        sent = 0
        self.moving.begin(0.2)
        self.assertLessEqual((await a.next(132))["after"], 0.2)
        while not b.closed:
            b.send(23, **text_request(bert, anna, thread, str(sent)))
            sent += 1
            await deferLater(self.reactor, 0)
        acknowledged = [one["msg_id"] for ack in b.pending(24) for one in ack["verified_msg"]]
        self.assertGreater(len(acknowledged), 0)
        self.assertEqual((b.pending(8), b.pending(132)), ([], []))
        records = await self.stores.messages.page(anna, int(thread), 0, 100_000)
        self.assertEqual([str(record.msg_id) for record in records if record.content.isdigit()], acknowledged)
        await a.until_closed()
        self.assertEqual(len(self.server.directory), 0)

    async def test_login_meanwhile(self) -> None:
        """Who logs in while all move gets the answer first, and is then asked."""
        (anna,) = await self.people("anna")
        self.moving.begin(0.1)
        a = await self.login(anna, client="c", attempt=1)
        await a.next(132)
