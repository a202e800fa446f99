"""Live streams that run."""

from __future__ import annotations

from dataclasses import replace

from client.core.model import Stream
from client.sync import convert
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Client


class Streams:
    """Keeps them in memory alone."""

    def __init__(self, client: Client, known: Known) -> None:
        self._client = client
        self._known = known
        client.on_live.subscribe(self.take)

    async def read(self) -> None:
        """Have those that run now."""
        running = await self._client.live.running().all()
        for stream_id in self._known.live.keys() - {one.stream_id for one in running}:
            self._tell(replace(self._known.live.pop(stream_id), running=False))
        for one in running:
            self.take(one)

    def take(self, change: sdk.LiveChange) -> Stream:
        """One began, changed or ended."""
        stream = convert.stream(change, self._known.live.get(change.stream_id))
        if stream.running:
            self._known.live[stream.id] = stream
        else:
            self._known.live.pop(stream.id, None)
        self._tell(stream)
        return stream

    def _tell(self, stream: Stream) -> None:
        self._known.changes.stream.fire(stream)
        self._known.changes.conversations.fire([stream.conversation])
