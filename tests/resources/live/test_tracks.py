"""Codec headers of several tracks, by enhanced RTMP."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.media import Kind, media
from imsys.resources.budget import Budget
from imsys.resources.live.cache import Cache


class TrackTests(SynchronousTestCase):
    def test_each_is_kept(self) -> None:
        """Who comes late gets the headers of every track, of sound and of pictures, and the newest of each."""
        cache = Cache(1 << 20, 1000, lambda: 0.0, Budget(1 << 20))
        old = [("95 00 4f707573 00 aa", Kind.AUDIO), ("96 00 61763031 01 aa", Kind.VIDEO)]
        new = [
            ("96 00 61763031 00 bb", Kind.VIDEO),
            ("96 00 61763031 01 bb", Kind.VIDEO),
            ("95 00 4f707573 00 bb", Kind.AUDIO),
            ("95 00 4f707573 01 bb", Kind.AUDIO),
        ]
        for payload, kind in (*old, *new, ("91 61763031 000000 01", Kind.VIDEO)):
            cache.add(media(kind, 0, bytes.fromhex(payload)))
        assert cache.start is not None
        found = [(message.payload, message.kind) for message in cache.headers(0, cache.start)]
        self.assertEqual(found, [(bytes.fromhex(payload), kind) for payload, kind in new])
