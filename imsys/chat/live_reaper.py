"""Live streams that nobody is heard of any more."""

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
"""Seconds between two looks: that much later than its time a stream ends at most."""

PATIENCE = 15.0
"""Seconds in which servers tell of their streams again, after which a database's clock that was set forward says who is due."""


LINES = 20
"""Lines of a minute's streams that have ended; the others are counted."""


class Ends(Protocol):
    """Tells of streams that are over."""

    async def over(self, stream: LiveStream) -> None:
        """One was ended just now."""
        ...

    def announce_in_time(self, stream_id: bytes) -> None:
        """One may have been ended."""
        ...


class LiveReaper(Service):
    """Ends abandoned streams; any number of servers may do so, and the one that has ended a stream tells of it.

    :param news: tells of streams that were ended, or may have been; see :class:`imsys.chat.live_announcer.LiveAnnouncer`.
    """

    def __init__(self, clock: IReactorTime, store: LiveStore, news: Ends) -> None:
        self._clock = clock
        self._store = store
        self._news = news
        self._clocks = TwoClocks(clock.seconds)
        self._patient_until = float("-inf")
        self._ended = Tally(clock, _log, LogLevel.info, "live stream {stream} is over: it was due", lines=LINES)
        self._looks = LoopingCall(self.look)
        self._looks.clock = clock

    def startService(self) -> None:
        """Begin with what an earlier life has left."""
        super().startService()
        self._looks.start(INTERVAL)

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        self._looks.stop()
        self._ended.stop()

    async def look(self) -> None:
        """End those that are due now, unless they are so because the database's clock was set."""
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
        except Refused as refused:  # the next look finds them, unless they were ended without our hearing of it
            _log.debug("abandoned live streams are left for later: {reason}", reason=refused.message)
            if isinstance(refused, Unavailable):
                for stream_id in due:
                    self._news.announce_in_time(stream_id)
        except Exception:
            _log.failure("looking after live streams failed")
