"""What the types of messages mean."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import PeerFault
from imsys.protocols import flv
from imsys.protocols.media import Kind, media
from imsys.protocols.rtmp import amf0, messages
from imsys.protocols.rtmp.chunks import Message
from imsys.protocols.rtmp.messages import Bandwidth, Event, MessageFault, MetadataCleared, Type

METADATA = amf0.encode("onMetaData", {"width": 640})


class ControlTests(SynchronousTestCase):
    def test_bytes(self) -> None:
        """Control messages are written as the specification says."""
        self.assertEqual(
            messages.control(Type.SET_CHUNK_SIZE, 65536), Message(1, 0, 0, bytes.fromhex("00010000"))
        )
        self.assertEqual(
            messages.peer_bandwidth(5000, Bandwidth.DYNAMIC), Message(6, 0, 0, bytes.fromhex("0000138802"))
        )
        self.assertEqual(
            messages.user_control(Event.PING, 7), Message(4, 0, 0, bytes.fromhex("000600000007"))
        )
        self.assertEqual(
            messages.set_buffer_length(1, 3000), Message(4, 0, 0, bytes.fromhex("00030000000100000bb8"))
        )

    def test_too_short(self) -> None:
        """A control message without its number is refused."""
        self.assertRaises(MessageFault, messages.read_number, Message(3, 0, 0, b"abc"))
        # as others have events of their own
        self.assertIsNone(messages.read_event(Message(4, 0, 0, b"\x00\x06abc")))


class CommandTests(SynchronousTestCase):
    def test_read(self) -> None:
        """A command has a name, a transaction and arguments.

        What calls itself AMF3 is AMF0 behind a byte of 0.
        """
        call = messages.command(0, "connect", 1, {"app": "live"})
        self.assertEqual(messages.read_command(call), ("connect", 1.0, [{"app": "live"}]))
        behind = Message(Type.COMMAND_AMF3, 0, 0, b"\0" + call.payload)
        self.assertEqual(messages.read_command(behind), ("connect", 1.0, [{"app": "live"}]))
        self.assertEqual(messages.read_command(behind._replace(payload=call.payload)).name, "connect")

    def test_refused(self) -> None:
        """What is no command."""
        for payload in (amf0.encode(1, "connect"), b"", b"\x03", b"\x11\x0a"):
            self.assertRaises(PeerFault, messages.read_command, Message(Type.COMMAND, 0, 0, payload))

    def test_no_transaction(self) -> None:
        """A call without a transaction wants no answer."""
        self.assertEqual(
            messages.read_command(Message(Type.COMMAND, 0, 0, amf0.encode("onFCPublish"))),
            ("onFCPublish", 0, []),
        )
        self.assertEqual(
            messages.read_command(Message(Type.COMMAND, 0, 0, amf0.encode("x", None))), ("x", 0, [None])
        )


class DataTests(SynchronousTestCase):
    def test_metadata(self) -> None:
        """Players get what is behind @setDataFrame, byte by byte."""
        for payload in (METADATA, messages.SET_DATA_FRAME + METADATA):
            self.assertEqual(messages.read_data(Message(Type.DATA, 0, 1, payload)), METADATA)
            self.assertEqual(messages.read_data(Message(Type.DATA_AMF3, 0, 1, b"\0" + payload)), METADATA)

    def test_cleared(self) -> None:
        """@clearDataFrame is none."""
        cleared = Message(Type.DATA, 0, 1, amf0.encode("@clearDataFrame", "onMetaData"))
        self.assertEqual(messages.read_data(cleared), MetadataCleared())

    def test_dropped(self) -> None:
        """What nobody can read goes no further, and is no fault: bombs, AMF3, no end, no name, references,
        bytes behind the end.
        """
        named = amf0.encode("onMetaData")
        array = named + b"\x08\0\0\0\1" + amf0.encode("width")[1:] + amf0.encode(320)
        for payload in (
            *(
                b"",
                messages.SET_DATA_FRAME,
                messages.SET_DATA_FRAME + METADATA[13:],
                amf0.encode(1),
                amf0.encode(None),
                b"\x11",
            ),
            *(
                named + b"\x03\x00\x01a" * 50,
                named + b"\x11\x0a\x0b\x01",
                array,
                array + b"\0\0",
                array + b"\0\1x\7\0\0\0\0\x09",
            ),
            METADATA + b"\0\0\x09ff",
        ):
            for kind, before in ((Type.DATA, b""), (Type.DATA_AMF3, b"\0")):
                self.assertIsInstance(
                    messages.read_data(Message(kind, 0, 1, before + payload)), messages.DataDropped, payload
                )


class AggregateTests(SynchronousTestCase):
    def test_split(self) -> None:
        """The tags of an aggregate are messages whose times count from the first.

        The last size may be missing.
        """
        tags = b"".join(
            flv.encode_tag(media(kind, time, b"ab"))
            for kind, time in ((Kind.AUDIO, 0x1000005), (Kind.VIDEO, 0x1000019))
        )
        for payload in (tags, tags[:-4]):
            found = list(messages.split_aggregate(Message(22, 1000, 1, payload)))
            self.assertEqual(found, [Message(8, 1000, 1, b"ab"), Message(9, 1020, 1, b"ab")])

    def test_times_back(self) -> None:
        """A time before the first is one before the aggregate's."""
        tags = b"".join(flv.encode_tag(media(Kind.AUDIO, time, b"a")) for time in (10, 5))
        found = messages.split_aggregate(Message(22, 0, 1, tags))
        self.assertEqual([message.timestamp for message in found], [0, 0xFFFFFFFB])

    def test_refused(self) -> None:
        """A tag that is cut off, an aggregate within an aggregate, a command within one."""
        tag = flv.encode_tag(media(Kind.AUDIO, 0, b"abc"))
        for payload in (tag[:10], tag[:13], b"\x16" + tag[1:], b"\x14" + tag[1:]):
            self.assertRaises(MessageFault, list, messages.split_aggregate(Message(22, 0, 1, payload)))

    @given(st.binary(max_size=100))
    def test_garbage(self, payload: bytes) -> None:
        """Garbage is refused or within its bytes."""
        try:
            found = list(messages.split_aggregate(Message(22, 0, 1, payload)))
        except MessageFault:
            return
        self.assertLessEqual(sum(len(message.payload) for message in found), len(payload))
