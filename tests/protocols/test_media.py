"""What is seen in the first bytes of a payload."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.media import Kind, media
from imsys.protocols.rtmp import amf0

HEADER, KEY, OTHER = (True, False), (False, True), (False, False)


class MediaTests(SynchronousTestCase):
    def assert_seen(self, kind: Kind, payload: str, expected: tuple[bool, bool]) -> None:
        with self.subTest(payload=payload):
            found = media(kind, 5, bytes.fromhex(payload))
            self.assertEqual((found.header, found.key), expected)
            self.assertEqual((found.kind, found.timestamp, found.payload), (kind, 5, bytes.fromhex(payload)))

    def test_video(self) -> None:
        """H.264 and the older HEVC: headers, key frames, others, and the end of a sequence, which calls
        itself a key frame.
        """
        for codec in "7c":
            self.assert_seen(Kind.VIDEO, f"1{codec} 00 000000 01", HEADER)
            self.assert_seen(Kind.VIDEO, f"1{codec} 01 000000 01", KEY)
            self.assert_seen(Kind.VIDEO, f"2{codec} 01 000000 01", OTHER)
            self.assert_seen(Kind.VIDEO, f"1{codec} 02 000000", OTHER)

    def test_codecs_without_headers(self) -> None:
        """Sorenson's and On2's have key frames, and no headers."""
        self.assert_seen(Kind.VIDEO, "12 00 84", KEY)
        self.assert_seen(Kind.VIDEO, "24 00 84", OTHER)

    def test_enhanced_video(self) -> None:
        """HEVC and AV1 by FourCC; metadata of colours are neither."""
        for codec in (b"hvc1", b"av01", b"vp09", b"avc1"):
            name = codec.hex()
            self.assert_seen(Kind.VIDEO, "90" + name + "01", HEADER)
            self.assert_seen(Kind.VIDEO, "95" + name + "01", HEADER)
            self.assert_seen(Kind.VIDEO, "91" + name + "00000001", KEY)
            self.assert_seen(Kind.VIDEO, "93" + name + "01", KEY)
            self.assert_seen(Kind.VIDEO, "a3" + name + "01", OTHER)
            self.assert_seen(Kind.VIDEO, "92" + name, OTHER)
            self.assert_seen(Kind.VIDEO, "94" + name + "02", OTHER)

    def test_modified(self) -> None:
        """Behind modifiers and the mark of several tracks is the type that counts."""
        self.assert_seen(Kind.VIDEO, "97 02 aabbcc 00 61763031", HEADER)
        self.assert_seen(Kind.VIDEO, "97 02 aabbcc 01 61763031", KEY)
        self.assert_seen(Kind.VIDEO, "97 00 aa 07 00 bb 01 61763031", KEY)
        self.assert_seen(Kind.VIDEO, "97 ff 0100" + "00" * 257 + "00 61763031", HEADER)
        self.assert_seen(Kind.VIDEO, "96 00 61763031 00", HEADER)
        self.assert_seen(Kind.VIDEO, "96 11 61763031 00", KEY)
        self.assert_seen(Kind.VIDEO, "97 02 aabbcc 06 01 61763031", KEY)

    def test_audio(self) -> None:
        """AAC has a header; Opus and others by FourCC do too, alone or as one of several tracks.

        MP3 has none.
        """
        self.assert_seen(Kind.AUDIO, "af 00 1210", HEADER)
        self.assert_seen(Kind.AUDIO, "af 01 21", OTHER)
        self.assert_seen(Kind.AUDIO, "2f 00", OTHER)
        self.assert_seen(Kind.AUDIO, "90 4f707573", HEADER)
        self.assert_seen(Kind.AUDIO, "91 4f707573", OTHER)
        self.assert_seen(Kind.AUDIO, "95 00 4f707573", HEADER)
        self.assert_seen(Kind.AUDIO, "95 01 4f707573", OTHER)
        self.assert_seen(Kind.AUDIO, "97 00 aa 00 4f707573", HEADER)

    def test_data(self) -> None:
        """Metadata are a header; cue points are not."""
        self.assert_seen(Kind.DATA, amf0.encode("onMetaData", {}).hex(), HEADER)
        self.assert_seen(Kind.DATA, amf0.encode("onCuePoint", {}).hex(), OTHER)

    @given(st.sampled_from(list(Kind)), st.binary(max_size=20))
    def test_garbage(self, kind: Kind, payload: bytes) -> None:
        """Whatever a payload is, it passes; nothing is a header and a key frame at once."""
        found = media(kind, 0, payload)
        self.assertEqual(found.payload, payload)
        self.assertFalse(found.header and found.key)
