"""Append all waiting messages in one transaction.

Everything about a message is decided under the lock of its thread's head: whether the sender may write,
whether it is a resend, its id, and the id before it. So a thread has one order on any number of nodes, and no
cache can be wrong about who may write.

Two statements go over the wire: one locks and reads the heads; the other inserts, advances the heads and
commits. A server that dies between the two leaves its locks for some seconds: messages of those threads are
set aside, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import groupby
from typing import Any

import msgspec
from msgspec.structs import replace

from imsys.errors import Refused, Status
from imsys.store.beside import beside, with_expiry
from imsys.store.changes import TEXT, Change, Scene, may_write, no_message
from imsys.store.database import Transaction
from imsys.store.dialects import hex_literal, numbers
from imsys.store.heads import (
    FRIENDS,
    GROUP,
    PRIVATE,
    Head,
    advance,
    lock_free_heads,
    lock_heads,
    turn_after,
)
from imsys.store.ids import MessageIds, ms_of
from imsys.store.inserts import fitting
from imsys.store.members import JOINED, MEMBERSHIP, MemberList, MemberLists, not_a_member
from imsys.store.numbering import number
from imsys.store.sqlite_process import Step

LOOKUP = 200
"""Unique ids looked up by one statement."""


class Draft(msgspec.Struct, frozen=True, gc=False):
    """One message before it is stored."""

    unique_id: str
    content: str
    kind: int = TEXT
    extra: str | None = None
    """What else the message says, as JSON of the wire: ``reply_to``, ``mentions``, ``forward``."""
    reply_to: int = 0
    """The message of the thread that it answers, which must be there."""
    mentions: tuple[int, ...] = ()
    """The users whom it mentions; :data:`imsys.store.mentions.EVERYBODY`."""
    expires: int = 0
    """Seconds after which it expires, 0 never; the thread's timer may be shorter."""


class Submission(msgspec.Struct, frozen=True, gc=False):
    """The messages of one request: all of them are stored, or none. Or one change to the conversation."""

    sender: int
    receiver: int
    thread_id: int
    drafts: tuple[Draft, ...]
    change: Change | None = None
    answers: bool = False
    """Whether one of the messages has ``reply_to``."""


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
    """Of an entry that is no message: its body, as JSON."""
    resent: bool = False
    """Whether it was stored before; then it has been delivered, unless the submission is ``in_doubt``."""
    number: int = 0
    """Of a message: its number in the thread (:mod:`imsys.store.numbering`)."""
    extra: str | None = None
    """What else a message says; of another entry, what its push says beside the body: JSON."""
    mentions: tuple[int, ...] = ()
    expires_at: int = 0
    """When a message expires, in ms since 1970; 0, never."""


class Appended(msgspec.Struct, frozen=True, gc=False):
    """The result of a submission: its messages in order, and the receivers of the new ones."""

    messages: Sequence[Stored]
    receivers: Sequence[int]
    in_doubt: bool = False
    """Whether some messages may never have been delivered, since they were stored by a commit that was not
    answered, or by another process, which may have died before it delivered them. The receivers must catch
    up."""
    group: MemberList | None = None
    """The members of a group, which then are the receivers, whatever is in ``receivers``."""
    answer: Any = None
    """What a change says to who asked for it, and to nobody else; not to who asks again."""


LOCKED = Refused(
    Status.SERVER_BUSY,
    "Another server is writing in this conversation, and does not come to an end.",
    retry_after=1.0,
)
"""The result of a submission whose thread another transaction has locked: nothing is stored; try it again."""


def append(
    tx: Transaction,
    ids: MessageIds,
    lists: MemberLists,
    submissions: Sequence[Submission],
    wait: bool = True,
) -> list[Appended | Refused]:
    """Store the submissions and return the result of each; it may run again after its own commit.

    :param wait: whether to wait a moment for other writers of these threads, before the result is
        :data:`LOCKED`.
    """
    heads, locked = lock_free_heads(tx, {submission.thread_id for submission in submissions}, wait=wait)
    if not locked:
        return _append(tx, ids, lists, heads, submissions)
    free = [submission for submission in submissions if submission.thread_id not in locked]
    done = iter(_append(tx, ids, lists, heads, free) if free else ())
    return [LOCKED if submission.thread_id in locked else next(done) for submission in submissions]


