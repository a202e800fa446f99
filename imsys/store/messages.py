"""Messages: one transaction for all that wait, and pages of what is stored.

Appending decides everything about a message under the lock of its thread's
head: whether the sender may write, whether it is a resend, its id, and what
came before it. So one order holds in a thread, on however many nodes, and no
cache can be wrong about who may write.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from imsys.errors import Refused, Status
from imsys.store.database import Database, Row, Transaction
from imsys.store.dialects import hex_literal, numbers
from imsys.store.heads import FRIENDS, GROUP, PRIVATE, Head, blocked_by, lock_heads
from imsys.store.ids import LARGEST, MessageIds

TEXT = 1
"""The kind of a text message (wire protocol, section 4)."""


LOOKUP = 200
"""Unique ids that one statement looks for."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One message before it is stored."""

    unique_id: str
    content: str
    kind: int = TEXT


@dataclass(frozen=True, slots=True)
class Submission:
    """What one request wants to have stored: all of it, or none."""

    sender: int
    receiver: int
    thread_id: int
    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """One message that is durable; ``prev_id`` is the id before it in its thread, 0 for the first."""

    thread_id: int
    msg_id: int
    prev_id: int
    sender: int
    receiver: int
    kind: int
    unique_id: str
    content: str
    resent: bool = False
    """Whether it had been stored before; then it has been delivered, unless the whole is ``in_doubt``."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a submission: its messages in order, and who is to get those that are new."""

    messages: Sequence[Stored]
    receivers: Sequence[int]
    in_doubt: bool = False
    """Whether some may have been stored a moment ago by a commit that was not answered, and so were never delivered."""


@dataclass(frozen=True, slots=True)
class Record:
    """One message of the history; ``receiver`` is 0 in a group; ``status``: 0 unread, 1 read, 2 revoked."""

    thread_id: int
    msg_id: int
    sender: int
    receiver: int
    kind: int
    status: int
    content: str


class MessageStore:
    """The table ``messages``, and the heads of its threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, ids: MessageIds, submissions: Sequence[Submission]) -> list[Appended | Refused]:
        """Store what may be stored, in one transaction, and say what became of each submission.

        :raises Unavailable: the database did not answer; running it again is harmless.
        """
        return await self._database.append(append, ids, submissions)

    async def page(self, user: int, thread_id: int, after: int, limit: int) -> list[Record]:
        """Records with ids above ``after``, ascending. :raises Refused: 65, not a member."""
        return await self._database.read(self._page, user, thread_id, after, LARGEST, limit, "ASC")

    async def page_before(self, user: int, thread_id: int, before: int, limit: int) -> list[Record]:
        """The records just below ``before`` (0: the newest), ascending. :raises Refused: 65, not a member."""
        return await self._database.read(self._page, user, thread_id, 0, before or LARGEST, limit, "DESC")

    @staticmethod
    def _page(tx: Transaction, user: int, thread_id: int, after: int, before: int, limit: int, direction: str) -> list[Record]:
        marks = _marks(tx, user, thread_id)
        rows = tx.rows(
            "SELECT msg_id, sender_id, kind, status, content FROM messages "  # noqa: S608 (a constant)
            f"WHERE thread_id = ? AND msg_id > ? AND msg_id < ? ORDER BY msg_id {direction} LIMIT ?",
            thread_id,
            after,
            before,
            limit,
        )
        if direction == "DESC":
            rows.reverse()
        return [_record(thread_id, marks, row) for row in rows]


def _marks(tx: Transaction, user: int, thread_id: int) -> dict[int, int]:
    """How far each member of a private thread has read it; of a group only ``user``'s own mark."""
    head = tx.row("SELECT kind, low_id, high_id FROM threads WHERE thread_id = ?", thread_id)
    who = [user] if head is None or head[0] != PRIVATE else [head[1], head[2]]
    marks: dict[int, int] = dict(
        tx.rows(f"SELECT user_id, read_id FROM members WHERE thread_id = ? AND user_id IN ({numbers(who)})", thread_id)  # noqa: S608
    )
    if user not in marks:
        raise Refused(Status.PERMISSION_DENIED, "Only its members may read a thread.")
    return marks


