"""How far the client library has come, in the account's store: saved after the messages themselves, never
before.
"""

from __future__ import annotations

import apsw

from client.store import tables
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys.sdk import Seen

SINCE = "sync.since"


class StoreSeen:
    """``imsys.sdk.SeenStore`` in a store."""

    def __init__(self, known: Known, keeper: Keeper) -> None:
        self._known = known
        self._keeper = keeper

    async def load(self) -> Seen | None:
        """What was saved last; each conversation as far as it is stored."""
        since = self._known.settings.get(SINCE)
        if since is None:
            return None
        threads = {number: row.synced for number, row in self._known.rows.items() if row.synced}
        return Seen(uuid=self._known.me.uuid, since=int(since), threads=threads)

    async def save(self, seen: Seen) -> None:
        """Keep it, unless something was lost on its way to the disk: then it is to come again."""
        if self._keeper.unstored:
            return
        threads = dict(seen.threads)

        def work(db: apsw.Connection) -> None:
            for number, last in threads.items():
                db.execute("UPDATE conversations SET synced = max(synced, ?) WHERE id = ?", (last, number))
            tables.set_setting(db, SINCE, str(seen.since))

        self._known.settings[SINCE] = str(seen.since)
        await self._keeper.write(work)
