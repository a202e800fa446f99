"""Who may do and see what, as the settings show and change it."""

from __future__ import annotations

from dataclasses import replace

from client.core.ports import Account
from client.core.privacy import Privacy
from client.viewmodels.asked import Asked

ADDED_BY, SEEN_BY = "added_by", "seen_by"
"""Places where it is told that one could not be set."""


class PrivacyPresenter(Asked[Privacy]):
    """Of one account."""

    def __init__(self, account: Account) -> None:
        super().__init__(account, account.changes.privacy)

    async def ask(self) -> Privacy:
        """What is set."""
        return await self._account.privacy()

    def set_added_by(self, who: str) -> None:
        """Say who may add me to groups."""

        async def set_it() -> None:
            await self._account.set_privacy(added_by=who)
            if self.shown is not None:
                self.shown = replace(self.shown, added_by=who)

        self.change(ADDED_BY, set_it())

    def set_seen_by(self, who: str) -> None:
        """Say who sees when I am online."""

        async def set_it() -> None:
            await self._account.set_privacy(seen_by=who)
            if self.shown is not None:
                self.shown = replace(self.shown, seen_by=who)

        self.change(SEEN_BY, set_it())