def _record(thread_id: int, marks: dict[int, int], row: Row) -> Record:
    msg_id, sender, kind, status, content = row
    others = [user for user in marks if user != sender]
    if status == 0 and others and all(marks[user] >= msg_id for user in others):
        status = 1
    return Record(thread_id, msg_id, sender, others[0] if len(marks) == 2 and others else 0, kind, status, content)


def append(tx: Transaction, ids: MessageIds, submissions: Sequence[Submission]) -> list[Appended | Refused]:
    """The transaction of :meth:`MessageStore.append`; it may run again after its own commit."""
    heads = lock_heads(tx, {submission.thread_id for submission in submissions})
    groups = _group_members(tx, [head.thread_id for head in heads.values() if head.kind == GROUP])
    allowed = [_receivers(heads.get(submission.thread_id), groups, submission) for submission in submissions]
    suspicious = [s for s, receivers in zip(submissions, allowed, strict=True) if isinstance(receivers, Refused)]
    known = _find_resent(tx, suspicious) if suspicious else {}
    before = {head.thread_id: head.last_msg_id for head in heads.values()}
    results, new = _assign(ids, heads, submissions, allowed, known)
    if new:
        try:
            _insert(tx, new)
        except Exception as error:
            if not tx.is_duplicate(error):
                raise
            for head in heads.values():
                head.last_msg_id = before[head.thread_id]
            known = _find_resent(tx, submissions)
            results, new = _assign(ids, heads, submissions, allowed, known)
            _insert(tx, new)
        _move_heads(tx, [head for head in heads.values() if head.last_msg_id != before[head.thread_id]])
    if tx.in_doubt:
        results = [replace(result, in_doubt=True) if isinstance(result, Appended) else result for result in results]
    return results


def append_from_server(tx: Transaction, ids: MessageIds, head: Head, texts: Iterable[tuple[int, int, str]]) -> list[Stored]:
    """Append texts of (sender, receiver, content) to a thread whose head is locked, inside another transaction."""
    stored = []
    for sender, receiver, content in texts:
        stored.append(_next(ids, head, sender, receiver, Draft("", content)))
    _insert(tx, stored)
    _move_heads(tx, [head])
    return stored


def _receivers(head: Head | None, groups: dict[int, list[int]], submission: Submission) -> list[int] | Refused:
    """Who gets the messages of a submission, or why nobody does."""
    sender = submission.sender
    members = [] if head is None else groups.get(head.thread_id, []) if head.kind == GROUP else [head.low, head.high]
    if head is None or sender not in members:
        return Refused(Status.PERMISSION_DENIED, "Only its members may write in a thread.")
    others = [member for member in members if member is not None and member != sender]
    if head.kind == PRIVATE:
        other = others[0]
        if submission.receiver != other:
            return Refused(Status.PERMISSION_DENIED, "The receiver is not the other member of the thread.")
        assert head.low is not None
        if head.flags & blocked_by(head.low, other):
            return Refused(Status.BLOCKED, "This user does not want to hear from you.")
        if not head.flags & FRIENDS:
            return Refused(Status.NOT_FRIENDS, "You are not friends.")
    return others


def _group_members(tx: Transaction, thread_ids: Sequence[int]) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    if thread_ids:
        for thread_id, user in tx.rows(f"SELECT thread_id, user_id FROM members WHERE thread_id IN ({numbers(thread_ids)})"):  # noqa: S608
            members.setdefault(thread_id, []).append(user)
    return members


Resent = dict[tuple[int, bytes], Stored]


def _assign(
    ids: MessageIds,
    heads: dict[int, Head],
    submissions: Sequence[Submission],
    allowed: Sequence[list[int] | Refused],
    known: Resent,
) -> tuple[list[Appended | Refused], list[Stored]]:
    """Give ids to everything that is new; a resend gets what it got before, even where writing is refused by now."""
    results: list[Appended | Refused] = []
    new: list[Stored] = []
    given: Resent = dict(known)
    for submission, receivers in zip(submissions, allowed, strict=True):
        if isinstance(receivers, Refused):
            old = [given.get((submission.sender, draft.unique_id.encode())) for draft in submission.drafts]
            results.append(Appended([one for one in old if one], ()) if all(old) else receivers)
            continue
        messages = []
        for draft in submission.drafts:
            key = submission.sender, draft.unique_id.encode()
            if (stored := given.get(key)) is None:
                stored = _next(ids, heads[submission.thread_id], submission.sender, submission.receiver, draft)
                new.append(stored)
                given[key] = _as_resent(stored)
            messages.append(stored)
        results.append(Appended(messages, receivers))
    return results, new


