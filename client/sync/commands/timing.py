"""Texts that are sent later, and timers: asked of the server, which tells of them as well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from client.core.model import EVERYBODY, Message
from client.core.timed import Later
from client.sync.asking import asked
from client.sync.features.timing import later as read
from client.sync.parts import Uses
from imsys import sdk


class Timing(Uses):
    """See :class:`client.core.timed.Timed`."""

    def scheduled(self, conversation: int) -> Sequence[Later]:
        """Texts that wait, the next one first."""
        found = (one for one in self.parts.known.later.values() if one.conversation == conversation)
        return sorted(found, key=lambda one: (one.at_ms, one.id))

    async def schedule(
        self,
        conversation: int,
        text: str,
        at_ms: int,
        *,
        answers: Message | None = None,
        mentions: Sequence[int] = (),
    ) -> Later:
        """Have one sent later."""
        self._reach()
        whom: sdk.Mentions = sdk.EVERYBODY if EVERYBODY in mentions else tuple(mentions)
        made = await asked(
            self.parts.client.schedule.add(
                conversation,
                text.encode("utf-8", "replace").decode(),
                _moment(at_ms),
                reply_to=answers.id if answers is not None else 0,
                mentions=whom,
            )
        )
        self.parts.timing.keep(read(made))
        return read(made)

    async def reschedule(self, later: Later, *, text: str | None = None, at_ms: int | None = None) -> None:
        """Change one."""
        self._reach()
        at = _moment(at_ms) if at_ms is not None else None
        self.parts.timing.keep(
            read(await asked(self.parts.client.schedule.change(later.id, text=text, at=at)))
        )

    async def unschedule(self, later: Later) -> None:
        """Do not send it."""
        self._reach()
        await asked(self.parts.client.schedule.cancel(later.id))
        self.parts.timing.drop(later.id)

    async def set_timer(self, conversation: int, seconds: int) -> None:
        """From now on."""
        self._reach()
        await asked(self.parts.client.set_timer(conversation, seconds))


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
