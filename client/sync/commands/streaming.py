"""Live streams."""

from __future__ import annotations

from client.core.model import Stream
from client.core.ports import Failure
from client.sync.asking import asked
from client.sync.parts import Uses


class Streaming(Uses):
    """Begun, watched and ended."""

    async def start_stream(self, conversation: int, title: str, *, record: bool = False) -> Stream:
        """Begin a live stream."""
        return self.parts.streams.take(
            await asked(self.parts.client.live.start(conversation, title, record=record))
        )

    async def watch(self, stream: str) -> Stream:
        """A live stream with fresh URLs."""
        for one in await asked(self.parts.client.live.running().all()):
            if one.stream_id == stream:
                return self.parts.streams.take(one)
        raise Failure("This live stream is over.")

    async def stop_stream(self, stream: str) -> None:
        """End one of mine."""
        await asked(self.parts.client.live.stop(stream))
