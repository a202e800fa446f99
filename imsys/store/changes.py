"""Changes to a conversation: entries of its log that are no messages.

A change is decided under the lock of the thread's head, and takes effect in the transaction that appends its
entry. So what it says and what it did become durable together, in one order with the messages.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import msgspec
from msgspec.structs import replace

from imsys.errors import Refused, Status
from imsys.store.database import Transaction
from imsys.store.dialects import numbers
from imsys.store.heads import FRIENDS, PRIVATE, Head, blocked_by
from imsys.store.ids import ms_of
from imsys.store.members import ADMIN, CHANNEL, MemberList, not_a_member
from imsys.store.mentions import mention_anew, mentioned

TEXT = 1
"""The kind of a text message (docs/protocol.md, 2.3)."""

RECALLED = 2
"""The status of a message whose content is gone."""

REACTIONS = 20
"""Different reactions to a message, at most."""

PINS = 100
"""Pinned messages of a thread, at most."""


class EntryKind(enum.IntEnum):
    """The kinds of entries that are no messages (docs/protocol.md, 2.6)."""

    EDIT = 16
    RECALL = 17
    REACTION = 18
    PIN = 19
    MEMBERSHIP = 20
    SETTINGS = 21


class Scene(msgspec.Struct, frozen=True, gc=False):
    """What a change is decided by: the locked head, the members (of a group), who acts, and the new entry's id."""

    head: Head
    members: MemberList | None
    actor: int
    entry_id: int

    @property
    def now_ms(self) -> int:
        """The time of the entry, in ms since 1970."""
        return ms_of(self.entry_id)

    @property
    def is_admin(self) -> bool:
        """Whether who acts is an admin, or the owner, of a group."""
        return self.members is not None and self.members.roles.get(self.actor, 0) >= ADMIN

    def demand_admin(self) -> MemberList:
        """Return the members of the group that who acts is an admin of.

        :raises Refused: PERMISSION_DENIED (65), who acts is none, or it is no group.
        """
        if self.members is None:
            raise Refused(Status.PERMISSION_DENIED, "This is no group.")
        if not self.is_admin:
            raise Refused(Status.PERMISSION_DENIED, "Only admins of a group may do this.")
        return self.members

    def demand_member(self) -> None:
        """:raises Refused: PERMISSION_DENIED (65), who acts is no member."""
        head = self.head
        if self.actor not in (self.members.roles if self.members is not None else (head.low, head.high)):
            raise not_a_member()

    def demand_writer(self) -> None:
        """:raises Refused: PERMISSION_DENIED (65), READ_ONLY (80), MUTED (79), NOT_FRIENDS (66), BLOCKED (76): who
        acts may not write here.
        """
        self._demand(self.members)

    def demand_reactor(self) -> None:
        """:raises Refused: as :meth:`demand_writer`, but in a channel, where all members react."""
        members = self.members
        self._demand(None if members is None else replace(members, rules=members.rules & ~CHANNEL))

    def _demand(self, members: MemberList | None) -> None:
        refused = may_write(self.head, members, self.actor, self.now_ms)
        if refused is not None:
            raise refused


class Effect(msgspec.Struct, frozen=True, gc=False):
    """What a change did: the body of its entry as it is stored, what else its push says, and the members after it
    where it changed them.

    Without a body it changed nothing, and there is no entry.
    """

    body: dict[str, Any] | None
    told: dict[str, Any] = {}
    members: MemberList | None = None
    answer: Any = None
    """What else who acts is told; see :attr:`imsys.store.appending.Appended.answer`."""


class Change(Protocol):
    """One change, as it was asked for."""

    @property
    def kind(self) -> EntryKind:
        """The kind of its entry."""
        ...

    @property
    def unique_id(self) -> str:
        """Made up by the client, so that a repetition is recognised."""
        ...

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """Decide, then carry it out. What raises must not have written anything.

        :raises Refused: it may not be, or cannot be.
        """
        ...


def may_write(head: Head | None, members: MemberList | None, user: int, now_ms: int) -> Refused | None:
    """Why a user may not write in a thread; ``members`` is ``None`` in a private one."""
    if head is None:
        return not_a_member()
    if members is not None:
        return members.may_write(user, now_ms)
    if head.kind != PRIVATE or user not in (head.low, head.high):
        return not_a_member()
    if head.flags != FRIENDS:
        if head.flags & blocked_by(head.low, head.low + head.high - user):
            return Refused(Status.BLOCKED, "This user does not want to hear from you.")
        if not head.flags & FRIENDS:
            return Refused(Status.NOT_FRIENDS, "You are not friends.")
    return None


