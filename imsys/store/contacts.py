"""Contacts: friend requests, friendships, blocks.

Every change of what two users may do first locks the pair's row in ``friend_requests``, then the head of
their thread. So changes of a pair happen one after the other, on any number of nodes.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from imsys.errors import Refused, Status
from imsys.store.appending import Stored, append_from_server
from imsys.store.database import Database, Row, Transaction
from imsys.store.dialects import numbers
from imsys.store.heads import FRIENDS, blocked_by, lock_heads, pair, private_thread
from imsys.store.ids import MessageIds
from imsys.store.people import PERSON, Person, people
from imsys.util.batching import BatchingQueue
from imsys.util.surge import Surge

NONE, PENDING, ACCEPTED, DECLINED, ENDED = range(5)
"""The states of a pair: never asked, asked, friends, declined, unfriended.

Repeating a step is not refused.
"""

GREETING = "We are friends now!"

AGAIN = 600.0
"""Seconds after the beginning of a friendship in which a repeated confirmation tells both users again."""

LOGINS = 100
"""Logins read in one transaction, at most; SQLite allows 500 SELECTs in one statement."""

WAITING_LOGINS = 20_000
"""Logins that wait for the database, at most."""


class Pending(msgspec.Struct, frozen=True):
    """A pending friend request; ``nickname`` and ``message`` are those of the sender, ``person``."""

    person: Person
    dst: int
    nickname: str
    message: str


class Contact(msgspec.Struct, frozen=True):
    """A friend, the user's name for them, and the private thread."""

    person: Person
    alternative_name: str
    thread_id: int


@dataclass(frozen=True, slots=True)
class Friendship:
    """A friendship: both users, and the first messages of their thread.

    ``again``: it existed before, so the messages are not here but in the thread. ``news``: it is so new
    (:data:`AGAIN`) that the users may not have been told.
    """

    src: Person
    dst: Person
    thread_id: int
    hello: Sequence[Stored]
    again: bool = False
    news: bool = True


class AtLogin(msgspec.Struct, frozen=True):
    """The answer to a login: the user, and the first pending requests and friends, each by ascending uuid."""

    me: Person
    requests: list[Pending]
    friends: list[Person]

    def first(self, limit: int) -> AtLogin:
        """Return a copy with at most ``limit`` items per list."""
        return AtLogin(self.me, self.requests[:limit], self.friends[:limit])


class Asked(enum.Enum):
    """The result of a friend request that changed nothing."""

    REPEATED = enum.auto()


