"""Changes of who belongs to a group, and of what the group is: entries 20 and 21 of its log."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import msgspec

from imsys.errors import Refused, Status
from imsys.store.changes import Effect, EntryKind, Scene
from imsys.store.database import Transaction
from imsys.store.dialects import numbers
from imsys.store.file_rows import Purpose, State, find_file
from imsys.store.files import delete_file
from imsys.store.heads import GROUP
from imsys.store.ids import moment
from imsys.store.members import ADMIN, CHANNEL, FROM_JOINING, MEMBER, OWNER, MemberList
from imsys.store.own_changes import part
from imsys.store.people import people

ADMINS = 50
"""Admins of a group, at most: each of them is told who asks to join."""

INVITATIONS = 100
"""Invitations that one user has not answered, at most; further ones are not made."""

INVITED = 1000
"""Users invited to a group who have not answered, at most."""

ASKING = 1000
"""Users who wait for an admin to let them in, at most."""

LONGEST = 366 * 86400
"""Seconds for which a member is muted, at most."""

EVERYBODY, FRIENDS, NOBODY = range(3)
"""Who may add a user to groups. Of everybody only friends do so at once: others invite."""


class Added(msgspec.Struct, frozen=True):
    """What became of users who were to be added to a group; those who belong to it are in none of the lists."""

    title: str
    joined: list[int]
    invited: list[int]
    refused: list[int]
    """Who do not want to be added by this user."""


class Parted(msgspec.Struct, frozen=True):
    """A group that users do not belong to any more."""

    title: str
    users: list[int]


class Asked(msgspec.Struct, frozen=True):
    """A user who came by a link waits for these admins."""

    title: str
    admins: list[int]


def sort_out(tx: Transaction, actor: int, users: Sequence[int]) -> Added:
    """Find out which users an actor may add at once, and which only invite.

    :raises Refused: CREATE_GROUP_CHAT_USER_NOT_EXIST (31), one of them does not exist.
    """
    if not users:
        return Added("", [], [], [])
    rows = tx.rows(
        "SELECT a.user_id, p.added_by, f.friend_id, b.user_id, "  # noqa: S608
        "(SELECT COUNT(*) FROM invitations i WHERE i.user_id = a.user_id) "
        "FROM accounts a JOIN profiles p ON p.user_id = a.user_id "
        "LEFT JOIN friendships f ON f.user_id = ? AND f.friend_id = a.user_id "
        "LEFT JOIN blocks b ON b.user_id = a.user_id AND b.blocked_id = ? "
        f"WHERE a.user_id IN ({numbers(users)})",
        actor,
        actor,
    )
    if len(rows) < len(set(users)):
        raise Refused(Status.CREATE_GROUP_CHAT_USER_NOT_EXIST, "There is no such user.")
    added = Added("", [], [], [])
    for user, rule, friend, blocks, waiting in sorted(rows):
        if blocks is not None or rule == NOBODY or (rule == FRIENDS and friend is None):
            added.refused.append(user)
        elif friend is not None:
            added.joined.append(user)
        elif waiting < INVITATIONS:
            added.invited.append(user)
        else:
            added.refused.append(user)
    return added


def invite(tx: Transaction, thread_id: int, inviter: int, users: Iterable[int], now_ms: int) -> None:
    """Store invitations; one that is there stays."""
    for user in users:
        tx.execute(
            "INSERT {ignore} INTO invitations (thread_id, user_id, inviter_id, created_at) VALUES (?, ?, ?, ?)",
            thread_id,
            user,
            inviter,
            now_ms,
        )


def enter(tx: Transaction, members: MemberList, users: Sequence[int], entry_id: int, now_ms: int) -> None:
    """Store users as members, as they are in the list after the entry by which they came.

    What was said before they came counts as read.
    """
    thread_id = members.thread_id
    rows = [
        (thread_id, user, members.roles[user], now_ms, members.first.get(user, 0), entry_id, entry_id)
        for user in users
    ]
    tx.execute_rows(
        "INSERT INTO members (thread_id, user_id, role, joined_at, first_id, delivered_id, read_id) VALUES ",
        rows,
    )
    for table in ("invitations", "join_requests"):
        tx.execute(
            f"DELETE FROM {table} WHERE thread_id = ? AND user_id IN ({numbers(users)})",  # noqa: S608
            thread_id,
        )


def settle(tx: Transaction, members: MemberList) -> None:
    """Store a list's version, rules and length in the head of its group."""
    tx.execute(
        "UPDATE threads SET members_version = ?, rules = ?, member_count = ? WHERE thread_id = ?",
        members.version,
        members.rules,
        len(members.roles),
        members.thread_id,
    )


