"""Files that somebody is about to send: looked at, told about, and sent when they say so."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QLocale

from client.core.changes import Signal
from client.core.filenames import safe_name
from client.core.ports import Account, Failure
from client.translations.sentences import sentence
from client.translations.tr import tr
from client.viewmodels.spool import Spool
from client.viewmodels.work import run

FILES_MOST = 100
CAPTION_MOST = 4_096
USUAL_MOST = 2 << 30
"""Bytes of a file that a server takes unless it is told otherwise; whether this one does, it says itself."""
PICTURES = frozenset((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"))


@dataclass(frozen=True, slots=True)
class Picked:
    """A file that is about to be sent.

    :param problem: a sentence: why it cannot be; empty: it can.
    :param doubt: a sentence: why it may be refused.
    :param made: it was made here, and is of no use where it is not sent.
    """

    path: Path
    size: int = 0
    problem: str = ""
    doubt: str = ""
    made: bool = False

    @property
    def name(self) -> str:
        """What it is called, harmless to look at."""
        return safe_name(self.path.name)

    @property
    def picture(self) -> bool:
        """Whether it is sent as one, unless it is sent as a file: by its name.

        What is in it is looked at when it is shown.
        """
        return self.path.suffix.lower() in PICTURES


class SendingFiles:
    """Signals tell what became of commands; every command returns at once."""

    def __init__(self, account: Account, conversation: int, spool: Spool) -> None:
        self.account, self.conversation, self._spool = account, conversation, spool
        self.files: list[Picked] = []
        self.busy = False
        self.changed: Signal[None] = Signal()
        """:attr:`files`, or whether they are being sent."""
        self.failed: Signal[str] = Signal()
        self.sent: Signal[None] = Signal()
        """All of them are messages now."""

    @property
    def title(self) -> str:
        """With whom one talks."""
        about = self.account.conversation(self.conversation)
        return about.title if about is not None else ""

    @property
    def good(self) -> list[Picked]:
        """Those that can be sent."""
        return [one for one in self.files if not one.problem]

    @property
    def size(self) -> int:
        """Bytes of those."""
        return sum(one.size for one in self.good)

    def add(self, paths: Sequence[Path]) -> None:
        """Look at files, and add them; what is there already is not added again."""

        async def look() -> None:
            found = await self._spool.threads(lambda: [picked(path) for path in paths[: FILES_MOST + 1]])
            self._take(found)

        run(look(), self.failed.fire)

    def add_picture(self, write: Callable[[Path], bool]) -> None:
        """Add a picture that was pasted: a PNG is made of it, by a function that says whether it could."""

        def checked(path: Path) -> None:
            if not write(path):
                path.unlink(missing_ok=True)
                raise OSError

        async def make() -> None:
            try:
                path = await self._spool.put(tr("Picture"), ".png", checked)
            except OSError as problem:
                raise Failure(
                    tr("The picture could not be written to this disk. Make room on it, and paste it again.")
                ) from problem
            found = await self._spool.threads(lambda: [replace(picked(path), made=True)])
            self._take(found)

        run(make(), self.failed.fire)

    def remove(self, index: int) -> None:
        """Not this one."""
        if 0 <= index < len(self.files) and not self.busy:
            self._drop([self.files.pop(index)])
            self.changed.fire(None)

    def leave(self) -> None:
        """None of them."""
        if not self.busy:
            self._drop(self.files)
            self.files = []

    def send(self, caption: str, *, as_file: bool = False) -> None:
        """Send those that can be; the caption goes with the first.

        What could not be sent stays, and it is said why.
        """
        caption = caption.strip()
        if len(caption) > CAPTION_MOST:
            over = QLocale().toString(len(caption) - CAPTION_MOST)
            self.failed.fire(
                tr("A caption has at most 4,096 characters: {count} are too many.").format(count=over)
            )
            return
        if self.busy or not self.good:
            return
        self.busy = True
        self.changed.fire(None)

        async def send() -> None:
            words, problems = caption, []
            for one in self.good:
                try:
                    await self.account.send_file(self.conversation, one.path, words, as_file=as_file)
                except Failure as failure:
                    problems.append(sentence(str(failure)))
                    self.files[self.files.index(one)] = replace(one, problem=problems[-1])
                else:
                    words = ""
                    self.files.remove(one)
            self.busy = False
            self.changed.fire(None)
            if problems:
                raise Failure(problems[0])
            self.sent.fire(None)

        def failed(problem: str) -> None:
            self.busy = False
            self.changed.fire(None)
            self.failed.fire(problem)

        run(send(), failed)

    def _take(self, found: list[Picked]) -> None:
        known = {one.path for one in self.files}
        self.files += [one for one in found if one.path not in known]
        over = self.files[FILES_MOST:]
        del self.files[FILES_MOST:]
        self._drop(over)
        self.changed.fire(None)
        if over:
            self.failed.fire(
                tr("At most 100 files are sent at once: the others were left out. Send them afterwards.")
            )

    def _drop(self, files: list[Picked]) -> None:
        for one in files:
            if one.made:
                self._spool.drop(one.path)


def picked(path: Path) -> Picked:
    """Look at a file. For a thread: a disk may be far away."""
    path = path.absolute()
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            return Picked(path, problem=tr("This is a folder. Pack it into an archive, and send that."))
        if not stat.S_ISREG(about.st_mode):
            return Picked(path, problem=tr("This is no file that can be sent."))
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        return Picked(path, problem=tr("This file is not there any more."))
    except OSError:
        return Picked(path, problem=tr("This file cannot be read. Look at its permissions."))
    doubt = (
        tr("Servers usually take files of up to 2 GB: this one may be refused.")
        if about.st_size > USUAL_MOST
        else ""
    )
    return Picked(path, about.st_size, doubt=doubt)
