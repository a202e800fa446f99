"""Groups: made, looked at, their links, and who waits to belong to them. What changes one is in
:mod:`imsys.store.membership`, and goes through the log.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

import msgspec

from imsys.errors import Refused, Status
from imsys.store.appending import Appended, Stored
from imsys.store.changes import EntryKind
from imsys.store.conversations import demand_message
from imsys.store.database import Database, Row, Transaction
from imsys.store.heads import GROUP
from imsys.store.ids import MessageIds, ms_of
from imsys.store.members import ADMIN, CHANNEL, FROM_JOINING, MEMBER, OWNER, MemberList, MemberLists
from imsys.store.membership import (
    INVITED,
    Added,
    Picture,
    demand_room,
    enter,
    invite,
    is_over,
    link_invalid,
    settle,
    sort_out,
    take_picture,
)

LINKS = 100
"""Links of a group, at most."""

LINK_BYTES = 16


class NewGroup(msgspec.Struct, frozen=True, gc=False):
    """A group that is to be made; ``users`` does not have the owner."""

    unique_id: str
    title: str
    description: str
    avatar: Picture
    channel: bool
    from_joining: bool
    users: list[int]

    @property
    def rules(self) -> int:
        """Its rules, as bits of :mod:`imsys.store.members`."""
        return CHANNEL * self.channel | FROM_JOINING * self.from_joining


class Group(msgspec.Struct, frozen=True, gc=False):
    """A group as one who looks at it sees it."""

    thread_id: int
    title: str
    description: str
    avatar: str
    rules: int
    members: int
    created_at: int
    last_id: int
    role: int
    muted_until: int
    """Of who looks; ms since 1970, 0: not."""


class Member(msgspec.Struct, frozen=True, gc=False):
    """One member; times are in ms since 1970."""

    user: int
    role: int
    joined_at: int
    muted_until: int


class Invitation(msgspec.Struct, frozen=True, gc=False):
    """An invitation that was not answered."""

    thread_id: int
    title: str
    avatar: str
    members: int
    inviter: int
    created_at: int


class Link(msgspec.Struct, frozen=True, gc=False):
    """A link by which users join; times are in ms since 1970, 0: never. ``uses``: 0, as often as one likes."""

    link: bytes
    thread_id: int
    created_by: int
    created_at: int
    expires_at: int
    uses: int
    used: int
    approval: bool


class Readers(msgspec.Struct, frozen=True, gc=False):
    """How many members have a message, and who of them has read it: a page, by user."""

    delivered: int
    read: int
    users: list[int]


class GroupStore:
    """The tables ``invitations``, ``group_links`` and ``join_requests``, and the groups in ``threads`` and ``members``.

    Times come from ``calendar`` (Unix seconds). ``lists`` are those of the message log.
    """

    def __init__(self, database: Database, calendar: Callable[[], float], lists: MemberLists) -> None:
        self._database = database
        self._calendar = calendar
        self._lists = lists

    def _now(self) -> int:
        return round(self._calendar() * 1000)

    async def create(self, ids: MessageIds, owner: int, group: NewGroup, most: int) -> Appended:
        """Make a group with its first members and the first entry of its log; a repetition finds it.

        :param most: members that it may have.
        :returns: the entry; ``answer`` is :class:`.membership.Added`.
        :raises Refused: CREATE_GROUP_CHAT_USER_NOT_EXIST (31); GROUP_FULL (77); TOO_MANY (82), users to invite;
            INVALID_FIELD (70), the avatar.
        """
        appended = await self._database.write(self._create, ids, owner, group, most)
        if appended.group is not None:
            self._lists.keep(appended.group)
        return appended

    def _create(self, tx: Transaction, ids: MessageIds, owner: int, group: NewGroup, most: int) -> Appended:
        before = self._made(tx, owner, group.unique_id)
        if before is not None:
            return before
        added = sort_out(tx, owner, group.users)
        if len(added.invited) > INVITED:
            raise Refused(Status.TOO_MANY, f"At most {INVITED} invitations to a group wait for an answer.")
        entry_id = ids.next()
        now_ms = ms_of(entry_id)
        thread_id = tx.insert(
            "INSERT INTO threads (kind, title, description, avatar, last_msg_id, numbered_id, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            GROUP,
            group.title,
            group.description,
            group.avatar.name,
            entry_id,
            entry_id,
            now_ms,
        )
        take_picture(tx, owner, group.avatar, thread_id)
        joined = [owner, *added.joined]
        roles = {owner: OWNER, **dict.fromkeys(added.joined, MEMBER)}
        members = MemberList(thread_id, entry_id, group.rules, roles, {}, {})
        demand_room(members, 0, most)
        enter(tx, members, joined, entry_id, now_ms)
        settle(tx, members)
        invite(tx, thread_id, owner, added.invited, now_ms)
        body = msgspec.json.encode(
            {"action": "joined", "users": [str(user) for user in joined], "created": group.title}
        ).decode()
        tx.execute(
            "INSERT INTO entries (thread_id, entry_id, actor_id, kind, unique_id, body) VALUES (?, ?, ?, ?, ?, ?)",
            thread_id,
            entry_id,
            owner,
            int(EntryKind.MEMBERSHIP),
            group.unique_id.encode(),
            body,
        )
        stored = Stored(thread_id, entry_id, 0, owner, 0, EntryKind.MEMBERSHIP, group.unique_id, body)
        answer = Added(group.title, added.joined, added.invited, added.refused)
        return Appended((stored,), (), group=members, answer=answer)

    async def made(self, owner: int, unique_id: str) -> Appended | None:
        """The group that was made under this ``unique_id``, as a repetition finds it."""
        return await self._database.read(self._made, owner, unique_id)

    def _made(self, tx: Transaction, owner: int, unique_id: str) -> Appended | None:
        row = tx.row(
            "SELECT thread_id, entry_id, kind, body FROM entries WHERE actor_id = ? AND unique_id = ?",
            owner,
            unique_id.encode(),
        )
        if row is None:
            return None
        thread_id, entry_id, kind, body = row
        made = msgspec.json.decode(body)
        if "created" not in made:
            raise Refused(Status.INVALID_FIELD, "This unique_id is that of another change.")
        stored = Stored(thread_id, entry_id, 0, owner, 0, kind, unique_id, body, resent=True)
        title = tx.row("SELECT title FROM threads WHERE thread_id = ?", thread_id)
        joined = [int(user) for user in made["users"] if user != str(owner)]
        answer = Added(title[0] if title else "", joined, self._invited(tx, owner, thread_id), [])
        group = self._lists.of(tx, [thread_id]).get(thread_id)
        # who was not told catches up
        return Appended((stored,), (), in_doubt=True, group=group, answer=answer)

    async def invited(self, inviter: int, thread_id: int) -> list[int]:
        """Users whom somebody invited to a group, and who have not answered."""
        return await self._database.read(self._invited, inviter, thread_id)

    @staticmethod
    def _invited(tx: Transaction, inviter: int, thread_id: int) -> list[int]:
        rows = tx.rows(
            "SELECT user_id FROM invitations WHERE thread_id = ? AND inviter_id = ?", thread_id, inviter
        )
        return [user for (user,) in rows]

    # -- looking

    async def get(self, user: int, thread_id: int) -> Group:
        """A group, for one of its members. :raises Refused: PERMISSION_DENIED (65), it is none of the user's."""
        return await self._database.read(self._get, user, thread_id)

    @staticmethod
    def _get(tx: Transaction, user: int, thread_id: int) -> Group:
        row = tx.row(
            "SELECT t.thread_id, t.title, t.description, t.avatar, t.rules, t.member_count, t.created_at, t.last_msg_id, "
            "m.role, m.muted_until FROM threads t JOIN members m ON m.thread_id = t.thread_id "
            "WHERE t.thread_id = ? AND m.user_id = ? AND t.kind = 1",
            thread_id,
            user,
        )
        if row is None:
            raise Refused(Status.PERMISSION_DENIED, "You do not belong to this group.")
        return Group(*row)

    async def members(self, user: int, thread_id: int, after: int, limit: int) -> list[Member]:
        """Members with ids above ``after``, ascending. :raises Refused: PERMISSION_DENIED (65)."""
        return await self._database.read(self._members, user, thread_id, after, limit)

    def _members(self, tx: Transaction, user: int, thread_id: int, after: int, limit: int) -> list[Member]:
        self._get(tx, user, thread_id)
        rows = tx.rows(
            "SELECT user_id, role, joined_at, muted_until FROM members WHERE thread_id = ? AND user_id > ? "
            "ORDER BY user_id LIMIT ?",
            thread_id,
            after,
            limit,
        )
        return [Member(*row) for row in rows]

    async def readers(self, user: int, thread_id: int, msg_id: int, after: int, limit: int) -> Readers:
        """Who has a message. :raises Refused: PERMISSION_DENIED (65); CHATRECORD_NOT_EXIST (24)."""
        return await self._database.read(self._readers, user, thread_id, msg_id, after, limit)

    def _readers(
        self, tx: Transaction, user: int, thread_id: int, msg_id: int, after: int, limit: int
    ) -> Readers:
        self._get(tx, user, thread_id)
        demand_message(tx, user, thread_id, msg_id)
        row = tx.row(
            "SELECT COUNT(*), COUNT(CASE WHEN read_id >= ? THEN 1 END) FROM members "
            "WHERE thread_id = ? AND delivered_id >= ? AND joined_at <= ?",
            msg_id,
            thread_id,
            msg_id,
            ms_of(msg_id),
        )
        assert row is not None
        rows = tx.rows(
            "SELECT user_id FROM members WHERE thread_id = ? AND user_id > ? AND read_id >= ? AND joined_at <= ? "
            "ORDER BY user_id LIMIT ?",
            thread_id,
            after,
            msg_id,
            ms_of(msg_id),
            limit,
        )
        return Readers(row[0], row[1], [user for (user,) in rows])

    async def list_of(self, thread_id: int) -> MemberList | None:
        """The members of a group, as they are committed; ``None``: there is no such group."""
        return (await self.lists_of([thread_id])).get(thread_id)

    async def lists_of(self, thread_ids: Sequence[int]) -> dict[int, MemberList]:
        """The members of groups, as they are committed.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        return await self._database.read(self._lists.of, thread_ids)

    # -- who may add a user

    async def added_by(self, user: int, rule: int | None) -> int:
        """Set who may add a user to groups, if a rule of :mod:`.membership` is given; return what is so now."""
        if rule is not None:
            await self._database.write(
                lambda tx: tx.execute("UPDATE profiles SET added_by = ? WHERE user_id = ?", rule, user)
            )
        row = await self._database.read(
            lambda tx: tx.row("SELECT added_by FROM profiles WHERE user_id = ?", user)
        )
        return int(row[0]) if row is not None else 0

    # -- invitations

    async def invitations(self, user: int, after: int, limit: int) -> list[Invitation]:
        """Invitations of a user to groups with ids above ``after``, ascending."""
        return await self._database.read(self._invitations, user, after, limit)

    @staticmethod
    def _invitations(tx: Transaction, user: int, after: int, limit: int) -> list[Invitation]:
        rows = tx.rows(
            "SELECT i.thread_id, t.title, t.avatar, t.member_count, i.inviter_id, i.created_at "
            "FROM invitations i JOIN threads t ON t.thread_id = i.thread_id "
            "WHERE i.user_id = ? AND i.thread_id > ? ORDER BY i.thread_id LIMIT ?",
            user,
            after,
            limit,
        )
        return [Invitation(*row) for row in rows]

    async def decline(self, user: int, thread_id: int) -> None:
        """Remove an invitation (idempotent)."""
        await self._database.write(
            lambda tx: tx.execute(
                "DELETE FROM invitations WHERE thread_id = ? AND user_id = ?", thread_id, user
            )
        )

    # -- links, and who came by them

    async def new_link(self, user: int, thread_id: int, lives: float, uses: int, *, approval: bool) -> Link:
        """Make a link. ``lives``: seconds until it is over, 0: for ever.

        :raises Refused: PERMISSION_DENIED (65), not an admin; TOO_MANY (82), links of this group.
        """
        expires = self._now() + round(lives * 1000) if lives else 0
        link = Link(secrets.token_bytes(LINK_BYTES), thread_id, user, self._now(), expires, uses, 0, approval)
        await self._database.write(self._new_link, link)
        return link

    def _new_link(self, tx: Transaction, link: Link) -> None:
        self._demand_admin(tx, link.created_by, link.thread_id, lock=True)
        tx.execute(
            "DELETE FROM group_links WHERE thread_id = ? AND ((expires_at > 0 AND expires_at <= ?) OR (uses > 0 AND used >= uses))",
            link.thread_id,
            self._now(),
        )
        count = tx.row("SELECT COUNT(*) FROM group_links WHERE thread_id = ?", link.thread_id)
        if count is not None and count[0] >= LINKS:
            raise Refused(Status.TOO_MANY, f"A group has at most {LINKS} links.")
        tx.execute(
            "INSERT INTO group_links (link, thread_id, created_by, created_at, expires_at, uses, approval) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            link.link,
            link.thread_id,
            link.created_by,
            link.created_at,
            link.expires_at,
            link.uses,
            int(link.approval),
        )

    async def links(self, user: int, thread_id: int) -> list[Link]:
        """All links of a group that can be used, the newest first.

        :raises Refused: PERMISSION_DENIED (65), not an admin.
        """
        return await self._database.read(self._links, user, thread_id)

    def _links(self, tx: Transaction, user: int, thread_id: int) -> list[Link]:
        self._demand_admin(tx, user, thread_id)
        rows = tx.rows(f"{_LINK} WHERE thread_id = ? ORDER BY created_at DESC", thread_id)
        now = self._now()
        return [link for row in rows if not is_over(row[4], row[5], row[6], now) for link in (_link_of(row),)]

    async def revoke(self, user: int, thread_id: int, link: bytes) -> None:
        """Remove a link (idempotent). :raises Refused: PERMISSION_DENIED (65), not an admin."""
        await self._database.write(self._revoke, user, thread_id, link)

    def _revoke(self, tx: Transaction, user: int, thread_id: int, link: bytes) -> None:
        # under the head's lock: who comes by it either came before this, or does not come
        self._demand_admin(tx, user, thread_id, lock=True)
        tx.execute("DELETE FROM group_links WHERE link = ? AND thread_id = ?", link, thread_id)

    async def behind(self, link: bytes) -> tuple[Link, Group]:
        """A link that can be used, and the group that it leads to.

        :raises Refused: LINK_INVALID (81).
        """
        return await self._database.read(self._behind, link)

    def _behind(self, tx: Transaction, link: bytes) -> tuple[Link, Group]:
        row = tx.row(f"{_LINK} WHERE link = ?", link)
        if row is None or is_over(row[4], row[5], row[6], self._now()):
            raise link_invalid()
        found = tx.row(
            "SELECT thread_id, title, description, avatar, rules, member_count, created_at, last_msg_id, 0, 0 "
            "FROM threads WHERE thread_id = ?",
            row[1],
        )
        if found is None:
            raise link_invalid()
        return _link_of(row), Group(*found)

    async def asking(self, user: int, thread_id: int, after: int, limit: int) -> list[tuple[int, int]]:
        """Users who wait to be let in, each with the time at which they asked: a page, by user.

        :raises Refused: PERMISSION_DENIED (65), not an admin.
        """
        return await self._database.read(self._asking, user, thread_id, after, limit)

    def _asking(
        self, tx: Transaction, user: int, thread_id: int, after: int, limit: int
    ) -> list[tuple[int, int]]:
        self._demand_admin(tx, user, thread_id)
        rows = tx.rows(
            "SELECT user_id, created_at FROM join_requests WHERE thread_id = ? AND user_id > ? ORDER BY user_id LIMIT ?",
            thread_id,
            after,
            limit,
        )
        return [(user, at) for user, at in rows]

    @staticmethod
    def _demand_admin(tx: Transaction, user: int, thread_id: int, *, lock: bool = False) -> None:
        if lock:
            tx.row("SELECT kind FROM threads WHERE thread_id = ? {lock}", thread_id)
        row = tx.row("SELECT role FROM members WHERE thread_id = ? AND user_id = ?", thread_id, user)
        if row is None or row[0] < ADMIN:
            raise Refused(Status.PERMISSION_DENIED, "Only admins of a group may do this.")


_LINK = "SELECT link, thread_id, created_by, created_at, expires_at, uses, used, approval FROM group_links"


def _link_of(row: Row) -> Link:
    link, thread_id, created_by, created_at, expires_at, uses, used, approval = row
    return Link(bytes(link), thread_id, created_by, created_at, expires_at, uses, used, bool(approval))
