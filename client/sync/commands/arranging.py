"""How a conversation stands for me: what was read, drafts, its place in the list."""

from __future__ import annotations

from dataclasses import replace

from client.store import tables
from client.sync.parts import Uses


class Arranging(Uses):
    """What is kept on this computer alone, but for how far was read."""

    async def mark_read(self, conversation: int, id: int) -> None:
        """All up to here has been seen."""
        await self.parts.positions.mark_read(conversation, id)

    def set_draft(self, conversation: int, text: str) -> None:
        """Keep what is being written."""
        now = self.parts.known.row(conversation).conversation
        if now.draft != text:
            self.parts.known.change(replace(now, draft=text))
            self.parts.conversations.store(conversation)

    async def arrange(
        self,
        conversation: int,
        *,
        pinned: bool | None = None,
        archived: bool | None = None,
        muted_until_ms: int | None = None,
    ) -> None:
        """Change how a conversation stands in the list; on this computer alone."""
        now = self.parts.known.row(conversation).conversation
        self.parts.known.change(
            replace(
                now,
                pinned=now.pinned if pinned is None else pinned,
                archived=now.archived if archived is None else archived,
                muted_until_ms=now.muted_until_ms if muted_until_ms is None else muted_until_ms,
            )
        )
        await self.parts.conversations.store(conversation)

    def remember(self, name: str, value: str) -> None:
        """Keep something of a view's for the next time; empty: forget it."""
        self.parts.known.settings[f"view.{name}"] = value
        self.parts.keeper.write(lambda db: tables.set_setting(db, f"view.{name}", value))
