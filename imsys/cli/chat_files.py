"""``/send`` and ``/get``: files within a conversation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from imsys.cli.context import shown_path
from imsys.cli.files import place
from imsys.cli.progress import Rate, figures
from imsys.cli.text import bytes_text, printable
from imsys.sdk import Attachment, Message, Progress, Received, Stage, Transfer, Transfers, explain

_KEPT = 100
"""Files that can be requested by number, at most."""
_TELLS = 10.0
"""Seconds between two notices about one transfer."""

T = TypeVar("T")


class ChatFiles:
    """The files of one conversation; ``notice`` shows a line that is not a message."""

    def __init__(
        self, transfers: Transfers, seconds: Callable[[], float], notice: Callable[[str], None]
    ) -> None:
        self._transfers = transfers
        self._seconds = seconds
        self._notice = notice
        self._seen: list[tuple[int, Attachment]] = []
        self._running: dict[Transfer[Any], str] = {}

    def seen(self, message: Message) -> None:
        """Note the file of a message of the conversation, if it has one."""
        file = message.attachment
        if file is not None and not any(known == message.id for known, _ in self._seen):
            self._seen = sorted([*self._seen, (message.id, file)], key=lambda entry: entry[0])[-_KEPT:]

    def send(self, text: str, thread_id: int) -> None:
        """Send the named file."""
        path = Path(text).expanduser()
        if not path.is_file():
            self._notice(f"there is no file {printable(text)}" if text else "name the file: /send FILE")
            return
        self._notice(f"sending {printable(path.name)}")
        self._follow(
            self._transfers.upload(path, thread_id), path.name, lambda _: f"{printable(path.name)} is sent"
        )

    def get(self, text: str) -> None:
        """Receive a file by its number, 1 for the newest; without one, list them."""
        if not text:
            self._list()
            return
        if not text.isdecimal() or not 1 <= int(text) <= len(self._seen):
            self._notice("there is no such file; /get lists them")
            return
        file = self._seen[-int(text)][1]
        path = place(None, file.filename, file.file_id)
        self._notice(f"receiving {shown_path(path)} ({bytes_text(file.size)})")

        def told(received: Received) -> str:
            return f"{shown_path(received.path)} is here"

        self._follow(self._transfers.download(file.file_id, path), path.name, told)

    def left_behind(self) -> list[str]:
        """Return the names of unfinished transfers."""
        return list(self._running.values())

    def _list(self) -> None:
        if not self._seen:
            self._notice("no files yet")
        for number, (_, file) in enumerate(reversed(self._seen[-9:]), 1):
            self._notice(f"/get {number}: {printable(file.filename)} ({bytes_text(file.size)})")

    def _follow(self, transfer: Transfer[T], name: str, done: Callable[[T], str]) -> None:
        self._running[transfer] = printable(name)
        rate, due, waiting = Rate(self._seconds), self._seconds() + _TELLS, False

        def show(progress: Progress) -> None:
            nonlocal due, waiting
            if progress.stage is Stage.MOVING:
                waiting = False
                rate.add(progress.done)
                if self._seconds() >= due:
                    due = self._seconds() + _TELLS
                    self._notice(f"{printable(name)}: {figures(progress, rate).strip()}")
            elif progress.stage is Stage.WAITING and not waiting:
                waiting = True
                self._notice(
                    f"{printable(name)}: {explain(progress.problem) if progress.problem else ''} Trying again."
                )

        def ended(result: Any) -> None:
            self._running.pop(transfer, None)
            if not isinstance(result, Failure):
                self._notice(done(result))
            elif not result.check(CancelledError):
                assert result.value is not None
                self._notice(f"{printable(name)}: {explain(result.value)}")

        transfer.on_progress.subscribe(show)
        transfer.result().addBoth(ended)
