"""One account for real: :class:`AccountSync` is ``ports.Account`` over the client library and a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from client.core.ports import Failure
from client.store.loading import load
from client.store.store import NAME, Store, StoreFull
from client.sync.commands.arranging import Arranging
from client.sync.commands.changing import Changing
from client.sync.commands.contacts import Contacts
from client.sync.commands.files import Files
from client.sync.commands.following import Following
from client.sync.commands.grouping import Grouping
from client.sync.commands.reading import Reading
from client.sync.commands.securing import Securing
from client.sync.commands.streaming import Streaming
from client.sync.commands.talking import Talking
from client.sync.commands.timing import Timing as Later
from client.sync.features.overview import counted
from client.sync.parts import join
from client.sync.seen import SINCE
from imsys.sdk import Credentials, Gateway, Timing


class AccountSync(
    Reading, Talking, Changing, Arranging, Contacts, Grouping, Later, Securing, Files, Streaming, Following
):
    """One account: opened from the disk, kept as the server has it while there is a connection.

    Everything that it fires and answers is on the reactor's thread, which is that of the user interface.

    :param folder: of this account alone.
    :param key: 32 bytes that the store is encrypted with.
    :param server: what people call the server.
    """

    def __init__(
        self,
        reactor: Any,
        gateway: Gateway,
        credentials: Credentials,
        folder: Path,
        key: bytes,
        *,
        server: str = "",
        timing: Timing | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        store = Store(reactor, folder / NAME, key)
        super().__init__(join(reactor, gateway, credentials, store, server=server, timing=timing, now=now))
        self.changes = self.parts.changes
        self.folder = folder
        self.trust = gateway.trust
        """Whom this account's servers are held against."""

    async def open(self) -> None:
        """Have everything that is on this disk; from then on it can be read, written to and started, offline
        as well.

        :raises Failure: nothing can be kept there.
        """
        parts, known = self.parts, self.parts.known
        try:
            opened = await parts.keeper.store.open()
        except StoreFull as problem:
            raise Failure(f"Nothing can be kept in {self.folder}: {problem}.") from problem
        loaded = await parts.keeper.store.read(load)
        known.settings, known.persons = loaded.settings, loaded.persons
        known.asking, known.rows = loaded.requests, loaded.rows
        parts.session.recall()
        parts.messages.restored = SINCE in known.settings
        parts.overview.counted = {number for number, row in known.rows.items() if counted(row)}
        for conversation, draft in opened.drafts:
            parts.arrangement.change(conversation, draft=draft)
        for message in opened.rescued:
            parts.writer.store(message)
        unsent = [*loaded.unsent, *opened.rescued]
        parts.outgoing.restore(unsent)
        parts.uploads.restore(unsent, loaded.paused)
        await parts.expiring.read()
        if opened.notice:
            self.changes.notice.fire(opened.notice)

    def start(self) -> None:
        """Connect, and stay connected; what comes of it is told by ``changes.connection``."""
        self.parts.session.start()

    async def close(self) -> None:
        """Disconnect and close the store; what is not sent goes on the next time."""
        await self.parts.arrangement.close()
        self.parts.uploads.stop()
        self.parts.expiring.close()
        await self.parts.session.close()
        self.parts.busy.close()
        self.parts.people.close()
        await self.parts.keeper.close()

    @property
    def spool(self) -> Path:
        """A folder for pictures that were pasted, which have to be there until they are sent.

        The caller makes it.
        """
        return self.folder / "spool"

    def retry_now(self) -> None:
        """Try to connect at once."""
        self.parts.session.retry_now()

    async def sign_out(self) -> None:
        """End this session."""
        await self.parts.arrangement.close()
        await self.parts.session.sign_out()