def _append(
    tx: Transaction,
    ids: MessageIds,
    lists: MemberLists,
    heads: dict[int, Head],
    submissions: Sequence[Submission],
) -> list[Appended | Refused]:
    number(tx, heads.values())
    some_groups = [head.thread_id for head in heads.values() if head.kind == GROUP]
    groups = lists.of(tx, some_groups) if some_groups else {}
    if not any([submission.change for submission in submissions]):  # noqa: C419 - half the time of a generator
        return _append_messages(tx, ids, heads, groups, submissions, commit=True)
    results: list[Appended | Refused] = []
    for change, some in groupby(submissions, key=lambda submission: submission.change is not None):
        if change:
            results += [_append_change(tx, ids, heads, groups, submission) for submission in some]
        else:
            results += _append_messages(tx, ids, heads, groups, list(some), commit=False)
    return results


def _append_change(
    tx: Transaction,
    ids: MessageIds,
    heads: dict[int, Head],
    groups: dict[int, MemberList],
    submission: Submission,
) -> Appended | Refused:
    head, change, actor = heads.get(submission.thread_id), submission.change, submission.sender
    assert change is not None
    if head is None:
        return not_a_member()
    unique_id = change.unique_id.encode()
    before = tx.row(
        "SELECT thread_id, entry_id, kind, body FROM entries WHERE actor_id = ? AND unique_id = ?",
        actor,
        unique_id,
    )
    if before is not None:
        thread_id, entry_id, kind, body = before
        prev_id = previous(tx, thread_id, entry_id)
        stored = Stored(thread_id, entry_id, prev_id, actor, 0, kind, change.unique_id, body, resent=True)
        group = groups.get(thread_id)
        in_doubt = tx.in_doubt or not ids.made(entry_id)
        return Appended((stored,), _others(head, actor) if group is None else (), in_doubt, group)
    entry_id = ids.next(head.last_msg_id)
    try:
        effect = change.apply(tx, Scene(head, groups.get(head.thread_id), actor, entry_id))
    except Refused as refused:
        return refused
    if effect.members is not None:
        groups[head.thread_id] = effect.members
    group = groups.get(head.thread_id)
    receivers = _others(head, actor) if group is None else ()
    if effect.body is None:
        return Appended((), receivers, group=group, answer=effect.answer)
    body = msgspec.json.encode(effect.body).decode()
    told = msgspec.json.encode(effect.told).decode() if effect.told else None
    stored = Stored(
        head.thread_id, entry_id, head.last_msg_id, actor, 0, change.kind, change.unique_id, body, extra=told
    )
    head.last_msg_id = entry_id
    tx.execute(
        "INSERT INTO entries (thread_id, entry_id, actor_id, kind, unique_id, body) VALUES (?, ?, ?, ?, ?, ?)",
        head.thread_id,
        entry_id,
        actor,
        int(change.kind),
        unique_id,
        body,
    )
    quiet = "" if change.kind == MEMBERSHIP and effect.body["action"] in JOINED else _QUIET
    tx.execute(
        f"UPDATE threads SET {quiet} last_msg_id = ?, numbered_id = ? WHERE thread_id = ?",  # noqa: S608
        *((entry_id,) * (3 if quiet else 2)),
        head.thread_id,
    )
    return Appended((stored,), receivers, group=group, answer=effect.answer)


_QUIET = "active_id = CASE last_msg_id WHEN quiet_id THEN active_id ELSE last_msg_id END, quiet_id = ?,"
"""Of a change that does not move its thread up in lists; see :data:`imsys.store.overview.ACTIVE`. MySQL assigns from left to
right."""


def previous(tx: Transaction, thread_id: int, entry_id: int) -> int:
    """The id before one in the log of its thread, 0 before the first."""
    row = tx.row(
        "SELECT (SELECT MAX(msg_id) FROM messages WHERE thread_id = ? AND msg_id < ?), "
        "(SELECT MAX(entry_id) FROM entries WHERE thread_id = ? AND entry_id < ?)",
        thread_id,
        entry_id,
        thread_id,
        entry_id,
    )
    return max(row[0] or 0, row[1] or 0) if row is not None else 0