def no_message() -> Refused:
    """What is said of a message that is not there, or not any more."""
    return Refused(Status.CHATRECORD_NOT_EXIST, "There is no such message in this thread.")


class _Target(msgspec.Struct, frozen=True, gc=False):
    msg_id: int
    sender: int
    kind: int
    status: int


def _targets(tx: Transaction, scene: Scene, ids: Sequence[int]) -> list[_Target]:
    """The messages of these ids that the actor may read and that are not recalled.

    :raises Refused: CHATRECORD_NOT_EXIST (24), one of them is none.
    """
    first = scene.members.first.get(scene.actor, 0) if scene.members is not None else 0
    rows = tx.rows(
        "SELECT msg_id, sender_id, kind, status FROM messages "  # noqa: S608
        f"WHERE thread_id = ? AND msg_id IN ({numbers(ids)}) ORDER BY msg_id",
        scene.head.thread_id,
    )
    found = [_Target(*row) for row in rows]
    if len(found) < len(set(ids)) or any(one.status == RECALLED or one.msg_id < first for one in found):
        raise no_message()
    return found


class Edit(msgspec.Struct, frozen=True, gc=False):
    """Replace a text of one's own. ``extra`` is what is stored beside it; ``window`` in seconds."""

    unique_id: str
    target: int
    content: str
    mentions: list[str] | str | None
    window: float
    kind: ClassVar[EntryKind] = EntryKind.EDIT

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`Change`."""
        scene.demand_writer()
        (target,) = _targets(tx, scene, [self.target])
        if target.sender != scene.actor:
            raise Refused(Status.PERMISSION_DENIED, "Only its author edits a message.")
        if target.kind != TEXT:
            raise Refused(Status.INVALID_FIELD, "Only texts are edited.")
        if scene.now_ms - ms_of(target.msg_id) > self.window * 1000:
            raise Refused(Status.TOO_LATE, "It is too late to edit this message.")
        row = tx.row(
            "SELECT extra FROM messages WHERE thread_id = ? AND msg_id = ?",
            scene.head.thread_id,
            target.msg_id,
        )
        extra: dict[str, Any] = msgspec.json.decode(row[0]) if row is not None and row[0] else {}
        if "forward" in extra:  # these are the words of another one
            raise Refused(Status.INVALID_FIELD, "A text that was forwarded is not edited.")
        extra.pop("mentions", None)
        if self.mentions:
            extra["mentions"] = self.mentions
        tx.execute(
            "UPDATE messages SET content = ?, edited_at = ?, extra = ? WHERE thread_id = ? AND msg_id = ?",
            self.content,
            scene.now_ms,
            msgspec.json.encode(extra).decode() if extra else None,
            scene.head.thread_id,
            target.msg_id,
        )
        mention_anew(tx, scene.head.thread_id, target.msg_id, mentioned(self.mentions))
        told: dict[str, Any] = {"content": self.content}
        if self.mentions:
            told["mentions"] = self.mentions
        return Effect({"target": str(target.msg_id)}, told)


class Recall(msgspec.Struct, frozen=True, gc=False):
    """Take messages back: their content is gone. ``window`` in seconds."""

    unique_id: str
    targets: list[int]
    window: float
    kind: ClassVar[EntryKind] = EntryKind.RECALL

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`Change`."""
        scene.demand_member()
        targets = _targets(tx, scene, self.targets)
        if not scene.is_admin:
            if any(target.sender != scene.actor for target in targets):
                raise Refused(Status.PERMISSION_DENIED, "Only its author recalls a message.")
            if any(scene.now_ms - ms_of(target.msg_id) > self.window * 1000 for target in targets):
                raise Refused(Status.TOO_LATE, "It is too late to recall this message.")
        thread_id = scene.head.thread_id
        empty(tx, thread_id, [target.msg_id for target in targets])
        # their files go with what expires: here they would be waited for under the lock of the head
        carried = [(thread_id, target.msg_id, scene.now_ms) for target in targets if target.kind > TEXT]
        if carried:
            tx.execute_rows("INSERT INTO expiring (thread_id, msg_id, due_at) VALUES ", carried)
        return Effect({"targets": [str(target.msg_id) for target in targets]})