def _next(ids: MessageIds, head: Head, sender: int, receiver: int, draft: Draft) -> Stored:
    prev_id = head.last_msg_id
    head.last_msg_id = ids.next(prev_id)
    return Stored(head.thread_id, head.last_msg_id, prev_id, sender, receiver, draft.kind, draft.unique_id, draft.content)


def _as_resent(message: Stored) -> Stored:
    return Stored(
        message.thread_id,
        message.msg_id,
        message.prev_id,
        message.sender,
        message.receiver,
        message.kind,
        message.unique_id,
        message.content,
        resent=True,
    )


def _find_resent(tx: Transaction, submissions: Sequence[Submission]) -> Resent:
    """What of these submissions is stored already, by sender and unique id."""
    wanted = {(one.sender, draft.unique_id.encode()): (one, draft) for one in submissions for draft in one.drafts}
    keys = list(wanted)
    found: Resent = {}
    for start in range(0, len(keys), LOOKUP):
        either = " OR ".join(
            f"(sender_id = {numbers((sender,))} AND unique_id = {hex_literal(unique_id)})"
            for sender, unique_id in keys[start : start + LOOKUP]
        )
        rows = tx.rows_literal(f"SELECT thread_id, msg_id, sender_id, unique_id, kind FROM messages WHERE {either}")  # noqa: S608
        for thread_id, msg_id, sender, unique_id, kind in rows:
            prev = tx.row("SELECT MAX(msg_id) FROM messages WHERE thread_id = ? AND msg_id < ?", thread_id, msg_id)
            prev_id = prev[0] or 0 if prev is not None else 0
            submission, draft = wanted[sender, bytes(unique_id)]
            found[sender, bytes(unique_id)] = Stored(
                thread_id, msg_id, prev_id, sender, submission.receiver, kind, draft.unique_id, draft.content, resent=True
            )
    return found


def _insert(tx: Transaction, messages: Sequence[Stored]) -> None:
    """One statement for all of them; literals on MySQL, where parameters would be escaped one by one in Python."""
    if not messages:
        return
    start = "INSERT INTO messages (thread_id, msg_id, sender_id, kind, unique_id, content) VALUES "
    if tx.dialect.name == "sqlite":
        rows = [(m.thread_id, m.msg_id, m.sender, m.kind, m.unique_id.encode() if m.unique_id else None, m.content) for m in messages]
        tx.execute("SAVEPOINT all_or_none")  # each row is a statement of its own here
        try:
            tx.execute_many(start + "(?, ?, ?, ?, ?, ?)", rows)
        except Exception:
            tx.execute("ROLLBACK TO all_or_none")
            raise
        return
    values = ",".join(
        f"({numbers((m.thread_id, m.msg_id, m.sender, m.kind))},"
        f"{hex_literal(m.unique_id.encode()) if m.unique_id else 'NULL'},{hex_literal(m.content.encode())})"
        for m in messages
    )
    tx.execute_literal(start + values)


def _move_heads(tx: Transaction, heads: Sequence[Head]) -> None:
    if not heads:
        return
    if tx.dialect.name == "sqlite":
        tx.execute_many("UPDATE threads SET last_msg_id = ? WHERE thread_id = ?", [(head.last_msg_id, head.thread_id) for head in heads])
        return
    values = ",".join(f"({numbers((head.thread_id, head.last_msg_id))})" for head in heads)
    tx.execute_literal(
        f"INSERT INTO threads (thread_id, last_msg_id) VALUES {values} ON DUPLICATE KEY UPDATE last_msg_id = VALUES(last_msg_id)"  # noqa: S608
    )
