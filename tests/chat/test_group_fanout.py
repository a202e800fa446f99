"""Frames of groups at one server: who gets them, in which order, and what happens where the members are not known."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.chat import group_fanout as module
from imsys.chat.group_fanout import BEHIND, FEW, RETRY, SHARE, GroupFanout
from imsys.errors import Status, Unavailable
from imsys.store.members import MemberList, MemberLists

GROUP, OTHER = 7, 8


class Session:
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def push(self, data: bytes) -> None:
        self.frames.append(data)

    push_here = push


class Here(dict[int, Session]):
    """The sessions; how often one was looked for."""

    looks = 0

    def local(self, user: int) -> Session | None:
        self.looks += 1
        return self.get(user)

    def users(self) -> list[int]:
        return list(self)


def listed(version: int, users: Collection[int], thread: int = GROUP, **more: Any) -> MemberList:
    return MemberList(thread, version, 0, dict.fromkeys(users, 0), {}, more.get("first", {}))


class FanoutCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.here = Here()
        self.lists = MemberLists()
        self.stored: dict[int, MemberList] = {}
        self.away = False
        self.slow: list[Deferred[None]] | None = None
        self.reads: list[list[int]] = []
        self.asked: list[list[int] | None] = []
        self.fanout = GroupFanout(
            self.clock,
            self.here,
            self.lists,
            self.read,
            lambda users: self.asked.append(None if users is None else sorted(users)),
        )
        self.addCleanup(self.fanout.stop)

    async def read(self, threads: Sequence[int]) -> dict[int, MemberList]:
        self.reads.append(list(threads))
        if self.slow is not None:
            self.slow.append(Deferred())
            await self.slow[-1]
        if self.away:
            raise Unavailable(Status.MYSQL_INTERNAL_ERROR, "away")
        found = {thread: self.stored[thread] for thread in threads if thread in self.stored}
        for one in found.values():
            self.lists.keep(one)
        return found

    def log_in(self, *users: int) -> None:
        for user in users:
            self.here[user] = Session()
            self.fanout.came(user)

    def got(self) -> dict[int, list[bytes]]:
        """What everybody has got, after all turns."""
        for _ in range(100):
            self.clock.advance(0)
        return {user: session.frames for user, session in self.here.items() if session.frames}


class FanoutTests(FanoutCase):
    def test_members_here(self) -> None:
        """Those who are here get it, but who said it."""
        self.log_in(1, 2, 9)
        self.lists.keep(listed(5, [1, 2, 3]))
        self.fanout.give(GROUP, 5, b"a", but=1)
        self.assertEqual(self.got(), {2: [b"a"]})
        self.assertEqual(self.reads, [])

    def test_offline_cost_nothing(self) -> None:
        """Of a large group only those who are here are looked for; who comes, or is added, is one of them."""
        self.lists.keep(listed(5, range(1000)))
        self.log_in(1, 2, 2000)
        self.fanout.give(GROUP, 5, b"a")
        self.here.looks = 0
        self.fanout.give(GROUP, 5, b"b")
        self.assertEqual(self.here.looks, 2)
        self.log_in(3)
        del self.here[1]
        self.fanout.give(GROUP, 5, b"c")
        self.lists.keep(listed(6, [*range(2, 1000), 2000]))
        self.fanout.give(GROUP, 6, b"d")
        self.here.looks = 0
        self.fanout.give(GROUP, 6, b"e")
        self.assertEqual(self.here.looks, 3)
        self.log_in(1)
        self.assertEqual(
            self.got(), {2: [b"a", b"b", b"c", b"d", b"e"], 3: [b"c", b"d", b"e"], 2000: [b"d", b"e"]}
        )

    def test_many_logins(self) -> None:
        """Who came when so many did that they are not all remembered is found all the same."""
        self.patch(module, "LOGINS", 3)
        self.fanout = GroupFanout(self.clock, self.here, self.lists, self.read, lambda users: None)
        self.lists.keep(listed(5, range(FEW + 50)))
        self.log_in(1)
        self.fanout.give(GROUP, 5, b"a")
        self.log_in(*range(2, 2 + module.LOGINS + 9))
        self.fanout.give(GROUP, 5, b"b")
        self.assertEqual(set(self.got()), set(range(1, 2 + module.LOGINS + 9)))

    def test_unknown(self) -> None:
        """A list that is not known is read once; what follows in that group waits, what is of others does not."""
        self.slow = []
        self.log_in(1, 2)
        self.stored[GROUP] = listed(6, [1])
        self.lists.keep(listed(5, [1, 2]))
        self.lists.keep(listed(3, [2], OTHER))
        self.fanout.give(GROUP, 6, b"a")
        self.got()
        self.fanout.give(GROUP, 5, b"b")
        self.fanout.give(OTHER, 3, b"c")
        self.assertEqual(self.got(), {2: [b"c"]})
        self.slow[0].callback(None)
        self.assertEqual(self.got(), {1: [b"a", b"b"], 2: [b"c"]})
        self.assertEqual(self.reads, [[GROUP]])

    def test_stopped(self) -> None:
        """A list that comes when all is over is for nobody."""
        self.log_in(1)
        self.stored[GROUP] = listed(5, [1])
        self.slow = []
        self.fanout.give(GROUP, 5, b"a")
        self.got()
        self.fanout.stop()
        self.slow[0].callback(None)
        self.assertEqual(self.got(), {})
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_removed(self) -> None:
        """Who was removed gets nothing of what waits, either."""
        self.log_in(*range(SHARE * 10))
        self.lists.keep(listed(5, range(SHARE * 10)))
        self.fanout.give(GROUP, 5, b"a")
        self.clock.advance(0)
        last = [user for user, session in self.here.items() if not session.frames][-1]
        self.lists.keep(listed(6, [user for user in range(SHARE * 10) if user != last]))
        self.assertEqual(set(self.got()), set(range(SHARE * 10)) - {last})

    def test_newcomers(self) -> None:
        """Who may read only from joining on gets nothing that was said before."""
        self.log_in(1, 2)
        self.lists.keep(listed(8, [1, 2], first={2: 8}))
        self.fanout.give(GROUP, 5, b"old")
        self.fanout.give(GROUP, 8, b"new")
        self.assertEqual(self.got(), {1: [b"old", b"new"], 2: [b"new"]})

    def test_turns(self) -> None:
        """A large group takes several turns, in order; a small one is not kept waiting by it."""
        self.log_in(*range(SHARE * 20))
        self.lists.keep(listed(5, range(SHARE * 20)))
        self.lists.keep(listed(3, [1], OTHER))
        for data in (b"a", b"b"):
            self.fanout.give(GROUP, 5, data)
        self.clock.advance(0)
        reached = sum(bool(session.frames) for session in self.here.values())
        self.assertLess(reached, SHARE * 20)
        self.fanout.give(OTHER, 3, b"c")
        self.assertIn(b"c", self.here[1].frames)
        frames = self.got()
        self.assertEqual(frames.pop(1)[0], b"a")
        self.assertEqual(set(map(tuple, frames.values())), {(b"a", b"b")})

    def test_database_away(self) -> None:
        """Nothing is lost while the database is away."""
        self.log_in(1)
        self.away = True
        self.fanout.give(GROUP, 5, b"a")
        self.got()
        self.away = False
        self.stored[GROUP] = listed(5, [1])
        self.clock.advance(RETRY)
        self.assertEqual(self.got(), {1: [b"a"]})

    def test_database_behind(self) -> None:
        """A database that never has the version: everybody here catches up, and the next frame is given again."""
        self.log_in(1)
        self.stored[GROUP] = listed(5, [1])
        self.fanout.give(GROUP, 6, b"a")
        for _ in range(BEHIND):
            self.got()
            self.clock.advance(RETRY)
        self.assertEqual((self.got(), self.asked), ({}, [None]))
        self.fanout.give(GROUP, 5, b"b")
        self.assertEqual(self.got(), {1: [b"b"]})

    def test_too_much(self) -> None:
        """What there is no room for makes the members who are here catch up, after what was kept."""
        self.patch(module, "WAITING", 2)
        self.slow = []
        self.log_in(1, 2)
        self.stored[GROUP] = listed(5, [1])
        for number in range(4):
            self.fanout.give(GROUP, 5, b"%d" % number)
        self.got()
        self.slow[0].callback(None)
        self.assertEqual(self.got(), {1: [b"0", b"1"]})
        self.assertEqual(self.asked, [[1]])

    def test_missed(self) -> None:
        """When frames were lost, the members are read anew, and those who are here catch up."""
        self.log_in(1, 2, 3)
        self.lists.keep(listed(5, [1, 2]))
        self.stored[GROUP] = listed(6, [2, 3])
        self.fanout.missed([GROUP])
        self.assertEqual((self.got(), self.asked), ({}, [[2, 3]]))
        self.assertEqual(self.reads, [[GROUP]])

    def test_forgotten(self) -> None:
        """Sets of who is here are bounded."""
        self.patch(module, "AUDIENCES", 100)
        self.log_in(*range(60))
        for thread in range(5):
            self.lists.keep(listed(5, range(60), thread + 1))
            self.fanout.give(thread + 1, 5, b"a")
        self.assertLessEqual(self.fanout._kept, 100)
        self.assertEqual({len(frames) for frames in self.got().values()}, {5})