def empty(tx: Transaction, thread_id: int, msg_ids: Sequence[int]) -> None:
    """Remove what messages said, and what others attached to them; that they were is kept."""
    among = f"thread_id = ? AND msg_id IN ({numbers(msg_ids)})"
    tx.execute(
        f"UPDATE messages SET status = {RECALLED}, content = '', extra = NULL WHERE {among}",  # noqa: S608
        thread_id,
    )
    tx.execute(f"DELETE FROM reactions WHERE {among}", thread_id)  # noqa: S608
    tx.execute(f"DELETE FROM pins WHERE {among}", thread_id)  # noqa: S608
    tx.execute(f"DELETE FROM mentions WHERE {among}", thread_id)  # noqa: S608
    tx.execute(f"DELETE FROM expiring WHERE {among}", thread_id)  # noqa: S608


class React(msgspec.Struct, frozen=True, gc=False):
    """Put a reaction to a message, or take it away."""

    unique_id: str
    target: int
    emoji: str
    on: bool
    kind: ClassVar[EntryKind] = EntryKind.REACTION

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`Change`."""
        if self.on:
            scene.demand_reactor()
        else:
            scene.demand_member()
        (target,) = _targets(tx, scene, [self.target])
        emoji = self.emoji.encode()
        where = scene.head.thread_id, target.msg_id
        mine = tx.row(
            "SELECT 1 FROM reactions WHERE thread_id = ? AND msg_id = ? AND emoji = ? AND user_id = ?",
            *where,
            emoji,
            scene.actor,
        )
        if (mine is not None) == self.on:
            return Effect(None)
        if self.on:
            there = tx.rows("SELECT DISTINCT emoji FROM reactions WHERE thread_id = ? AND msg_id = ?", *where)
            if len(there) >= REACTIONS and all(bytes(one) != emoji for (one,) in there):
                raise Refused(Status.TOO_MANY, f"A message has at most {REACTIONS} different reactions.")
            tx.execute(
                "INSERT INTO reactions (thread_id, msg_id, emoji, user_id) VALUES (?, ?, ?, ?)",
                *where,
                emoji,
                scene.actor,
            )
        else:
            tx.execute(
                "DELETE FROM reactions WHERE thread_id = ? AND msg_id = ? AND emoji = ? AND user_id = ?",
                *where,
                emoji,
                scene.actor,
            )
        return Effect({"target": str(target.msg_id), "emoji": self.emoji, "on": self.on})


class Pin(msgspec.Struct, frozen=True, gc=False):
    """Pin a message, or take it down."""

    unique_id: str
    target: int
    on: bool
    kind: ClassVar[EntryKind] = EntryKind.PIN

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`Change`."""
        scene.demand_writer()
        if scene.members is not None and not scene.is_admin:
            raise Refused(Status.PERMISSION_DENIED, "Only admins pin messages in a group.")
        (target,) = _targets(tx, scene, [self.target])
        thread_id = scene.head.thread_id
        pinned = tx.row("SELECT 1 FROM pins WHERE thread_id = ? AND msg_id = ?", thread_id, target.msg_id)
        if (pinned is not None) == self.on:
            return Effect(None)
        if self.on:
            count = tx.row("SELECT COUNT(*) FROM pins WHERE thread_id = ?", thread_id)
            if count is not None and count[0] >= PINS:
                raise Refused(Status.TOO_MANY, f"A thread has at most {PINS} pinned messages.")
            tx.execute(
                "INSERT INTO pins (thread_id, msg_id, entry_id) VALUES (?, ?, ?)",
                thread_id,
                target.msg_id,
                scene.entry_id,
            )
        else:
            tx.execute("DELETE FROM pins WHERE thread_id = ? AND msg_id = ?", thread_id, target.msg_id)
        return Effect({"target": str(target.msg_id), "on": self.on})


class SetTimer(msgspec.Struct, frozen=True, gc=False):
    """Have messages of a thread expire so many seconds after they were written; 0, never. Those before stay as they are."""

    unique_id: str
    seconds: int
    kind: ClassVar[EntryKind] = EntryKind.SETTINGS

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`Change`."""
        scene.demand_writer()
        if scene.members is not None and not scene.is_admin:
            raise Refused(Status.PERMISSION_DENIED, "Only admins set the timer of a group.")
        head = scene.head
        if head.timer == self.seconds:
            return Effect(None)
        tx.execute("UPDATE threads SET timer = ? WHERE thread_id = ?", self.seconds, head.thread_id)
        head.timer = self.seconds  # of what is written in the same transaction, too
        return Effect({"timer": self.seconds})