def _append_messages(
    tx: Transaction,
    ids: MessageIds,
    heads: dict[int, Head],
    groups: dict[int, MemberList],
    submissions: Sequence[Submission],
    *,
    commit: bool,
) -> list[Appended | Refused]:
    now_ms = ids.now_ms
    allowed = [_receivers(heads.get(one.thread_id), groups, one, now_ms) for one in submissions]
    _check_replies(tx, submissions, groups, allowed)
    suspicious = [
        s for s, receivers in zip(submissions, allowed, strict=True) if isinstance(receivers, Refused)
    ]
    known = _find_resent(tx, suspicious) if suspicious else {}
    results, new = _assign(ids, now_ms, heads, submissions, allowed, known)
    if new:
        try:
            _write(tx, heads, new, commit=commit)
        except Exception as error:
            if not tx.is_duplicate(error):
                raise
            heads.update(lock_heads(tx, list(heads)))  # as they were before
            known = _find_resent(tx, submissions)
            results, new = _assign(ids, now_ms, heads, submissions, allowed, known)
            if new:
                _write(tx, heads, new, commit=commit)
    if known or tx.in_doubt:
        for index, result in enumerate(results):
            if isinstance(result, Appended) and (tx.in_doubt or _stored_elsewhere(ids, result)):
                one = submissions[index]
                receivers = result.receivers or _others(heads.get(one.thread_id), one.sender)
                results[index] = replace(result, in_doubt=True, receivers=receivers)
    if groups:
        for index, result in enumerate(results):
            if (
                isinstance(result, Appended)
                and (group := groups.get(submissions[index].thread_id)) is not None
            ):
                results[index] = replace(result, group=group)
    return results


def _check_replies(
    tx: Transaction,
    submissions: Sequence[Submission],
    groups: dict[int, MemberList],
    allowed: list[tuple[int, ...] | Refused],
) -> None:
    """Refuse what answers a message that is not in its thread, or that its sender may not read."""
    wanted = {
        (submission.thread_id, draft.reply_to)
        for submission in submissions
        if submission.answers
        for draft in submission.drafts
        if draft.reply_to
    }
    if not wanted:
        return
    threads = numbers({thread_id for thread_id, _ in wanted})
    there = set(
        tx.rows_literal(
            f"SELECT thread_id, msg_id FROM messages WHERE thread_id IN ({threads}) "  # noqa: S608
            f"AND msg_id IN ({numbers({msg_id for _, msg_id in wanted})})"
        )
    )
    for index, submission in enumerate(submissions):
        if isinstance(allowed[index], Refused):
            continue
        thread_id, group = submission.thread_id, groups.get(submission.thread_id)
        first = group.first.get(submission.sender, 0) if group is not None else 0
        if any(
            d.reply_to and (d.reply_to < first or (thread_id, d.reply_to) not in there)
            for d in submission.drafts
        ):
            allowed[index] = no_message()


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
    _write(tx, {head.thread_id: head}, stored, commit=False)
    return stored


def _receivers(
    head: Head | None, groups: dict[int, MemberList], submission: Submission, now_ms: int
) -> tuple[int, ...] | Refused:
    """Return the receivers of a submission, none of a group, or why it is refused."""
    sender, receiver = submission.sender, submission.receiver
    if head is None:
        return not_a_member()
    if head.kind == PRIVATE and sender in (head.low, head.high):
        if receiver != head.low + head.high - sender:
            return Refused(Status.PERMISSION_DENIED, "The receiver is not the other member of the thread.")
        if head.flags == FRIENDS:
            return (receiver,)
    if head.kind == GROUP and receiver:
        return Refused(Status.PERMISSION_DENIED, "The receiver of what is said in a group is 0.")
    refused = may_write(head, groups.get(head.thread_id), sender, now_ms)
    return refused or ((receiver,) if head.kind == PRIVATE else ())


def _others(head: Head | None, sender: int) -> tuple[int, ...]:
    """Return the other member of a private thread, who may not be allowed to write there."""
    if head is None or head.kind != PRIVATE:
        return ()
    return tuple(member for member in (head.low, head.high) if member != sender)


Resent = dict[tuple[int, str], Stored]


def _assign(
    ids: MessageIds,
    now_ms: int,
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
                    ids, heads[submission.thread_id], sender, submission.receiver, draft, now_ms
                )
                new.append(stored)
            else:
                stored = replace(stored, resent=True)
            messages.append(stored)
        results.append(Appended(messages, receivers))
    return results, new


