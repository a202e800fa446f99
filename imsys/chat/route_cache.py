"""Cache the servers of other users, from answers of Redis and news of the other servers.

An entry may be wrong, since news may be late. If a user is not on the cached server, that server looks the
user up again and forwards the push. If a user is cached as offline but is online, a push would be lost: so
each user whose pushes were dropped because of this cache alone is *owed* a second look, or, when news of the
user comes, a request to catch up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from imsys.redis.routes import Route

ROUTES = 100_000
"""Users that are cached, at most; beyond it the least recently used are forgotten."""

TTL = 60.0
"""Seconds after which a route is looked up again, and after which an owed second look is due."""

OWED = 50_000
"""Users that are owed a second look, at most; beyond it the look is due at once."""

OFFLINE = ""
"""The server's name for a user who is offline."""


class _Known(NamedTuple):
    node: str
    login_ms: int
    expires: float


class RouteCache:
    """A bounded cache; entries may be forgotten at any time, which costs only another lookup."""

    def __init__(self, now: Callable[[], float], size: int = ROUTES, ttl: float = TTL) -> None:
        """``now`` and ``ttl`` are in seconds."""
        self._now = now
        self._size = size
        self._ttl = ttl
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._owed: dict[int, float] = {}  # user -> when the look is due, oldest first
        self._asked: frozenset[int] = frozenset()  # users whom Redis is being asked for
        self._heard: dict[int, int] = {}  # user -> the latest login in the news since
        self._doubt = False  # whether the answer may be outdated when it comes

    def __len__(self) -> int:
        return len(self._known)

    @property
    def owed(self) -> int:
        """The number of users who are owed a second look."""
        return len(self._owed)

    def find(self, user: int) -> str | None:
        """Return a user's server, :data:`OFFLINE`, or ``None``: look it up.

        A user who is reported as offline is owed a second look from now on.
        """
        known = self._known.get(user)
        if known is None:
            return None
        now = self._now()
        if known.expires <= now:
            del self._known[user]
            return None
        self._known.move_to_end(user)
        if not known.node and user not in self._owed:
            self._owed[user] = now + self._ttl
        return known.node

    def is_offline(self, user: int) -> bool:
        """Return whether a user is known to be offline; the user is owed nothing by that."""
        known = self._known.get(user)
        return known is not None and not known.node and known.expires > self._now()

    # -- asking

    def ask(self, users: Iterable[int]) -> None:
        """Note that Redis is being asked for these users; news from now on may be newer than its answer."""
        self._asked = frozenset(users)
        self._heard = {}
        self._doubt = False

    def learn(self, found: Mapping[int, Route], doubtful: Iterable[int]) -> tuple[dict[int, str], list[int]]:
        """Combine the answer of Redis with the news that came meanwhile.

        :param doubtful: users about whom the answer says nothing.
        :returns: the servers of the users (without those who are offline), and the users who are online
            although pushes to them were dropped.
        """
        expires = self._now() + self._ttl
        cheated = []
        where: dict[int, str] = {}
        for user in self._asked.difference(doubtful):  # doubtful users remain owed a second look
            route = found.get(user)
            node, login_ms = (route.node, route.login_ms) if route is not None else (OFFLINE, 0)
            newer = user in self._heard and self._heard[user] >= login_ms
            if newer and user in self._known:  # logged in elsewhere meanwhile
                node = self._known[user].node
            elif not newer and not self._doubt:
                self._keep(user, _Known(node, login_ms, expires))
            if node:
                where[user] = node
            if self._owed.pop(user, None) is not None and node:
                cheated.append(user)
        self._asked = frozenset()
        return where, cheated

    # -- news

    def came(self, user: int, node: str, login_ms: int) -> bool:
        """Note that a user's session began on a server; return whether pushes to it were dropped."""
        known = self._known.get(user)
        if user in self._asked:
            self._heard[user] = max(login_ms, self._heard.get(user, 0))
        elif known is None and user not in self._owed:
            return False  # this server sends them nothing
        if known is None or not known.node or known.login_ms <= login_ms:
            self._keep(user, _Known(node, login_ms, self._now() + self._ttl))
            return self._owed.pop(user, None) is not None
        return False

    def went(self, user: int, node: str, login_ms: int) -> None:
        """Note that a user's session that began at this time, or before, has ended on a server."""
        known = self._known.get(user)
        if known is not None and known.node == node and known.login_ms <= login_ms:
            del self._known[user]
        if user in self._asked:
            self._heard[user] = max(login_ms, self._heard.get(user, 0))

    def forget(self, user: int) -> None:
        """Forget a user who logged in or out at this server."""
        self._known.pop(user, None)
        self._owed.pop(user, None)

    def forget_node(self, node: str) -> None:
        """Forget all users of a server that is gone."""
        for user in [user for user, known in self._known.items() if known.node == node]:
            del self._known[user]

    def forget_all(self) -> list[int]:
        """Forget everything, since any of it may be wrong; return the users whose second look is now due."""
        self._known.clear()
        self._doubt = True
        owed, self._owed = list(self._owed), {}
        return owed

    def due(self) -> list[int]:
        """Return the users whose second look is due: their time is over, or too many are owed one."""
        now = self._now()
        due: list[int] = []
        for user, until in self._owed.items():
            if until > now and len(self._owed) - len(due) <= OWED:
                break
            due.append(user)
        for user in due:
            del self._owed[user]
        return due

    def _keep(self, user: int, known: _Known) -> None:
        self._known[user] = known
        self._known.move_to_end(user)
        if len(self._known) > self._size:
            self._known.popitem(last=False)
