"""The pictures of one conversation, one of them in front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from client.core.changes import Signal
from client.core.model import Kind, Message, Transfer
from client.core.ports import Account
from client.viewmodels.work import run

PAGE = 100
SIZE_MOST = 64 << 20
"""Bytes of a picture that is fetched only to be looked at."""


class Gallery:
    """Signals tell what is in front; the oldest picture is the first."""

    def __init__(self, account: Account, message: Message) -> None:
        self.account, self.conversation = account, message.conversation
        self.messages: list[Message] = [message]
        self.current = message
        self.at_start = False
        """Whether no older one is known."""
        self.turned: Signal[None] = Signal()
        """Another one is in front."""
        self.shown: Signal[None] = Signal()
        """There is more to tell of it, or of how many there are."""
        self.ready: Signal[tuple[Path, bool]] = Signal()
        """Its file, or a smaller picture of it (``False``), is here."""
        self.progress: Signal[Transfer] = Signal()
        self.failed: Signal[str] = Signal()
        """A sentence: why it is not here."""
        self.gone: Signal[None] = Signal()
        """There is none any more."""
        self._taken = 0
        self._loading = False
        changes = account.changes
        self._ends = [
            changes.messages.subscribe(self._come),
            changes.removed.subscribe(self._remove),
            changes.transfer.subscribe(
                lambda one: self.progress.fire(one) if one.key == self.current.key else None
            ),
        ]

    def open(self) -> None:
        """Begin."""
        self._show(self.current)
        self._more()

    def close(self) -> None:
        """Hear no more."""
        for end in self._ends:
            end()

    @property
    def index(self) -> int:
        """Which one is in front."""
        return next((at for at, one in enumerate(self.messages) if one.key == self.current.key), 0)

    def step(self, by: int) -> bool:
        """To a newer one, or an older one; whether there is one."""
        return self.go(self.index + by)

    def go(self, index: int) -> bool:
        """To one; whether it is there, and another one."""
        if not 0 <= index < len(self.messages) or self.messages[index].key == self.current.key:
            return False
        self._show(self.messages[index])
        if index < 3:
            self._more()
        return True

    def fetch(self) -> None:
        """Have the whole picture that is in front."""
        message = self.current
        attachment = message.attachment
        if attachment is None:
            return
        if attachment.size > SIZE_MOST and not attachment.path:
            self.failed.fire(
                QCoreApplication.translate(
                    "Viewer",
                    "This picture is too large to be fetched only to be looked at. Save it, and open it with another program.",
                )
            )
            return

        async def have() -> None:
            path = await self.account.fetch(message)
            if self.current.key == message.key:
                self.ready.fire((path, True))

        run(have(), lambda problem: self.failed.fire(problem) if self.current.key == message.key else None)

    def _show(self, message: Message) -> None:
        self.current = message
        self.turned.fire(None)

        async def have() -> None:
            path = await self.account.preview(message)
            if path is not None and self.current.key == message.key:
                self.ready.fire((path, False))

        run(have(), lambda problem: None)  # the whole one is fetched next, and says what is wrong
        for transfer in self.account.transfers():
            if transfer.key == message.key and not transfer.over:
                self.progress.fire(transfer)

    def _more(self) -> None:
        """Older ones, until the one in front has some before it."""
        if self._loading or self.at_start:
            return
        self._loading = True

        async def load() -> None:
            try:
                while not self.at_start and (self.index < 3 or self._taken == 0):
                    page = await self.account.files(
                        Kind.IMAGE.value, "", PAGE, self._taken, conversation=self.conversation
                    )
                    self._taken += len(page)
                    self.at_start = len(page) < PAGE
                    self._merge(page)
                    self.shown.fire(None)
            finally:
                self._loading = False

        run(load(), lambda problem: None)

    def _merge(self, messages: Sequence[Message]) -> None:
        known = {one.key: one for one in self.messages}
        known |= {one.key: one for one in messages if one.attachment is not None and not one.recalled}
        self.messages = sorted(known.values(), key=lambda one: one.order)
        self.current = known.get(self.current.key, self.current)

    def _come(self, messages: list[Message]) -> None:
        mine = [one for one in messages if one.conversation == self.conversation]
        recalled = [one for one in mine if one.recalled]
        pictures = [one for one in mine if one.kind is Kind.IMAGE and not one.recalled]
        if pictures:
            self._merge(pictures)
            self.shown.fire(None)
        if recalled:
            self._remove(recalled)

    def _remove(self, messages: list[Message]) -> None:
        keys = {one.key for one in messages}
        if not keys & {one.key for one in self.messages}:
            return
        at = self.index
        self.messages = [one for one in self.messages if one.key not in keys]
        if not self.messages:
            self.gone.fire(None)
        elif self.current.key in keys:
            self._show(self.messages[min(at, len(self.messages) - 1)])
        else:
            self.shown.fire(None)
