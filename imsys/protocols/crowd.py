"""Admission to the public ports of a server: connections are counted in all, by address and by user, so that
nobody keeps others out.

A connection that has not logged in (over HTTP: that has no request being answered) is a stranger's. Where
room is short the oldest stranger is cut for a new connection; known users are not.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel

from imsys.util.tallies import Tally

_log = Logger()


class Guest(Protocol):
    """A connection that can be cut."""

    def abort(self, why: str, /) -> None:
        """Cut it, and tell the peer nothing."""
        ...


class _Address:
    """The connections of one address."""

    __slots__ = ("count", "key", "strangers")

    def __init__(self, key: str) -> None:
        self.key = key
        self.count = 0
        self.strangers: OrderedDict[Guest, None] = OrderedDict()


class _Entry:
    """The address and the user that one connection is counted for."""

    __slots__ = ("address", "user")

    def __init__(self, address: _Address | None) -> None:
        self.address = address
        self.user = 0


class Crowd:
    """Counts the connections of one server, and admits new ones while there is room.

    :param capacity: connections at most; half of them may be strangers' before those make room.
    :param source: connections of one address at most (see :func:`~imsys.protocols.source.limit_key`), but no
        more than half of the capacity; 0: no bound.
    :param strangers: of those, such as are strangers', but no more than a quarter of the capacity; 0: no
        bound.
    :param user: connections of one user at most, but no more than half of the capacity; 0: no bound.
    :param exempt: networks whose addresses are not counted.
    """

    def __init__(
        self,
        clock: IReactorTime,
        capacity: int,
        *,
        source: int = 0,
        strangers: int = 0,
        user: int = 0,
        exempt: Iterable[str] = (),
    ) -> None:
        self._capacity = capacity
        self._most_strangers = max(1, capacity // 2)

        def bound(wanted: int, share: int) -> int:
            return min(wanted, max(1, capacity // share)) if wanted else capacity

        self._of_address, self._strangers_of_address, self._of_user = (
            bound(source, 2),
            bound(strangers, 4),
            bound(user, 2),
        )
        self._is_exempt = lru_cache(4096)(
            partial(_within, [ipaddress.ip_network(network) for network in exempt])
        )
        self._entries: dict[Guest, _Entry] = {}
        self._strangers: OrderedDict[Guest, None] = OrderedDict()
        self._addresses: dict[str, _Address] = {}
        self._users: dict[int, list[Guest]] = {}
        self._refused = Tally(clock, _log, LogLevel.info, "refusing the connection from {source}: {reason}")
        self._cut = Tally(clock, _log, LogLevel.info, "cutting a connection from {source}: {reason}")

    def __len__(self) -> int:
        return len(self._entries)

    def enter(self, guest: Guest, source: str | None) -> bool:
        """Admit a new connection; ``False``: there is no room, and no stranger to cut for it.

        :param source: what its address is counted by; ``None``: a proxy's, whose requests are counted
            (:meth:`on_behalf`).
        """
        address = self._address(source)
        if address is not None and not self._room_at(address):
            return False
        if len(self._entries) >= self._capacity or len(self._strangers) >= self._most_strangers:
            if not self._strangers:
                self._refused.add(source=source, reason=f"there are {len(self._entries)} already")
                return False
            self._send_away(
                next(iter(self._strangers)),
                f"it has not logged in, and others wait for room ({len(self._entries)} are here)",
            )
        self._entries[guest] = _Entry(None)
        self._count(guest, address)
        self._strangers[guest] = None
        if address is not None:
            address.strangers[guest] = None
        return True

    def on_behalf(self, guest: Guest, source: str | None) -> bool:
        """Count a proxy's connection for the client whose request it carries, until the answer (``None``: for
        nobody).

        ``False``: there are too many from there.
        """
        entry = self._entries.get(guest)
        if entry is None:
            return True
        address = self._address(source)
        if address is not None and address.count >= self._of_address:
            self._refused.add(source=source, reason=f"there are {address.count} from there already")
            return False
        self._discount(guest, entry)
        self._count(guest, address)
        return True

    def known(self, guest: Guest, user: int) -> None:
        """Count a connection as a user's, no longer a stranger's (0: a user without a name).

        Beyond a user's bound the oldest is cut.
        """
        entry = self._entries.get(guest)
        if entry is None:
            return
        self._strangers.pop(guest, None)
        if entry.address is not None:
            entry.address.strangers.pop(guest, None)
        if entry.user == user:
            return
        self._forget_user(guest, entry)
        entry.user = user
        if user:
            theirs = self._users.setdefault(user, [])
            theirs.append(guest)
            if len(theirs) > self._of_user:
                self._send_away(theirs[0], f"user {user} has {self._of_user} others")

    def stranger(self, guest: Guest) -> None:
        """Count a known connection as a stranger's again, the newest of them."""
        entry = self._entries.get(guest)
        if entry is not None and guest not in self._strangers:
            self._forget_user(guest, entry)
            self._strangers[guest] = None
            if entry.address is not None:
                entry.address.strangers[guest] = None

    def leave(self, guest: Guest) -> None:
        """Forget a connection that is gone (idempotent)."""
        entry = self._entries.pop(guest, None)
        if entry is not None:
            self._strangers.pop(guest, None)
            self._forget_user(guest, entry)
            self._discount(guest, entry)

    def stop(self) -> None:
        """Log what was counted and not written."""
        self._refused.stop()
        self._cut.stop()

    def _room_at(self, address: _Address) -> bool:
        """Return whether an address may have one more; cut its oldest stranger for it where needed."""
        full = address.count >= self._of_address
        if full and not address.strangers:
            self._refused.add(source=address.key, reason=f"there are {address.count} from there already")
            return False
        if full or len(address.strangers) >= self._strangers_of_address:
            self._send_away(
                next(iter(address.strangers)),
                f"it has not logged in, and there are {address.count} from there",
            )
        return True

    def _send_away(self, guest: Guest, reason: str) -> None:
        address = self._entries[guest].address
        self._cut.add(
            source=address.key if address is not None else "a network that is not counted", reason=reason
        )
        self.leave(guest)
        guest.abort(reason)

    def _address(self, source: str | None) -> _Address | None:
        """Return the address that a source is counted at; ``None``: it is not counted."""
        if source is None:
            return None
        address = self._addresses.get(source)
        return _Address(source) if address is None and not self._is_exempt(source) else address

    def _count(self, guest: Guest, address: _Address | None) -> None:
        self._entries[guest].address = address
        if address is not None:
            self._addresses[address.key] = address
            address.count += 1

    def _discount(self, guest: Guest, entry: _Entry) -> None:
        address, entry.address = entry.address, None
        if address is not None:
            address.strangers.pop(guest, None)
            address.count -= 1
            if not address.count:
                self._addresses.pop(address.key, None)

    def _forget_user(self, guest: Guest, entry: _Entry) -> None:
        user, entry.user = entry.user, 0
        if user:
            theirs = self._users[user]
            theirs.remove(guest)
            if not theirs:
                del self._users[user]


def _within(networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network], source: str) -> bool:
    """Return whether a source is in one of these networks, or is no address: on a Unix socket."""
    try:
        theirs = ipaddress.ip_network(source)
    except ValueError:
        return True
    return any(theirs.version == network.version and theirs.overlaps(network) for network in networks)
