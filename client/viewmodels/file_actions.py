"""What can be done with the file of a message: fetch it, open it, show it in its folder, save it, and all
that about its transfer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from client.core.changes import Signal
from client.core.filenames import may_run, safe_name
from client.core.model import Mark, Message, Stage, Transfer
from client.core.ports import Account, GivenUp
from client.translations.tr import tr
from client.viewmodels.work import run


class Desktop(Protocol):
    """What the system does with files."""

    def open(self, path: Path) -> bool:
        """Open one with the program for it; whether there is one."""
        ...

    def reveal(self, path: Path) -> bool:
        """Show one in its folder."""
        ...


class FileActions:
    """Signals tell what became of commands; every command returns at once."""

    def __init__(self, account: Account, desktop: Desktop) -> None:
        self.account, self._desktop = account, desktop
        self.failed: Signal[tuple[Message, str]] = Signal()
        """A sentence: why, and what to do."""
        self.asks: Signal[tuple[Message, Path]] = Signal()
        """Opening this may run it: :meth:`open_here` does, after somebody has said so."""
        self.saved: Signal[tuple[Message, Path]] = Signal()
        self._waiting: set[str] = set()
        """Keys of messages whose file is awaited here."""

    def transfer(self, message: Message) -> Transfer | None:
        """The file of a message on its way, where it is."""
        return next(
            (one for one in self.account.transfers() if one.key == message.key and not one.over), None
        )

    # The file.

    def download(self, message: Message) -> None:
        """Have it on this disk."""
        self._with(message, lambda path: None)

    def open(self, message: Message) -> None:
        """Open it with the system's program for it; it is fetched where it is not here."""

        def there(path: Path) -> None:
            if may_run(path.name) or (
                message.attachment is not None and may_run(message.attachment.filename)
            ):
                self.asks.fire((message, path))
            else:
                self.open_here(message, path)

        self._with(message, there)

    def open_here(self, message: Message, path: Path) -> None:
        """Open what is here, whatever it is."""
        if not self._desktop.open(path):
            self.failed.fire(
                (
                    message,
                    tr(
                        "There is no program for files of this kind. Save it, and open it with one that you choose."
                    ),
                )
            )

    def reveal(self, message: Message) -> None:
        """Show it in its folder."""

        def there(path: Path) -> None:
            if not self._desktop.reveal(path):
                self.failed.fire(
                    (message, tr("The folder could not be shown. It is {folder}").format(folder=path.parent))
                )

        self._with(message, there)

    def reveal_path(self, path: Path) -> None:
        """Show a file that was saved."""
        self._desktop.reveal(path)

    def save(self, message: Message, to: Path) -> None:
        """Have a copy of it at a path."""
        self._with(message, lambda path: self.saved.fire((message, path)), to=to)

    def discard(self, message: Message) -> None:
        """Remove the copy on this disk."""
        run(self.account.discard(message), lambda problem: self.failed.fire((message, problem)))

    def removable(self, message: Message) -> bool:
        """Whether there is such a copy."""
        return self.account.keeps(message)

    def suggested(self, message: Message) -> str:
        """A name to save it under."""
        return safe_name(message.attachment.filename) if message.attachment is not None else ""

    # Its transfer.

    def pause(self, message: Message) -> None:
        """Stop for now."""
        if self.transfer(message) is not None:
            self.account.pause(message.key)

    def resume(self, message: Message) -> None:
        """Go on; what failed is tried again."""
        transfer = self.transfer(message)
        if message.mark is Mark.FAILED:
            run(self.account.resend(message), lambda problem: self.failed.fire((message, problem)))
        elif transfer is None or (transfer.stage is Stage.FAILED and not transfer.up):
            self.download(message)
        else:
            self.account.resume(message.key)

    def cancel(self, message: Message) -> None:
        """Give it up."""
        run(self.account.cancel(message.key), lambda problem: self.failed.fire((message, problem)))

    def _with(self, message: Message, then: Callable[[Path], object], *, to: Path | None = None) -> None:
        if to is None and message.key in self._waiting:
            return  # it comes already: a second click opens nothing twice
        if to is None:
            self._waiting.add(message.key)

        async def have() -> None:
            try:
                path = await self.account.fetch(message, to=to)
            except GivenUp:
                return
            finally:
                if to is None:
                    self._waiting.discard(message.key)
            then(path)

        run(have(), lambda problem: self.failed.fire((message, problem)))
