"""Writing messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from client.core.model import Forward, Kind, Mark, Message, Quote
from client.core.ports import Failure
from client.sync.parts import Uses


class Talking(Uses):
    """Texts and files; what is written is stored first, and sent then."""

    async def send_text(
        self,
        conversation: int,
        text: str,
        *,
        answers: Message | None = None,
        mentions: Sequence[int] = (),
    ) -> Message:
        """Write a text."""
        quote = Quote(answers.id, answers.sender, answers.text) if answers is not None else None
        return await self.parts.outgoing.send(conversation, text, quote=quote, mentions=tuple(mentions))

    async def forward(self, message: Message, conversation: int) -> Message:
        """Send a text on, or a file, which is fetched first where it is not here."""
        if message.attachment is not None:
            path = await self.parts.downloads.fetch(message, None)
            return await self.parts.uploads.send(conversation, path, "", message.kind is Kind.FILE)
        source = Forward(message.conversation, message.id, (message.forward or message).sender)
        return await self.parts.outgoing.send(conversation, message.text, forward=source)

    async def send_file(
        self, conversation: int, path: Path, caption: str = "", *, as_file: bool = False
    ) -> Message:
        """Send a file."""
        return await self.parts.uploads.send(conversation, path, caption, as_file)

    async def resend(self, message: Message) -> None:
        """Try one again that failed."""
        if message.attachment is not None:
            await self.parts.uploads.again(message)
            return
        waiting = replace(message, mark=Mark.WAITING, failure="", at_ms=self.parts.outgoing.moment())
        await self.parts.outgoing.keep(waiting)
        self.parts.outgoing.post(waiting)

    async def delete(self, message: Message) -> None:
        """Remove one that failed or waits."""
        if message.id:
            raise Failure("This message has been sent already.")
        if not await self.parts.uploads.cancel(message.key):
            await self.parts.outgoing.forget(message)
