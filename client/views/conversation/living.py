"""The life of messages in the conversation that is open: answered, edited, liked, pinned, forwarded, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from client.core.display import shown_name
from client.core.living import can_pin, is_said
from client.core.model import Message, Reactor, Readers
from client.theme import Theme
from client.viewmodels.conversation import ConversationPresenter, Obstacle
from client.views.conversation.message_menu import MessageMenu
from client.views.conversation.pin_bar import PinBar
from client.views.conversation.reactors import ReactorsDialog
from client.views.conversation.readers import ReadersDialog
from client.views.conversation.writing import Writing
from client.widgets.avatar import Avatars
from client.widgets.composer.completion import Completion

if TYPE_CHECKING:
    from client.views.conversation.view import ConversationView


class Living(QObject):
    """Joins what shows it to the presenter of ``view``."""

    def __init__(
        self, theme: Theme, avatars: Avatars, view: ConversationView, now: Callable[[], int]
    ) -> None:
        super().__init__(view)
        self._theme, self._avatars, self._view = theme, avatars, view
        self.writing = Writing(view.composer)
        self.menu = MessageMenu(theme, view, now)
        self.pins = PinBar(theme)
        self.completion = Completion(theme, view.composer.edit, view)
        self.reactors: ReactorsDialog | None = None
        self.readers: ReadersDialog | None = None
        self._ends: list[Callable[[], None]] = []
        messages, menu = view.messages, self.menu
        messages.reply.connect(self._answer)
        messages.menu.connect(menu.add)
        messages.react.connect(self._react)
        messages.react_more.connect(menu.pick)
        messages.reactors.connect(
            lambda message, emoji: self._with(lambda one: one.ask_reactors(message, emoji))
        )
        messages.reactors_wanted.connect(lambda message: self._with(lambda one: one.ask_reactors(message)))
        menu.reactors.connect(lambda message: self._with(lambda one: one.ask_reactors(message, "")))
        view.composer.context_closed.connect(self.writing.leave)
        view.composer.edit_last.connect(self._edit_last)
        menu.more.connect(view.menu)
        menu.edit.connect(self._edit)
        menu.react.connect(self._react)
        menu.forward.connect(view.forward)
        menu.pin.connect(lambda message, on: self._with(lambda one: one.pin(message, on)))
        menu.recall.connect(lambda message: self._with(lambda one: one.recall(message)))
        menu.hide.connect(lambda message: self._with(lambda one: one.hide(message)))
        menu.readers.connect(lambda message: self._with(lambda one: one.ask_readers(message)))
        menu.remembered.connect(view.composer.recent_emoji)
        self.pins.go.connect(messages.jump)
        self.pins.unpin.connect(lambda message: self._with(lambda one: one.pin(message, on=False)))

    def opened(self, presenter: ConversationPresenter) -> None:
        """Another conversation is shown."""
        self.pins.show_pins(())
        changes = presenter.account.changes
        self._ends = [
            presenter.pinned.subscribe(self.pins.show_pins),
            presenter.unchanged.subscribe(self._unchanged),
            presenter.seen_by.subscribe(self._seen_by),
            presenter.reacted.subscribe(lambda told: self._reacted(*told)),
            changes.removed.subscribe(self._gone),
            changes.messages.subscribe(lambda some: self._gone([one for one in some if one.recalled])),
        ]
        self.about(presenter)

    def about(self, presenter: ConversationPresenter) -> None:
        """What is known of the conversation is different."""
        about, messages = presenter.about, self._view.messages
        self.menu.about = about
        self.pins.set_changeable(can_pin(about))
        self.completion.set_members(presenter.members)
        messages.answers = self.menu.writes = self._view.composer.edit.isVisibleTo(self._view)
        messages.reacts = self.menu.reacts = messages.answers or presenter.obstacle is Obstacle.CHANNEL

    def left(self) -> None:
        """No conversation is shown, or another one soon."""
        self.writing.leave()
        for end in self._ends:
            end()
        self._ends.clear()

    def send(self, presenter: ConversationPresenter, text: str) -> None:
        """What was written is sent, or becomes the text of what is edited."""
        answered, edited = self.writing.answered, self.writing.edited
        if edited is not None:
            self.writing.leave()
            presenter.edit(edited, text)
            return
        self.writing.leave()
        self._view.composer.clear()
        presenter.send(text, answers=answered)

    def _answer(self, message: Message) -> None:
        presenter = self._view.presenter
        if presenter is not None and is_said(message):
            self.writing.answer(message, shown_name(presenter.account.person(message.sender).name))

    def _edit(self, message: Message) -> None:
        self.writing.edit(message)

    def _edit_last(self) -> None:
        presenter = self._view.presenter
        if presenter is not None and self.writing.edited is None and presenter.last_own is not None:
            self._edit(presenter.last_own)

    def _unchanged(self, told: tuple[Message, str, str]) -> None:
        """Nothing of what was written is lost."""
        message, text, problem = told
        if self.writing.edited is None:
            self.writing.edit(message, text)
        self._view.toast.tell(problem)

    def _seen_by(self, readers: Readers) -> None:
        presenter = self._view.presenter
        if presenter is not None:
            self.readers = ReadersDialog(self._theme, readers, presenter.account.person, self._view)
            self.readers.open()

    def _reacted(self, message: Message, reactors: list[Reactor], emoji: str | None) -> None:
        presenter, view = self._view.presenter, self._view
        if presenter is None:
            return
        if emoji is None:
            view.messages.provide_reactors(message, reactors)
            return
        person = presenter.account.person
        dialog = self.reactors = ReactorsDialog(
            self._theme, self._avatars, reactors, person, view, emoji=emoji
        )
        dialog.person.connect(view.person)
        dialog.open()

    def _react(self, message: Message, emoji: str) -> None:
        self._with(lambda one: one.react(message, emoji))

    def _gone(self, messages: list[Message]) -> None:
        for message in messages:
            self.writing.gone(message)

    def _with(self, act: Callable[[ConversationPresenter], object]) -> None:
        if self._view.presenter is not None:
            act(self._view.presenter)
