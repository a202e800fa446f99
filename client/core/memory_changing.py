"""The life of a message in a :class:`client.core.memory.MemoryAccount`: written, answered, forwarded, changed,
taken back.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from client.core.lifelike.people import ME
from client.core.memory_world import MemoryWorld
from client.core.model import Forward, Kind, Link, Mark, Message, Quote, Reaction, Reactor, Readers
from client.core.ports import Failure

PINS_MOST = 20


class MemoryChanging(MemoryWorld):
    """``refusal`` is the sentence that every command fails with until it is emptied."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.refusal = ""
        self.commands: list[tuple[object, ...]] = []
        """What was asked for, for tests: its name and arguments."""
        self._numbers = itertools.count(1)
        self._pins: dict[int, list[int]] = {}

    def _allowed(self, *command: object) -> None:
        self.commands.append(command)
        if self.refusal:
            raise Failure(self.refusal)

    async def send_text(
        self,
        conversation: int,
        text: str,
        *,
        answers: Message | None = None,
        mentions: Sequence[int] = (),
    ) -> Message:
        """Write a text."""
        self._allowed("send_text", conversation, text)
        if not text or len(text) > 4_096:
            raise Failure("A message has at most 4,096 characters.")
        return self._send(
            conversation,
            Kind.TEXT,
            text,
            quote=quote(answers) if answers is not None else None,
            mentions=tuple(mentions),
        )

    async def forward(self, message: Message, conversation: int) -> Message:
        """Send a text on."""
        self._allowed("forward", message, conversation)
        if message.attachment is not None:
            return self._send(conversation, message.kind, message.text, attachment=message.attachment)
        source = Forward(message.conversation, message.id, (message.forward or message).sender)
        return self._send(conversation, message.kind, message.text, forward=source)

    def _send(self, conversation: int, kind: Kind, text: str, **more: Any) -> Message:
        timer = self._conversations[conversation].timer
        if timer:
            more["expires_ms"] = self.now_ms + timer * 1000
        message = Message(
            f"written-{next(self._numbers)}",
            *(conversation, ME.uuid, self.now_ms, kind, text, 0, True, Mark.WAITING),
            **more,
        )
        self._put(message)
        return self.advance(message, Mark.STORED) if self._connection.link is Link.ONLINE else message

    def now(self, message: Message) -> Message:
        """A message as it is now."""
        history = self.history(message.conversation)
        return history[history.position((message.id, 0, ""))] if message.id else message

    async def edit(self, message: Message, text: str, *, mentions: Sequence[int] = ()) -> None:
        """Replace a text."""
        self._allowed("edit", message, text)
        self._put(replace(self.now(message), text=text, mentions=tuple(mentions), edited_ms=self.now_ms))

    async def recall(self, message: Message) -> None:
        """Take it back."""
        self._allowed("recall", message)
        now = self.now(message)
        self._put(
            Message(
                *(
                    now.key,
                    now.conversation,
                    now.sender,
                    now.at_ms,
                    Kind.TEXT,
                    "",
                    now.id,
                    now.mine,
                    now.mark,
                ),
                recalled=True,
            )
        )
        self._unpin(message)

    async def hide(self, message: Message) -> None:
        """Take it from this account."""
        self._allowed("hide", message)
        self.history(message.conversation).remove(message)
        self.changes.removed.fire([message])
        self._refresh(message.conversation)

    async def react(self, message: Message, emoji: str, on: bool) -> None:
        """Put an emoji to it, or take it away."""
        self._allowed("react", message, emoji, on)
        self.reacted(message, emoji, on, mine=True)

    def reacted(self, message: Message, emoji: str, on: bool, *, mine: bool = False) -> None:
        """Somebody puts an emoji to a message, or takes it away."""
        now = self.now(message)
        counts = {one.emoji: one for one in now.reactions}
        one = counts.get(emoji) or Reaction(emoji, 0, False)
        if mine and one.mine == on:
            return
        counts[emoji] = Reaction(emoji, one.count + (1 if on else -1), on if mine else one.mine)
        self._put(replace(now, reactions=tuple(one for one in counts.values() if one.count > 0)))

    async def pin(self, message: Message, on: bool) -> None:
        """Pin it, or take it down."""
        self._allowed("pin", message, on)
        self._put(replace(self.now(message), pinned=on))
        self._unpin(message)
        if on:
            self._pins.setdefault(message.conversation, []).insert(0, message.id)
            self.changes.pins.fire(message.conversation)

    def _unpin(self, message: Message) -> None:
        pins = self._pins.get(message.conversation, [])
        if message.id in pins:
            pins.remove(message.id)
            self.changes.pins.fire(message.conversation)

    async def readers(self, message: Message) -> Readers:
        """All but one have it, and all but two have read it."""
        self._allowed("readers", message)
        people = self._conversations[message.conversation].people
        return Readers(max(0, len(people) - 1), max(0, len(people) - 2), people[2:])

    async def reactors(self, message: Message) -> list[Reactor]:
        """I where I reacted, and others as often as it was counted."""
        self._allowed("reactors", message)
        people = self._conversations[message.conversation].people
        found = []
        for one in self.now(message).reactions:
            others = people[: one.count - one.mine]
            found += [Reactor(uuid, one.emoji) for uuid in (*((ME.uuid,) if one.mine else ()), *others)]
        return found

    async def pins(self, conversation: int) -> list[Message]:
        """What is pinned."""
        history = self.history(conversation)
        found = [history[history.position((one, 0, ""))] for one in self._pins.get(conversation, [])]
        return found[:PINS_MOST]


def quote(message: Message) -> Quote:
    """What is shown of a message above its answer."""
    text = message.text or (message.attachment.filename if message.attachment is not None else "")
    return Quote(message.id, message.sender, text)