def _group(scene: Scene) -> MemberList:
    if scene.members is None:
        raise Refused(Status.PERMISSION_DENIED, "This is no group.")
    return scene.members


def _title(tx: Transaction, scene: Scene) -> str:
    row = tx.row("SELECT title FROM threads WHERE thread_id = ?", scene.head.thread_id)
    return str(row[0]) if row is not None else ""


def _after(scene: Scene, body: dict[str, Any]) -> MemberList:
    return _group(scene).after(scene.entry_id, scene.actor, EntryKind.MEMBERSHIP, body)


def _join(
    tx: Transaction, scene: Scene, action: str, users: Sequence[int], most: int, answer: Any = None
) -> Effect:
    """Have users become members. :raises Refused: GROUP_FULL (77)."""
    demand_room(_group(scene), len(users), most)
    body = {"action": action, "users": [str(user) for user in users]}
    after = _after(scene, body)
    enter(tx, after, users, scene.entry_id, scene.now_ms)
    settle(tx, after)
    return Effect(body, members=after, answer=answer)


def demand_room(members: MemberList, more: int, most: int) -> None:
    """:raises Refused: GROUP_FULL (77), a group cannot have so many more members."""
    if len(members.roles) + more > most:
        raise Refused(Status.GROUP_FULL, f"A group has at most {most} members.")


def _part(tx: Transaction, scene: Scene, users: Sequence[int], body: dict[str, Any]) -> Effect:
    title, after = _title(tx, scene), _after(scene, body)
    tx.execute(
        f"DELETE FROM members WHERE thread_id = ? AND user_id IN ({numbers(users)})",  # noqa: S608
        scene.head.thread_id,
    )
    part(tx, users, scene.head.thread_id, scene.entry_id, scene.actor)
    if "owner" in body:
        _set_role(tx, scene, int(body["owner"]), OWNER)
    if not after.roles:  # nobody comes into a group that nobody owns
        for table in ("invitations", "join_requests", "group_links"):
            tx.execute(f"DELETE FROM {table} WHERE thread_id = ?", scene.head.thread_id)  # noqa: S608
    settle(tx, after)
    return Effect(body, members=after, answer=Parted(title, list(users)))


def _set_role(tx: Transaction, scene: Scene, user: int, role: int) -> None:
    tx.execute(
        "UPDATE members SET role = ?, muted_until = 0 WHERE thread_id = ? AND user_id = ?",
        role,
        scene.head.thread_id,
        user,
    )


