"""What messages are after the entries of their thread, however both came."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.sdk import (
    EVERYBODY,
    Conversation,
    Edit,
    Entry,
    Forwarded,
    Logged,
    Message,
    Pin,
    Reaction,
    ReactionCount,
    Recall,
    UnknownEntry,
    applied,
)

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
THREAD, ME, OTHER = 11, 1, 2


def message(number: int, **more: Any) -> Message:
    return Message(
        id=number,
        thread_id=THREAD,
        sender=ME,
        receiver=OTHER,
        text=f"text {number}",
        sent_at=MOMENT,
        mine=True,
        **{"as_of": number, **more},
    )


def common(number: int, actor: int = OTHER) -> dict[str, Any]:
    at = MOMENT + timedelta(seconds=number)
    return {"id": number, "thread_id": THREAD, "actor": actor, "at": at, "mine": actor == ME}


class Applied(SynchronousTestCase):
    def test_life(self) -> None:
        """A message is edited, reacted to, pinned, and taken back; what others have of it changes nothing."""
        said = message(
            5, mentions=(OTHER,), reply_to=3, forward=Forwarded(thread_id=1, message_id=2, sender=3)
        )
        edited = applied(said, Edit(**common(6), target=5, text="new", mentions=EVERYBODY))
        self.assertEqual(
            (edited.text, edited.mentions, edited.edited_at, edited.reply_to),
            ("new", EVERYBODY, MOMENT + timedelta(seconds=6), 3),
        )
        self.assertTrue(edited.mentions_user(77))
        one = applied(edited, Reaction(**common(7), target=5, emoji="👍", on=True))
        two = applied(one, Reaction(**common(8, ME), target=5, emoji="👍", on=True))
        self.assertEqual(two.reactions, (ReactionCount(emoji="👍", count=2, mine=True),))
        three = applied(two, Reaction(**common(9), target=5, emoji="❤", on=True))
        self.assertEqual([one.emoji for one in three.reactions], ["❤", "👍"])
        left = applied(three, Reaction(**common(10, ME), target=5, emoji="👍", on=False))
        left = applied(left, Reaction(**common(11), target=5, emoji="👍", on=False))
        self.assertEqual(left.reactions, (ReactionCount(emoji="❤", count=1, mine=False),))
        pinned = applied(left, Pin(**common(12), target=5, on=True))
        self.assertTrue(pinned.pinned)
        gone = applied(pinned, Recall(**common(13), targets=(4, 5)))
        self.assertEqual(
            (
                gone.text,
                gone.recalled,
                gone.reactions,
                gone.pinned,
                gone.reply_to,
                gone.mentions,
                gone.forward,
            ),
            ("", True, (), False, 0, (), None),
        )

    def test_not_meant(self) -> None:
        """Another message, another thread, or an entry that it has already: it stays what it is."""
        said = message(5, as_of=9)
        for entry in (
            Edit(**common(10), target=6, text="new"),
            Edit(**common(9), target=5, text="new"),
            Edit(**{**common(10), "thread_id": 12}, target=5, text="new"),
            UnknownEntry(**common(10), kind=99, body={"target": "5"}),
            Recall(**common(10), targets=(6,)),
        ):
            self.assertIs(applied(said, entry), said)


class Conversations(SynchronousTestCase):
    def test_bounds(self) -> None:
        """It has as many messages as it may, and says of a page that is too old that it is."""
        conversation = Conversation(THREAD, most=2, recent=2)
        for number in (1, 2, 3):
            self.assertEqual(conversation.take(message(number)), [message(number)])
        self.assertEqual([one.id for one in conversation.messages], [2, 3])
        self.assertEqual(conversation.take(message(1)), [])
        for number in (4, 5, 6):
            (changed,) = conversation.take(Pin(**common(number), target=3, on=bool(number % 2)))
            self.assertEqual(changed.pinned, bool(number % 2))
        self.assertFalse(conversation.merge([message(2, as_of=3)]))
        self.assertTrue(conversation.merge([message(2, as_of=4)]))
        self.assertEqual(conversation.take(Edit(**{**common(7), "thread_id": 5}, target=3, text="x")), [])

    def test_hidden(self) -> None:
        """What was hidden is gone."""
        conversation = Conversation(THREAD)
        conversation.merge([message(number) for number in range(1, 6)])
        conversation.hide([4], 2)
        self.assertEqual([one.id for one in conversation.messages], [3, 5])
        self.assertIsNone(conversation.get(4))

    @given(st.data())
    def test_same_end(self, data: st.DataObject) -> None:
        """Whenever pages are read, however late they come, the end is what the log says."""
        log: list[Logged] = []
        texts: list[int] = []
        for number in range(1, data.draw(st.integers(2, 25)) + 1):
            kind = data.draw(st.sampled_from("mmerp")) if texts else "m"
            target = data.draw(st.sampled_from(texts)) if texts else 0
            entry: Entry
            if kind == "m":
                log.append(message(number))
                texts.append(number)
                continue
            if kind == "e":
                entry = Edit(**common(number), target=target, text=f"edit {number}")
            elif kind == "p":
                entry = Pin(**common(number), target=target, on=data.draw(st.booleans()))
            else:
                entry = Reaction(**common(number), target=target, emoji="👍", on=data.draw(st.booleans()))
                before = state(log, number - 1)[target].reactions
                entry = Reaction(**common(number), target=target, emoji="👍", on=not before)
            log.append(entry)
        replica = Conversation(THREAD)
        pages: list[list[Message]] = []
        for item in log:
            if data.draw(st.booleans()):
                pages.append(list(state(log, item.id).values()))
            replica.take(item)
            if data.draw(st.booleans()) and pages:
                which: int = data.draw(st.integers(0, len(pages) - 1))
                self.assertTrue(replica.merge(pages.pop(which)))
        late = Conversation(THREAD)
        for item in log:
            if item.id > log[len(log) // 2].id:
                late.take(item)
        late.merge(state(log, log[len(log) // 2].id).values())
        wanted = [plain(one) for one in state(log, log[-1].id).values()]
        self.assertEqual([plain(one) for one in replica.messages], wanted)
        self.assertEqual([plain(one) for one in late.messages], wanted)


def plain(message: Message) -> tuple[Any, ...]:
    return message.id, message.text, message.edited_at, message.reactions, message.pinned


def state(log: list[Logged], as_of: int) -> dict[int, Message]:
    """What a page says of a thread after an entry of its log."""
    found: dict[int, Message] = {}
    for item in log:
        if item.id > as_of:
            break
        if isinstance(item, Message):
            found[item.id] = item
        else:
            found = {number: applied(one, item) for number, one in found.items()}
    return {number: replace(one, as_of=as_of) for number, one in found.items()}
