"""The connections of a server, with a clock in the hand."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.connection.connection_set import ConnectionSet
from imsys.protocols.crowd import Crowd


class Connection:
    """Goes when it is cut, at once or when its transport says so."""

    def __init__(self, connections: ConnectionSet[Connection], *, slowly: bool = False) -> None:
        self.connections = connections
        self.slowly = slowly
        self.cut: list[str] = []

    def abort(self, why: str) -> None:
        self.cut.append(why)
        if not self.slowly:
            self.connections.leave(self)


class ConnectionSetTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.crowd = Crowd(self.clock, 4)
        self.connections = ConnectionSet[Connection](self.clock, self.crowd)

    def enter(self, *, slowly: bool = False) -> Connection:
        connection = Connection(self.connections, slowly=slowly)
        self.assertTrue(self.connections.enter(connection, "192.0.2.1"))
        return connection

    def stop(self) -> Any:
        return Deferred.fromCoroutine(self.connections.stop(5.0, "of a test"))

    def test_room(self) -> None:
        """It holds as many as there is room for.

        Who is refused is not counted, and who leaves makes room, once.
        """
        here = []
        for user in range(1, 5):
            here.append(self.enter())
            self.crowd.known(here[-1], user)
        other = Connection(self.connections)
        self.assertFalse(self.connections.enter(other, "192.0.2.1"))
        self.assertEqual((len(self.connections), set(self.connections)), (4, set(here)))
        for _ in range(2):
            self.connections.leave(here[0])
        self.assertEqual((len(self.connections), len(self.crowd)), (3, 3))
        self.assertTrue(self.connections.enter(other, "192.0.2.1"))

    def test_shared(self) -> None:
        """Connections of another port take room in the same crowd, and are not among these."""
        others = ConnectionSet[Connection](self.clock, self.crowd)
        others.enter(Connection(others), "192.0.2.1")
        self.enter()
        self.assertEqual((len(self.connections), len(others), len(self.crowd)), (1, 1, 2))

    def test_leaving_meanwhile(self) -> None:
        """Whoever goes over them may let them go."""
        for _ in range(2):
            self.enter()
        for connection in self.connections:
            connection.abort("of a test")
        self.assertEqual(len(self.connections), 0)

    def test_emptied(self) -> None:
        """Everybody who waits hears when the last one has gone, and at once where nobody is there."""
        self.successResultOf(self.connections.emptied())
        one, other = self.enter(), self.enter()
        waiting = [self.connections.emptied() for _ in range(2)]
        self.connections.leave(one)
        for each in waiting:
            self.assertNoResult(each)
        self.connections.leave(other)
        for each in waiting:
            self.successResultOf(each)

    def test_stop(self) -> None:
        """Who goes in time is not cut."""
        self.assertEqual(self.successResultOf(self.stop()), 0)
        one = self.enter()
        stopped = self.stop()
        self.clock.advance(4.9)
        self.connections.leave(one)
        self.assertEqual((self.successResultOf(stopped), one.cut), (0, []))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cut(self) -> None:
        """The others are cut, counted, and waited for."""
        quick, slow = self.enter(), self.enter(slowly=True)
        stopped = self.stop()
        self.clock.advance(4.9)
        self.assertEqual(quick.cut + slow.cut, [])
        self.clock.advance(0.1)
        self.assertEqual((quick.cut, slow.cut), (["of a test"], ["of a test"]))
        self.assertNoResult(stopped)
        self.connections.leave(slow)
        self.assertEqual(self.successResultOf(stopped), 2)
