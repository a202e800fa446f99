"""Remove messages whose time is over, and their files, and files of messages that were recalled. Any number of servers
may do so.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from imsys.chat.node import Node
from imsys.errors import Refused
from imsys.protocols.identifiers import decode_id
from imsys.store.expiry import Expired, ExpiryStore
from imsys.store.files import FileStore

_log = Logger()

INTERVAL = 10.0
"""Seconds between two looks."""

AT_ONCE = 200
"""Messages of one transaction, at most: others that write in their threads wait for it."""


class Expirer(Service):
    """Removes what is due, by the time that ids of messages are made of."""

    def __init__(self, clock: IReactorTime, store: ExpiryStore, files: FileStore, node: Node) -> None:
        self._clock = clock
        self._store = store
        self._files = files
        self._node = node
        self._looks = LoopingCall(self.look)
        self._looks.clock = clock

    def startService(self) -> None:
        """Begin to look for messages that are due, at another moment than other servers."""
        super().startService()
        self._looks.start(INTERVAL * random.uniform(0.9, 1.1), now=False)  # noqa: S311

    def stopService(self) -> None:
        """Stop looking."""
        super().stopService()
        self._looks.stop()

    async def look(self) -> None:
        """Remove all that is due."""
        try:
            while await self._remove_some() == AT_ONCE and self.running:
                pass
        except Refused as refused:
            _log.debug("messages that are due are left for later: {reason}", reason=refused.message)
        except Exception:
            _log.failure("removing messages whose time is over failed")

    async def _remove_some(self) -> int:
        due = await self._store.due(self._node.ids.now_ms, AT_ONCE)
        if not due:
            return 0
        # their files first: as long as the message is due, they are looked for again
        for file_id in _files_of(due):
            await self._files.delete(file_id)
        return await self._store.expire(due)


def _files_of(messages: Sequence[Expired]) -> list[bytes]:
    # the messages of files have their names in their unique ids (imsys.chat.file_announcer)
    names = (message.unique_id.partition(":") for message in messages)
    return [decode_id(name) for kind, _, name in names if kind == "file"]