class ContactStore:
    """The tables ``friend_requests``, ``friendships`` and ``blocks``.

    Times come from ``calendar`` (Unix seconds).
    """

    def __init__(self, database: Database, calendar: Callable[[], float], surge: Surge | None = None) -> None:
        self._database = database
        self._calendar = calendar
        self._logins = BatchingQueue(self._read_logins, most=LOGINS, queue=WAITING_LOGINS, surge=surge)

    def _now(self) -> int:
        return round(self._calendar() * 1000)

    async def ask(
        self, ids: MessageIds, src: int, dst: int, nickname: str, message: str
    ) -> Pending | Friendship | Asked:
        """Store a friend request; one that crosses a request of the other user confirms it.

        :raises Refused: FRIENDING_TARGET_USER_NOT_FOUND (35), no such user; BLOCKED (76), one blocks the
            other; FRIENDING_ERROR (34), they are friends already.
        """
        return await self._database.write(self._ask, ids, src, dst, nickname, message)

    def _ask(
        self, tx: Transaction, ids: MessageIds, src: int, dst: int, nickname: str, message: str
    ) -> Pending | Friendship | Asked:
        both = {person.uuid: person for person in people(tx, [src, dst])}
        if dst not in both:
            raise Refused(Status.FRIENDING_TARGET_USER_NOT_FOUND, "There is no such user.")
        state, asker = self._lock_pair(tx, src, dst)
        if tx.row("SELECT 1 FROM blocks WHERE user_id = ? AND blocked_id = ?", dst, src):
            raise Refused(Status.BLOCKED, "This user does not want to hear from you.")
        if tx.row("SELECT 1 FROM blocks WHERE user_id = ? AND blocked_id = ?", src, dst):
            raise Refused(Status.BLOCKED, "You block this user: end that first.")
        if tx.row("SELECT 1 FROM friendships WHERE user_id = ? AND friend_id = ?", src, dst):
            raise Refused(Status.FRIENDING_ERROR, "You are friends already.")
        if state == PENDING:
            return Asked.REPEATED if asker == src else self._befriend(tx, ids, dst, src, "")
        low, high = pair(src, dst)
        tx.execute(
            "UPDATE friend_requests SET src_id = ?, dst_id = ?, nickname = ?, message = ?, state = ?, updated_at = ? "
            "WHERE low_id = ? AND high_id = ?",
            src,
            dst,
            nickname,
            message,
            PENDING,
            self._now(),
            low,
            high,
        )
        return Pending(both[src], dst, nickname, message)

    async def confirm(self, ids: MessageIds, src: int, dst: int, alternative_name: str) -> Friendship:
        """Accept the request of ``src``: store friendship, thread and two messages in one transaction.

        If it was accepted before, return the existing friendship.

        :raises Refused: FRIENDING_ERROR (34), no such request is pending.
        """
        return await self._database.write(self._confirm, ids, src, dst, alternative_name)

    def _confirm(
        self, tx: Transaction, ids: MessageIds, src: int, dst: int, alternative_name: str
    ) -> Friendship:
        if self._asked(tx, src, dst) in (PENDING, ACCEPTED):
            state, asker = self._lock_pair(tx, src, dst)
            if (state, asker) == (PENDING, src):
                return self._befriend(tx, ids, src, dst, alternative_name)
            if (state, asker) == (ACCEPTED, src) and (
                friendship := self._friendship(tx, src, dst)
            ) is not None:
                return friendship
        raise _not_pending()

    def _befriend(
        self, tx: Transaction, ids: MessageIds, src: int, dst: int, alternative_name: str
    ) -> Friendship:
        low, high = pair(src, dst)
        now = self._now()
        row = tx.row("SELECT message FROM friend_requests WHERE low_id = ? AND high_id = ?", low, high)
        assert row is not None
        tx.execute(
            "UPDATE friend_requests SET state = ?, updated_at = ? WHERE low_id = ? AND high_id = ?",
            ACCEPTED,
            now,
            low,
            high,
        )
        head = private_thread(tx, low, high, FRIENDS | self._blocks(tx, low, high), now)
        for user, friend, name in ((src, dst, ""), (dst, src, alternative_name)):
            tx.execute(
                "INSERT INTO friendships (user_id, friend_id, alternative_name, thread_id, created_at) VALUES (?, ?, ?, ?, ?)",
                user,
                friend,
                name,
                head.thread_id,
                now,
            )
        hello = append_from_server(tx, ids, head, [(src, dst, row[0] or "Hello!"), (dst, src, GREETING)])
        one, other = people(tx, [src, dst])
        return Friendship(one, other, head.thread_id, hello)

    async def between(self, one: int, other: int) -> Pending | Friendship | None:
        """Return the state between two users, after waiting for transactions that are changing it.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        return await self._database.write(self._between, one, other)

    def _between(self, tx: Transaction, one: int, other: int) -> Pending | Friendship | None:
        state, asker = self._lock_pair(tx, one, other)
        asked = one + other - asker
        if state == ACCEPTED:
            return self._friendship(tx, asker, asked)
        if state != PENDING:
            return None
        low, high = pair(one, other)
        row = tx.row(
            "SELECT nickname, message FROM friend_requests WHERE low_id = ? AND high_id = ?", low, high
        )
        assert row is not None
        return Pending(people(tx, [asker])[0], asked, row[0], row[1])

    def _friendship(self, tx: Transaction, src: int, dst: int) -> Friendship | None:
        row = tx.row(
            "SELECT thread_id, created_at FROM friendships WHERE user_id = ? AND friend_id = ?", src, dst
        )
        if row is None:
            return None
        one, other = people(tx, [src, dst])
        return Friendship(one, other, row[0], (), again=True, news=self._now() - row[1] <= AGAIN * 1000)

    async def decline(self, src: int, dst: int) -> None:
        """Decline the request of ``src``; a repetition changes nothing.

        :raises Refused: FRIENDING_ERROR (34), no such request is pending.
        """
        await self._database.write(self._decline, src, dst)

    def _decline(self, tx: Transaction, src: int, dst: int) -> None:
        if self._asked(tx, src, dst) not in (PENDING, DECLINED):
            raise _not_pending()
        state, asker = self._lock_pair(tx, src, dst)
        if asker != src or state not in (PENDING, DECLINED):
            raise _not_pending()
        self._set_declined(tx, *pair(src, dst))

    def _set_declined(self, tx: Transaction, low: int, high: int) -> None:
        tx.execute(
            "UPDATE friend_requests SET state = ?, message = '', updated_at = ? WHERE low_id = ? AND high_id = ?",
            DECLINED,
            self._now(),
            low,
            high,
        )

    async def unfriend(self, user: int, friend: int) -> None:
        """End a friendship; both keep the thread and its history. A repetition changes nothing.

        :raises Refused: NOT_FRIENDS (66), they are not friends and never were.
        """
        await self._database.write(self._unfriend, user, friend)

    def _unfriend(self, tx: Transaction, user: int, friend: int) -> None:
        low, high = pair(user, friend)
        if not tx.row("SELECT 1 FROM friendships WHERE user_id = ? AND friend_id = ?", user, friend):
            row = tx.row("SELECT state FROM friend_requests WHERE low_id = ? AND high_id = ?", low, high)
            if row is not None and row[0] == ENDED:
                return
            raise Refused(Status.NOT_FRIENDS, "You are not friends.")
        self._lock_pair(tx, user, friend)
        for one, other in ((low, high), (high, low)):
            tx.execute("DELETE FROM friendships WHERE user_id = ? AND friend_id = ?", one, other)
        tx.execute(
            "UPDATE friend_requests SET state = ?, updated_at = ? WHERE low_id = ? AND high_id = ?",
            ENDED,
            self._now(),
            low,
            high,
        )
        self._set_flags(tx, low, high)

    async def block(self, user: int, other: int, blocked: bool) -> None:
        """Block a user, or end the block; a repetition changes nothing. Blocking declines a pending request.

        :raises Refused: FRIENDING_TARGET_USER_NOT_FOUND (35), no such user.
        """
        await self._database.write(self._block, user, other, blocked)

    def _block(self, tx: Transaction, user: int, other: int, blocked: bool) -> None:
        if not people(tx, [other]):
            raise Refused(Status.FRIENDING_TARGET_USER_NOT_FOUND, "There is no such user.")
        state, _ = self._lock_pair(tx, user, other)
        if blocked:
            tx.execute(
                "INSERT {ignore} INTO blocks (user_id, blocked_id, created_at) VALUES (?, ?, ?)",
                user,
                other,
                self._now(),
            )
            if state == PENDING:
                self._set_declined(tx, *pair(user, other))
        else:
            tx.execute("DELETE FROM blocks WHERE user_id = ? AND blocked_id = ?", user, other)
        self._set_flags(tx, *pair(user, other))

    async def friends(self, user: int, after: int, limit: int) -> list[Contact]:
        """List friends with uuids above ``after``, ascending."""
        return await self._database.read(self._friends, user, after, limit)

    @staticmethod
    def _friends(tx: Transaction, user: int, after: int, limit: int) -> list[Contact]:
        rows = tx.rows(
            f"SELECT {PERSON}, f.alternative_name, f.thread_id FROM friendships f "  # noqa: S608
            "JOIN accounts a ON a.user_id = f.friend_id JOIN profiles p ON p.user_id = f.friend_id "
            "WHERE f.user_id = ? AND f.friend_id > ? ORDER BY f.friend_id LIMIT ?",
            user,
            after,
            limit,
        )
        return [Contact(Person(*row[:6]), row[6], row[7]) for row in rows]

    async def requests(self, user: int, after: int, limit: int) -> list[Pending]:
        """List the pending requests to ``user`` whose sender has a uuid above ``after``, ascending."""
        return await self._database.read(self._requests, user, after, limit)

    @staticmethod
    def _requests(tx: Transaction, user: int, after: int, limit: int) -> list[Pending]:
        rows = tx.rows(
            f"SELECT {PERSON}, r.dst_id, r.nickname, r.message FROM friend_requests r "  # noqa: S608
            "JOIN accounts a ON a.user_id = r.src_id JOIN profiles p ON p.user_id = r.src_id "
            "WHERE r.dst_id = ? AND r.state = ? AND r.src_id > ? ORDER BY r.src_id LIMIT ?",
            user,
            PENDING,
            after,
            limit,
        )
        return [Pending(Person(*row[:6]), *row[6:]) for row in rows]

    async def at_login(self, user: int, limit: int) -> AtLogin:
        """Read the answer to a login, together with those of other present logins.

        :raises Refused: MYSQL_ACCOUNT_NOT_EXISTS (16), no such account; SERVER_BUSY (73), too many logins
            wait.
        """
        return await self._logins.add((user, limit))

    async def _read_logins(self, logins: list[tuple[int, int]]) -> list[AtLogin | Exception]:
        return await self._database.read_small(self._at_logins, logins)

    def _at_logins(self, tx: Transaction, logins: Sequence[tuple[int, int]]) -> list[AtLogin | Exception]:
        limits: dict[int, int] = {}
        for user, limit in logins:  # a user who logs in twice at once is read once
            limits[user] = max(limit, limits.get(user, 0))
        # one indexed, limited SELECT for each user: two thousand friends cost no more than ten
        friends = tx.rows_literal(
            tx.dialect.union_all(
                f"SELECT user_id, friend_id FROM friendships WHERE user_id = {user:d} ORDER BY friend_id LIMIT {limit:d}"  # noqa: S608
                for user, limit in limits.items()
            )
        )
        requests = self._first_requests(tx, limits)
        known = {
            person.uuid: person
            for person in people(tx, [*limits, *(row[1] for row in friends), *(row[1] for row in requests)])
        }
        found = {user: AtLogin(known[user], [], []) for user in limits if user in known}
        for user, friend in sorted(friends):
            if user in found and friend in known:
                found[user].friends.append(known[friend])
        for user, asker, nickname, message in sorted(requests):
            if user in found and asker in known:
                found[user].requests.append(Pending(known[asker], user, nickname, message))
        return [found[user].first(limit) if user in found else _no_account() for user, limit in logins]

    @staticmethod
    def _first_requests(tx: Transaction, limits: dict[int, int]) -> list[Row]:
        """Read each user's first pending requests: receiver, sender, nickname and message."""
        select = f"SELECT dst_id, src_id, nickname, message FROM friend_requests WHERE state = {PENDING} AND dst_id "  # noqa: S608
        # hardly anybody has any, so one range is cheaper than a SELECT per user, unless one user's requests
        # fill it
        room = sum(limits.values()) + 1
        rows = tx.rows_literal(f"{select}IN ({numbers(limits)}) ORDER BY dst_id, src_id LIMIT {room}")
        if len(rows) < room:
            return rows
        return tx.rows_literal(
            tx.dialect.union_all(
                f"{select}= {user:d} ORDER BY src_id LIMIT {limit:d}" for user, limit in limits.items()
            )
        )

    @staticmethod
    def _asked(tx: Transaction, src: int, dst: int) -> int | None:
        """Return the state of the last request between two users, if ``src`` sent it; nothing is locked."""
        low, high = pair(src, dst)
        row = tx.row("SELECT state, src_id FROM friend_requests WHERE low_id = ? AND high_id = ?", low, high)
        return row[0] if row is not None and row[1] == src and src != dst else None

    def _lock_pair(self, tx: Transaction, one: int, other: int) -> tuple[int, int]:
        """Lock the pair's row; return its state, and who asked last."""
        low, high = pair(one, other)
        select = "SELECT state, src_id FROM friend_requests WHERE low_id = ? AND high_id = ? {lock}"
        row = tx.row(select, low, high)
        if row is None:
            tx.execute(
                "INSERT {ignore} INTO friend_requests (low_id, high_id, src_id, dst_id, state, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
                low,
                high,
                one,
                other,
                NONE,
                self._now(),
            )
            row = tx.row(select, low, high)
        assert row is not None
        return row[0], row[1]

    @staticmethod
    def _blocks(tx: Transaction, low: int, high: int) -> int:
        flags = 0
        for user, other in ((low, high), (high, low)):
            if tx.row("SELECT 1 FROM blocks WHERE user_id = ? AND blocked_id = ?", user, other):
                flags |= blocked_by(low, user)
        return flags

    def _set_flags(self, tx: Transaction, low: int, high: int) -> None:
        """Update the flags of the pair's thread to the friendship and blocks."""
        found = tx.row("SELECT thread_id FROM threads WHERE low_id = ? AND high_id = ?", low, high)
        if found is None:
            return
        lock_heads(tx, [found[0]])
        friends = (
            FRIENDS
            if tx.row("SELECT 1 FROM friendships WHERE user_id = ? AND friend_id = ?", low, high)
            else 0
        )
        tx.execute(
            "UPDATE threads SET flags = ? WHERE thread_id = ?",
            friends | self._blocks(tx, low, high),
            found[0],
        )


def _not_pending() -> Refused:
    return Refused(Status.FRIENDING_ERROR, "No such friend request is pending.")


def _no_account() -> Refused:
    return Refused(Status.MYSQL_ACCOUNT_NOT_EXISTS, "There is no such account.")
