"""How a conversation stands for me: what was read, drafts, its place in the list."""

from __future__ import annotations

from client.core.ports import Failure
from client.store import tables
from client.sync.features.arrangement import FINAL
from client.sync.parts import Uses
from imsys.sdk import Refused, explain


class Arranging(Uses):
    """All of it follows the user, but for what views remember."""

    async def mark_read(self, conversation: int, id: int) -> None:
        """All up to here has been seen."""
        await self.parts.positions.mark_read(conversation, id)

    def set_draft(self, conversation: int, text: str) -> None:
        """Keep what is being written."""
        self.parts.arrangement.change(conversation, draft=text.encode("utf-8", "replace").decode())
        self.parts.arrangement.soon()

    async def arrange(
        self,
        conversation: int,
        *,
        pinned: bool | None = None,
        archived: bool | None = None,
        muted_until_ms: int | None = None,
    ) -> None:
        """Change how a conversation stands in the list. What the server cannot take now it is told later."""
        fields = {"pinned": pinned, "archived": archived, "muted_until_ms": muted_until_ms}
        arrangement = self.parts.arrangement
        await arrangement.change(
            conversation, **{name: value for name, value in fields.items() if value is not None}
        )
        try:
            await arrangement.tell(conversation)
        except Refused as problem:
            if problem.status in FINAL:
                raise Failure(explain(problem)) from problem
            arrangement.put_off(problem)

    def remember(self, name: str, value: str) -> None:
        """Keep something of a view's for the next time; empty: forget it."""
        self.parts.known.settings[f"view.{name}"] = value
        self.parts.keeper.write(lambda db: tables.set_setting(db, f"view.{name}", value))
