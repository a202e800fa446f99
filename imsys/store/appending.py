"""Append all waiting messages in one transaction.

Everything about a message is decided under the lock of its thread's head: whether the sender may write,
whether it is a resend, its id, and the id before it. So a thread has one order on any number of nodes, and no
cache can be wrong about who may write.

Two statements go over the wire: one locks and reads the heads; the other inserts, advances the heads and
commits. A server that dies between the two leaves its locks for some seconds: messages of those threads are
set aside, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from imsys.errors import Refused, Status
from imsys.store.database import Transaction
from imsys.store.dialects import hex_literal, numbers
from imsys.store.heads import FRIENDS, GROUP, PRIVATE, Head, blocked_by, lock_free_heads
from imsys.store.ids import MessageIds

TEXT = 1
"""The kind of a text message (docs/protocol.md, 2.3)."""

LOOKUP = 200
"""Unique ids looked up by one statement."""


class Draft(msgspec.Struct, frozen=True, gc=False):
    """One message before it is stored."""

    unique_id: str
    content: str
    kind: int = TEXT


class Submission(msgspec.Struct, frozen=True, gc=False):
    """The messages of one request: all of them are stored, or none."""

    sender: int
    receiver: int
    thread_id: int
    drafts: tuple[Draft, ...]


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A stored message; ``prev_id`` is the id before it in its thread, 0 for the first."""

    thread_id: int
    msg_id: int
    prev_id: int
    sender: int
    receiver: int
    kind: int
    unique_id: str
    content: str
    resent: bool = False
    """Whether it was stored before; then it has been delivered, unless the submission is ``in_doubt``."""


class Appended(msgspec.Struct, frozen=True, gc=False):
    """The result of a submission: its messages in order, and the receivers of the new ones."""

    messages: Sequence[Stored]
    receivers: Sequence[int]
    in_doubt: bool = False
    """Whether some messages may never have been delivered, since they were stored by a commit that was not
    answered, or by another process, which may have died before it delivered them. The receivers must catch
    up."""


LOCKED = Refused(
    Status.SERVER_BUSY,
    "Another server is writing in this conversation, and does not come to an end.",
    retry_after=1.0,
)
"""The result of a submission whose thread another transaction has locked: nothing is stored; try it again."""


def append(
    tx: Transaction, ids: MessageIds, submissions: Sequence[Submission], wait: bool = True
) -> list[Appended | Refused]:
    """Store the submissions and return the result of each; it may run again after its own commit.

    :param wait: whether to wait a moment for other writers of these threads, before the result is
        :data:`LOCKED`.
    """
    heads, locked = lock_free_heads(tx, {submission.thread_id for submission in submissions}, wait=wait)
    if not locked:
        return _append(tx, ids, heads, submissions)
    free = [submission for submission in submissions if submission.thread_id not in locked]
    done = iter(_append(tx, ids, heads, free) if free else ())
    return [LOCKED if submission.thread_id in locked else next(done) for submission in submissions]


def _append(
    tx: Transaction, ids: MessageIds, heads: dict[int, Head], submissions: Sequence[Submission]
) -> list[Appended | Refused]:
    groups = _group_members(tx, [head.thread_id for head in heads.values() if head.kind == GROUP])
    allowed = [_receivers(heads.get(submission.thread_id), groups, submission) for submission in submissions]
    suspicious = [
        s for s, receivers in zip(submissions, allowed, strict=True) if isinstance(receivers, Refused)
    ]
    known = _find_resent(tx, suspicious) if suspicious else {}
    before = {head.thread_id: head.last_msg_id for head in heads.values()}
    results, new = _assign(ids, heads, submissions, allowed, known)
    if new:
        try:
            _write(tx, new, _moved(heads, before), commit=True)
        except Exception as error:
            if not tx.is_duplicate(error):
                raise
            for head in heads.values():
                head.last_msg_id = before[head.thread_id]
            known = _find_resent(tx, submissions)
            results, new = _assign(ids, heads, submissions, allowed, known)
            if new:
                _write(tx, new, _moved(heads, before), commit=True)
    if known or tx.in_doubt:
        for index, result in enumerate(results):
            if isinstance(result, Appended) and (tx.in_doubt or _stored_elsewhere(ids, result)):
                one = submissions[index]
                receivers = result.receivers or _others(heads.get(one.thread_id), groups, one.sender)
                results[index] = replace(result, in_doubt=True, receivers=receivers)
    return results


