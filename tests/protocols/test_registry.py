"""Structs and their service ids."""

from __future__ import annotations

import contextlib
import importlib
import json
import pkgutil
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from twisted.trial.unittest import SynchronousTestCase

import imsys.protocols.messages as messages
from imsys.protocols.messages import registry
from imsys.protocols.messages.registry import (
    Push,
    Request,
    Response,
    decode,
    encode,
    message,
    message_type,
    reply_id,
    request_type,
    salvage_seq,
)

for _module in pkgutil.iter_modules(messages.__path__, f"{messages.__name__}."):
    importlib.import_module(_module.name)

ALL = {service: kind for service in range(0x10000) if (kind := message_type(service)) is not None}
KINDS = {service: kind for service, kind in ALL.items() if kind.__module__.startswith("imsys.")}


class Another(Request, frozen=True, kw_only=True):
    """A struct that is not registered."""


class TableTests(SynchronousTestCase):
    def test_services(self) -> None:
        """The services are those of the chat port (docs/protocol.md, 2) and of the resources port
        (docs/protocol.md, 6 and 9).
        """
        requests = {
            5,
            7,
            9,
            11,
            13,
            15,
            17,
            20,
            23,
            30,
            32,
            64,
            66,
            68,
            72,
            80,
            82,
            84,
            86,
            88,
            90,
            92,
            94,
            96,
            98,
            100,
            102,
            *range(192, 206, 2),  # changes to a conversation
            *range(210, 250, 2),  # groups
            *range(250, 258, 2),  # devices
            *range(270, 278, 2),  # the list of threads
            *range(290, 296, 2),  # who is online, and who is writing
            *range(300, 310, 2),  # later
        }
        pushes = {19, 22, 25, 79, *range(128, 142)}
        self.assertEqual({service for service in KINDS if request_type(service)}, requests | {74})
        self.assertEqual({service for service, kind in KINDS.items() if issubclass(kind, Push)}, pushes)
        self.assertEqual(set(KINDS), requests | {service + 1 for service in requests} | pushes | {34, 74, 77})

    def test_kinds(self) -> None:
        """A request is answered under the next id, by a response; a download alone (74) under 77."""
        for service, kind in KINDS.items():
            if request_type(service) is not None:
                self.assertTrue(issubclass(kind, Request), kind)
                reply = 77 if service == 74 else service + 1
                self.assertEqual(reply_id(kind), reply)
                self.assertTrue(issubclass(KINDS[reply], Response), kind)
            else:
                self.assertRaises(KeyError, reply_id, kind)

    def test_taken(self) -> None:
        """An id that is given twice raises where the second is defined, and names both."""
        error = self.assertRaises(ValueError, message(9, reply=10), Another)
        self.assertIn("9", str(error))
        self.assertIn("Another", str(error))
        self.assertIs(message_type(9), KINDS[9])

    def test_unknown(self) -> None:
        """An id without a struct is known to be none."""
        self.assertIsNone(message_type(63))
        self.assertIsNone(request_type(63))
        self.assertRaises(KeyError, decode, 63, b"{}")


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a struct's field, as far as JSON goes."""
    info = msgspec.inspect.type_info(kind)
    return _of(info)


def _of(info: Any) -> st.SearchStrategy[Any]:
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        msgspec.inspect.StrType: text,
        msgspec.inspect.IntType: st.integers(-(2**62), 2**62),
        msgspec.inspect.FloatType: st.floats(allow_nan=False, allow_infinity=False),
        msgspec.inspect.BoolType: st.booleans(),
        msgspec.inspect.RawType: st.integers(0, 9).map(lambda number: msgspec.Raw(b'{"a":%d}' % number)),
    }
    if type(info) in simple:
        return simple[type(info)]
    if isinstance(info, msgspec.inspect.ListType):
        return st.lists(_of(info.item_type), max_size=3)
    if isinstance(info, msgspec.inspect.UnionType):
        return st.one_of(
            [_of(item) for item in info.types if not isinstance(item, msgspec.inspect.CustomType)]
        )
    assert isinstance(info, msgspec.inspect.StructType), info
    required = {field.name: _of(field.type) for field in info.fields if field.required}
    optional = {field.name: _of(field.type) for field in info.fields if not field.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: info.cls(**fields))


JUNK = st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))


class CodecTests(SynchronousTestCase):
    @given(st.data())
    def test_round_trip(self, data: st.DataObject) -> None:
        """What is encoded reads back as it was, for every message.

        The JSON is an object with the names of the fields.
        """
        service = data.draw(st.sampled_from(sorted(KINDS)))
        body = data.draw(values(KINDS[service]))
        found = encode(body)
        self.assertEqual(decode(service, found), body)
        self.assertLessEqual(set(json.loads(found)), set(KINDS[service].__struct_fields__))

    @given(st.sampled_from(sorted(KINDS)), st.one_of(st.binary(max_size=100), JUNK))
    def test_garbage(self, service: int, body: bytes) -> None:
        """A body that is something else raises what callers expect, and nothing else."""
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            decode(service, body)

    def test_strict(self) -> None:
        """Numbers are no strings, strings no numbers; unknown keys are passed over; a key may be anywhere."""
        self.assertEqual(decode(9, b'{"x":[{}],"username":"anna"}').username, "anna")
        for body in (b'{"username":7}', b'{"username":null}', b"{}", b"[]", b'"anna"'):
            self.assertRaises(msgspec.ValidationError, decode, 9, body)
        for body in (b'{"username":"anna"} x', b'{"username":"anna"', b""):
            self.assertRaises(msgspec.DecodeError, decode, 9, body)
        self.assertRaises(msgspec.ValidationError, decode, 92, b'{"sex":"1"}')

    def test_absent(self) -> None:
        """What a response does not say is not in its JSON."""
        self.assertEqual(encode(registry.Empty()), b'{"error":0}')
        self.assertEqual(encode(registry.Empty(error=18, message="No.")), b'{"error":18,"message":"No."}')


class SeqTests(SynchronousTestCase):
    def test_salvaged(self) -> None:
        """The ``seq`` of a request that is otherwise wrong is found where there is a proper one."""
        for body, seq in (
            (b'{"seq":7}', 7),
            (b'{"username":7,"seq":"s"}', "s"),
            (b'{"seq":' + b"9" * 40 + b"}", int("9" * 40)),
            (b'{"seq":"' + b"x" * 64 + b'"}', "x" * 64),
            (b'{"seq":"' + b"x" * 65 + b'"}', UNSET),
            (b'{"seq":1.5}', UNSET),
            (b'{"seq":null}', UNSET),
            (b'{"seq":7', UNSET),
            (b"[7]", UNSET),
            (b"\xff", UNSET),
            (b'{"x":' + b"[" * 100_000, UNSET),
            (b"", UNSET),
        ):
            self.assertEqual(salvage_seq(body), seq, body[:40])
