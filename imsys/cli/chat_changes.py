"""Slash commands of a chat that are about one message, and changes of messages in plain words."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from imsys.cli.conversation import Utterance, content, short
from imsys.cli.group_words import told
from imsys.cli.names import Names
from imsys.cli.tasks import Tasks
from imsys.cli.text import printable
from imsys.sdk import (
    Client,
    Conversation,
    Edit,
    Entry,
    Forwarded,
    Membership,
    Mentions,
    Message,
    Outgoing,
    Pin,
    Reaction,
    Recall,
    Refused,
    SettingsChange,
    explain,
)

_KEPT = 1000
"""Messages that have a number, at most."""
_LISTED = 20

HELP = (
    "each message has a number N: /reply N TEXT, /edit N TEXT",
    "/recall N takes one back, /forward N NAME sends it on",
    "/react N EMOJI, and again: takes it away; /pin N likewise",
    "/list shows the last messages with their numbers, /pins the pinned",
)


class ChatChanges:
    """What is done to messages of one conversation, by number.

    Numbers are given to messages as they are shown, from 1 on, and stay.

    :param notice: shows a line that is not a message.
    :param say: sends a text that answers a message; returns whether it was accepted.
    :param mentions: returns whom a text mentions.
    :param now: returns the time, in the user's time zone.
    """

    def __init__(
        self,
        client: Client,
        tasks: Tasks,
        names: Names,
        notice: Callable[[str], None],
        say: Callable[[str, int], bool],
        forward: Callable[[Message, str], Coroutine[Any, Any, Outgoing[Message]]],
        mentions: Callable[[str], Mentions],
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._tasks = tasks
        self._names = names
        self._speaker = names.of
        self._notice = notice
        self._say = say
        self._forward = forward
        self._mentions = mentions
        self._now = now
        self._numbered: dict[int, Utterance] = {}
        self._last = 0
        self._conversation = Conversation(0)
        self.commands: dict[str, Callable[[str], bool]] = {
            "/reply": self._reply,
            "/edit": self._edit,
            "/recall": self._recall,
            "/react": self._react,
            "/pin": self._pin,
            "/forward": self._send_on,
            "/list": self._list,
            "/pins": self._pins,
        }
        """Each takes the rest of its line, and returns whether it was accepted."""

    def begin(self, thread_id: int) -> None:
        """Begin with a conversation, before its first page is asked for."""
        self._conversation = Conversation(thread_id, most=_KEPT)

    def page(self, messages: list[Message]) -> list[Message]:
        """Take messages of the history; return them as they are now."""
        self._conversation.merge(messages)
        return [self._conversation.get(message.id) or message for message in messages]

    def early(self, entry: Entry) -> None:
        """Take a change that came before the first page."""
        self._conversation.take(entry)

    def take(self, message: Message) -> Message:
        """Take a message that came; return it as it is now."""
        self._conversation.take(message)
        return self._conversation.get(message.id) or message

    def number(self, said: Utterance) -> None:
        """Give a number to what is shown."""
        self._last += 1
        said.number = self._last
        self._numbered[self._last] = said
        self._numbered.pop(self._last - _KEPT, None)

    def quote(self, reply_to: int, forward: Forwarded | None = None) -> str:
        """Return what stands above a message that answers another one, or that was forwarded."""
        if forward is not None:
            return f"forwarded from {self._speaker(forward.sender)}"
        return f"answers {self._words(reply_to)}" if reply_to else ""

    def entry(self, entry: Entry) -> None:
        """Say what was changed."""
        before = {one: self._words(one) for one in _targets(entry)}
        changed = self._conversation.take(entry)
        who = "you" if entry.mine else self._speaker(entry.actor)
        match entry:
            case Edit(target=target, text=text) if text:
                self._notice(f"{who} changed {self._name(target)} to: {printable(text, lines=True)}")
            case Recall(targets=targets):
                for target in targets:
                    self._notice(f"{who} took back {before[target]}")
            case Reaction(target=target, emoji=emoji, on=on):
                what = printable(emoji) if on else f"no {printable(emoji)} any more"
                self._notice(f"{who}: {what} to {before[target]}")
            case Pin(target=target, on=on):
                self._notice(f"{who} {'pinned' if on else 'took down'} {before[target]}")
            case Membership() | SettingsChange():
                if words := told(entry, self._names, self._now()):
                    self._notice(words)
        for message in changed:
            for said in self._numbered.values():
                if said.id == message.id:
                    said.text = content(message)

    # the commands

    def _reply(self, rest: str) -> bool:
        target, text = self.target(rest, "/reply N TEXT", words=True)
        return target is not None and self._say(text, target)

    def _edit(self, rest: str) -> bool:
        target, text = self.target(rest, "/edit N TEXT", words=True)
        return target is not None and self._send(
            lambda: self._client.edit(self._thread, target, text, mentions=self._mentions(text)), "changed"
        )

    def _recall(self, rest: str) -> bool:
        target, _ = self.target(rest, "/recall N")
        return target is not None and self._send(
            lambda: self._client.recall(self._thread, [target]), "taken back"
        )

    def _react(self, rest: str) -> bool:
        target, emoji = self.target(rest, "/react N EMOJI", words=True)
        if target is None:
            return False
        message = self._conversation.get(target)
        mine = any(one.mine and one.emoji == emoji for one in message.reactions) if message else False
        return self._send(lambda: self._client.react(self._thread, target, emoji, not mine), "reacted to")

    def _pin(self, rest: str) -> bool:
        target, _ = self.target(rest, "/pin N")
        if target is None:
            return False
        message = self._conversation.get(target)
        on = message is None or not message.pinned
        return self._send(lambda: self._client.pin(self._thread, target, on), "pinned")

    def _send_on(self, rest: str) -> bool:
        target, name = self.target(rest, "/forward N NAME", words=True)
        message = None if target is None else self._conversation.get(target)
        if message is None:
            return False

        async def forwarded() -> None:
            await (await self._forward(message, name))
            self._notice(f"sent to {printable(name)}")

        self._tasks.begin(forwarded(), "not sent")
        return True

    def _list(self, _: str) -> bool:
        if not self._numbered:
            self._notice("nothing has been said yet")
        for number in sorted(self._numbered)[-_LISTED:]:
            said = self._numbered[number]
            words = "[gone]" if self._gone(said.expires_at) else short(said.text)
            self._notice(f"{number}  {said.speaker}: {words}")
        return True

    def _pins(self, _: str) -> bool:
        async def tell() -> None:
            found = await self._client.history.pins(self._thread)
            if not found:
                self._notice("nothing is pinned")
            for one in found:
                self._notice(f"pinned: {self._words(one)}")

        self._tasks.begin(tell(), "not listed")
        return True

    @property
    def _thread(self) -> int:
        return self._conversation.thread_id

    def target(self, rest: str, usage: str, *, words: bool = False) -> tuple[int | None, str]:
        """Read a number, and what follows; return the id of the message, or ``None`` after a complaint."""
        number, _, text = rest.partition(" ")
        text = text.strip()
        said = self._numbered.get(int(number)) if number.isdecimal() and len(number) < 10 else None
        if not number or (words and said is not None and not text):
            self._notice(f"like this: {usage}; /list shows the numbers")
        elif said is None:
            self._notice("there is no such message; /list shows the numbers")
        elif not said.id:
            self._notice("this message has not been sent yet")
        else:
            return said.id, text
        return None, ""

    def _send(self, make: Callable[[], Outgoing[Entry | None]], done: str) -> bool:
        try:
            outgoing = make()
        except Refused as refusal:
            self._notice(f"not {done}: {explain(refusal)}")
            return False
        self._tasks.begin(outgoing, f"not {done}")
        return True

    # words for messages

    def _name(self, message_id: int) -> str:
        for number, said in self._numbered.items():
            if said.id == message_id:
                return str(number)
        return "an earlier message"

    def _words(self, message_id: int) -> str:
        name, message = self._name(message_id), self._conversation.get(message_id)
        if message is None or message.recalled or self._gone(message.expires_at):
            return name
        speaker = "you" if message.mine else self._speaker(message.sender)
        return f"{name} ({speaker}: {short(content(message))})"

    def _gone(self, at: datetime | None) -> bool:
        return at is not None and at <= self._now()


def _targets(entry: Entry) -> tuple[int, ...]:
    match entry:
        case Edit() | Reaction() | Pin():
            return (entry.target,)
        case Recall():
            return entry.targets
    return ()
