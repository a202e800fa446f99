"""Give frames of groups to those of this server's sessions that are in them.

A frame comes with the version of the members' list that it is for. Who gets it are the members by the newest list that is
known here, if that is of this version or newer; else the list is read first, and what follows in the thread waits. So
who was removed gets nothing more, and a server that knew nothing of a group finds out whom it concerns.

Frames for many sessions go out over several turns of the reactor, the groups taking turns.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Refused
from imsys.store.members import MemberList, MemberLists
from imsys.util.background import run_in_background

_log = Logger()

FEW = 32
"""Members of a group, up to which each is looked for; of larger ones it is kept who of them is here."""

SHARE = 256
"""Sessions of one group that get a frame before another group has its turn."""

AT_ONCE = 1024
"""Sessions that get frames in one turn of the reactor."""

WAITING, WAITING_BYTES = 20_000, 32 << 20
"""Frames that wait, at most, and their bytes; beyond it members are asked to catch up instead."""

LOGINS = 20_000
"""Logins that are remembered, to find out which of them are of members; beyond it all members are looked for anew."""

AUDIENCES = 400_000
"""Users in all sets of who is here, at most; the set that was not used for longest goes first."""

READ = 50
"""Lists that are read at once."""

RETRY = 0.5
"""Seconds between two attempts to read lists."""

BEHIND = 10
"""Attempts after which a version that the database still does not have is given up."""


class Receiver(Protocol):
    """A session."""

    def push_here(self, data: bytes) -> None:
        """Send an encoded frame to a user's sessions of this server."""
        ...


class Here(Protocol):
    """The sessions of this server."""

    def __len__(self) -> int: ...

    def local(self, user: int) -> Receiver | None:
        """Return a user's session here."""
        ...

    def users(self) -> list[int]:
        """Return all users with a session here."""
        ...


Read = Callable[[Sequence[int]], Awaitable[dict[int, MemberList]]]
"""Reads the lists of groups; see :meth:`imsys.store.groups.GroupStore.lists_of`."""


class _Item(NamedTuple):
    version: int
    frame: bytes
    but: int


class _Line:
    """What waits for one group, in order."""

    __slots__ = ("asked", "items", "known", "lost", "rest")

    def __init__(self) -> None:
        self.items: deque[_Item] = deque()
        self.known: MemberList | None = None
        self.rest: list[int] | None = None  # of the first item's receivers
        self.lost = False  # members who are here are to catch up, when all items are given
        self.asked = 0


class _Audience:
    """The members of a group who are here, but for those who have come since ``seen`` logins."""

    __slots__ = ("known", "seen", "users")

    def __init__(self, known: MemberList, users: set[int], seen: int) -> None:
        self.known = known
        self.users = users
        self.seen = seen


