"""An account with files that a test makes, and a desktop that only notes what it is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from client.core.memory import MemoryAccount
from client.core.model import Attachment, Kind, Message, Stage, Transfer
from client.core.ports import Failure, GivenUp
from client.viewmodels.file_actions import FileActions
from client.widgets.pictures import Pictures
from tests.support.qt import WidgetCase

ANNA = 1


class NotedDesktop:
    def __init__(self) -> None:
        self.opened: list[Path] = []
        self.revealed: list[Path] = []
        self.knows = True

    def open(self, path: Path) -> bool:
        self.opened.append(path)
        return self.knows

    def reveal(self, path: Path) -> bool:
        self.revealed.append(path)
        return self.knows


class FiledAccount(MemoryAccount):
    """What is fetched is copied from where the test says it is at the server."""

    def __init__(self, folder: Path) -> None:
        super().__init__(None, longest=200)  # without faces, which take time to draw
        self.folder = folder
        self.there: dict[str, Path] = {}
        self.sentence = ""
        self.given_up = False

    def add(
        self,
        path: Path | None,
        kind: Kind = Kind.IMAGE,
        *,
        name: str = "",
        size: int = -1,
        mime: str = "",
        here: bool = False,
    ) -> Message:
        """Anna sends a file."""
        real = path.stat().st_size if path is not None else 0
        attachment = Attachment(
            name or (path.name if path else "x"), real if size < 0 else size, "", f"f{len(self.there)}"
        )
        if here and path is not None:
            attachment = replace(attachment, path=str(path))
        message = self.receive(ANNA, kind=kind, attachment=attachment)
        if path is not None:
            self.there[message.key] = path
        return message

    async def fetch(self, message: Message, *, to: Path | None = None) -> Path:
        self._allowed("fetch", message, to)
        found = self.there.get(message.key)
        if self.given_up:
            raise GivenUp("It was given up.")
        if self.sentence or found is None:
            raise Failure(self.sentence or "The server does not have this file any more.")
        if to is not None:
            to.write_bytes(found.read_bytes())
            return to
        assert message.attachment is not None
        self._put(replace(message, attachment=replace(message.attachment, path=str(found))))
        return found

    async def preview(self, message: Message) -> Path | None:
        return None

    def move(self, message: Message, done: int, stage: Stage = Stage.MOVING, problem: str = "") -> None:
        """Its file comes further."""
        assert message.attachment is not None
        name, size = message.attachment.filename, message.attachment.size
        self.set_transfer(
            Transfer(
                message.key, message.conversation, name, message.mine, size, done, stage, 1000.0, problem
            )
        )

    def asked(self, name: str) -> list[tuple[object, ...]]:
        """Commands of that name."""
        return [command[1:] for command in self.commands if command[0] == name]


class FileCase(WidgetCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.account = FiledAccount(self.folder)
        self.desktop = NotedDesktop()
        self.actions = FileActions(self.account, self.desktop)
        self.pictures = Pictures()
        self.addCleanup(self.pictures.close)

    def file(self, name: str, data: bytes = b"content") -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path
