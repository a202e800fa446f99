"""Times to come in a :class:`client.core.memory.MemoryAccount`: nothing happens by itself, tests say when."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from client.core import notices
from client.core.lifelike.people import ME
from client.core.memory_changing import MemoryChanging
from client.core.model import Kind, Message
from client.core.notices import Notice
from client.core.ports import Failure
from client.core.timed import Later


class MemoryTimed(MemoryChanging):
    """Texts that wait, and conversations whose messages do not stay."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self._later: dict[int, Later] = {}
        self._later_ids = itertools.count(1)

    def scheduled(self, conversation: int) -> Sequence[Later]:
        """The next one first."""
        found = (one for one in self._later.values() if one.conversation == conversation)
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
        """Keep it."""
        self._allowed("schedule", conversation, text, at_ms)
        if at_ms <= self.now_ms:
            raise Failure("This time is over.")
        later = Later(next(self._later_ids), conversation, text, at_ms)
        self._keep(later)
        return later

    async def reschedule(self, later: Later, *, text: str | None = None, at_ms: int | None = None) -> None:
        """Change it."""
        self._allowed("reschedule", later, text, at_ms)
        now = self._later[later.id]
        self._keep(replace(now, text=text or now.text, at_ms=at_ms or now.at_ms))

    async def unschedule(self, later: Later) -> None:
        """Forget it."""
        self._allowed("unschedule", later)
        self._drop(later)

    async def set_timer(self, conversation: int, seconds: int) -> None:
        """From now on."""
        self._allowed("set_timer", conversation, seconds)
        self._set(replace(self._conversations[conversation], timer=seconds))
        number = self.history(conversation).next_id()
        text = notices.written([Notice("timer", (), str(seconds))])
        self._put(Message(f"#{number}", conversation, ME.uuid, self.now_ms, Kind.NOTICE, text, number, True))

    def pass_to(self, now_ms: int) -> None:
        """It is later now: what waited is sent, and what does not stay is gone."""
        self.now_ms = now_ms
        for later in [one for one in self._later.values() if one.at_ms <= now_ms]:
            self._drop(later)
            self._send(later.conversation, Kind.TEXT, later.text)
        for number in self._conversations:
            gone = [one for one in self._newest(number, 200) if 0 < one.expires_ms <= now_ms]
            for one in gone:
                self.history(number).remove(one)
            if gone:
                self.changes.removed.fire(gone)
                self._refresh(number)

    def _keep(self, later: Later) -> None:
        self._later[later.id] = later
        self.changes.scheduled.fire(later.conversation)

    def _drop(self, later: Later) -> None:
        self._later.pop(later.id, None)
        self.changes.scheduled.fire(later.conversation)
