"""Messages: append waiting ones in one transaction, and read pages of the history."""

from __future__ import annotations

from collections.abc import Sequence

from imsys.errors import Refused
from imsys.store.appending import Appended, Submission, append, previous
from imsys.store.database import Database, Transaction
from imsys.store.ids import LARGEST, MessageIds
from imsys.store.members import MemberLists
from imsys.store.pages import Record, Window, full_page, page


class MessageStore:
    """The table ``messages``, and the heads of its threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.members = MemberLists()
        """Of the groups that this server had to do with."""

    async def append(
        self, ids: MessageIds, submissions: Sequence[Submission], *, wait: bool = True
    ) -> list[Appended | Refused]:
        """Store submissions in one transaction and return the result of each.

        :param wait: see :func:`imsys.store.appending.append`.
        :raises Unavailable: the database did not answer; running it again is harmless.
        """
        results = await self._database.append(append, ids, self.members, submissions, wait)
        for result in results:
            if isinstance(result, Appended) and result.group is not None:
                self.members.keep(result.group)
        return results

    async def page(
        self,
        user: int,
        thread_id: int,
        after: int,
        limit: int,
        *,
        entries: bool = False,
        details: bool = False,
    ) -> list[Record]:
        """Read records with ids above ``after``, ascending.

        :param entries: whether to read the whole log; otherwise messages alone.
        :param details: whether to read what belongs to each message; with ``entries`` it is read anyway.
        :raises Refused: PERMISSION_DENIED (65), not a member.
        """
        window = Window(user, thread_id, after, LARGEST, limit, newest=False)
        return await self._read(window, entries, details)

    async def page_before(
        self,
        user: int,
        thread_id: int,
        before: int,
        limit: int,
        *,
        entries: bool = False,
        details: bool = False,
    ) -> list[Record]:
        """Read the records just below ``before`` (0: the newest), ascending.

        :param entries: see :meth:`page`; ``details`` as well.
        :raises Refused: PERMISSION_DENIED (65), not a member.
        """
        window = Window(user, thread_id, 0, before or LARGEST, limit, newest=True)
        return await self._read(window, entries, details)

    async def _read(self, window: Window, entries: bool, details: bool) -> list[Record]:
        if entries or details:
            return await self._database.read_small(full_page, window, entries=entries)
        return await self._database.read_small(page, window)

    async def previous(self, messages: Sequence[tuple[int, int]]) -> list[int]:
        """Return the id before each of these (thread, id) pairs, 0 before the first."""
        return await self._database.read(self._previous, messages)

    @staticmethod
    def _previous(tx: Transaction, messages: Sequence[tuple[int, int]]) -> list[int]:
        return [previous(tx, *message) for message in messages]
