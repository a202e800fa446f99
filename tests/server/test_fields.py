"""Fields of requests, and messages that have to fit into frames."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec import json
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status
from imsys.protocols.fitting import fit, split
from imsys.protocols.framing import CHAT
from imsys.protocols.messages.people import Card, CardsResponse
from imsys.protocols.messages.registry import Message
from imsys.server.dispatch import frame
from imsys.server.fields import at_most, parse_cursor, parse_id, within


class IdTests(SynchronousTestCase):
    def test_ids(self) -> None:
        """An id is the decimal string of 63 bits at most."""
        for text, value in (("0", 0), ("7", 7), ("007", 7), (str(2**63 - 1), 2**63 - 1)):
            self.assertEqual(parse_id(text, "uuid"), value)

    def test_refused(self) -> None:
        """1 for anything else, with the name of the key."""
        for text in (
            "",
            " ",
            "-1",
            "+1",
            "1 ",
            " 1",
            "1.0",
            "1e3",
            "0x1",
            "1_0",
            "٣",
            "²",
            "x",
            str(2**63),
            "0" * 20,
            "9" * 10_000,
        ):
            error = self.assertRaises(Refused, parse_id, text, "thread_id")
            self.assertIs(error.status, Status.JSONPARSE_ERROR, text)
            self.assertIn("thread_id", error.message)

    @given(st.integers(0, 2**63 - 1))
    def test_round_trip(self, value: int) -> None:
        """Every id reads back."""
        self.assertEqual(parse_id(str(value), "uuid"), value)

    def test_cursors(self) -> None:
        """The cursor of the first page is empty or 0."""
        self.assertEqual([parse_cursor(text) for text in ("", "0", "12")], [0, 0, 12])
        self.assertRaises(Refused, parse_cursor, "x")


class LimitTests(SynchronousTestCase):
    def test_at_most(self) -> None:
        """Characters count, not bytes; 70 beyond."""
        self.assertEqual(at_most("ä" * 50, 50, "nickname"), "ä" * 50)
        error = self.assertRaises(Refused, at_most, "ä" * 51, 50, "nickname")
        self.assertEqual(
            (error.status, "nickname" in error.message, "50" in error.message),
            (Status.INVALID_FIELD, True, True),
        )

    def test_within(self) -> None:
        """Both ends are allowed; 70 beyond."""
        self.assertEqual([within(value, 1, 100, "limit") for value in (1, 100)], [1, 100])
        for value in (0, 101, -1):
            self.assertIs(
                self.assertRaises(Refused, within, value, 1, 100, "limit").status, Status.INVALID_FIELD
            )


def cards(descriptions: Sequence[str]) -> CardsResponse:
    return CardsResponse(
        cards=[
            Card(uuid="1", username="a", nickname="", avator="", description=text, sex=0)
            for text in descriptions
        ]
    )


def fits(message: Message) -> bool:
    """Whether it fits into a frame, with the longest ``seq`` that a request can have."""
    return len(frame(91, message, "\0" * 64)) <= CHAT.largest


DESCRIPTIONS = st.lists(
    st.one_of(st.text(max_size=20), st.integers(0, 60_000).map(lambda size: "x" * size)), max_size=40
)


class FrameTests(SynchronousTestCase):
    def test_all(self) -> None:
        """What fits is left as it is."""
        for texts in ([], ["a"], ["a"] * 100):
            self.assertEqual(fit(texts, cards), cards(texts))
            self.assertEqual(split(texts, cards), [cards(texts)])

    @given(DESCRIPTIONS)
    def test_fit(self, texts: list[str]) -> None:
        """As many as fit, from the start or from the end; never none where there are some."""
        for from_the_end in (False, True):
            built = fit(texts, cards, from_the_end=from_the_end)
            found = [card.description for card in built.cards]
            self.assertTrue(fits(built))
            self.assertEqual(found, texts[len(texts) - len(found) :] if from_the_end else texts[: len(found)])
            self.assertEqual(bool(found), bool(texts))

    @given(DESCRIPTIONS)
    def test_split(self, texts: list[str]) -> None:
        """All of them, in order, in messages that each fit."""
        messages = split(texts, cards)
        self.assertTrue(all(map(fits, messages)))
        self.assertEqual([card.description for message in messages for card in message.cards], texts)

    def test_seq(self) -> None:
        """The longest ``seq`` still fits beside the largest page."""
        size = 900
        self.assertEqual(fit(["x" * size] * 64, cards), cards(["x" * size] * 64))
        while fit(["x" * size] * 64, cards) == cards(["x" * size] * 64):
            size += 1
        page = cards(["x" * (size - 1)] * 64)
        worst = max(("\x00" * 64, "\\" * 64, "ä" * 64, "😀" * 64), key=lambda seq: len(json.encode(seq)))
        self.assertLessEqual(len(frame(91, page, worst)), CHAT.largest)
