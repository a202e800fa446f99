"""Sessions on other servers that are to end, with a clock of the test's own and servers that answer when they
are told to.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imsys.chat import endings
from imsys.chat.endings import AT_ONCE, PATIENCE, RETRY, Endings
from imsys.errors import Status, Unavailable
from imsys.redis.routes import Route


class Servers:
    """Other chat servers: what they were asked for, and has no answer yet."""

    def __init__(self) -> None:
        self.live = {("two", "i"), ("three", "i")}
        self.asked: list[tuple[str, int, str, Deferred[None]]] = []

    def alive(self, node: str, incarnation: str) -> bool:
        return (node, incarnation) in self.live

    async def end_session(self, node: str, uuid: int, session: str, message: str, device: str = "") -> None:
        answer: Deferred[None] = Deferred()
        self.asked.append((node, uuid, session, answer))
        await answer

    def answer(self, count: int = 1) -> None:
        """The next ones end the session."""
        for _ in range(count):
            self.asked.pop(0)[3].callback(None)

    def fail(self, count: int = 1) -> None:
        """The next ones do not answer."""
        for _ in range(count):
            self.asked.pop(0)[3].errback(Unavailable(Status.GRPC_ERROR, "It did not answer."))


class EndingsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.servers = Servers()
        self.endings = Endings(self.clock, self.servers)
        self.done: list[int] = []
        captured = capturedLogs()
        self.events = captured.__enter__()
        self.addCleanup(captured.__exit__, None, None, None)

    def end(self, *users: int, node: str = "two", incarnation: str = "i") -> None:
        for user in users:
            self.endings.add(
                user,
                Route(node, incarnation, f"s{user}", 0),
                "bye",
                lambda user=user: self.done.append(user),  # type: ignore[misc]
            )

    @property
    def asked(self) -> list[int]:
        return [user for _, user, _, _ in self.servers.asked]

    def lines(self) -> list[str]:
        return [
            formatEvent(event)
            for event in self.events
            if event.get("log_level") in (LogLevel.info, LogLevel.error)
        ]

    def test_answered(self) -> None:
        """A session is ended by one call, with its id, and whoever wanted it hears of it.

        Nothing is left to be done.
        """
        self.end(1)
        self.assertEqual([call[:3] for call in self.servers.asked], [("two", 1, "s1")])
        self.servers.answer()
        self.assertEqual((self.done, self.lines(), self.clock.getDelayedCalls()), ([1], [], []))

    def test_again(self) -> None:
        """A server that does not answer is asked again, one session at a time, until it answers.

        The log says so twice.
        """
        self.end(1, 2, 3)
        self.servers.fail(3)
        self.assertEqual(self.asked, [])
        for _ in range(3):
            self.clock.advance(RETRY)
            self.assertEqual(len(self.asked), 1)
            self.servers.fail()
        self.clock.advance(RETRY)
        while self.asked:
            self.servers.answer()
        self.assertEqual(sorted(self.done), [1, 2, 3])
        what = "Ending sessions on chat server two"
        self.assertEqual(
            self.lines(),
            [f"{what} fails: It did not answer.", f"{what} works again; it failed 6 times in 4 s"],
        )

    def test_given_up(self) -> None:
        """After a while a session is left to learn its end by itself."""
        self.end(1)
        self.servers.fail()
        for _ in range(round(PATIENCE / RETRY) + 1):
            self.clock.advance(RETRY)
            self.servers.fail(len(self.asked))
        self.assertEqual((self.asked, self.done, self.clock.getDelayedCalls()), ([], [], []))
        self.end(2)
        self.servers.answer()
        self.assertEqual(self.done, [2])

    def test_one_does_not_answer(self) -> None:
        """A server that does not answer keeps nobody from ending sessions on another."""
        self.end(*range(100))
        self.assertEqual(len(self.asked), AT_ONCE)
        self.end(100, node="three")
        self.assertEqual(self.asked[-1], 100)

    def test_many(self) -> None:
        """Many are ended a few at a time, in their order; of too many the oldest are left out."""
        self.patch(endings, "QUEUE", 50)
        self.end(*range(AT_ONCE + 60))
        asked = []
        while self.asked:
            self.assertLessEqual(len(self.asked), AT_ONCE)
            asked.append(self.asked[0])
            self.servers.answer()
        self.assertEqual(asked, [*range(AT_ONCE), *range(AT_ONCE + 10, AT_ONCE + 60)])

    def test_gone(self) -> None:
        """A server that is not there, or not any more, is not asked: its sessions are gone with it."""
        self.end(1, incarnation="older")
        self.assertEqual(self.asked, [])
        self.end(*range(AT_ONCE + 1))
        self.servers.live.clear()
        self.servers.fail(AT_ONCE)
        self.clock.advance(RETRY)
        self.assertEqual((self.asked, self.done), ([], []))

    def test_stopped(self) -> None:
        """When the server stops, nothing is left to be done."""
        self.end(*range(AT_ONCE + 1))
        self.servers.fail()
        self.endings.stop()
        self.servers.fail(len(self.asked))
        self.assertEqual((self.asked, self.clock.getDelayedCalls()), ([], []))
