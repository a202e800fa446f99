"""Changing what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from client.core.model import Message
from client.sync.asking import asked
from client.sync.changed import mentions_of
from client.sync.parts import Uses


class Changing(Uses):
    """What these change is told by the conversation's log, here as everywhere."""

    async def edit(self, message: Message, text: str, *, mentions: Sequence[int] = ()) -> None:
        """Replace a text of mine."""
        self._reach()
        text = text.encode("utf-8", "replace").decode()
        whom = mentions_of(replace(message, mentions=tuple(mentions)))
        await asked(self.parts.client.edit(message.conversation, message.id, text, mentions=whom))

    async def recall(self, message: Message) -> None:
        """Delete a message for everybody."""
        self._reach()
        await asked(self.parts.client.recall(message.conversation, [message.id]))

    async def hide(self, message: Message) -> None:
        """Delete a message for me."""
        self._reach()
        await asked(self.parts.client.history.hide(message.conversation, [message.id]))
        self.parts.entries.hidden(message.conversation, [message.id])

    async def react(self, message: Message, emoji: str, on: bool) -> None:
        """Put an emoji to a message, or take mine away."""
        self._reach()
        await asked(self.parts.client.react(message.conversation, message.id, emoji, on))

    async def pin(self, message: Message, on: bool) -> None:
        """Pin a message, or take it down."""
        self._reach()
        await asked(self.parts.client.pin(message.conversation, message.id, on))
