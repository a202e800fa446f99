"""What is found in a run of tags, however it comes in pieces, and what a file says of itself."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import PeerFault
from imsys.protocols.flv import FlvReader, encode_tag
from imsys.protocols.media import Kind, Media, media
from imsys.protocols.rtmp.amf0 import VALUES, EcmaArray, decode, encode
from imsys.resources.live import flv_index
from imsys.resources.live.flv_index import MOST_PREFIX, Tags
from tests.resources.live.watching import AAC, AVC, inter, key, sound


def described(**values: Any) -> Media:
    """What a publisher says of its stream."""
    return media(Kind.DATA, 0, encode("onMetaData", EcmaArray(values)))


STREAM = [
    AVC,
    described(width=640.0, duration=0.0, title="x"),
    AAC,
    *(one(at) for at in range(0, 4000, 40) for one in (inter, sound)),
]
STREAM[3::50] = [key(one.timestamp, 300) for one in STREAM[3::50]]


def found(messages: list[Media], sizes: list[int]) -> Tags:
    """What is found when they come in pieces of these sizes, and then the rest."""
    data, tags = b"".join(map(encode_tag, messages)), Tags()
    for size in sizes:
        tags.feed(data[:size])
        data = data[size:]
    tags.feed(data)
    return tags


def read(tags: Tags, data: bytes) -> tuple[dict[str, Any], list[Media]]:
    """The file that is made of it: what it says, and its messages."""
    start, end = tags.metadata[:2] if tags.metadata else (0, 0)
    whole = tags.prefix() + data[:start] + data[end : tags.end]
    messages = FlvReader(1 << 24).receive(whole)
    (values,) = decode(messages[0].payload)[1:]
    assert isinstance(values, dict)
    assert values["filesize"] == len(whole)
    for time, place in zip(values["keyframes"]["times"], values["keyframes"]["filepositions"], strict=True):
        (first, *_) = FlvReader(1 << 24).receive(whole[:13] + whole[int(place) :])
        assert first.key
        assert first.timestamp == round(time * 1000)
    return values, messages


class IndexTests(SynchronousTestCase):
    @given(st.lists(st.integers(1, 400)))
    def test_pieces(self, sizes: list[int]) -> None:
        """It makes no difference in which pieces they come."""
        tags, whole = found(STREAM, sizes), found(STREAM, [])
        self.assertEqual(
            (tags.end, tags.keys, tags.metadata, tags.last, tags.kinds),
            (whole.end, whole.keys, whole.metadata, whole.last, whole.kinds),
        )

    def test_described(self) -> None:
        """What the publisher has said stays, but for what is known better, and stands in front.

        It is not there twice.
        """
        tags, data = found(STREAM, []), b"".join(map(encode_tag, STREAM))
        values, messages = read(tags, data)
        self.assertEqual((values["width"], values["title"], values["duration"]), (640, "x", 3.96))
        self.assertEqual([one for one in messages if one.kind is Kind.DATA], messages[:1])
        self.assertEqual(messages[1:], [one for one in STREAM if one.kind is not Kind.DATA])
        self.assertEqual(values["keyframes"]["times"], [0, 1, 2, 3])

    def test_not_described(self) -> None:
        """A publisher who says nothing, or nonsense, is no hindrance."""
        for stream in ([AVC, key(0)], [media(Kind.DATA, 0, encode("onMetaData") + b"\xff"), AVC, key(0)]):
            values, _ = read(found(stream, []), b"".join(map(encode_tag, stream)))
            self.assertEqual((values["hasVideo"], values["hasAudio"]), (True, False))

    def test_cut(self) -> None:
        """What is there of the last tag does not count."""
        data = b"".join(map(encode_tag, STREAM))
        for cut in (1, 14, 20):
            tags = Tags()
            tags.feed(data[:-cut])
            self.assertEqual(tags.end, len(data) - len(encode_tag(STREAM[-1])))

    def test_many_keys(self) -> None:
        """Of more key frames than an index may have some are left out, all over it.

        It stays one that readers take.
        """
        self.patch(flv_index, "MOST_KEYS", 100)
        stream = [AVC, *(key(at * 10) for at in range(1000))]
        tags = found(stream, [])
        self.assertLessEqual(len(tags.keys), 100)
        self.assertGreater(len(tags.keys), 50)
        steps = {second[0] - first[0] for first, second in zip(tags.keys, tags.keys[1:], strict=False)}
        self.assertEqual(len(steps), 1)
        read(tags, b"".join(map(encode_tag, stream)))

    def test_largest(self) -> None:
        """The largest index fits into what is left for it."""
        tags = Tags(keys=[(at, at) for at in range(flv_index.MOST_KEYS)], end=1, kinds={Kind.VIDEO})
        values = {f"{number:064}": "x" * 256 for number in range(100)}
        tags.metadata = 0, 1, described(**values).payload
        self.assertLess(len(tags.prefix()), MOST_PREFIX)
        self.assertLess(2 * flv_index.MOST_KEYS, VALUES)

    def test_no_tags(self) -> None:
        """Bytes that are no tags are said to be none."""
        self.assertRaises(PeerFault, Tags().feed, b"\xff" * 100)
