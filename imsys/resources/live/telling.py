"""Having threads told of their live streams, for as long as that takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from imsys.cluster.announce_client import passes
from imsys.errors import Refused
from imsys.protocols.identifiers import encode_id
from imsys.util.outages import Outage

_log = Logger()

RETRY = 2.0
"""Seconds until what no chat server has taken is said again."""

AT_ONCE = 50
"""Streams that are said again at the same time."""

MOST = 10_000
"""Streams that wait to be said again at most; the first of them are heard of when they are over."""

Tell = Callable[[bytes], Awaitable[None]]
"""Has a thread told of its stream; see :meth:`imsys.cluster.announce_client.ChatServers.announce_live`."""


class Telling:
    """Of each stream one announcement at a time, so that none overtakes another: what is told is what the
    database has by then.
    """

    def __init__(self, reactor: Any, tell: Tell) -> None:
        self._reactor = reactor
        self._tell = tell
        self._running: dict[bytes, Deferred[None]] = {}
        self._again: set[bytes] = set()
        self._untold: dict[bytes, None] = {}  # in order
        self._retry: IDelayedCall | None = None
        self._stopped = False
        self._outage = Outage(reactor.seconds, "Telling the chat servers of live streams")

    def soon(self, stream_id: bytes) -> None:
        """Something has become of a stream."""
        self._untold.pop(stream_id, None)
        if stream_id in self._running:
            self._again.add(stream_id)
            return
        running = Deferred.fromCoroutine(self._told(stream_id))
        if not running.called:
            self._running[stream_id] = running
        running.addBoth(self._done, stream_id)

    async def stop(self) -> None:
        """Return when what is being said is said; the rest is heard of when its streams are over."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        while self._running:
            await gatherResults(list(self._running.values()))

    def _done(self, _: object, stream_id: bytes) -> None:
        self._running.pop(stream_id, None)
        if stream_id in self._again:
            self._again.discard(stream_id)
            self.soon(stream_id)

    async def _told(self, stream_id: bytes) -> None:
        try:
            await self._tell(stream_id)
        except Refused as refused:
            if passes(refused):
                self._outage.failed(str(refused))
                self._keep(stream_id)
                return
            _log.debug(
                "nobody is told of live stream {stream}: {reason}",
                stream=encode_id(stream_id),
                reason=refused,
            )
        except Exception:
            _log.failure("nobody is told of live stream {stream}", stream=encode_id(stream_id))
            return
        self._outage.works()

    def _keep(self, stream_id: bytes) -> None:
        self._untold[stream_id] = None
        if len(self._untold) > MOST:
            del self._untold[next(iter(self._untold))]
        if self._retry is None and not self._stopped:
            self._retry = self._reactor.callLater(RETRY, self._say_again)

    def _say_again(self) -> None:
        self._retry = None
        for stream_id in list(self._untold)[:AT_ONCE]:
            self.soon(stream_id)
        if self._untold and self._retry is None:
            self._retry = self._reactor.callLater(RETRY, self._say_again)
