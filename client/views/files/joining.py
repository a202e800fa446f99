"""What joins files to the rest of an account's view: the conversation that is open, the viewer, the page of
all files.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QMenu, QWidget

from client.core.filenames import safe_name
from client.core.model import Kind, Mark, Message, Stage
from client.theme import Theme
from client.viewmodels.file_actions import FileActions
from client.viewmodels.sending_files import SendingFiles
from client.viewmodels.spool import Spool
from client.viewmodels.work import now_ms
from client.views.conversation import ConversationView
from client.views.cropper import crop_with
from client.views.files.page import FilesPage
from client.views.files.places import ask_where
from client.views.files.question import ask_open
from client.views.files.send_dialog import SendDialog
from client.views.viewer import Viewer
from client.widgets.pictures import Pictures


class Files(QObject):
    """Of one account, over one conversation view.

    :attr:`to_message` asks for a message to be shown in its conversation. Whoever plays films sets
    :attr:`play`; until then they are opened with the system's program.
    """

    to_message = Signal(object)

    def __init__(
        self,
        theme: Theme,
        pictures: Pictures,
        conversation: ConversationView,
        actions: FileActions,
        spool: Spool,
        *,
        now: Callable[[], int] = now_ms,
    ) -> None:
        super().__init__(conversation)
        self._theme, self._pictures, self._view, self.actions, self._spool, self._now = (
            theme,
            pictures,
            conversation,
            actions,
            spool,
            now,
        )
        self.play: Callable[[Message], object] | None = None
        self.crop = crop_with(theme, spool)
        """Has an avatar cut out of a picture: see the settings."""
        self.dialog: SendDialog | None = None
        self.page = FilesPage(theme, pictures, actions, now=now)
        self.page.look.connect(self.look)
        self.page.to_message.connect(self.to_message)
        self._viewer: Viewer | None = None
        conversation.files_chosen.connect(self.send)
        conversation.picture_chosen.connect(self.send_picture)
        conversation.open_message.connect(self.look)
        conversation.resume.connect(actions.resume)
        conversation.menu.connect(self._menu)
        self._ends = [
            actions.failed.subscribe(lambda failed: self._failed(*failed)),
            actions.asks.subscribe(lambda asked: self._ask(*asked)),
            actions.saved.subscribe(lambda saved: self._saved(*saved)),
        ]

    def close_view(self) -> None:
        """End."""
        for end in self._ends:
            end()
        self.page.close_view()
        if self._viewer is not None:
            self._viewer.close_view()
            self._viewer = None
        if self.dialog is not None:
            self.dialog.reject()

    # Sending.

    def send(self, paths: list[Path]) -> None:
        """Show files before they are sent to the conversation that is open.

        While they are shown, others come to them.
        """
        dialog = self._dialog()
        if dialog is not None:
            dialog.presenter.add(paths)

    def send_picture(self, image: QImage) -> None:
        """The same of a picture that was pasted."""
        dialog = self._dialog()
        if dialog is not None:
            dialog.add_picture(image)

    def _dialog(self) -> SendDialog | None:
        if self.dialog is not None:
            return self.dialog
        view = self._view
        if view.presenter is None:
            return None
        window, caption = view.presenter.window, view.composer.text()
        presenter = SendingFiles(self.actions.account, view.presenter.id, self._spool)
        dialog = self.dialog = SendDialog(
            self._theme, self._pictures, presenter, view.window(), caption=caption
        )
        view.composer.set_text("")
        presenter.sent.subscribe(lambda _: window.to_end())
        dialog.left.connect(view.composer.set_text)
        dialog.finished.connect(self._sent)
        dialog.open()
        return dialog

    def _sent(self, result: int) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None
        self._view.composer.draft.emit(self._view.composer.text())
        self._view.focus()

    # Looking and opening.

    def look(self, message: Message) -> None:
        """A click on something: a picture is looked at, a film played, everything else opened."""
        if message.kind is Kind.IMAGE and not message.recalled:
            if self._viewer is None:
                self._viewer = Viewer(self._theme, self.actions, now=self._now)
                self._viewer.to_message.connect(self.to_message)
            self._viewer.open(message, self._view)
        elif message.kind is Kind.VIDEO and self.play is not None:
            presenter = self._view.presenter
            if presenter is None or presenter.id != message.conversation or not self._view.isVisible():
                self.to_message.emit(message)  # films are played above the messages
            self.play(message)
        else:
            self.actions.open(message)

    @property
    def viewer(self) -> Viewer | None:
        """The window in which pictures are looked at, once there is one."""
        return self._viewer

    def _ask(self, message: Message, path: Path) -> None:
        who = "" if message.mine else self.actions.account.person(message.sender).name
        name = message.attachment.filename if message.attachment is not None else path.name
        ask_open(
            self._front(),
            name,
            who,
            partial(self.actions.open_here, message, path),
            partial(self.actions.reveal, message),
        )

    def _front(self) -> QWidget:
        return self.page.window() if self.page.isVisible() else self._view.window()

    def _failed(self, message: Message, problem: str) -> None:
        """Where nobody else says it, with what to do."""
        if self.page.isVisible() or (self._viewer is not None and self._viewer.isVisible()):
            return
        self._view.toast.tell(problem, self.tr("Try again"), partial(self.actions.resume, message), ms=8000)

    def _saved(self, message: Message, path: Path) -> None:
        if self._view.isVisible():
            words = self.tr("Saved as {name}").format(name=safe_name(path.name))
            self._view.toast.tell(words, self.tr("Show in folder"), partial(self.actions.reveal_path, path))

    # The menu of a message.

    def _menu(self, message: Message, menu: QMenu) -> None:
        attachment = message.attachment
        if attachment is None or message.recalled:
            return
        icon, actions = self._theme.icon, self.actions
        transfer = actions.transfer(message)
        here = bool(attachment.path)
        moving = transfer is not None and transfer.stage is not Stage.FAILED
        menu.addAction(icon("eye"), self.tr("Open"), partial(self.look, message))
        if transfer is not None and moving:
            paused = transfer.stage is Stage.PAUSED
            words = self.tr("Go on") if paused else self.tr("Pause")
            menu.addAction(
                icon("play" if paused else "pause"),
                words,
                partial(actions.resume if paused else actions.pause, message),
            )
            menu.addAction(icon("x"), self.tr("Cancel"), partial(actions.cancel, message))
        elif not here and message.mark is not Mark.FAILED:
            menu.addAction(icon("download"), self.tr("Download"), partial(actions.resume, message))
        if here:
            menu.addAction(icon("folder-open"), self.tr("Show in folder"), partial(actions.reveal, message))
        menu.addAction(icon("save"), self.tr("Save as …"), partial(self._save, message))
        if actions.removable(message):
            menu.addAction(
                icon("trash-2"), self.tr("Remove from this disk"), partial(actions.discard, message)
            )

    def _save(self, message: Message) -> None:
        ask_where(self._view, self.actions.suggested(message), lambda path: self.actions.save(message, path))
