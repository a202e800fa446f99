"""The sessions of a user who has several, here or on other servers.

Most users have one: the directory then has the session itself in the place of this, so that a push to it costs
nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from imsys.server.session import Session

Relay = Callable[[int, Collection[str], bytes], None]
"""Sends a frame to a user's sessions on other servers."""


class UserSessions:
    """At least one session here, each of another device, and the names of other servers that have some."""

    __slots__ = ("_relay", "elsewhere", "here", "news", "user")

    def __init__(self, user: int, relay: Relay) -> None:
        self.user = user
        self.here: list[Session] = []
        self.elsewhere: dict[str, int] = {}
        """The other servers, and the latest login on each that is known of, in milliseconds since 1970."""
        self.news = 0
        """Changes whenever something was heard of other servers."""
        self._relay = relay

    @property
    def open(self) -> bool:
        """Whether anything can still be sent here."""
        return any(session.open for session in self.here)

    @property
    def login_ms(self) -> int:
        """When the newest session here began."""
        return max(session.login_ms for session in self.here)

    def push(self, data: bytes, but: Session | None = None) -> None:
        """Send an encoded frame to all sessions, on any server, but one."""
        self.push_here(data, but)
        if self.elsewhere:
            self._relay(self.user, self.elsewhere, data)

    def push_here(self, data: bytes, but: Session | None = None) -> None:
        """Send an encoded frame to the sessions of this server, but one."""
        for session in self.here:
            if session is not but:
                session.push(data)


Entry = Session | UserSessions
"""What the directory has of a user."""


def sessions_of(entry: Entry | None) -> list[Session]:
    """Return the sessions of an entry."""
    if entry is None:
        return []
    return list(entry.here) if isinstance(entry, UserSessions) else [entry]


class SessionTable:
    """The sessions of one server, by user.

    :param relay: sends a frame to a user's sessions on other servers.
    """

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._entries: dict[int, Entry] = {}
        self._several: dict[int, UserSessions] = {}  # the entries of users who have several
        self.get = self._entries.get
        """Return what there is of a user, or ``None``."""
        self.count = 0
        """Sessions, of all users."""

    def users(self) -> list[int]:
        """Return all users."""
        return list(self._entries)

    def sessions(self) -> list[Session]:
        """Return all sessions."""
        if not self._several:
            return list(self._entries.values())  # type: ignore[arg-type]  # then they are sessions
        return [session for entry in self._entries.values() for session in sessions_of(entry)]

    def several(self) -> list[UserSessions]:
        """Return the users who have several sessions, here or elsewhere."""
        return list(self._several.values())

    def add(self, session: Session, instead: Session | None) -> None:
        """Add a session, perhaps in the place of another one of its device."""
        user = session.user
        if instead is not None:
            session.siblings, instead.siblings = instead.siblings, None
            entry = self._entries[user]
            if isinstance(entry, UserSessions):
                entry.here[entry.here.index(instead)] = session
            else:
                self._entries[user] = session
            return
        self.count += 1
        if user in self._entries:
            self._grown(user).here.append(session)
            self._link(user)
        else:
            self._entries[user] = session

    def remove(self, session: Session) -> bool:
        """Remove a session, if it is there; return whether it was."""
        user = session.user
        entry = self._entries.get(user)
        if entry is session:
            del self._entries[user]
        elif isinstance(entry, UserSessions) and session in entry.here:
            entry.here.remove(session)
            session.siblings = None
            self._shrink(entry)
        else:
            return False
        self.count -= 1
        return True

    def joined(self, user: int, node: str, login_ms: int) -> bool:
        """Note that a user of this server has a session on another one; return whether that is new."""
        if user not in self._entries:
            return False
        entry = self._grown(user)
        entry.news += 1
        known = entry.elsewhere.get(node)
        entry.elsewhere[node] = max(login_ms, known or 0)
        self._link(user)
        return known is None

    def left(self, user: int, node: str, login_ms: int) -> None:
        """Note that a user has no session that began at this time, or before, on another server."""
        entry = self._several.get(user)
        if entry is None:
            return
        entry.news += 1
        known = entry.elsewhere.get(node)
        if known is not None and known <= login_ms:
            del entry.elsewhere[node]
            self._shrink(entry)

    def found(self, user: int, nodes: dict[str, int]) -> list[str]:
        """Note on which other servers a user has sessions; return those that were not known of."""
        entry = self._several.get(user)
        known: Iterable[str] = () if entry is None else entry.elsewhere
        new = [node for node in nodes if node not in known]
        if entry is None and not nodes:
            return []
        entry = self._grown(user)
        entry.elsewhere = dict(nodes)
        self._link(user)
        self._shrink(entry)
        return new

    def lost(self, node: str) -> None:
        """Note that another server is gone."""
        for entry in self.several():
            if entry.elsewhere.pop(node, None) is not None:
                self._shrink(entry)

    def _grown(self, user: int) -> UserSessions:
        entry = self._entries[user]
        if isinstance(entry, UserSessions):
            return entry
        several = UserSessions(user, self._relay)
        several.here.append(entry)
        self._entries[user] = self._several[user] = several
        return several

    def _link(self, user: int) -> None:
        entry = self._several[user]
        for session in entry.here:
            session.siblings = entry

    def _shrink(self, entry: UserSessions) -> None:
        """Have a user who has one session left, or none here, take no more room than that."""
        if len(entry.here) > 1 or (entry.here and entry.elsewhere):
            return
        del self._several[entry.user]
        if entry.here:
            (session,) = entry.here
            session.siblings = None
            self._entries[entry.user] = session
        else:
            del self._entries[entry.user]
