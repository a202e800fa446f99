"""One conversation that is open: its messages, and what can be done in it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from pathlib import Path

from client.core import mentions
from client.core.changes import Signal
from client.core.counting import split
from client.core.following import Busy, Presence
from client.core.living import bare, can_edit
from client.core.model import Conversation, ConversationKind, Message, Person, Reactor, Readers
from client.core.ports import Account, Failure
from client.viewmodels.message_window import MessageWindow
from client.viewmodels.spool import Spool
from client.viewmodels.work import now_ms, run

FOUND_MOST = 200


class Obstacle(enum.Enum):
    """Why nobody can write in a conversation."""

    BLOCKED = "blocked"
    """I hear nothing from them."""
    STRANGER = "stranger"
    """We are no friends any more."""
    ASKED = "asked"
    """The same, and I have asked them just now."""
    ASKS = "asks"
    """The same, and they ask me."""
    CHANNEL = "channel"
    """It is not mine to write in."""
    MUTED = "muted"
    """An admin has muted me for a while."""
    GONE = "gone"
    """I am not in this group any more."""


class ConversationPresenter:
    """Signals tell what became of commands; every command returns at once."""

    def __init__(
        self, account: Account, conversation: int, spool: Spool, *, now: Callable[[], int] = now_ms
    ) -> None:
        self.account, self.id, self._spool, self.now = account, conversation, spool, now
        self.window = MessageWindow(account, conversation)
        self.changed: Signal[None] = Signal()
        """Its row is different: title, whether one can write."""
        self.followed: Signal[None] = Signal()
        """The other one comes or goes, or others are writing."""
        self.failed: Signal[str] = Signal()
        self.refused: Signal[tuple[str, str]] = Signal()
        """A text that was not taken, and why: it goes back into the composer."""
        self.previewed: Signal[tuple[str, str]] = Signal()
        """The small picture of a message (its key) is at a path; empty: it cannot be had."""
        self.found: Signal[list[Message]] = Signal()
        """What was searched for, the newest first."""
        self.unchanged: Signal[tuple[Message, str, str]] = Signal()
        """A message of mine, the text that it was to have, and why it has not."""
        self.pinned: Signal[list[Message]] = Signal()
        """What is pinned, the one that was pinned last first."""
        self.seen_by: Signal[Readers] = Signal()
        """What :meth:`ask_readers` asked for."""
        self.reacted: Signal[tuple[Message, list[Reactor], str | None]] = Signal()
        """What :meth:`ask_reactors` asked for."""
        self._sought = ""
        self._asked_pins = 0
        self._asked = False
        self._overcoming = False
        self._ends = [
            account.changes.pins.subscribe(lambda where: self.read_pins() if where == conversation else None),
            account.changes.requests.subscribe(lambda _: self.changed.fire(None)),
            account.changes.conversations.subscribe(
                lambda ids: self.changed.fire(None) if conversation in ids else None
            ),
            account.changes.people.subscribe(
                lambda people: self.changed.fire(None) if set(self.about.people) & set(people) else None
            ),
            account.changes.presence.subscribe(
                lambda people: self.followed.fire(None) if set(self.about.people[:1]) & set(people) else None
            ),
            account.changes.busy.subscribe(
                lambda where: self.followed.fire(None) if where == conversation else None
            ),
            self.window.failed.subscribe(self.failed.fire),
        ]

    @property
    def about(self) -> Conversation:
        """The conversation."""
        return self.window.about

    @property
    def other(self) -> Person | None:
        """Whom one talks to, where it is one."""
        about = self.about
        return (
            self.account.person(about.people[0])
            if about.kind is ConversationKind.PRIVATE and about.people
            else None
        )

    @property
    def presence(self) -> Presence | None:
        """Whether they are online; ``None``: it is not known, or it is not one."""
        other = self.other
        return self.account.presence(other.uuid) if other is not None else None

    @property
    def busy(self) -> Busy:
        """Who is writing here."""
        return self.account.busy(self.id)

    @property
    def obstacle(self) -> Obstacle | None:
        """Why nobody can write here; ``None``: one can."""
        other = self.other
        if other is None:
            if self.about.gone:
                return Obstacle.GONE
            if not self.about.can_write:
                return Obstacle.CHANNEL
            return Obstacle.MUTED if self.about.silent_until_ms > self.now() else None
        if other.blocked:
            return Obstacle.BLOCKED
        if other.friend:
            return None
        if any(one.person.uuid == other.uuid for one in self.account.requests()):
            return Obstacle.ASKS
        return Obstacle.ASKED if self._asked else Obstacle.STRANGER

    def overcome(self) -> None:
        """Do about the obstacle what can be done: unblock, ask, accept."""
        other, obstacle, account = self.other, self.obstacle, self.account
        if other is None or obstacle in (None, Obstacle.ASKED) or self._overcoming:
            return

        async def overcome() -> None:
            if obstacle is Obstacle.BLOCKED:
                await account.block(other.uuid, False)
            elif obstacle is Obstacle.ASKS:
                await account.accept(other.uuid, other.alias)
            else:
                await account.ask_friend(other.uuid, "")
                self._asked = True

        def done(_: object) -> None:
            self._overcoming = False
            self.changed.fire(None)

        self._overcoming = True
        run(overcome(), self.failed.fire).addCallback(done)

    # Coming and going.

    def open(self, *, at: int = 0) -> None:
        """Begin where it was left: at what is unread, else where it was scrolled to, else at the end."""
        kept = self.account.remembered(self._place)
        if not at and kept.isdecimal() and not self.about.unread:
            at = int(kept)
        self.window.open(at=at)
        self.read_pins()
        if self.about.kind is not ConversationKind.PRIVATE and not self.about.gone:
            run(self.account.acquaint(self.id), lambda problem: None)

    def close(self, *, seen: int = 0) -> None:
        """End; ``seen`` is the message at the top of the view."""
        place = str(seen) if seen and not self.window.follows else ""
        if place != self.account.remembered(self._place):
            self.account.remember(self._place, place)
        self._asked_pins += 1
        for end in self._ends:
            end()
        self.window.close()

    @property
    def _place(self) -> str:
        return f"scroll.{self.id}"

    # Writing.

    def set_draft(self, text: str) -> None:
        """Keep what is being written."""
        if text != self.about.draft:
            self.account.set_draft(self.id, text)

    def tell_writing(self) -> None:
        """Let the others know that I write; may be called at each key."""
        self.account.tell_activity(self.id)

    @property
    def members(self) -> list[Person]:
        """Who can be mentioned: the others of a group."""
        about = self.about
        if about.kind is ConversationKind.PRIVATE:
            return []
        return [self.account.person(uuid) for uuid in about.people if uuid != self.account.me.uuid]

    def mentioned(self, text: str) -> tuple[int, ...]:
        """Whom a text mentions."""
        return mentions.mentioned(text, self.members, all=self.about.kind is not ConversationKind.PRIVATE)

    def send(self, text: str, *, answers: Message | None = None) -> None:
        """Write a text, which may answer a message."""
        self._send([text], text, answers)

    def send_several(self, text: str, *, answers: Message | None = None) -> None:
        """Write a long text as several, of which the first one answers."""
        self._send(split(text), text, answers)

    def _send(self, parts: Sequence[str], text: str, answers: Message | None = None) -> None:
        async def write() -> None:
            for at, part in enumerate(parts):
                answered = answers if not at else None
                await self.account.send_text(self.id, part, answers=answered, mentions=self.mentioned(part))

        self.set_draft("")
        run(write(), lambda problem: self.refused.fire((text, problem)))
        self.window.to_end()

    def send_made(self, stem: str, suffix: str, write: Callable[[Path], object]) -> None:
        """Make a file here, and send it: a text that is too long."""

        async def send() -> None:
            try:
                path = await self._spool.put(stem, suffix, write)
            except OSError as problem:
                raise Failure(f"The file could not be made: {problem.strerror}.") from problem
            await self.account.send_file(self.id, path)

        run(send(), self.failed.fire)
        self.window.to_end()

    def resend(self, message: Message) -> None:
        """Try one again."""
        run(self.account.resend(message), self.failed.fire)

    def delete(self, message: Message) -> None:
        """Remove one that is not sent."""
        run(self.account.delete(message), self.failed.fire)

    # Changing what was said.

    @property
    def last_own(self) -> Message | None:
        """The last text of mine that can be changed, of those that are shown."""
        return next((one for one in reversed(self.window.messages) if can_edit(one, self.now())), None)

    def edit(self, message: Message, text: str) -> None:
        """Replace a text of mine."""
        if text != message.text:
            run(
                self.account.edit(message, text, mentions=self.mentioned(text)),
                lambda problem: self.unchanged.fire((message, text, problem)),
            )

    def recall(self, message: Message) -> None:
        """Delete it for everybody."""
        run(self.account.recall(message), self.failed.fire)

    def hide(self, message: Message) -> None:
        """Delete it for me."""
        run(self.account.hide(message), self.failed.fire)

    def react(self, message: Message, emoji: str) -> None:
        """Put an emoji to a message, or take mine away."""
        same = next((one for one in message.reactions if bare(one.emoji) == bare(emoji)), None)
        on = same is None or not same.mine
        run(self.account.react(message, same.emoji if same is not None else emoji, on), self.failed.fire)

    def pin(self, message: Message, on: bool) -> None:
        """Pin it, or take it down."""
        run(self.account.pin(message, on), self.failed.fire)

    def ask_readers(self, message: Message) -> None:
        """Ask who has read it."""

        async def ask() -> None:
            self.seen_by.fire(await self.account.readers(message))

        run(ask(), self.failed.fire)

    def ask_reactors(self, message: Message, emoji: str | None = None) -> None:
        """Ask who reacted to it; ``emoji`` comes back with the answer, and without it a failure is nothing to tell."""

        async def ask() -> None:
            self.reacted.fire((message, await self.account.reactors(message), emoji))

        run(ask(), self.failed.fire if emoji is not None else lambda problem: None)

    def read_pins(self) -> None:
        """Tell what is pinned; of several answers the one to the last question counts."""
        self._asked_pins += 1
        number = self._asked_pins

        async def read() -> None:
            found = await self.account.pins(self.id)
            if number == self._asked_pins:
                self.pinned.fire(found)

        run(read(), self.failed.fire)

    # Reading.

    def mark_read(self, id: int) -> None:
        """All up to here was visible in an active window."""
        about = self.about
        if id > about.read or about.unread:
            run(self.account.mark_read(self.id, id), self.failed.fire)

    def preview(self, key: str) -> None:
        """Have the small picture of a message."""
        message = next((one for one in self.window.messages if one.key == key), None)
        if message is None:
            return

        async def have() -> None:
            path = await self.account.preview(message)
            self.previewed.fire((key, str(path) if path else ""))

        run(have(), lambda problem: self.previewed.fire((key, "")))

    def find(self, text: str) -> None:
        """Search in it; an answer to what is not wanted any more is not told."""
        self._sought = text

        async def search() -> None:
            found = await self.account.find(self.id, text, FOUND_MOST) if text else []
            if self._sought == text:
                self.found.fire(found)

        run(search(), self.failed.fire)

    # Transfers.

    def pause(self, key: str) -> None:
        """Stop a transfer for now."""
        self.account.pause(key)

    def cancel(self, key: str) -> None:
        """Give it up."""
        run(self.account.cancel(key), self.failed.fire)
