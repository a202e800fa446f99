"""Announce live streams to their threads: a message first, and a push when one begins, pauses or ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from twisted.logger import Logger

from imsys.chat.live_context import StreamServers
from imsys.chat.views import live_push
from imsys.errors import Refused, Status
from imsys.files.sniffing import Kind
from imsys.protocols.identifiers import encode_id
from imsys.protocols.messages.live import LiveContent, LivePush
from imsys.protocols.messages.registry import service_id
from imsys.server.dispatch import frame
from imsys.store.appending import Draft
from imsys.store.live import LiveState, LiveStream
from imsys.util.background import uncancelled

if TYPE_CHECKING:
    from imsys.chat.outbound import Outbound
    from imsys.chat.unconfirmed import UnconfirmedWrites
    from imsys.store import Stores

_log = Logger()

PUSH = service_id(LivePush)

AT_ONCE = 1000
"""Streams that are announced concurrently, at most; further calls are refused and must be retried."""

Post = Callable[[int, int, int, Draft], Awaitable[None]]
"""Stores a message once and pushes it; see :meth:`imsys.chat.file_announcer.Announcer.post`."""


class LiveAnnouncer:
    """Announces the state of live streams, as it is in the database, to their threads.

    An announcement that has begun is completed even if its caller is cancelled, so that a stored message is
    pushed.
    """

    def __init__(
        self,
        stores: Stores,
        post: Post,
        outbound: Outbound,
        servers: StreamServers,
        unconfirmed: UnconfirmedWrites,
    ) -> None:
        self._stores = stores
        self._post = post
        self._outbound = outbound
        self._servers = servers
        self._unconfirmed = unconfirmed
        self._running = 0

    async def announce(self, stream_id: bytes) -> None:
        """Push a stream's state to the members of its thread; before that, post its message if still needed.

        :raises Refused: final: PERMISSION_DENIED (65), NOT_FRIENDS (66), BLOCKED (76), its owner may not
            write there (any more); STREAM_NOT_FOUND (74). To be retried: SERVER_BUSY (73), too much to do;
            MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        if self._running >= AT_ONCE:
            raise Refused(
                Status.SERVER_BUSY, "Too many live streams are waiting to be announced.", retry_after=1.0
            )
        self._running += 1
        await uncancelled(self._announce(stream_id))

    async def _announce(self, stream_id: bytes) -> None:
        try:
            await self._tell(stream_id)
        except Refused:
            raise
        except Exception:
            _log.failure("a live stream could not be announced")
            raise Refused(Status.INTERNAL_ERROR, "The live stream could not be announced.") from None
        finally:
            self._running -= 1

    async def _tell(self, stream_id: bytes) -> None:
        stream, receiver, users, version = await self._stores.live.recipients(stream_id)
        if not stream.posted and stream.state is not LiveState.ENDED:  # its server may have failed to post it
            name = encode_id(stream_id)
            content = msgspec.json.encode(LiveContent(stream_id=name, title=stream.title)).decode()
            await self._post(
                stream.owner, receiver, stream.thread_id, Draft(f"live:{name}", content, int(Kind.VIDEO))
            )
            await self._stores.live.mark_posted(stream_id)
        if version is None:
            self._outbound.deliver(users, live_push(stream))
        else:
            await self._outbound.tell_group(stream.thread_id, version, frame(PUSH, live_push(stream)))

    def announce_in_time(self, stream_id: bytes) -> None:
        """Announce a stream in the background, with retries: a change of it may have been stored."""
        self._unconfirmed.tell(("live", stream_id), partial(self.announce, stream_id))

    def call_off(self, stream_id: bytes) -> None:
        """End a stream that was never announced, if it was stored at all; in the background, with retries."""
        self._unconfirmed.tell(("live", stream_id), partial(self._stores.live.end, stream_id))

    async def over(self, stream: LiveStream) -> None:
        """Announce the end of a stream to its thread and tell its server, which otherwise finds out later."""
        try:
            await self.announce(stream.stream_id)
        except Refused:
            self.announce_in_time(stream.stream_id)
        try:
            await self._servers.end(stream.server, stream.stream_id)
        except Refused as refused:
            _log.debug(
                "{server} is not told that a live stream is over: {reason}",
                server=stream.server,
                reason=refused.message,
            )
