"""Streams for players that know little."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.basic_media import basic
from imsys.protocols.media import Kind, media

AVC1, MP4A, FLAC = b"avc1".hex(), b"mp4a".hex(), b"fLaC".hex()
HVC1, AV01, OPUS = b"hvc1".hex(), b"av01".hex(), b"Opus".hex()


class BasicTests(SynchronousTestCase):
    def assert_seen(self, kind: Kind, pairs: dict[str, str | None]) -> None:
        for sent, wanted in pairs.items():
            seen = basic(media(kind, 5, bytes.fromhex(sent)))
            self.assertEqual(
                None if seen is None else seen.payload.hex(),
                None if wanted is None else wanted.replace(" ", ""),
                sent,
            )

    def test_as_it_is(self) -> None:
        """What such players know is not touched."""
        for kind, payload in (
            (Kind.VIDEO, "17 00 000000 aa"),
            (Kind.VIDEO, f"91 {HVC1} 000050 aa"),
            (Kind.VIDEO, f"a1 {AV01} aa"),
            (Kind.AUDIO, "af 01 aa"),
            (Kind.AUDIO, "b6 aa"),
            (Kind.AUDIO, f"91 {OPUS} aa"),
        ):
            self.assert_seen(kind, {payload: payload})

    def test_left_out(self) -> None:
        """Data, what describes colours, other tracks, and what is cut off or of types that nobody knows."""
        self.assertIsNone(basic(media(Kind.DATA, 0, b"\x02\x00\x0aonMetaData\x05")))
        pictures = (f"94 {HVC1} 02", f"95 {AV01} aa", f"96 01 {HVC1} 01 000000 aa", f"9e {AV01} aa")
        self.assert_seen(Kind.VIDEO, dict.fromkeys(pictures))
        self.assert_seen(
            Kind.AUDIO,
            dict.fromkeys((f"95 01 {MP4A} 01 aa", f"94 {OPUS} aa", f"92 {MP4A}", f"90 {b'.mp3'.hex()}")),
        )

    def test_first_track(self) -> None:
        """The first of several tracks, alone or with others in a packet, and what is modified, become plain
        packets.
        """
        self.assert_seen(
            Kind.VIDEO,
            {
                f"96 01 {AV01} 00 aabb": f"91 {AV01} aabb",
                f"96 11 {AV01} 00 000002 aabb 01 000001 cc": f"91 {AV01} aabb",
                f"96 21 {AV01} 00 000002 aabb {HVC1} 01 000001 cc": f"91 {AV01} aabb",
                f"97 00 ff 01 {AV01} aa": f"91 {AV01} aa",
                f"a7 ff 0002 010203 03 {HVC1} aa": f"a3 {HVC1} aa",
            },
        )
        self.assert_seen(Kind.AUDIO, {f"95 00 {OPUS} 00 aa": f"90 {OPUS} aa"})

    def test_old_codecs(self) -> None:
        """Codecs that had a number before they had a FourCC are written by that."""
        self.assert_seen(
            Kind.VIDEO,
            {
                f"90 {AVC1} aa": "17 00 000000 aa",
                f"91 {AVC1} 000028 aa": "17 01 000028 aa",
                f"a3 {AVC1} aa": "27 01 000000 aa",
                f"92 {AVC1}": "17 02 000000",
            },
        )
        self.assert_seen(
            Kind.AUDIO,
            {f"90 {MP4A} 1210": "af 00 1210", f"91 {MP4A} aa": "af 01 aa", f"91 {b'.mp3'.hex()} ff": "2f ff"},
        )

    def test_flac(self) -> None:
        """What describes a FLAC stream is behind the head of its block, whether its sender wrote that and a
        magic number or not.
        """
        info = "ab" * 34
        last, first = f"80000022 {info}", f"00000022 {info}"
        for header, wanted in (
            (info, last),
            (last, last),
            (f"{FLAC} {info}", last),
            (f"{FLAC} {first} 84000001 00", first),
        ):
            self.assert_seen(Kind.AUDIO, {f"90 {FLAC} {header}": f"90 {FLAC} {wanted}"})

    def test_empty(self) -> None:
        """What configures nothing is left out: ffmpeg sends such a thing before it knows an AV1 stream."""
        self.assert_seen(Kind.VIDEO, {f"90 {AV01}": None, f"92 {AV01}": f"92 {AV01}"})