def _stored_elsewhere(ids: MessageIds, appended: Appended) -> bool:
    return any(message.resent and not ids.made(message.msg_id) for message in appended.messages)


def append_from_server(
    tx: Transaction, ids: MessageIds, head: Head, texts: Iterable[tuple[int, int, str]]
) -> list[Stored]:
    """Append texts of (sender, receiver, content) to a thread whose head is locked, inside another
    transaction.
    """
    stored = []
    for sender, receiver, content in texts:
        stored.append(_next(ids, head, sender, receiver, Draft("", content)))
    _write(tx, stored, [head])
    return stored


def _receivers(
    head: Head | None, groups: dict[int, list[int]], submission: Submission
) -> tuple[int, ...] | Refused:
    """Return the receivers of a submission, or why it is refused."""
    sender, receiver = submission.sender, submission.receiver
    if head is None:
        return _not_a_member()
    if head.kind != PRIVATE:
        members = groups.get(head.thread_id, ())
        return (
            tuple(member for member in members if member != sender) if sender in members else _not_a_member()
        )
    if sender not in (head.low, head.high):
        return _not_a_member()
    if receiver != head.low + head.high - sender:
        return Refused(Status.PERMISSION_DENIED, "The receiver is not the other member of the thread.")
    if head.flags != FRIENDS:
        if head.flags & blocked_by(head.low, receiver):
            return Refused(Status.BLOCKED, "This user does not want to hear from you.")
        if not head.flags & FRIENDS:
            return Refused(Status.NOT_FRIENDS, "You are not friends.")
    return (receiver,)


def _others(head: Head | None, groups: dict[int, list[int]], sender: int) -> tuple[int, ...]:
    """Return the members of a thread except one, even if they may not write there."""
    if head is None:
        return ()
    members = groups.get(head.thread_id, ()) if head.kind != PRIVATE else (head.low, head.high)
    return tuple(member for member in members if member != sender)


def _not_a_member() -> Refused:
    return Refused(Status.PERMISSION_DENIED, "Only its members may write in a thread.")


def _group_members(tx: Transaction, thread_ids: Sequence[int]) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    if thread_ids:
        for thread_id, user in tx.rows(
            f"SELECT thread_id, user_id FROM members WHERE thread_id IN ({numbers(thread_ids)})"  # noqa: S608
        ):
            members.setdefault(thread_id, []).append(user)
    return members


Resent = dict[tuple[int, str], Stored]


def _assign(
    ids: MessageIds,
    heads: dict[int, Head],
    submissions: Sequence[Submission],
    allowed: Sequence[tuple[int, ...] | Refused],
    known: Resent,
) -> tuple[list[Appended | Refused], list[Stored]]:
    """Give ids to new messages; a resend gets its former id, even if the sender may not write any more."""
    results: list[Appended | Refused] = []
    new: list[Stored] = []
    given: Resent = dict(known)
    for submission, receivers in zip(submissions, allowed, strict=True):
        sender = submission.sender
        if isinstance(receivers, Refused):
            old = [given.get((sender, draft.unique_id)) for draft in submission.drafts]
            results.append(
                Appended([replace(one, resent=True) for one in old if one], ()) if all(old) else receivers
            )
            continue
        messages = []
        for draft in submission.drafts:
            key = sender, draft.unique_id
            if (stored := given.get(key)) is None:
                given[key] = stored = _next(
                    ids, heads[submission.thread_id], sender, submission.receiver, draft
                )
                new.append(stored)
            else:
                stored = replace(stored, resent=True)
            messages.append(stored)
        results.append(Appended(messages, receivers))
    return results, new


def _next(ids: MessageIds, head: Head, sender: int, receiver: int, draft: Draft) -> Stored:
    prev_id = head.last_msg_id
    head.last_msg_id = msg_id = ids.next(prev_id)
    return Stored(
        head.thread_id, msg_id, prev_id, sender, receiver, draft.kind, draft.unique_id, draft.content
    )


