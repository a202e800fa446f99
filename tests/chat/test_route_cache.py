"""What a server believes of others' whereabouts, and what it owes to those it may be wrong about."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.chat import route_cache as module
from imsys.chat.route_cache import OFFLINE, TTL, RouteCache
from imsys.redis.routes import Route

ANNA, BERT, CARL = 1, 2, 3


def at(node: str, login_ms: int) -> Route:
    return Route(node, f"{node}-inc", "session", login_ms)


class RouteCacheTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.cache = RouteCache(self.clock.seconds, size=4)

    def learn(self, user: int, route: Route | None) -> list[int]:
        """Redis is asked, and answers at once; who was cheated."""
        self.cache.ask([user])
        return self.cache.learn({user: {route.node: route.login_ms}} if route else {}, ())[1]

    def test_learned(self) -> None:
        """What Redis answered is known, also that somebody is offline, until it has grown too old."""
        self.assertIsNone(self.cache.find(ANNA))
        self.learn(ANNA, at("two", 5))
        self.learn(BERT, None)
        self.assertEqual((self.cache.find(ANNA), self.cache.find(BERT)), (("two",), OFFLINE))
        self.clock.advance(TTL)
        self.assertEqual((self.cache.find(ANNA), self.cache.find(BERT)), (None, None))

    def test_bounded(self) -> None:
        """Those used least recently make room; what they are owed is remembered."""
        for user in range(1, 5):
            self.learn(user, None)
        self.cache.find(2)
        self.cache.find(1)
        for user in range(5, 8):
            self.learn(user, None)
        self.assertEqual(len(self.cache), 4)
        self.assertEqual([user for user in range(1, 8) if self.cache.find(user) is not None], [1, 5, 6, 7])
        self.clock.advance(TTL)
        self.assertEqual(self.cache.due(), [2, 1, 5, 6, 7])

    def test_logins(self) -> None:
        """News moves a user who is known; the later login counts, in whatever order news comes."""
        self.learn(ANNA, at("two", 5))
        self.cache.came(ANNA, "three", 7)
        self.assertEqual(self.cache.find(ANNA), ("three",))
        self.cache.came(ANNA, "two", 6)
        self.cache.went(ANNA, "two", 6)
        self.cache.went(ANNA, "three", 6)
        self.assertEqual(self.cache.find(ANNA), ("three",))
        self.cache.went(ANNA, "three", 7)
        self.assertIsNone(self.cache.find(ANNA))

    def test_of_no_interest(self) -> None:
        """News of users whom nobody here writes to takes no room."""
        self.assertFalse(self.cache.came(ANNA, "two", 5))
        self.cache.went(ANNA, "two", 5)
        self.assertEqual(len(self.cache), 0)

    def test_cheated(self) -> None:
        """Who was believed to be offline while pushes were dropped is found out by news, once."""
        self.learn(ANNA, None)
        self.assertFalse(self.cache.came(ANNA, "two", 5))  # nothing was dropped
        self.learn(BERT, None)
        self.cache.find(BERT)
        self.assertTrue(self.cache.came(BERT, "two", 5))
        self.assertFalse(self.cache.came(BERT, "two", 5))
        self.assertEqual(self.cache.find(BERT), ("two",))

    def test_cheated_and_forgotten(self) -> None:
        """News finds them out also when there was no room to remember that they were offline."""
        self.learn(ANNA, None)
        self.cache.find(ANNA)
        for user in range(10, 20):
            self.learn(user, None)
        self.assertTrue(self.cache.came(ANNA, "two", 5))

    def test_second_look(self) -> None:
        """Without news there is a second look: who is offline still is owed nothing more, who is not was
        cheated.
        """
        for user in (ANNA, BERT):
            self.learn(user, None)
            self.cache.find(user)
        self.assertEqual(self.cache.due(), [])
        self.clock.advance(TTL)
        self.assertEqual(self.cache.due(), [ANNA, BERT])
        self.learn(ANNA, None)
        self.cache.find(ANNA)
        self.assertEqual(self.learn(ANNA, None), [])
        self.assertEqual(self.cache.owed, 0)
        self.cache.find(ANNA)
        self.assertEqual(self.learn(ANNA, at("two", 5)), [ANNA])

    def test_too_many_are_owed(self) -> None:
        """Past the bound the second look is had early, by those who have waited longest."""
        self.patch(module, "OWED", 2)
        for user in (ANNA, BERT, CARL):
            self.learn(user, None)
            self.cache.find(user)
        self.assertEqual(self.cache.due(), [ANNA])

    def test_doubtful(self) -> None:
        """Of whom Redis cannot tell nothing is kept, and what they are owed stays."""
        self.learn(ANNA, None)
        self.cache.find(ANNA)
        self.cache.ask([ANNA])
        self.assertEqual(self.cache.learn({}, [ANNA]), ({}, []))
        self.assertEqual(self.cache.owed, 1)

    def test_news_overtakes_the_answer(self) -> None:
        """News that comes while Redis is being asked holds against an answer that is older, not against a
        newer one.
        """
        for heard, answer, node in ((7, None, "three"), (7, at("two", 5), "three"), (7, at("two", 9), "two")):
            self.cache.ask([ANNA])
            self.cache.came(ANNA, "three", heard)
            self.assertEqual(
                self.cache.learn({ANNA: {answer.node: answer.login_ms}} if answer else {}, ())[0],
                {ANNA: (node,)},
            )
            self.assertEqual(self.cache.find(ANNA), (node,))
            self.cache.forget(ANNA)

    def test_departure_overtakes_the_answer(self) -> None:
        """An answer with a session that has ended meanwhile is used, since that server looks again, and not
        kept.
        """
        self.cache.ask([ANNA])
        self.cache.went(ANNA, "two", 5)
        self.assertEqual(self.cache.learn({ANNA: {"two": 5}}, ())[0], {ANNA: ("two",)})
        self.assertIsNone(self.cache.find(ANNA))

    def test_everything_is_doubtful(self) -> None:
        """When anything may have changed nothing is known any more, and what is being asked for is not kept
        either.
        """
        self.learn(ANNA, at("two", 5))
        self.learn(BERT, None)
        self.cache.find(BERT)
        self.cache.ask([CARL])
        self.assertEqual(self.cache.forget_all(), [BERT])
        self.assertEqual(self.cache.learn({}, ())[0], {})
        self.assertEqual([self.cache.find(user) for user in (ANNA, BERT, CARL)], [None, None, None])
        self.learn(CARL, None)
        self.assertEqual(self.cache.find(CARL), OFFLINE)

    def test_lost_server(self) -> None:
        """Who was on a server that is gone may be anywhere."""
        self.learn(ANNA, at("two", 5))
        self.learn(BERT, at("three", 5))
        self.cache.forget_node("two")
        self.assertEqual((self.cache.find(ANNA), self.cache.find(BERT)), (None, ("three",)))
