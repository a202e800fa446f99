"""Where other users are, as far as this server has asked Redis, and heard from its peers.

What is cached may be wrong: news travels, and may be late. A user who is
believed to be on a server and is not costs a detour, since that server looks
again. A user who is believed to be offline and is not would be cheated: so
everybody whose pushes were dropped on the word of this cache alone is *owed* a
second look, or, when news of them comes, a request to catch up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from imsys.redis.routes import Route

ROUTES = 100_000
"""Users whose whereabouts are kept; beyond, those that were used least recently are forgotten."""

TTL = 60.0
"""Seconds after which a route is asked for anew, and an offline user's dropped pushes are looked after, whatever the news."""

OWED = 50_000
"""Users that are owed a second look at most; beyond, it is had at once."""

OFFLINE = ""
"""In the place of a server's name."""


class _Known(NamedTuple):
    node: str
    login_ms: int
    expires: float


class RouteCache:
    """Bounded. All of it may be forgotten at any time, at the price of asking again."""

    def __init__(self, now: Callable[[], float], size: int = ROUTES, ttl: float = TTL) -> None:
        """``now`` and ``ttl`` are in seconds."""
        self._now = now
        self._size = size
        self._ttl = ttl
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._owed: dict[int, float] = {}  # until when, the oldest first
        self._asked: frozenset[int] = frozenset()  # those Redis is being asked for
        self._heard: dict[int, int] = {}  # the latest login that news of them told of
        self._doubt = False  # whether what is being asked for may be answered wrongly

    def __len__(self) -> int:
        return len(self._known)

    @property
    def owed(self) -> int:
        """How many users are owed a second look."""
        return len(self._owed)

    def find(self, user: int) -> str | None:
        """The server that a user is on, :data:`OFFLINE`, or ``None``: ask. Who is offline is owed a second look from now on."""
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

    # -- asking

    def ask(self, users: Iterable[int]) -> None:
        """Redis is being asked for these; news that comes before the answer may be newer than it."""
        self._asked = frozenset(users)
        self._heard = {}
        self._doubt = False

    def learn(self, found: Mapping[int, Route], doubtful: Iterable[int]) -> tuple[dict[int, str], list[int]]:
        """Take the answer, and combine it with the news.

        :param doubtful: those of whom the answer tells nothing.
        :returns: where they are (who is offline is left out), and who had pushes dropped, although they turn out to be online.
        """
        expires = self._now() + self._ttl
        cheated = []
        where: dict[int, str] = {}
        for user in self._asked.difference(doubtful):  # who is in doubt remains owed what they are owed
            route = found.get(user)
            node, login_ms = (route.node, route.login_ms) if route is not None else (OFFLINE, 0)
            newer = user in self._heard and self._heard[user] >= login_ms
            if newer and user in self._known:  # came elsewhere meanwhile
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
        """A user has a session there since this time; whether pushes were dropped that it should have had."""
        known = self._known.get(user)
        if user in self._asked:
            self._heard[user] = max(login_ms, self._heard.get(user, 0))
        elif known is None and user not in self._owed:
            return False  # nobody here writes to them
        if known is None or not known.node or known.login_ms <= login_ms:
            self._keep(user, _Known(node, login_ms, self._now() + self._ttl))
            return self._owed.pop(user, None) is not None
        return False

    def went(self, user: int, node: str, login_ms: int) -> None:
        """A user's session of this time, or of before, is not there any more."""
        known = self._known.get(user)
        if known is not None and known.node == node and known.login_ms <= login_ms:
            del self._known[user]
        if user in self._asked:
            self._heard[user] = max(login_ms, self._heard.get(user, 0))

    def forget(self, user: int) -> None:
        """Nothing is known of a user: they came here, or left."""
        self._known.pop(user, None)
        self._owed.pop(user, None)

    def forget_node(self, node: str) -> None:
        """A server is gone, and with it all who were there."""
        for user in [user for user, known in self._known.items() if known.node == node]:
            del self._known[user]

    def forget_all(self) -> list[int]:
        """Any of it may be wrong. Those who were owed a second look are to have it now."""
        self._known.clear()
        self._doubt = True
        owed, self._owed = list(self._owed), {}
        return owed

    def due(self) -> list[int]:
        """Who is to have the second look now: those who have waited for it, and those who are too many."""
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
