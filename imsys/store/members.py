"""Members of groups, as a server keeps them: a list is right if and only if its version is that of the head.

The version moves with each change of the list or of the group's rules, in the same transaction. So a list is read once, however large,
and compared under the head's lock ever after.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import msgspec

from imsys.errors import Refused, Status
from imsys.store.database import Transaction
from imsys.store.dialects import numbers

MEMBER, ADMIN, OWNER = 0, 2, 3
"""Roles of members."""

CHANNEL, FROM_JOINING = 1, 2
"""Rules of a group: only admins write; a newcomer reads what is written after joining."""

KEPT = 200_000
"""Members of all lists that are kept, at most; the list that was not used for longest goes first"""


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
        if role < ADMIN:
            if self.rules & CHANNEL:
                return Refused(Status.READ_ONLY, "Only admins write in this channel.")
            if self.muted.get(user, 0) > now_ms:
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

    def of(self, tx: Transaction, thread_ids: Sequence[int]) -> dict[int, MemberList]:
        """The lists of groups whose heads are locked, or read as they are committed."""
        found: dict[int, MemberList] = {}
        for thread_id, version, rules in tx.rows_literal(
            f"SELECT thread_id, members_version, rules FROM threads WHERE thread_id IN ({numbers(thread_ids)})"  # noqa: S608
        ):
            known = self._kept.get(thread_id)
            if known is None or known.version != version:
                known = read(tx, thread_id, version, rules)
                self.keep(known)
            found[thread_id] = known
        return found


def read(tx: Transaction, thread_id: int, version: int, rules: int) -> MemberList:
    """Read the members of a group, longest-serving first."""
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