class Add(msgspec.Struct, frozen=True, gc=False):
    """Add friends of an admin, and invite others. ``most`` is how many members the group may have."""

    unique_id: str
    users: list[int]
    most: int
    kind: ClassVar[EntryKind] = EntryKind.MEMBERSHIP

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`imsys.store.changes.Change`."""
        members = scene.demand_admin()
        found = sort_out(tx, scene.actor, [user for user in self.users if user not in members.roles])
        if found.refused and not (found.joined or found.invited):
            raise Refused(Status.PERMISSION_DENIED, "They do not want to be added to groups by you.")
        demand_room(members, len(found.joined), self.most)
        thread_id = scene.head.thread_id
        if found.invited:
            row = tx.row("SELECT COUNT(*) FROM invitations WHERE thread_id = ?", thread_id)
            if row is not None and row[0] + len(found.invited) > INVITED:
                raise Refused(
                    Status.TOO_MANY, f"At most {INVITED} invitations to a group wait for an answer."
                )
            invite(tx, thread_id, scene.actor, found.invited, scene.now_ms)
        answer = Added(_title(tx, scene), found.joined, found.invited, found.refused)
        if not found.joined:
            return Effect(None, answer=answer)
        return _join(tx, scene, "joined", found.joined, self.most, answer)


class Remove(msgspec.Struct, frozen=True, gc=False):
    """Remove members who have a lower role than who acts."""

    unique_id: str
    users: list[int]
    kind: ClassVar[EntryKind] = EntryKind.MEMBERSHIP

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`imsys.store.changes.Change`."""
        roles = scene.demand_admin().roles
        users = [user for user in self.users if user in roles]
        if any(roles[user] >= roles[scene.actor] for user in users):
            raise Refused(Status.PERMISSION_DENIED, "Only the owner removes an admin, and nobody the owner.")
        tx.execute(
            f"DELETE FROM invitations WHERE thread_id = ? AND user_id IN ({numbers(self.users)})",  # noqa: S608
            scene.head.thread_id,
        )
        if not users:
            return Effect(None)
        return _part(tx, scene, users, {"action": "removed", "users": [str(user) for user in users]})


class Leave(msgspec.Struct, frozen=True, gc=False):
    """Leave a group. ``hand_over``: an owner who does so is followed by the admin, else the member, who has been there
    for longest: so it is when an account is deleted.
    """

    unique_id: str
    hand_over: bool = False
    kind: ClassVar[EntryKind] = EntryKind.MEMBERSHIP

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`imsys.store.changes.Change`."""
        scene.demand_member()
        members, me = _group(scene), scene.actor
        body: dict[str, Any] = {"action": "left", "users": [str(me)]}
        if members.roles[me] == OWNER and len(members.roles) > 1:
            if not self.hand_over:
                raise Refused(Status.PERMISSION_DENIED, "The owner hands the group over before leaving it.")
            heir = tx.row(
                "SELECT user_id FROM members WHERE thread_id = ? AND user_id <> ? "
                "ORDER BY role DESC, joined_at, user_id LIMIT 1",
                scene.head.thread_id,
                me,
            )
            assert heir is not None
            body["owner"] = str(heir[0])
        return _part(tx, scene, [me], body)


class SetRole(msgspec.Struct, frozen=True, gc=False):
    """Make a member an admin or a plain member; or the owner, whom who acts was until then."""

    unique_id: str
    user: int
    role: int
    kind: ClassVar[EntryKind] = EntryKind.MEMBERSHIP

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`imsys.store.changes.Change`."""
        roles = scene.demand_admin().roles
        if roles[scene.actor] != OWNER:
            raise Refused(Status.PERMISSION_DENIED, "Only the owner of a group gives roles.")
        if self.user not in roles:
            raise no_such_member()
        if self.user == scene.actor:
            raise Refused(Status.PERMISSION_DENIED, "The owner hands over by making another one the owner.")
        if roles[self.user] == self.role:
            return Effect(None)
        if self.role == ADMIN and sum(role == ADMIN for role in roles.values()) >= ADMINS:
            raise Refused(Status.TOO_MANY, f"A group has at most {ADMINS} admins.")
        body = {"action": "role", "users": [str(self.user)], "role": self.role}
        after = _after(scene, body)
        _set_role(tx, scene, self.user, self.role)
        if self.role == OWNER:
            _set_role(tx, scene, scene.actor, ADMIN)
        settle(tx, after)
        return Effect(body, members=after)


