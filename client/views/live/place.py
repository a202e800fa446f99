"""The place above the messages of a conversation: what is watched there, and what I show.

What is watched ends when another conversation is opened. What I send goes on, and is seen again when its
conversation is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtWidgets import QWidget

from client.core.model import Message
from client.core.ports import Account
from client.theme import Theme
from client.views.conversation import ConversationView
from client.widgets.button import IconButton

if TYPE_CHECKING:
    from client.video.studio import Studio
    from client.views.live.film import FilmPanel
    from client.views.live.go_live import GoLiveDialog
    from client.views.live.own_panel import OwnPanel
    from client.views.live.panel import LivePanel


class LivePlace(QObject):
    """Of one account. All that shows films is imported when it is first needed.

    :param make: makes the studio, when it is first needed.
    """

    def __init__(
        self,
        theme: Theme,
        view: ConversationView,
        account: Account,
        make: Callable[[], Studio],
        *,
        opengl: bool | None = None,
    ) -> None:
        super().__init__(view)
        self._theme, self._view, self._account, self._make, self._opengl = theme, view, account, make, opengl
        self._studio: Studio | None = None
        self.panel: LivePanel | FilmPanel | None = None
        """What is watched."""
        self.own: OwnPanel | None = None
        self.dialog: GoLiveDialog | None = None
        self._own_conversation = self._conversation = 0
        self.button = IconButton(theme, "radio", QCoreApplication.translate("Video", "Go live"))
        view.header.actions_row.addWidget(self.button)
        self.button.clicked.connect(self.go_live)
        view.watch.connect(self.watch)
        view.writable.connect(self.button.setVisible)

    @property
    def studio(self) -> Studio:
        """Made now, if it is not there yet."""
        if self._studio is None:
            self._studio = self._make()
        return self._studio

    def set_conversation(self, conversation: int) -> None:
        """Another one is open (0: none)."""
        if conversation == self._conversation:
            return
        self._conversation = conversation
        self._leave()
        if self.own is not None:
            self.own.setVisible(conversation == self._own_conversation)

    def watch(self, stream: str) -> None:
        """Watch a live stream; one of mine that runs is there already."""
        if self.own is not None and self.own.going.stream is not None and self.own.going.stream.id == stream:
            return
        from client.viewmodels.live_watch import LiveWatch
        from client.views.live.panel import LivePanel

        studio, account = self.studio, self._account
        self._show(
            LivePanel(
                self._theme, lambda pixels: LiveWatch(account, studio, stream, pixels), opengl=self._opengl
            )
        )

    def play(self, message: Message) -> None:
        """Play a film that was sent."""
        from client.viewmodels.film_show import FilmShow
        from client.views.live.film import FilmPanel

        studio, account = self.studio, self._account
        self._show(
            FilmPanel(
                self._theme, lambda pixels: FilmShow(account, studio, message, pixels), opengl=self._opengl
            )
        )

    def go_live(self) -> None:
        """Ask what to show, and show it."""
        if self.own is not None or self.dialog is not None or not self._conversation:
            return
        from client.video.commands import Pixels
        from client.viewmodels.going_live import GoingLive
        from client.views.live.go_live import GoLiveDialog

        going = GoingLive(self._account, self.studio, self._conversation, Pixels.YUV)
        dialog = self.dialog = GoLiveDialog(self._theme, going, self._view.window())
        dialog.accepted.connect(self._live)
        dialog.finished.connect(self._asked)
        dialog.open()

    def close(self) -> None:
        """End all of it."""
        self._leave()
        if self.dialog is not None:
            self.dialog.reject()
        if self.own is not None:
            self.own.stop()
            self._own_gone()
        if self._studio is not None:
            self._studio.close()

    def _live(self) -> None:
        from client.views.live.own_panel import OwnPanel

        assert self.dialog is not None
        going = self.dialog.going
        self._own_conversation = going.conversation
        own = self.own = OwnPanel(self._theme, going, opengl=self._opengl)
        own.closed.connect(self._own_gone)
        self._view.above.insertWidget(0, own)
        own.setVisible(self._conversation == self._own_conversation)
        self.button.setEnabled(False)

    def _asked(self) -> None:
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            dialog.deleteLater()

    def _own_gone(self) -> None:
        own, self.own = self.own, None
        self.button.setEnabled(True)
        self._remove(own)

    def _show(self, panel: Any) -> None:
        self._leave()
        self.panel = panel
        panel.closed.connect(self._leave)
        self._view.above.addWidget(panel)
        panel.stage.setFocus()

    def _leave(self) -> None:
        panel, self.panel = self.panel, None
        if panel is not None:
            panel.stop()
            self._remove(panel)
            self._view.focus()

    def _remove(self, panel: QWidget | None) -> None:
        if panel is not None:
            self._view.above.removeWidget(panel)
            panel.hide()
            panel.deleteLater()
