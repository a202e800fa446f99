"""Chat servers that vanish, freeze or are cut off at the worst moment: what everybody else notices of it.

A cluster of separate daemons, each in a network namespace of its own, and users of the client library in
another one. Times are generous: these tests share a machine with others. ``imsys-bench faults`` measures.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import time
from collections.abc import Sequence

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from imsys.bench.lab.aim import catch, hold_commit
from imsys.bench.lab.checks import Promise
from imsys.bench.lab.cluster import Cluster, Layout, cluster
from imsys.bench.lab.network import NotHere
from imsys.bench.lab.people import People
from tests.support.programs import program

_PAIRS, _RATE = 9, 60.0
_PATIENCE = 45.0


@functools.cache
def _cluster() -> Cluster:
    """One for all tests of the process, each of which mends it."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(cluster(Layout(balances=1, captchas=0, resources=0)))


class FaultCase(SynchronousTestCase):
    """Three chat servers, and pairs of friends who are on different ones."""

    def setUp(self) -> None:
        program("ip")
        try:
            self.cluster = _cluster()
        except NotHere as problem:
            raise SkipTest(str(problem)) from None
        self.addCleanup(self.cluster.mend)
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.people = stack.enter_context(People(self.cluster, _PAIRS))
        self.assertTrue(self.people.spread(_PATIENCE), "a server that was mended takes users again")
        self.victim = self.cluster.chats[0]
        self.there = self.people.at(self.victim)
        self.elsewhere = [guest.uuid for guest in self.people.guests if guest.uuid not in self.there]
        self.assertEqual(len(self.there), _PAIRS * 2 // 3)

    def all_within(self, seconds: float, since: float, uuids: Sequence[int], what: str) -> None:
        """Each of these users has an acknowledgement of a text begun after some time, so many seconds after
        it at most.
        """
        self.assertTrue(uuids, what)
        first = self.people.wait_for_first(since, uuids, _PATIENCE)
        late = {
            uuid: round(first.get(uuid, _PATIENCE), 1)
            for uuid in uuids
            if first.get(uuid, _PATIENCE) > seconds
        }
        self.assertFalse(late, f"{what}: {len(late)} of {len(uuids)} waited for more than {seconds:g} s")

    def nothing_is_missing(self) -> None:
        """Let everything settle: what was acknowledged is stored once and in order, and the other one has
        received it so.
        """
        self.people.talk(0)
        state = self.people.settle(_PATIENCE)
        self.assertEqual((state.unacknowledged, state.unheard, state.signed_out), (0, 0, 0))
        self.assertEqual(Promise(self.cluster, self.people.guests).check(self.people.tell()).examples, [])


class Vanishing(FaultCase):
    """A server whose machine loses its power or its network: no connection of it ends, as far as the others
    can see.
    """

    def test_in_a_transaction(self) -> None:
        """A server that vanishes with heads of threads locked stops no other thread, and these threads only
        until its locks end.
        """
        self.people.talk(_RATE)
        caught = catch(self.cluster, self.victim)
        self.cluster.vanish(self.victim)
        locked = [uuid for uuid in self.elsewhere if self.people.thread_of[uuid] in caught.threads]
        self.all_within(
            3.0, caught.since, [uuid for uuid in self.elsewhere if uuid not in locked], "other threads"
        )
        self.all_within(10.0, caught.since, locked, "the threads that were locked")
        self.all_within(20.0, caught.since, self.there, "users of the server that vanished")
        self.nothing_is_missing()

    def test_commit_that_comes_late(self) -> None:
        """A commit that leaves the system of a dead server later is told to the receiver, who is online
        elsewhere and has caught up.
        """
        caught = catch(self.cluster, self.victim, lambda: self.people.say(*self.there))
        hold_commit(self.cluster, self.victim, caught)
        self.victim.program.kill()
        self.people.wait_for_first(caught.since, self.there, 1.5)  # they come back elsewhere, and send again
        self.cluster.network.heal(self.victim.host, self.cluster.database.host)
        end = caught.since + 10.0
        while (state := self.people.look()).unacknowledged or state.unheard:
            self.assertLess(
                time.monotonic(),
                end,
                f"{state.unacknowledged} texts unacknowledged, {state.unheard} not heard of",
            )
            time.sleep(0.05)
        self.nothing_is_missing()


class Freezing(FaultCase):
    """A server that stands still, and goes on."""

    def test_frozen(self) -> None:
        """A server that stands still in a transaction stops nobody else.

        Its users go elsewhere, and stay signed in when it goes on.
        """
        self.people.talk(_RATE)
        caught = catch(self.cluster, self.victim)
        locked = [uuid for uuid in self.elsewhere if self.people.thread_of[uuid] in caught.threads]
        self.all_within(
            3.0, caught.since, [uuid for uuid in self.elsewhere if uuid not in locked], "other threads"
        )
        self.all_within(10.0, caught.since, locked, "the threads that were locked")
        self.all_within(20.0, caught.since, self.there, "users of the server that stands still")
        self.victim.program.thaw()
        self.nothing_is_missing()


class CutOff(FaultCase):
    """A server that lives, and does not reach one of the others."""

    def test_from_the_database(self) -> None:
        """Users of a server that does not reach the database are served by others.

        It comes back by itself.
        """
        self.people.talk(_RATE)
        network, database = self.cluster.network, self.cluster.database.host
        since = time.monotonic()
        network.cut(self.victim.host, database)
        self.all_within(3.0, since, self.elsewhere, "users of other servers")
        self.all_within(15.0, since, self.there, "users of the server that was cut off")
        network.heal(self.victim.host, database)
        self.nothing_is_missing()

    def test_from_a_peer(self) -> None:
        """Two servers that do not reach each other go on: what one of them acknowledges is shown by the other
        all the same.
        """
        self.people.talk(_RATE)
        other = self.cluster.chats[1]
        since = time.monotonic()
        self.cluster.network.cut(self.victim.host, other.host)
        self.all_within(3.0, since, [guest.uuid for guest in self.people.guests], "all users")
        self.cluster.network.heal(self.victim.host, other.host)
        self.nothing_is_missing()