class Mute(msgspec.Struct, frozen=True, gc=False):
    """Have a member write nothing for so many seconds from now; 0, write again."""

    unique_id: str
    user: int
    seconds: int
    kind: ClassVar[EntryKind] = EntryKind.MEMBERSHIP

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`imsys.store.changes.Change`."""
        members = scene.demand_admin()
        if self.user not in members.roles:
            raise no_such_member()
        if members.roles[self.user] > MEMBER:
            raise Refused(Status.PERMISSION_DENIED, "An admin is not muted.")
        until = scene.now_ms + self.seconds * 1000 if self.seconds else 0
        if not until and self.user not in members.muted:
            return Effect(None)
        body = {"action": "muted", "users": [str(self.user)], "until": moment(until) if until else ""}
        after = _after(scene, body)
        tx.execute(
            "UPDATE members SET muted_until = ? WHERE thread_id = ? AND user_id = ?",
            until,
            scene.head.thread_id,
            self.user,
        )
        settle(tx, after)
        return Effect(body, members=after)


class Accept(msgspec.Struct, frozen=True, gc=False):
    """Accept an invitation."""

    unique_id: str
    most: int
    kind: ClassVar[EntryKind] = EntryKind.MEMBERSHIP

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`imsys.store.changes.Change`."""
        if scene.head.kind == GROUP and scene.actor in _group(scene).roles:
            return Effect(None)
        row = tx.row(
            "SELECT inviter_id FROM invitations WHERE thread_id = ? AND user_id = ?",
            scene.head.thread_id,
            scene.actor,
        )
        if row is None:
            raise Refused(Status.PERMISSION_DENIED, "You are not invited to this group.")
        return _join(tx, scene, "joined", [scene.actor], self.most)


class JoinByLink(msgspec.Struct, frozen=True, gc=False):
    """Come by a link, or ask to be let in where that is the link's way."""

    unique_id: str
    link: bytes
    most: int
    kind: ClassVar[EntryKind] = EntryKind.MEMBERSHIP

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`imsys.store.changes.Change`."""
        thread_id, me = scene.head.thread_id, scene.actor
        row = tx.row(
            "SELECT expires_at, uses, used, approval FROM group_links WHERE link = ? AND thread_id = ?",
            self.link,
            thread_id,
        )
        if row is None or scene.head.kind != GROUP:
            raise link_invalid()
        expires_at, uses, used, approval = row
        if is_over(expires_at, uses, used, scene.now_ms):
            raise link_invalid()
        members = _group(scene)
        if me in members.roles:
            return Effect(None)
        demand_room(members, 1, self.most)
        if approval:
            return self._ask(tx, scene, members)
        tx.execute("UPDATE group_links SET used = used + 1 WHERE link = ?", self.link)
        return _join(tx, scene, "link", [me], self.most)

    def _ask(self, tx: Transaction, scene: Scene, members: MemberList) -> Effect:
        thread_id, me = scene.head.thread_id, scene.actor
        answer = Asked(_title(tx, scene), [user for user, role in members.roles.items() if role >= ADMIN])
        if tx.row("SELECT 1 FROM join_requests WHERE thread_id = ? AND user_id = ?", thread_id, me) is None:
            count = tx.row("SELECT COUNT(*) FROM join_requests WHERE thread_id = ?", thread_id)
            if count is not None and count[0] >= ASKING:
                raise Refused(Status.TOO_MANY, "Too many wait to be let into this group.")
            tx.execute("UPDATE group_links SET used = used + 1 WHERE link = ?", self.link)
            tx.execute(
                "INSERT INTO join_requests (thread_id, user_id, created_at) VALUES (?, ?, ?)",
                thread_id,
                me,
                scene.now_ms,
            )
        return Effect(None, answer=answer)


class LetIn(msgspec.Struct, frozen=True, gc=False):
    """Approve of a user who came by a link; or not, then they are not asked for any more."""

    unique_id: str
    user: int
    accept: bool
    most: int
    kind: ClassVar[EntryKind] = EntryKind.MEMBERSHIP

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`imsys.store.changes.Change`."""
        thread_id = scene.head.thread_id
        members = scene.demand_admin()
        if self.user in members.roles:
            return Effect(None)
        row = tx.row("SELECT 1 FROM join_requests WHERE thread_id = ? AND user_id = ?", thread_id, self.user)
        if row is None or not people(tx, [self.user]):
            raise Refused(Status.CREATE_GROUP_CHAT_USER_NOT_EXIST, "This user does not ask to be let in.")
        if not self.accept:
            tx.execute("DELETE FROM join_requests WHERE thread_id = ? AND user_id = ?", thread_id, self.user)
            return Effect(None)
        return _join(tx, scene, "joined", [self.user], self.most, _title(tx, scene))


