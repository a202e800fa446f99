"""How users keep their threads: muted, pinned, archived, and what they have begun to write."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import asdict

from imsys.errors import Refused, Status
from imsys.store.database import Database, Transaction
from imsys.store.own_numbers import next_number, noted

PINNED = 10
"""Threads that a user pins, at most: all of them are on the first page of an overview."""


class ThreadSettings(msgspec.Struct, frozen=True, gc=False):
    """One user's settings of one thread; times in ms since 1970, 0: not."""

    muted_until: int = 0
    pinned_at: int = 0
    archived: bool = False
    draft: str = ""


class SettingsChange(msgspec.Struct, frozen=True, gc=False):
    """What is to be changed; ``None``: stays as it is."""

    muted_until: int | None = None
    pinned: bool | None = None
    archived: bool | None = None
    draft: str | None = None


class ThreadSettingsStore:
    """The table ``thread_settings``; ``calendar`` returns Unix seconds."""

    def __init__(self, database: Database, calendar: Callable[[], float]) -> None:
        self._database = database
        self._calendar = calendar

    async def get(self, user: int, thread_id: int) -> ThreadSettings:
        """Return a user's settings of a thread. :raises Refused: PERMISSION_DENIED (65), not a member."""
        return await self._database.read(self._get, user, thread_id)

    async def change(self, user: int, thread_id: int, change: SettingsChange) -> tuple[ThreadSettings, int]:
        """Change settings; return them as they are then, and the number of the last of the user's own changes.

        :raises Refused: PERMISSION_DENIED (65), not a member; TOO_MANY (82), so many threads are pinned already.
        """
        now_ms = round(self._calendar() * 1000)
        return await self._database.write(self._change, user, thread_id, change, now_ms)

    @staticmethod
    def _get(tx: Transaction, user: int, thread_id: int) -> ThreadSettings:
        row = tx.row(
            "SELECT s.muted_until, s.pinned_at, s.archived, s.draft FROM members m LEFT JOIN thread_settings s "
            "ON s.user_id = m.user_id AND s.thread_id = m.thread_id WHERE m.thread_id = ? AND m.user_id = ?",
            thread_id,
            user,
        )
        if row is None:
            raise Refused(Status.PERMISSION_DENIED, "Only its members keep a thread.")
        muted_until, pinned_at, archived, draft = row
        return ThreadSettings(muted_until or 0, pinned_at or 0, bool(archived), draft or "")

    @classmethod
    def _change(
        cls, tx: Transaction, user: int, thread_id: int, change: SettingsChange, now_ms: int
    ) -> tuple[ThreadSettings, int]:
        # changes of one user come one after the other, so that pins are counted
        number = next_number(tx, user)
        before = cls._get(tx, user, thread_id)
        pinned_at = before.pinned_at
        if change.pinned is not None and change.pinned != bool(pinned_at):
            if change.pinned:
                _may_pin(tx, user)
            pinned_at = now_ms if change.pinned else 0
        after = ThreadSettings(
            before.muted_until if change.muted_until is None else change.muted_until,
            pinned_at,
            before.archived if change.archived is None else change.archived,
            before.draft if change.draft is None else change.draft,
        )
        if after == before:
            return after, number - 1
        tx.execute("DELETE FROM thread_settings WHERE user_id = ? AND thread_id = ?", user, thread_id)
        # kept also where all is as at first: other devices have to learn that
        tx.execute(
            "INSERT INTO thread_settings (user_id, thread_id, muted_until, pinned_at, archived, draft, number) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            user,
            thread_id,
            *asdict(after).values(),
            number,
        )
        return after, noted(tx, user, number)


def _may_pin(tx: Transaction, user: int) -> None:
    row = tx.row(
        "SELECT COUNT(*) FROM thread_settings s JOIN members m ON m.thread_id = s.thread_id AND m.user_id = s.user_id "
        "WHERE s.user_id = ? AND s.pinned_at > 0",
        user,
    )
    if row is not None and row[0] >= PINNED:
        raise Refused(Status.TOO_MANY, f"At most {PINNED} conversations are pinned.")