def _find_resent(tx: Transaction, submissions: Sequence[Submission]) -> Resent:
    """Find the messages of these submissions that are stored already, by sender and unique id."""
    wanted = {(one.sender, draft.unique_id): (one, draft) for one in submissions for draft in one.drafts}
    keys = list(wanted)
    found: Resent = {}
    for start in range(0, len(keys), LOOKUP):
        either = " OR ".join(
            f"(sender_id = {numbers((sender,))} AND unique_id = {hex_literal(unique_id.encode())})"
            for sender, unique_id in keys[start : start + LOOKUP]
        )
        rows = tx.rows_literal(
            f"SELECT thread_id, msg_id, sender_id, unique_id, kind FROM messages WHERE {either}"  # noqa: S608
        )
        for thread_id, msg_id, sender, unique_id, kind in rows:
            prev = tx.row(
                "SELECT MAX(msg_id) FROM messages WHERE thread_id = ? AND msg_id < ?", thread_id, msg_id
            )
            prev_id = prev[0] or 0 if prev is not None else 0
            key = sender, bytes(unique_id).decode()
            submission, draft = wanted[key]
            found[key] = Stored(
                thread_id,
                msg_id,
                prev_id,
                sender,
                submission.receiver,
                kind,
                draft.unique_id,
                draft.content,
                resent=True,
            )
    return found


def _moved(heads: dict[int, Head], before: dict[int, int]) -> list[Head]:
    return [head for head in heads.values() if head.last_msg_id != before[head.thread_id]]


_MESSAGES = "INSERT INTO messages (thread_id, msg_id, sender_id, kind, unique_id, content) VALUES "
_HEADS = "INSERT INTO threads (thread_id, last_msg_id) VALUES "
_MOVE = " ON DUPLICATE KEY UPDATE last_msg_id = VALUES(last_msg_id)"


def _write(
    tx: Transaction, messages: Sequence[Stored], heads: Sequence[Head], *, commit: bool = False
) -> None:
    """Insert messages and advance heads, all or nothing, in as few statements as possible.

    MySQL gets literals, since its drivers escape parameters one by one in Python; SQLite gets parameters.
    """
    if tx.dialect.name == "sqlite":
        rows = [
            (
                m.thread_id,
                m.msg_id,
                m.sender,
                m.kind,
                m.unique_id.encode() if m.unique_id else None,
                m.content,
            )
            for m in messages
        ]
        tx.execute("SAVEPOINT all_or_none")
        try:
            tx.execute_rows(_MESSAGES, rows)
        except Exception as error:
            # after others, such as a full disk, there may be no transaction any more
            if tx.is_duplicate(error):
                tx.execute("ROLLBACK TO all_or_none")
            raise
        moved = " ON CONFLICT (thread_id) DO UPDATE SET last_msg_id = excluded.last_msg_id"
        tx.execute_rows(_HEADS, [(head.thread_id, head.last_msg_id) for head in heads], moved)
        return
    # safe as literals: %d takes only numbers, and hex() returns only hexadecimal digits
    contents = [
        "(%d,%d,%d,%d,%s,x'%s')"  # noqa: UP031
        % (
            m.thread_id,
            m.msg_id,
            m.sender,
            m.kind,
            f"x'{m.unique_id.encode().hex()}'" if m.unique_id else "NULL",
            m.content.encode().hex(),
        )
        for m in messages
    ]
    moves = ["(%d,%d)" % (head.thread_id, head.last_msg_id) for head in heads]  # noqa: UP031
    most = tx.dialect.most_bytes
    statements = [*_fitting(_MESSAGES, contents, "", most), *_fitting(_HEADS, moves, _MOVE, most)]
    if not commit:
        for statement in statements:
            tx.execute_literal(statement)
    elif sum(map(len, statements)) + 16 <= most:
        tx.commit_with(*statements)
    else:
        tx.execute_literal("SAVEPOINT all_or_none")
        try:
            for statement in statements:
                tx.execute_literal(statement)
        except Exception as error:
            if tx.is_duplicate(error):
                tx.execute_literal("ROLLBACK TO all_or_none")
            raise
        tx.commit_with()


def _fitting(start: str, values: Sequence[str], end: str, most: int) -> list[str]:
    """Build the statements for these values, each of at most ``most`` bytes (``max_allowed_packet``)."""
    whole = start + ",".join(values) + end
    if len(whole) <= most:
        return [whole]
    statements = []
    some: list[str] = []
    room = 0
    for value in values:
        if some and room < len(value) + 1:
            statements.append(start + ",".join(some) + end)
            some = []
        if not some:
            room = most - len(start) - len(end)
        some.append(value)
        room -= len(value) + 1
    return [*statements, start + ",".join(some) + end]
