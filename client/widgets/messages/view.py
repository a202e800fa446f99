"""The list of messages: what is in the window, where it is scrolled to, and what is painted.

Input is in :mod:`.input`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QKeyEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from client.core.grouping import Place
from client.core.model import ConversationKind, Message, Person, Reactor
from client.theme import Theme
from client.theme.tokens import DOWN_FROM, PAGE_AHEAD, WHEEL
from client.viewmodels.message_window import MessageWindow, Move, Where
from client.viewmodels.work import now_ms
from client.widgets.avatar import Avatars
from client.widgets.messages import accessible, keys
from client.widgets.messages.canvas import FRAME_MS, Canvas
from client.widgets.messages.down import DownButton
from client.widgets.messages.input import Input
from client.widgets.messages.layout import lay_out
from client.widgets.messages.look import Look, State
from client.widgets.messages.mention_button import MentionButton, unseen
from client.widgets.messages.paint import paint
from client.widgets.messages.reaction_bar import ReactionBar
from client.widgets.messages.rows import Rows
from client.widgets.messages.scroll_bar import ScrollBar
from client.widgets.messages.scroller import Scroller
from client.widgets.pictures import Pictures

PREVIEWS_MOST = 2000


class MessageList(QAbstractScrollArea):
    """Shows a :class:`MessageWindow`; what somebody wants is told, nothing is done here.

    Messages are told as values; files, transfers and streams by the key or id that the window knows them by.
    Numbers of people and of messages are ``object`` to Qt: its ``int`` has 32 bits.
    """

    resend = Signal(object)
    delete = Signal(object)
    reply = Signal(object)
    open_file = Signal(object)
    """A picture, a film, or a file that is here or is to be fetched."""
    pause = Signal(str)
    resume = Signal(str)
    cancel = Signal(str)
    watch = Signal(str)
    react = Signal(object, str)
    react_more = Signal(object, QPoint)
    """Another emoji is wanted for a message, to be chosen at a place of the screen."""
    reactors = Signal(object, str)
    """Who put an emoji to a message is to be seen."""
    reactors_wanted = Signal(object)
    """The same, beside the pointer: :meth:`provide_reactors`."""
    person = Signal(object)
    link = Signal(str, bool)
    """A URL, and whether to ask first: its text may be read as if it led somewhere else."""
    menu = Signal(object, object)
    """A message, and the menu that is about to be shown for it: whoever can do more adds to it."""
    preview_wanted = Signal(str)
    """The small picture of a message is not on this disk: :meth:`provide_preview`."""
    seen = Signal(object)
    """All up to this id was visible in an active window."""
    typed = Signal(str)
    """A letter: it belongs to the composer."""
    escaped = Signal()

    def __init__(
        self,
        theme: Theme,
        avatars: Avatars,
        pictures: Pictures,
        parent: QWidget | None = None,
        *,
        now: Callable[[], int] = now_ms,
    ) -> None:
        super().__init__(parent)
        accessible.install()
        self.theme = theme
        self.look = Look(theme, avatars, pictures, _nobody, _none, _none, self._want, now)
        self.rows = Rows(self.look)
        self.scroller = Scroller(self.rows)
        self.answers = False
        """Whether :attr:`reply` is heard: only then is it offered."""
        self.reacts = False
        """Whether one may react here."""
        self.input = Input(self)
        self.canvas = Canvas(self)
        self._window: MessageWindow | None = None
        self._ends: list[Callable[[], None]] = []
        self._wanted: set[str] = set()
        self._told_seen = 0
        self._last_key = ""
        self.setVerticalScrollBar(ScrollBar())
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # always there: everything would be laid out anew for its width when it comes
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Messages"))
        self.setProperty("ground", "conversation")
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.verticalScrollBar().setSingleStep(WHEEL)
        self.verticalScrollBar().valueChanged.connect(self._bar_moved)
        self.down = DownButton(theme, self.viewport())
        self.down.clicked.connect(self.go_to_end)
        self.mention = MentionButton(theme, self.viewport())
        self.mention.clicked.connect(self.go_to_mention)
        self.reaction_bar = ReactionBar(theme, self)
        self._refresh_timer = QTimer(self, singleShot=True)
        self._refresh_timer.timeout.connect(self.refresh)
        self._refreshed = 0.0
        self._ask = QTimer(self, singleShot=True, interval=0)
        self._ask.timeout.connect(self._ask_more)
        self._ahead = QTimer(self, singleShot=True)
        self._ahead.timeout.connect(self._lay_ahead)
        pictures.ready.connect(self._picture)
        avatars.changed.connect(self.viewport().update)
        theme.changed.connect(self.relayout)

    # What it shows.

    def set_window(self, window: MessageWindow | None) -> None:
        """Show another conversation; ``None``: nothing."""
        for end in self._ends:
            end()
        self._ends.clear()
        self._window = window
        self.input.reset()
        self.reaction_bar.leave()
        self._wanted.clear()
        self.look.previews.clear()
        self._told_seen, self._last_key = 0, ""
        self.canvas.reset()
        self.rows.forget()
        self.scroller.to_end()
        if window is not None:
            self.look.person, self.look.transfer, self.look.stream = (
                window.person,
                window.transfer,
                window.stream,
            )
            self.look.me = window.me
            self.look.names = window.about.kind is not ConversationKind.PRIVATE
            self._ends = [
                window.changed.subscribe(lambda _: self._refresh_soon()),
                window.moved.subscribe(self._move),
                window.touched.subscribe(self._touch),
                window.renamed.subscribe(lambda _: self.relayout()),
                window.counted.subscribe(lambda count: self.down.set_count(count)),
            ]
            self.down.set_count(window.about.unread)
        self.look.revision += 1
        self.refresh()

    def prepare(self) -> None:
        """Lay out and paint something that nobody sees, so that what is seen first is as quick as the rest."""
        self.look.width = self.viewport().width()
        image = QImage(1, 1, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        for mine in (False, True):
            message = Message("", 0, 0, 0, text="A **word**, `code`, https://example.org", id=1, mine=mine)
            paint(painter, lay_out(message, Place(True, True, True, False), self.look), self.look, State())
        painter.end()

    def set_all_left(self, all_left: bool) -> None:
        """Whether mine stand left as well, where it is wide."""
        self.look.all_left = all_left
        self.relayout()

    def set_sought(self, text: str) -> None:
        """Mark where a text is found."""
        self.canvas.sought = text
        self.viewport().update()

    def message(self, key: str) -> Message | None:
        """One that is shown."""
        index = self.rows.index.get(key, -1)
        return self.rows.messages[index] if index >= 0 else None

    def provide_preview(self, key: str, path: str) -> None:
        """The small picture of a message is there; empty: it cannot be had now, and is asked for again
        another time.
        """
        if path:
            self.look.previews[key] = path
            while len(self.look.previews) > PREVIEWS_MOST:
                self.look.previews.pop(next(iter(self.look.previews)))
            self._touch(key)

    def provide_reactors(self, message: Message, reactors: Sequence[Reactor]) -> None:
        """Who reacted to a message, as far as it is as it was then."""
        self.input.reactors[message.key] = message.reactions, reactors
        self.input.tip_again(message.key)

    def begin_reaction(self) -> None:
        """React to the message that is chosen, or to the last one that is seen."""
        seen = self.scroller.seen()
        shown = [self.rows.messages[index].key for index in seen]
        keys = [self.input.current] if self.input.current in shown else reversed(shown)
        any(self.reaction_bar.begin(key) for key in keys)

    def refresh(self) -> None:
        """Show what the window holds now."""
        at_end = self.scroller.most if self.scroller.at_end and len(self.rows) else -1.0
        came = self._take()
        self.arrange()
        self.reaction_bar.follow()
        if came and not self.scroller.anchor.key and at_end >= 0 and self.isVisible():
            self.canvas.slide_in(self.scroller.most - at_end)
        self.canvas.show()

    def _take(self) -> bool:
        """Take what the window holds now, without laying it out; whether something has come to the end."""
        self._refresh_timer.stop()
        self._refreshed = time.monotonic()
        window, some = self._window, len(self.rows)
        self.rows.set_messages(
            tuple(window.messages) if window is not None else (),
            window.unread_after if window is not None else 0,
        )
        last = self.rows.messages[-1].key if len(self.rows) else ""
        came = bool(some) and last != self._last_key and self._last_key in self.rows.index
        self._last_key = last
        accessible.changed(self, came)
        return came

    def relayout(self) -> None:
        """Measure everything anew, and keep what is read where it is."""
        self.look.revision += 1
        self.rows.forget()
        self.refresh()

    def arrange(self) -> None:
        """Lay out what is seen; the scroll bar, the way down and what has been read follow."""
        window = self._window
        self.look.width, self.look.ratio = self.viewport().width(), self.devicePixelRatioF()
        self.look.rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        self.scroller.height = self.viewport().height()
        self._settle()
        if not self._ahead.isActive() and self.isVisible():
            self._ahead.start(FRAME_MS)
        if window is not None:
            window.follows = not self.scroller.anchor.key
            far = not window.at_end or self.scroller.most - self.scroller.value > DOWN_FROM
            self.down.setVisible(window.opened and far)
            unseen = self._unseen()
            self.mention.set_count(len(unseen))
            self.mention.setVisible(window.opened and bool(unseen))
            self._place_down()
            if not self._ask.isActive() and window.opened:
                self._ask.start()
        else:
            self.down.hide()
            self.mention.hide()
        self._tell_seen()

    def _settle(self) -> None:
        window, bar = self._window, self.verticalScrollBar()
        self.scroller.settle(stays=window is not None and window.at_end)
        before = bar.maximum(), bar.pageStep(), bar.value()
        blocked = bar.blockSignals(True)
        bar.setRange(0, round(self.scroller.most))
        bar.setPageStep(max(1, self.viewport().height()))
        bar.setValue(round(self.scroller.value))
        bar.blockSignals(blocked)
        if (bar.maximum(), bar.pageStep(), bar.value()) != before:
            bar.update()

    def _lay_ahead(self) -> None:
        """Lay out what will be seen next, a row each turn: nothing that moves waits for it then."""
        index = self.scroller.next_ahead() if self.isVisible() else -1
        if index >= 0:
            if self.rows.ensure(range(index, index + 1)):
                self._settle()
            self._ahead.start(0)

    # Where it goes.

    def go_to_end(self) -> None:
        """To the newest message."""
        if self._window is not None:
            self._window.to_end()

    def go_to_mention(self) -> None:
        """To the first message below that mentions me."""
        if ids := self._unseen():
            self.jump(ids[0])

    def _unseen(self) -> list[int]:
        read = self._window.about.read if self._window is not None else 0
        return unseen(self, max(read, self._told_seen))

    def reading_at(self) -> int:
        """The id of the message at the top, to be opened at again (``MessageWindow.open``); 0 where the end
        is shown.
        """
        if not self.scroller.anchor.key:
            return 0
        seen = [index for index in self.scroller.seen() if self.scroller.y(index) >= 0]
        return self.rows.messages[seen[0]].id if seen else 0

    def jump(self, id: int) -> None:
        """To a message, by its number, and show which it is."""
        if self._window is not None:
            self._window.jump(id)

    def scroll_by(self, pixels: float) -> None:
        """Down, or up where it is negative."""
        self.reaction_bar.leave()
        self.canvas.scrolled()
        self.scroller.scroll_to(self.scroller.value + pixels)
        self.arrange()
        self.canvas.show()

    def show_row(self, index: int) -> None:
        """Bring a row into sight, moving as little as can be."""
        self.rows.ensure(range(index, index + 1))
        top, height = self.scroller.y(index), self.rows.height(index)
        if top < 0:
            self.scroller.to_row(index, 8.0)
        elif top + height > self.scroller.height:
            self.scroller.to_row(index, max(8.0, self.scroller.height - height - 8))
        self.arrange()
        self.canvas.show()

    def _move(self, move: Move) -> None:
        self._take()  # nothing is laid out where it is not to be seen
        index = self.rows.index.get(move.key, -1)
        if index < 0:
            self.scroller.to_end()
        else:
            self.rows.ensure(range(index, index + 1))
            height = self.rows.height(index)
            share = {Where.MIDDLE: 0.5, Where.LINE: 0.2}.get(move.where, 0.0)
            self.scroller.to_row(index, max(8.0, (self.scroller.height - height) * share))
        self.arrange()
        if move.flash and index >= 0:
            self.canvas.flash(move.key)
        self.canvas.show()

    def _bar_moved(self, value: int) -> None:
        self.reaction_bar.leave()
        self.canvas.scrolled()
        self.scroller.scroll_to(value)
        self.arrange()
        self.canvas.show()

    # What happens.

    def _refresh_soon(self) -> None:
        """At once, but once a frame at most."""
        if not self._refresh_timer.isActive():
            since = (time.monotonic() - self._refreshed) * 1000
            self._refresh_timer.start(0 if since >= FRAME_MS else round(FRAME_MS - since))

    def _ask_more(self) -> None:
        window = self._window
        if window is None:
            return
        ahead = PAGE_AHEAD * max(300, self.scroller.height)
        if self.scroller.value < ahead:
            window.more_before()
        if self.scroller.most - self.scroller.value < ahead:
            window.more_after()

    def _want(self, key: str) -> None:
        if key not in self._wanted:
            self._wanted.add(key)
            QTimer.singleShot(0, self, lambda: self.preview_wanted.emit(key))

    def _touch(self, key: str) -> None:
        """A file has come further: its row is made anew, and painted."""
        index = self.rows.index.get(key, -1)
        if index < 0:
            return
        self.rows.forget(key)
        if index in self.scroller.seen():
            self.arrange()
            self.canvas.show()

    def _picture(self, path: str) -> None:
        """A picture of this disk can be painted now."""
        for index in self.scroller.seen():
            key, attachment = self.rows.messages[index].key, self.rows.messages[index].attachment
            if attachment and path in (attachment.preview, attachment.path, self.look.previews.get(key)):
                self.canvas.update_row(key)

    def _tell_seen(self) -> None:
        if (
            self._window is None
            or not self.isVisible()
            or not self.isActiveWindow()
            or not self._window.opened
        ):
            return
        for index in reversed(self.scroller.seen()):
            message = self.rows.messages[index]
            if message.id and self.scroller.y(index) + self.rows.height(index) <= self.scroller.height + 8:
                if message.id > self._told_seen:
                    self._told_seen = message.id
                    self.seen.emit(message.id)
                return

    # What Qt calls.

    def paintEvent(self, event: QPaintEvent) -> None:
        self.canvas.paint(QPainter(self.viewport()), event.region())

    def resizeEvent(self, event: QResizeEvent) -> None:
        if event.size().width() != event.oldSize().width():
            self.relayout()
        else:
            self.arrange()
            self.canvas.show()

    def _place_down(self) -> None:
        rtl = self.look.rtl
        x = 16 if rtl else self.viewport().width() - self.down.width() - 16
        y = self.viewport().height() - self.down.height() - 4
        self.down.move(QPoint(x, y))
        above = self.down.height() - 8 if self.down.isVisibleTo(self.viewport()) else 0
        self.mention.move(QPoint(x, y - above))

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Nothing: it is painted where :attr:`scroller` says."""

    def showEvent(self, event: QEvent) -> None:
        self._tell_seen()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ActivationChange:
            self._tell_seen()
        elif event.type() == QEvent.Type.LayoutDirectionChange:
            self.relayout()
        super().changeEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if self.input.event(event):
            return True
        return super().viewportEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not keys.press(self, event):
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.input.wheel(event)

    def focusInEvent(self, event: QEvent) -> None:
        self.input.focused(event)
        self.viewport().update()

    def focusOutEvent(self, event: QEvent) -> None:
        self.viewport().update()

    def rect_of(self, key: str) -> QRectF:
        """Where a message is in the viewport; empty: it is not in the window."""
        index = self.rows.index.get(key, -1)
        if index < 0:
            return QRectF()
        return QRectF(0, self.scroller.y(index), self.viewport().width(), self.rows.height(index))


def _nobody(uuid: int) -> Person:
    return Person(uuid, str(uuid))


def _none(key: str) -> None:
    return None