class Picture(msgspec.Struct, frozen=True, gc=False):
    """A file, and its name on the wire; both empty: none."""

    file_id: bytes
    name: str


class Settings(msgspec.Struct, frozen=True, gc=False):
    """Change what a group is; ``None`` leaves as it is."""

    unique_id: str
    title: str | None = None
    description: str | None = None
    avatar: Picture | None = None
    channel: bool | None = None
    history: str | None = None
    """What a newcomer reads: ``all`` or what is said after they ``joined``."""
    kind: ClassVar[EntryKind] = EntryKind.SETTINGS

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`imsys.store.changes.Change`."""
        members = scene.demand_admin()
        body = {name: getattr(self, name) for name in ("title", "description", "channel", "history")}
        body = {name: value for name, value in body.items() if value is not None}
        if self.avatar is not None:
            body["avatar"] = self.avatar.name
        there = self._there(tx, scene, members)
        body = {name: value for name, value in body.items() if value != there[name]}
        if not body:
            return Effect(None)
        if self.avatar is not None and "avatar" in body:
            take_picture(tx, scene.actor, self.avatar, scene.head.thread_id)
            _forget_picture(tx, there["avatar"])
        tx.execute(
            "UPDATE threads SET title = COALESCE(?, title), description = COALESCE(?, description), "
            "avatar = COALESCE(?, avatar) WHERE thread_id = ?",
            self.title,
            self.description,
            body.get("avatar"),
            scene.head.thread_id,
        )
        after = members.after(scene.entry_id, scene.actor, EntryKind.SETTINGS, body)
        if after is not members:
            settle(tx, after)
        return Effect(body, members=after)

    @staticmethod
    def _there(tx: Transaction, scene: Scene, members: MemberList) -> dict[str, Any]:
        row = tx.row(
            "SELECT title, description, avatar FROM threads WHERE thread_id = ?", scene.head.thread_id
        )
        assert row is not None
        return {
            **dict(zip(("title", "description", "avatar"), row, strict=True)),
            "channel": bool(members.rules & CHANNEL),
            "history": "joined" if members.rules & FROM_JOINING else "all",
        }


def take_picture(tx: Transaction, owner: int, picture: Picture, thread_id: int) -> None:
    """Give a picture that its owner has sent for a group to this one, which forgets it when it gets another.

    :raises Refused: INVALID_FIELD (70), it is none, is not all there, or is another group's.
    """
    if picture.name:
        file = find_file(tx, picture.file_id)
        if (
            file is None
            or file.owner != owner
            or file.purpose is not Purpose.GROUP
            or file.state is not State.WHOLE
            or file.thread_id
        ):
            raise Refused(Status.INVALID_FIELD, "The avatar of a group is a picture that was sent for it.")
        tx.execute("UPDATE files SET thread_id = ? WHERE file_id = ?", thread_id, picture.file_id)


def _forget_picture(tx: Transaction, name: str) -> None:
    """Remove the picture that a group has had until now; its bytes are orphans then."""
    if name:
        delete_file(tx, urlsafe_b64decode(name + "=="))


def is_over(expires_at: int, uses: int, used: int, now_ms: int) -> bool:
    """Whether a link cannot be used any more."""
    return bool((expires_at and expires_at <= now_ms) or (uses and used >= uses))


def link_invalid() -> Refused:
    """What is said of a link that is not there, or not any more."""
    return Refused(Status.LINK_INVALID, "This link is not valid (any more).")


def no_such_member() -> Refused:
    """What is said of somebody who is not in the group."""
    return Refused(Status.CREATE_GROUP_CHAT_USER_NOT_EXIST, "This user is not in the group.")
