"""Cache the servers of other users, from answers of Redis and news of the other servers.

A user has one for each of their sessions, at most: mostly one. An entry may be wrong, since news may be late. If a
user is not on the one cached server, that server looks the user up again and forwards the push; if there are several,
it has the user catch up. If a user has another session than is cached, its own server has it catch up as soon as all
others have heard of it. If a user is cached as offline but is online, a push would be lost: so
each user whose pushes were dropped because of this cache alone is *owed* a second look, or, when news of the
user comes, a request to catch up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

ROUTES = 100_000
"""Users that are cached, at most; beyond it the least recently used are forgotten."""

TTL = 60.0
"""Seconds after which a route is looked up again, and after which an owed second look is due."""

OWED = 50_000
"""Users that are owed a second look, at most; beyond it the look is due at once."""

_ANY = 1 << 62
"""Later than any login."""

Nodes = tuple[str, ...]
"""The names of servers."""

OFFLINE: Nodes = ()
"""The servers of a user who is offline."""


class _Known(NamedTuple):
    nodes: Nodes
    logins: tuple[int, ...]
    """The time of the newest login on each, as far as it is known, in milliseconds since 1970."""
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
        self._joined: dict[int, dict[str, int]] = {}  # user -> servers that they came to since, beside others
        self._doubt = False  # whether the answer may be outdated when it comes

    def __len__(self) -> int:
        return len(self._known)

    @property
    def owed(self) -> int:
        """The number of users who are owed a second look."""
        return len(self._owed)

    def find(self, user: int) -> Nodes | None:
        """Return a user's servers, :data:`OFFLINE`, or ``None``: look it up.

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
        if not known.nodes and user not in self._owed:
            self._owed[user] = now + self._ttl
        return known.nodes

    def is_offline(self, user: int) -> bool:
        """Return whether a user is known to be offline; the user is owed nothing by that."""
        known = self._known.get(user)
        return known is not None and not known.nodes and known.expires > self._now()

    # -- asking

    def ask(self, users: Iterable[int]) -> None:
        """Note that Redis is being asked for these users; news from now on may be newer than its answer."""
        self._asked = frozenset(users)
        self._heard, self._joined = {}, {}
        self._doubt = False

    def learn(
        self, found: Mapping[int, Mapping[str, int]], doubtful: Iterable[int]
    ) -> tuple[dict[int, Nodes], list[int]]:
        """Combine the answer of Redis with the news that came meanwhile.

        :param found: the servers of users, with the time of the newest login on each.
        :param doubtful: users about whom the answer does not say everything.
        :returns: the servers of the users (without those who are offline), and the users who are online
            although pushes to them were dropped.
        """
        expires = self._now() + self._ttl
        cheated = []
        doubted = set(doubtful)
        where: dict[int, Nodes] = {user: tuple(found[user]) for user in doubted if user in found}
        for user in self._asked - doubted:  # doubtful users remain owed a second look
            logins = found.get(user, {})
            nodes = tuple(logins)
            newer = user in self._heard and self._heard[user] >= max(logins.values(), default=0)
            if newer and user in self._known:  # logged in elsewhere meanwhile
                nodes = self._known[user].nodes
            elif not newer and not self._doubt:
                self._keep(user, _Known(nodes, tuple(logins.values()), expires))
            nodes += tuple(node for node in self._joined.get(user, ()) if node not in nodes)
            if nodes:
                where[user] = nodes
            if self._owed.pop(user, None) is not None and nodes:
                cheated.append(user)
        self._asked = frozenset()
        return where, cheated

    # -- news

    def came(self, user: int, node: str, login_ms: int, beside: bool = False) -> bool:
        """Note that a user's session began on a server; return whether pushes to it were dropped.

        ``beside``: the user has sessions on other servers, too; else on no other.
        """
        known = self._known.get(user)
        if user in self._asked:
            self._heard[user] = max(login_ms, self._heard.get(user, 0))
        elif known is None and user not in self._owed:
            return False  # this server sends them nothing
        if beside:
            if known is not None and known.nodes:
                logins = dict(zip(known.nodes, known.logins, strict=True))
                logins[node] = max(login_ms, logins.get(node, 0))
                self._known[user] = _Known(tuple(logins), tuple(logins.values()), known.expires)
                return False
            self._known.pop(user, None)  # where else the user is, Redis must say
            if user in self._asked:
                self._joined.setdefault(user, {})[node] = login_ms
                return False
            return self._owed.pop(user, None) is not None
        self._joined.pop(user, None)
        if known is None or not known.nodes or max(known.logins) <= login_ms:
            self._keep(user, _Known((node,), (login_ms,), self._now() + self._ttl))
            return self._owed.pop(user, None) is not None
        return False

    def went(self, user: int, node: str, login_ms: int) -> None:
        """Note that the last session of a user on a server has ended, and that none there began after this time."""
        known = self._known.get(user)
        if known is not None and node in known.nodes:
            self._without(user, known, node, login_ms)
        if user in self._asked:
            self._heard[user] = max(login_ms, self._heard.get(user, 0))
            self._joined.get(user, {}).pop(node, None)

    def _without(self, user: int, known: _Known, node: str, login_ms: int) -> None:
        logins = dict(zip(known.nodes, known.logins, strict=True))
        if logins[node] > login_ms:
            return
        del logins[node]
        if logins:
            self._known[user] = _Known(tuple(logins), tuple(logins.values()), known.expires)
        else:
            del self._known[user]

    def forget(self, user: int) -> None:
        """Forget a user who logged in or out at this server."""
        self._known.pop(user, None)
        self._owed.pop(user, None)

    def forget_node(self, node: str) -> None:
        """Forget all users of a server that is gone."""
        for user, known in [(user, known) for user, known in self._known.items() if node in known.nodes]:
            self._without(user, known, node, _ANY)

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
