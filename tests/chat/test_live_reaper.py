"""Live streams, when the database's clock is set."""

from __future__ import annotations

from twisted.internet.task import Clock

from imsys.chat.live_reaper import PATIENCE, LiveReaper
from imsys.protocols.identifiers import new_file_id
from imsys.store.live import LiveStore, LiveStream
from tests.support.stores import OnSqlite

NOON = 1_790_000_000.0
AWAY = 60.0


class News:
    """Hears of streams that are over."""

    def __init__(self) -> None:
        self.ended: list[bytes] = []

    async def over(self, stream: LiveStream) -> None:
        """It was ended just now."""
        self.ended.append(stream.stream_id)

    def announce_in_time(self, stream_id: bytes) -> None:
        """The database answers: nothing is in doubt."""
        raise AssertionError(stream_id)


class LiveCareTests(OnSqlite):
    """On SQLite, where the database's clock is a calendar of ours."""

    async def setUp(self) -> None:
        await super().setUp()
        self.clock = Clock()
        self.ahead = 0.0
        self.live = LiveStore(self.database, lambda: NOON + self.clock.seconds() + self.ahead)
        self.news = News()
        self.care = LiveReaper(self.clock, self.live, self.news)
        anna, bert = await self.people("anna", "bert")
        stream = LiveStream(
            stream_id=new_file_id(),
            owner=anna,
            thread_id=await self.befriend(anna, bert),
            title="t",
            server="r1",
        )
        self.stream = await self.live.start(stream, 9, wait=600.0, longest=86400.0)
        await self.live.mark_live(self.stream.stream_id, "r1", away=AWAY)
        await self.care.look()

    async def test_told_of_in_time(self) -> None:
        """A stream goes on whose server tells of it after the clock was set forward."""
        self.ahead = 3600.0
        await self.care.look()
        self.clock.advance(PATIENCE / 3)
        await self.live.beat("r1", {self.stream.stream_id: 1}, away=AWAY)
        for _ in range(4):
            self.clock.advance(PATIENCE / 3)
            await self.care.look()
        self.assertEqual(self.news.ended, [])
        self.clock.advance(AWAY)
        await self.care.look()
        self.assertEqual(self.news.ended, [self.stream.stream_id])

    async def test_nobody_tells(self) -> None:
        """One whose server is gone ends a little later than it would have."""
        self.ahead = 3600.0
        await self.care.look()
        self.clock.advance(PATIENCE - 1)
        await self.care.look()
        self.assertEqual(self.news.ended, [])
        self.clock.advance(1)
        await self.care.look()
        self.assertEqual(self.news.ended, [self.stream.stream_id])