def _next(ids: MessageIds, head: Head, sender: int, receiver: int, draft: Draft, now_ms: int = 0) -> Stored:
    prev_id = head.last_msg_id
    head.last_msg_id = msg_id = ids.next(prev_id, now_ms)
    head.last_number += 1
    if (head.turn < 0) is not (sender == head.high) and head.kind == PRIVATE:
        head.turn = turn_after(head.turn, sender == head.high, prev_id)
    extra, expires_at = draft.extra, 0
    if seconds := head.timer or draft.expires:
        seconds = min(seconds, draft.expires or seconds)
        extra, expires_at = with_expiry(extra, seconds), ms_of(msg_id) + seconds * 1000
    return Stored(
        head.thread_id,
        msg_id,
        prev_id,
        sender,
        receiver,
        draft.kind,
        draft.unique_id,
        draft.content,
        False,
        head.last_number,
        extra,
        draft.mentions,
        expires_at,
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
            f"SELECT thread_id, msg_id, sender_id, unique_id, kind, extra FROM messages WHERE {either}"  # noqa: S608
        )
        for thread_id, msg_id, sender, unique_id, kind, extra in rows:
            prev_id = previous(tx, thread_id, msg_id)
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
                extra=extra,
            )
    return found


_MESSAGES = "INSERT INTO messages (thread_id, msg_id, number, sender_id, kind, unique_id, content) VALUES "
_WITH_EXTRA = (
    "INSERT INTO messages (thread_id, msg_id, number, sender_id, kind, unique_id, content, extra) VALUES "
)


def _write(tx: Transaction, heads: dict[int, Head], messages: Sequence[Stored], *, commit: bool) -> None:
    """Insert messages and advance their heads, all or nothing, in as few statements as possible.

    MySQL gets literals, since its drivers escape parameters one by one in Python; SQLite gets parameters.
    """
    extras = [message for message in messages if message.extra is not None]
    moved = {message.thread_id: heads[message.thread_id] for message in messages}.values()
    more = [advance(moved), *beside(extras, messages, moved)]
    if tx.dialect.name == "sqlite":
        plain = [message for message in messages if message.extra is None] if extras else messages
        steps = [Step(_MESSAGES, [_values(message) for message in plain], True, keep=True)]
        if extras:
            rows = [(*_values(message), message.extra) for message in extras]
            steps.append(Step(_WITH_EXTRA, rows, True, keep=True))
        try:
            tx.run([*steps, *[insert.step() for insert in more]], commit=commit)
        except Exception as error:
            if tx.is_duplicate(error):  # those before it are there, and nothing else is
                ours = numbers([message.msg_id for message in messages])
                tx.execute_literal(f"DELETE FROM messages WHERE msg_id IN ({ours})")  # noqa: S608
            raise
        return
    most = tx.dialect.most_bytes
    if extras:  # in one statement with the others, so that a resend among them leaves nothing behind
        values = [f"({_literal(message)},{_extra_literal(message)})" for message in messages]
        statements = fitting(_WITH_EXTRA, values, "", most)
    else:
        statements = fitting(_MESSAGES, [f"({_literal(message)})" for message in messages], "", most)
    several = len(statements) > 1
    for insert in more:
        statements += insert.statements(most)
    if commit and sum(map(len, statements)) + 16 <= most:
        tx.commit_with(*statements)
        return
    with _all_or_none(tx) if several else nullcontext():
        for statement in statements:
            tx.execute_literal(statement)
    if commit:
        tx.commit_with()


@contextmanager
def _all_or_none(tx: Transaction) -> Iterator[None]:
    """Leave nothing of some statements behind if one of them finds that a message is there already."""
    tx.execute_literal("SAVEPOINT all_or_none")
    try:
        yield
    except Exception as error:
        # after others, such as a full disk, there may be no transaction any more
        if tx.is_duplicate(error):
            tx.execute_literal("ROLLBACK TO all_or_none")
        raise


def _values(message: Stored) -> tuple[int | str | bytes | None, ...]:
    unique_id = message.unique_id.encode() if message.unique_id else None
    return (
        message.thread_id,
        message.msg_id,
        message.number,
        message.sender,
        message.kind,
        unique_id,
        message.content,
    )


def _literal(message: Stored) -> str:
    return "%d,%d,%d,%d,%d,%s,x'%s'" % (  # noqa: UP031
        message.thread_id,
        message.msg_id,
        message.number,
        message.sender,
        message.kind,
        f"x'{message.unique_id.encode().hex()}'" if message.unique_id else "NULL",
        message.content.encode().hex(),
    )


def _extra_literal(message: Stored) -> str:
    return "NULL" if message.extra is None else hex_literal(message.extra.encode())
