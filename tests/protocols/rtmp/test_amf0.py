"""The values of commands and metadata."""

from __future__ import annotations

import math
import struct
import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.rtmp import amf0
from imsys.protocols.rtmp.amf0 import AmfFault, Date, EcmaArray, TypedObject, Value, decode, encode

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(allow_nan=False),
    NAMES,
    st.builds(Date, st.floats(allow_nan=False), st.integers(-720, 720)),
)


def _larger(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    members = st.dictionaries(NAMES, values, max_size=5)
    return st.one_of(
        members, st.lists(values, max_size=5), members.map(EcmaArray), st.builds(TypedObject, NAMES, members)
    )


VALUES: st.SearchStrategy[Value] = st.recursive(PLAIN, _larger, max_leaves=20)


class ExampleTests(SynchronousTestCase):
    def test_every_type(self) -> None:
        """Each type is written as the specification says."""
        examples: list[tuple[str, Value]] = [
            ("00 3ff8000000000000", 1.5),
            ("01 01", True),
            ("01 00", False),
            ("02 0003 c3a978", "éx"),
            ("03 0001 61 00 4000000000000000 0001 62 05 0000 09", {"a": 2.0, "b": None}),
            ("05", None),
            ("08 00000001 0001 61 01 01 0000 09", EcmaArray({"a": True})),
            ("0a 00000002 05 01 00", [None, False]),
            ("0b 4059000000000000 0000", Date(100.0)),
            ("10 0001 54 0001 61 05 0000 09", TypedObject("T", {"a": None})),
        ]
        for data, value in examples:
            with self.subTest(data=data):
                self.assertEqual(encode(value), bytes.fromhex(data))
                self.assertEqual(decode(bytes.fromhex(data)), [value])
                self.assertIs(type(decode(bytes.fromhex(data))[0]), type(value))

    def test_only_read(self) -> None:
        """Undefined and unsupported are nothing, XML is text, and an array's count may be wrong."""
        self.assertEqual(decode(bytes.fromhex("06 0d 0f 00000002 6869")), [None, None, "hi"])
        self.assertEqual(decode(bytes.fromhex("08 00000000 0001 61 05 0000 09")), [{"a": None}])

    def test_long_string(self) -> None:
        """A text beyond 65,535 bytes has a length of four."""
        self.assertEqual(encode("x" * 65535)[:3], b"\x02\xff\xff")
        self.assertEqual(encode("x" * 65536)[:5], b"\x0c\x00\x01\x00\x00")
        self.assertEqual(decode(encode("x" * 70000)), ["x" * 70000])

    def test_several(self) -> None:
        """A message holds values one after the other; integers are numbers."""
        self.assertEqual(decode(encode("connect", 1, {"app": "live"})), ["connect", 1.0, {"app": "live"}])
        self.assertEqual(decode(b""), [])

    def test_not_utf_8(self) -> None:
        """Text in another encoding is text with replacements, and can be written."""
        self.assertEqual(decode(b"\x02\x00\x01\xe9"), ["\ufffd"])
        self.assertEqual(encode("\ud800"), b"\x02\x00\x01?")

    def test_cannot_be_written(self) -> None:
        """A name that is too long, and a value of no type, are errors of ours."""
        self.assertRaises(ValueError, encode, {"x" * 65536: None})
        self.assertRaises(ValueError, encode, object())

    @given(st.lists(VALUES, max_size=5))
    def test_round_trip(self, values: list[Value]) -> None:
        """What is written is read as it was."""
        self.assertEqual(decode(encode(*values)), values)

    def test_not_a_number(self) -> None:
        """Numbers that are none pass."""
        (value,) = decode(encode(math.nan))
        assert isinstance(value, float)
        self.assertTrue(math.isnan(value))


class BombTests(SynchronousTestCase):
    def assert_refused(self, data: bytes) -> None:
        """At once: none of these may cost much."""
        before = time.process_time()
        self.assertRaises(AmfFault, decode, data)
        self.assertLess(time.process_time() - before, 1)

    def test_nesting(self) -> None:
        """Values nested as deep as there are bytes."""
        for level in (
            b"\x03\x00\x01a",
            b"\x0a\x00\x00\x00\x01",
            b"\x08\x00\x00\x00\x01\x00\x01a",
            b"\x10\x00\x01T\x00\x01a",
        ):
            self.assert_refused(level * 40_000)
        deep: Value = None
        for _ in range(amf0.DEPTH):
            deep = [deep]
        self.assertEqual(decode(encode(deep)), [deep])
        self.assert_refused(encode([deep]))

    def test_counts(self) -> None:
        """An array that claims four billion values, alone or of arrays that do."""
        self.assert_refused(b"\x0a\xff\xff\xff\xff")
        self.assert_refused((b"\x0a" + struct.pack(">I", 60_000)) * 10 + b"\x05" * 250_000)
        self.assert_refused(b"\x05" * (amf0.VALUES + 1))
        self.assertEqual(len(decode(b"\x05" * amf0.VALUES)), amf0.VALUES)

    def test_lengths(self) -> None:
        """A text that claims four gigabytes, a name that claims more than there is."""
        self.assert_refused(b"\x0c\xff\xff\xff\xffabc")
        self.assert_refused(b"\x02\x00\x04abc")
        self.assert_refused(b"\x03\x00\x04abc")

    def test_cut_off(self) -> None:
        """Each of the values without its last byte."""
        for value in (1.5, True, "text", {"a": 1.0}, EcmaArray(a=None), [None], Date(0.0), TypedObject("T")):
            self.assert_refused(encode(value)[:-1])

    def test_not_taken(self) -> None:
        """References, movie clips, record sets, AMF3, and types that there are not."""
        for marker in (0x04, 0x07, 0x09, 0x0E, 0x11, 0x12, 0xFF):
            self.assert_refused(bytes((marker, 0, 0, 0)))

    @given(st.binary(max_size=400))
    def test_garbage(self, data: bytes) -> None:
        """Garbage is refused, or some value that can be written."""
        try:
            values = decode(data)
        except AmfFault:
            return
        decode(encode(*values))
