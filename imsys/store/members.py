"""Members of groups, as a server keeps them: a list is right if and only if its version is that of the head.

The version is the id of the entry that last changed the list or the group's rules, in the same transaction. So a
list is read once, however large, and compared under the head's lock ever after; and one that fell behind is brought
up to date by the entries since, which say what they changed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from imsys.errors import Refused, Status
from imsys.store.database import Transaction
from imsys.store.dialects import numbers

MEMBER, ADMIN, OWNER = 0, 2, 3
"""Roles of members."""

CHANNEL, FROM_JOINING = 1, 2
"""Rules of a group: only admins write; a newcomer reads what is written after joining."""

KEPT = 200_000
"""Members of all lists that are kept, at most; the list that was not used for longest goes first."""

FOLLOWED = 500
"""Entries of a log that are read to bring a list up to date, at most; beyond it the list is read anew."""

MEMBERSHIP, SETTINGS = 20, 21
"""Kinds of the entries that change lists."""


class MemberList(msgspec.Struct, frozen=True, gc=False):
    """The members of a group at one version of their list."""

    thread_id: int
    version: int
    rules: int
    roles: dict[int, int]
    """The role of each member."""
    muted: dict[int, int]
    """Members who may not write, each with the end of that in ms since 1970."""
    first: dict[int, int]
    """Members who may not read all, each with the first id that they may."""

    def may_write(self, user: int, now_ms: int) -> Refused | None:
        """Why a user may not write here: PERMISSION_DENIED (65), READ_ONLY (80), MUTED (79)."""
        role = self.roles.get(user)
        if role is None:
            return not_a_member()
        return may_write_in_group(self.rules, role, self.muted.get(user, 0), now_ms)

    def after(self, entry_id: int, actor: int, kind: int, body: dict[str, Any]) -> MemberList:
        """The list after an entry of the group's log."""
        if kind == SETTINGS:
            rules = rules_after(self.rules, body)
            return self if rules == self.rules else replace(self, version=entry_id, rules=rules)
        roles, muted, first = dict(self.roles), self.muted, self.first
        action, users = body["action"], [int(user) for user in body["users"]]
        if action in JOINED:
            roles.update(dict.fromkeys(users, MEMBER))
            if self.rules & FROM_JOINING:
                first = {**first, **dict.fromkeys(users, entry_id)}
        elif action in GONE:
            for user in users:
                roles.pop(user, None)
            muted, first = _without(muted, users), _without(first, users)
            if "owner" in body:
                roles[int(body["owner"])] = OWNER
                muted = _without(muted, [int(body["owner"])])
        elif action == ROLE:
            roles.update(dict.fromkeys(users, body["role"]))
            if body["role"] == OWNER:
                roles[actor] = ADMIN
            muted = _without(muted, users)
        elif action == MUTED:
            until = ms_at(body["until"]) if body["until"] else 0
            muted = {**muted, **dict.fromkeys(users, until)} if until else _without(muted, users)
        return replace(self, version=entry_id, roles=roles, muted=muted, first=first)


JOINED = ("joined", "link")
"""Actions of membership entries by which users become members: added or invited, and by a link."""

GONE = ("left", "removed")
"""Those by which they are no members any more."""

ROLE, MUTED = "role", "muted"


def rules_after(rules: int, body: dict[str, Any]) -> int:
    """The rules of a group after an entry of its settings."""
    if "channel" in body:
        rules = rules & ~CHANNEL | CHANNEL * body["channel"]
    if "history" in body:
        rules = rules & ~FROM_JOINING | FROM_JOINING * (body["history"] == "joined")
    return rules


def ms_at(text: str) -> int:
    """A time of the wire in ms since 1970."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _without(some: dict[int, int], users: Sequence[int]) -> dict[int, int]:
    if not any(user in some for user in users):
        return some
    return {user: value for user, value in some.items() if user not in users}


def may_write_in_group(rules: int, role: int, muted_until: int, now_ms: int) -> Refused | None:
    """Why a member of a group may not write there: READ_ONLY (80), MUTED (79)."""
    if role < ADMIN:
        if rules & CHANNEL:
            return Refused(Status.READ_ONLY, "Only admins write in this channel.")
        if muted_until > now_ms:
            return Refused(Status.MUTED, "You may not write in this group for now.")
    return None


def not_a_member() -> Refused:
    """What somebody hears who is none."""
    return Refused(Status.PERMISSION_DENIED, "Only its members may write in a thread.")


class MemberLists:
    """The lists of one server, for the threads of the database and the reactor's alike; a list never changes."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, MemberList] = OrderedDict()
        self._members = 0
        self._most = kept

    def get(self, thread_id: int) -> MemberList | None:
        """The newest list of a group that is known here."""
        return self._kept.get(thread_id)

    def keep(self, members: MemberList) -> None:
        """Keep a list that is committed, unless a newer one is there."""
        with self._lock:
            old = self._kept.get(members.thread_id)
            if old is not None and old.version >= members.version:
                return
            self._kept[members.thread_id] = members
            self._kept.move_to_end(members.thread_id)
            self._members += len(members.roles) - (len(old.roles) if old is not None else 0)
            while self._members > self._most and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._members -= len(gone.roles)

    def _used(self, thread_id: int) -> MemberList | None:
        with self._lock:
            known = self._kept.get(thread_id)
            if known is not None:
                self._kept.move_to_end(thread_id)
        return known

    def of(self, tx: Transaction, thread_ids: Sequence[int]) -> dict[int, MemberList]:
        """The lists of groups whose heads are locked, or read as they are committed."""
        found: dict[int, MemberList] = {}
        for thread_id, version, rules in tx.rows_literal(
            f"SELECT thread_id, members_version, rules FROM threads WHERE thread_id IN ({numbers(thread_ids)})"  # noqa: S608
        ):
            known = self._used(thread_id)
            if known is None or known.version != version:
                known = _follow(tx, known, version) if known is not None and known.version < version else None
                known = known or read(tx, thread_id, version, rules)
                self.keep(known)
            found[thread_id] = known
        return found


def _follow(tx: Transaction, known: MemberList, version: int) -> MemberList | None:
    """Bring a list up to a version by what was logged since; ``None``: that is too much, or is not all there."""
    rows = tx.rows(
        "SELECT entry_id, actor_id, kind, body FROM entries WHERE thread_id = ? AND entry_id > ? AND entry_id <= ? "
        "ORDER BY entry_id LIMIT ?",
        known.thread_id,
        known.version,
        version,
        FOLLOWED,
    )
    for entry_id, actor, kind, body in rows:
        if kind in (MEMBERSHIP, SETTINGS):
            known = known.after(entry_id, actor, kind, msgspec.json.decode(body))
    return known if known.version == version else None


def read(tx: Transaction, thread_id: int, version: int, rules: int) -> MemberList:
    """Read the members of a group."""
    rows = tx.rows(
        "SELECT user_id, role, muted_until, first_id FROM members WHERE thread_id = ? ORDER BY user_id",
        thread_id,
    )
    return MemberList(
        thread_id,
        version,
        rules,
        {user: role for user, role, _, _ in rows},
        dict(_set((user, until) for user, _, until, _ in rows)),
        dict(_set((user, first) for user, _, _, first in rows)),
    )


def _set(pairs: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    return (pair for pair in pairs if pair[1])
