"""End abandoned live streams."""

from __future__ import annotations

from typing import Protocol

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, LogLevel

from imsys.errors import Refused, Unavailable
from imsys.protocols.identifiers import encode_id
from imsys.store.live import LiveStore, LiveStream
from imsys.util.tallies import Tally
from imsys.util.two_clocks import TwoClocks

_log = Logger()

INTERVAL = 5.0
"""Seconds between two looks; a stream ends at most this much too late."""

PATIENCE = 15.0
"""Seconds to wait after the database's clock was set forward: by then servers have reported their streams
again."""


LINES = 20
"""Log lines per minute for ended streams; further ones are only counted."""


class Ends(Protocol):
    """Announces streams that have ended."""

    async def over(self, stream: LiveStream) -> None:
        """Announce that a stream has ended."""
        ...

    def announce_in_time(self, stream_id: bytes) -> None:
        """Announce a stream that may have ended, in the background."""
        ...


class LiveReaper(Service):
    """Ends abandoned streams. Any number of servers may do so; the one that ends a stream announces it.

    :param news: announces the streams; see :class:`imsys.chat.live_announcer.LiveAnnouncer`.
    """

    def __init__(self, clock: IReactorTime, store: LiveStore, news: Ends) -> None:
        self._clock = clock
        self._store = store
        self._news = news
        self._clocks = TwoClocks(clock.seconds)
        self._patient_until = float("-inf")
        self._ended = Tally(
            clock, _log, LogLevel.info, "live stream {stream} is over: it was due", lines=LINES
        )
        self._looks = LoopingCall(self.look)
        self._looks.clock = clock

    def startService(self) -> None:
        """Begin to look for abandoned streams."""
        super().startService()
        self._looks.start(INTERVAL)

    def stopService(self) -> None:
        """Stop looking."""
        super().stopService()
        self._looks.stop()
        self._ended.stop()

    async def look(self) -> None:
        """End the streams that are due, unless they seem so only because the database's clock was set."""
        due: list[bytes] = []
        try:
            if self._clocks.set_by(await self._store.now()) > 0:
                self._patient_until = self._clock.seconds() + PATIENCE
            if self._clock.seconds() < self._patient_until:
                return
            due = await self._store.due()
            for stream in await self._store.end_due(due):
                self._ended.add(stream=encode_id(stream.stream_id))
                await self._news.over(stream)
        except Refused as refused:  # the next look finds them, unless only the answer was lost
            _log.debug("abandoned live streams are left for later: {reason}", reason=refused.message)
            if isinstance(refused, Unavailable):
                for stream_id in due:
                    self._news.announce_in_time(stream_id)
        except Exception:
            _log.failure("looking after live streams failed")
