"""Times to come in the conversation that is open: texts that are sent later, and how long messages stay."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from client.core.timed import TIMERS, Later
from client.theme import Theme
from client.viewmodels.conversation import ConversationPresenter
from client.viewmodels.later import LaterPresenter
from client.views.later.waiting import WaitingDialog
from client.views.later.when import WhenDialog
from client.widgets.button import IconButton
from client.widgets.times import lasting

if TYPE_CHECKING:
    from client.views.conversation.view import ConversationView


class LaterPlace(QObject):
    """Joins what shows them to the presenter of ``view``."""

    def __init__(self, theme: Theme, view: ConversationView) -> None:
        super().__init__(view)
        self._theme, self._view = theme, view
        self.presenter: LaterPresenter | None = None
        self.when: WhenDialog | None = None
        self.list: WaitingDialog | None = None
        self.timer_button = IconButton(theme, "timer", "")
        self.timer_button.hide()
        self.timer_button.clicked.connect(lambda: self.open_timer(self.timer_button))
        view.header.actions_row.addWidget(self.timer_button)
        view.composer.later.connect(self.ask)
        view.composer.waiting.connect(self.show_list)
        self._ends: list[Callable[[], None]] = []

    def opened(self, presenter: ConversationPresenter) -> None:
        """Another conversation is shown."""
        later = self.presenter = LaterPresenter(
            presenter.account, presenter.id, presenter.mentioned, presenter.now
        )
        self._ends = [
            later.close,
            later.changed.subscribe(lambda _: self._count()),
            later.failed.subscribe(self._failed),
            later.done.subscribe(lambda _: self._done()),
        ]
        self._count()
        self.about()

    def left(self) -> None:
        """None is, or another one soon."""
        for end in self._ends:
            end()
        self._ends.clear()
        for dialog in (self.when, self.list):
            if dialog is not None:
                dialog.reject()
        self.presenter = None

    def about(self) -> None:
        """What is known of the conversation is different."""
        seconds = self.presenter.timer if self.presenter is not None else 0
        self.timer_button.setVisible(bool(seconds))
        if seconds:
            self.timer_button.set_name(
                self.tr("Messages disappear after {time}").format(time=lasting(seconds))
            )

    # Sending later.

    def ask(self, text: str) -> None:
        """When a new text is to be sent."""
        self._ask(text, None)

    def show_list(self) -> None:
        """What waits."""
        if self.presenter is None or self.list is not None:
            return
        self.list = WaitingDialog(self._theme, self.presenter, self._view)
        self.list.change.connect(lambda later: self._ask(later.text, later))
        self.list.finished.connect(self._list_over)
        self.list.open()

    def _ask(self, text: str, later: Later | None) -> None:
        presenter = self.presenter
        if presenter is None or self.when is not None:
            return
        at_ms = later.at_ms if later is not None else 0
        parent = self.list or self._view
        self.when = WhenDialog(self._theme, text, presenter.now(), presenter.possible, parent, at_ms=at_ms)
        self.when.chosen.connect(partial(self._chosen, later))
        self.when.finished.connect(self._when_over)
        self.when.open()

    def _chosen(self, later: Later | None, text: str, at_ms: int) -> None:
        presenter, writing = self.presenter, self._view.living.writing
        if presenter is None:
            return
        if later is not None:
            presenter.change(later, text, at_ms)
        else:
            presenter.add(text, at_ms, answers=writing.answered)

    def _done(self) -> None:
        when = self.when
        if when is None:
            return
        if self.list is None:  # it was written in the composer
            self._view.living.writing.leave()
            self._view.composer.clear()
            self._view.draft("")
        when.accept()

    def _failed(self, problem: str) -> None:
        if self.when is not None:
            self.when.say(problem)
        elif self.list is None:
            self._view.toast.tell(problem)

    def _when_over(self) -> None:
        if self.when is not None:
            self.when.deleteLater()
        self.when = None
        if self.list is None:
            self._view.focus()

    def _list_over(self) -> None:
        self.list = None
        self._view.focus()

    def _count(self) -> None:
        self._view.composer.set_waiting(len(self.presenter.waiting) if self.presenter is not None else 0)

    # How long messages stay.

    def open_timer(self, button: QWidget) -> None:
        """Choose, below a button."""
        menu = self.timer_menu(button)
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def timer_menu(self, parent: QWidget) -> QMenu:
        """How long they may stay."""
        menu, presenter = QMenu(parent), self.presenter
        menu.aboutToHide.connect(menu.deleteLater)
        group = QActionGroup(menu)
        known = presenter.timer if presenter is not None else 0
        title = menu.addAction(self.tr("New messages disappear after"))
        title.setEnabled(False)
        for seconds in (*TIMERS, *((known,) if known not in TIMERS else ())):
            action = menu.addAction(lasting(seconds) if seconds else self.tr("Never: they stay"))
            action.setCheckable(True)
            action.setChecked(seconds == known)
            action.setEnabled(presenter is not None and presenter.sets_timer)
            group.addAction(action)
            if presenter is not None:
                action.triggered.connect(partial(presenter.set_timer, seconds))
        if presenter is not None and not presenter.sets_timer:
            menu.addAction(self.tr("Only admins change this")).setEnabled(False)
        return menu
