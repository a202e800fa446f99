"""Send scheduled texts when they are due. Any number of servers do so: each text is taken by one, under a lease.

A server that dies after it has stored a text, and before it has removed it from those that wait, leaves it to another
one. That sends it with the same unique id, by which the log knows it: it is there once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from imsys.chat.node import Node
from imsys.chat.views import scheduled_push
from imsys.errors import Refused
from imsys.store.appending import Draft
from imsys.store.mentions import mentioned
from imsys.store.scheduled import Scheduled, ScheduledStore

if TYPE_CHECKING:
    from imsys.chat.outbound import Outbound

_log = Logger()

INTERVAL = 1.0
"""Seconds between two looks: a text is late by as much."""

AT_ONCE = 50
"""Texts that are taken at a time."""

Post = Callable[[int, int, int, Draft], Awaitable[None]]
"""Posts a message; see :meth:`imsys.chat.file_announcer.Announcer.post`."""

Tell = Callable[[Scheduled, Refused | None], None]
"""Tells a user that a text was sent, or why it cannot be."""


class Scheduler(Service):
    """Sends the texts that are due, by the time that ids of messages are made of."""

    def __init__(
        self, clock: IReactorTime, store: ScheduledStore, node: Node, post: Post, tell: Tell
    ) -> None:
        self._store = store
        self._node = node
        self._post = post
        self._tell = tell
        self._looks = LoopingCall(self.look)
        self._looks.clock = clock

    def startService(self) -> None:
        """Begin to look for texts that are due."""
        super().startService()
        self._looks.start(INTERVAL)

    def stopService(self) -> None:
        """Stop looking; texts that were taken are sent by another server when their lease is over."""
        super().stopService()
        self._looks.stop()

    async def look(self) -> None:
        """Send all texts that are due."""
        try:
            while await self._send_some() == AT_ONCE and self.running:
                pass
        except Refused as refused:
            _log.debug("scheduled texts are left for later: {reason}", reason=refused.message)
        except Exception:
            _log.failure("sending scheduled texts failed")

    async def _send_some(self) -> int:
        texts = await self._store.take(self._node.ids.now_ms, AT_ONCE)
        # all at once, but in this order in each thread
        outcomes: Any = await DeferredList(
            [Deferred.fromCoroutine(self._send(text)) for text in texts], consumeErrors=True
        )
        over = []
        for text, (sent, outcome) in zip(texts, outcomes, strict=True):
            refused = None if sent else outcome.value
            if refused is not None and not isinstance(refused, Refused):
                _log.failure("a scheduled text could not be sent", outcome)
            elif refused is None or not refused.status.retryable:
                over.append((text, refused))
        if over:
            await self._store.done([text.schedule_id for text, _ in over])
        for text, refused in over:
            self._tell(text, refused)
        return len(texts)

    async def _send(self, text: Scheduled) -> None:
        extra = msgspec.json.decode(text.extra) if text.extra else {}
        draft = Draft(
            f"schedule:{text.schedule_id}",
            text.content,
            extra=text.extra,
            reply_to=int(extra.get("reply_to", 0)),
            mentions=mentioned(extra.get("mentions")),
            expires=extra.get("expires", 0),
        )
        await self._post(text.user, text.receiver, text.thread_id, draft)


def tell_scheduled(outbound: Outbound, text: Scheduled, refused: Refused | None) -> None:
    """Push to a user's devices what became of a text."""
    push = scheduled_push(text, "sent" if refused is None else "failed", refused)
    outbound.deliver((text.user,), push)