class GroupFanout:
    """Gives frames to members who are here.

    :param resync: asks users to catch up; ``None``: all who are here.
    """

    def __init__(
        self,
        clock: IReactorTime,
        here: Here,
        lists: MemberLists,
        read: Read,
        resync: Callable[[Collection[int] | None], None],
    ) -> None:
        self._clock = clock
        self._here = here
        self._lists = lists
        self._read = read
        self._resync = resync
        self._lines: dict[int, _Line] = {}
        self._round: dict[int, None] = {}  # lines that can go on, in the order of their turns
        self._call: IDelayedCall | None = None
        self._waiting = self._bytes = 0
        self._unknown: dict[int, None] = {}
        self._reading = False
        self._again: IDelayedCall | None = None
        self._audiences: OrderedDict[int, _Audience] = OrderedDict()
        self._kept = 0
        self._logins: deque[int] = deque(maxlen=LOGINS)
        self._logged_in = 0
        self._stopped = False

    def stop(self) -> None:
        """Give out what can be given at once, and nothing after that."""
        self._stopped = True
        if self._call is not None:
            self._call.cancel()
            self._call = None
        if self._again is not None:
            self._again.cancel()
            self._again = None
        while self._round:
            self._turn()
        self._lines.clear()

    def came(self, user: int) -> None:
        """Note that a user has logged in here."""
        self._logins.append(user)
        self._logged_in += 1

    def newest(self, known: MemberList) -> MemberList:
        """The newest list of a group that is known here, this one or another."""
        other = self._lists.get(known.thread_id)
        return other if other is not None and other.version > known.version else known

    async def find(self, thread_id: int, version: int) -> MemberList | None:
        """The members of a group, of this version or a newer one; ``None``: there is no such group.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        known = self._lists.get(thread_id)
        if known is None or known.version < version:
            known = (await self._read([thread_id])).get(thread_id)
        return known

    def give(
        self, thread_id: int, version: int, frame: bytes, *, but: int = 0, known: MemberList | None = None
    ) -> None:
        """Give a frame to the members who are here, but one. ``known``: a list that may be that of the version."""
        line = self._lines.get(thread_id)
        if line is None:
            found = self._lists.get(thread_id)
            if found is None or (known is not None and known.version > found.version):
                found = known
            if found is not None and found.version >= version:
                users = self._audience(found)
                if len(users) <= SHARE:
                    self._push(found, users, _Item(version, frame, but))
                    return
            line = self._line(thread_id)
            line.known = found
        if self._waiting >= WAITING or self._bytes + len(frame) > WAITING_BYTES:
            line.lost = True
            return
        line.items.append(_Item(version, frame, but))
        self._waiting += 1
        self._bytes += len(frame)

    def missed(self, thread_ids: Iterable[int]) -> None:
        """Have the members of groups who are here catch up: frames for them may have been lost."""
        for thread_id in thread_ids:
            line = self._line(thread_id)
            line.lost = True
            line.known = None
            self._ask_for(thread_id)

    def _line(self, thread_id: int) -> _Line:
        line = self._lines.get(thread_id)
        if line is None:
            line = self._lines[thread_id] = _Line()
            self._go_on(thread_id)
        return line

    def _go_on(self, thread_id: int) -> None:
        self._round[thread_id] = None
        if self._call is None and not self._stopped:
            self._call = self._clock.callLater(0, self._work)

    def _work(self) -> None:
        self._call = None
        self._turn()
        if self._round:
            self._call = self._clock.callLater(0, self._work)

    def _turn(self) -> None:
        left = AT_ONCE
        while left > 0 and self._round:
            thread_id = next(iter(self._round))
            del self._round[thread_id]
            line = self._lines[thread_id]
            left -= 1 + self._some(thread_id, line)
            if thread_id in self._unknown:
                continue
            if line.items or line.lost:
                self._round[thread_id] = None
            else:
                del self._lines[thread_id]

    def _some(self, thread_id: int, line: _Line) -> int:
        """Give the first frame of a line to some of its receivers; return to how many."""
        known, item = self._lists.get(thread_id), line.items[0] if line.items else None
        if known is None or (line.known is not None and line.known.version >= known.version):
            known = line.known
        if thread_id in self._unknown or known is None or (item is not None and known.version < item.version):
            self._ask_for(thread_id)
            return 0
        if item is None:
            if line.lost:
                line.lost = False
                self._resync(list(self._audience(known)))
            return 0
        if line.rest is None:
            line.rest = list(self._audience(known))
        elif known is not line.known:
            line.rest = [user for user in line.rest if user in known.roles]
        line.known = known
        some, line.rest = line.rest[:SHARE], line.rest[SHARE:]
        self._push(known, some, item)
        if not line.rest:
            line.rest = None
            line.items.popleft()
            self._waiting -= 1
            self._bytes -= len(item.frame)
        return len(some)

    def _push(self, known: MemberList, users: Iterable[int], item: _Item) -> None:
        version, frame, but = item
        local, first = self._here.local, known.first
        gone = []
        for user in users:
            # who came later reads nothing older, where that is the group's rule
            if user == but or (first and first.get(user, 0) > version):
                continue
            session = local(user)
            if session is not None:
                session.push_here(frame)
            else:
                gone.append(user)
        if gone and (audience := self._audiences.get(known.thread_id)) is not None:
            before = len(audience.users)
            audience.users.difference_update(gone)
            self._kept += len(audience.users) - before

    # -- who is here

    def _audience(self, known: MemberList) -> Collection[int]:
        if len(known.roles) <= FEW:
            return known.roles.keys()
        thread_id, local = known.thread_id, self._here.local
        audience = self._audiences.get(thread_id)
        if audience is None or audience.seen + len(self._logins) < self._logged_in:
            audience = self._look(known)
        self._audiences.move_to_end(thread_id)
        before = len(audience.users)
        if audience.known is not known:
            new = known.roles.keys() - audience.known.roles.keys()
            audience.users.intersection_update(known.roles)
            audience.users.update(user for user in new if local(user) is not None)
            audience.known = known
        for index in range(audience.seen - self._logged_in, 0):
            if (user := self._logins[index]) in known.roles:
                audience.users.add(user)
        audience.seen = self._logged_in
        self._kept += len(audience.users) - before
        return audience.users

    def _look(self, known: MemberList) -> _Audience:
        self._forget(known.thread_id)
        if len(known.roles) < len(self._here):
            users = {user for user in known.roles if self._here.local(user) is not None}
        else:
            users = {user for user in self._here.users() if user in known.roles}
        audience = self._audiences[known.thread_id] = _Audience(known, users, self._logged_in)
        self._kept += len(users)
        while self._kept > AUDIENCES and len(self._audiences) > 1:
            self._forget(next(iter(self._audiences)))
        return audience

    def _forget(self, thread_id: int) -> None:
        audience = self._audiences.pop(thread_id, None)
        if audience is not None:
            self._kept -= len(audience.users)

    # -- lists that are not known

    def _ask_for(self, thread_id: int) -> None:
        self._unknown[thread_id] = None
        if not self._reading and self._again is None and not self._stopped:
            self._ask()

    def _ask(self) -> None:
        self._again = None
        self._reading = True
        run_in_background(self._read_some(), _log, "reading the members of groups failed")

    async def _read_some(self) -> None:
        behind = False
        try:
            while self._unknown and not behind and not self._stopped:
                some = list(self._unknown)[:READ]
                try:
                    found = await self._read(some)
                except Refused:
                    behind = True
                else:
                    behind = self._found(some, found)
        finally:
            self._reading = False
            if self._unknown and not self._stopped:
                self._again = self._clock.callLater(RETRY, self._ask)

    def _found(self, asked: Sequence[int], found: dict[int, MemberList]) -> bool:
        """Go on with the lines of these lists; return whether the database is behind with one."""
        behind = False
        for thread_id in () if self._stopped else asked:
            line, known = self._lines[thread_id], found.get(thread_id)
            wanted = max((item.version for item in line.items), default=0)
            if known is None or known.version < wanted:
                line.asked += 1
                if line.asked < BEHIND:
                    behind = True
                    continue
                _log.warn(
                    "the members of group {thread} are not known: all sessions catch up", thread=thread_id
                )
                self._drop(line)
                self._resync(None)
            line.known, line.asked = known, 0
            del self._unknown[thread_id]
            self._go_on(thread_id)
        return behind

    def _drop(self, line: _Line) -> None:
        self._waiting -= len(line.items)
        self._bytes -= sum(len(item.frame) for item in line.items)
        line.items.clear()
        line.rest, line.lost = None, False
