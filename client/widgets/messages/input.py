"""Mouse, wheel and keys of the list of messages: selecting, clicking, going from message to message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QHelpEvent,
    QMouseEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QMenu, QToolTip

from client.core.display import shown_name
from client.core.links import Link
from client.core.model import Mark, Message, Reaction, Reactor, Stage
from client.theme.tokens import WHEEL
from client.translations.tr import tr
from client.widgets.messages import accessible
from client.widgets.messages.layout import Row
from client.widgets.messages.look import Hit
from client.widgets.messages.selection import Selection
from client.widgets.messages.words import copied, full_time, reactor_words

if TYPE_CHECKING:
    from client.widgets.messages.view import MessageList

SCROLL_MS = 30
_LEFT = Qt.MouseButton.LeftButton


class Input:
    """What one list has selected, points at, and has the keyboard's focus on."""

    def __init__(self, view: MessageList) -> None:
        self._view = view
        self.selection = Selection()
        self.hovered: Hit | None = None
        self.hovered_key = ""
        self.link: Link | None = None
        self.current = ""
        """The message that the keyboard is on."""
        self.by_keys = False
        self.reactors: dict[str, tuple[Sequence[Reaction], Sequence[Reactor]]] = {}
        """Who reacted to messages, by their keys, and how those were then."""
        self._tipped: tuple[str, QPoint, QPoint] | None = None
        self._pressed: Hit | None = None
        self._pressed_link: Link | None = None
        self._pressed_key = ""
        self._dragging = False
        self._pointer = QPointF()
        self._scroll = QTimer(view, interval=SCROLL_MS)
        self._scroll.timeout.connect(self._drag_on)

    def reset(self) -> None:
        """Another conversation."""
        self.selection.clear()
        self.hovered, self.hovered_key, self.link, self.current = None, "", None, ""
        self._pressed = self._pressed_link = None
        self._tipped = None
        self.reactors.clear()
        self._dragging = False
        self._scroll.stop()

    # Where something is.

    def _row_at(self, place: QPointF) -> tuple[int, Row | None, QPointF]:
        """The row there, and the place within it."""
        view = self._view
        index = view.scroller.at(place.y() - view.canvas.slide())
        if index < 0:
            return -1, None, place
        return index, view.rows.row(index), place - QPointF(0, view.scroller.y(index) + view.canvas.slide())

    def _letter(self, row: Row, place: QPointF) -> int:
        return row.text.position(place - row.text_at) if row.text is not None else 0

    # Mouse.

    def event(self, event: QEvent) -> bool:
        """An event of the viewport; whether that was all."""
        kind = event.type()
        if isinstance(event, QMouseEvent):
            if kind == QEvent.Type.MouseButtonPress and event.button() == _LEFT:
                self._press(event)
            elif kind == QEvent.Type.MouseMove:
                self._move(event)
            elif kind == QEvent.Type.MouseButtonRelease and event.button() == _LEFT:
                self._release(event)
            elif kind == QEvent.Type.MouseButtonDblClick and event.button() == _LEFT:
                self._double(event)
            else:
                return False
            return True
        if kind == QEvent.Type.Leave:
            self._hover(None, "", None)
            if not self._view.reaction_bar.underMouse():
                self._view.reaction_bar.hovered("")
        elif isinstance(event, QHelpEvent) and kind == QEvent.Type.ToolTip:
            self._tip(event.pos(), event.globalPos())
            return True
        elif isinstance(event, QContextMenuEvent):
            self._menu(event)
            return True
        return False

    def _press(self, event: QMouseEvent) -> None:
        view = self._view
        view.reaction_bar.leave()
        view.setFocus(Qt.FocusReason.MouseFocusReason)
        self.by_keys = False
        _, row, place = self._row_at(event.position())
        self._pressed = self._pressed_link = None
        if row is None:
            self.selection.clear()
        else:
            key = row.message.key
            self.current, self._pressed_key = key, key
            self._pressed = row.hit(place)
            self._pressed_link = row.text.link(place - row.text_at) if row.text is not None else None
            letter = self._letter(row, place)
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not self.selection.empty:
                self.selection.extend(key, letter)
            else:
                self.selection.begin(key, letter)
            self._dragging = True
        view.viewport().update()

    def _move(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        self._tipped = None
        if self._dragging and event.buttons() & _LEFT:
            outside = not 0 <= self._pointer.y() < self._view.viewport().height()
            if outside and not self._scroll.isActive():
                self._scroll.start()
            elif not outside:
                self._scroll.stop()
            self._drag()
            return
        _, row, place = self._row_at(event.position())
        link = row.text.link(place - row.text_at) if row is not None and row.text is not None else None
        self._hover(
            row.hit(place) if row is not None else None,
            row.message.key if row is not None else "",
            link,
            row,
            place,
        )
        self._view.reaction_bar.hovered(row.message.key if row is not None else "")

    def _hover(
        self,
        hit: Hit | None,
        key: str,
        link: Link | None,
        row: Row | None = None,
        place: QPointF | None = None,
    ) -> None:
        acts = hit is not None and hit.action != "time"
        text = (
            row is not None
            and row.text is not None
            and place is not None
            and not row.notice
            and row.bubble.contains(place)
        )
        shape = (
            Qt.CursorShape.PointingHandCursor
            if link or acts
            else Qt.CursorShape.IBeamCursor
            if text
            else Qt.CursorShape.ArrowCursor
        )
        self._view.viewport().setCursor(shape)
        if (hit, key if hit or link else "", link) != (self.hovered, self.hovered_key, self.link):
            before = self.hovered_key
            self.hovered, self.hovered_key, self.link = hit, key if hit or link else "", link
            for one in {before, self.hovered_key}:
                self._view.canvas.update_row(one)

    def _drag(self) -> None:
        """The selection goes to the pointer."""
        view = self._view
        inside = QPointF(self._pointer.x(), max(0.0, min(view.viewport().height() - 1.0, self._pointer.y())))
        index, row, place = self._row_at(inside)
        if row is None and len(view.rows):
            index = view.rows.at(inside.y() + view.scroller.value - view.scroller.origin)
            row, place = (
                view.rows.row(index),
                QPointF(inside.x(), 1e6 if inside.y() > view.scroller.y(index) else 0.0),
            )
        if row is not None:
            self.selection.extend(row.message.key, self._letter(row, place))
            view.viewport().update()

    def _drag_on(self) -> None:
        if not QGuiApplication.mouseButtons() & _LEFT and not self._dragging:
            self._scroll.stop()
            return
        y, height = self._pointer.y(), self._view.viewport().height()
        beyond = y if y < 0 else y - height
        self._view.scroll_by(max(-60.0, min(60.0, beyond / 2)))
        self._drag()

    def _release(self, event: QMouseEvent) -> None:
        self._scroll.stop()
        self._dragging = False
        _, row, place = self._row_at(event.position())
        if row is None or row.message.key != self._pressed_key or not self.selection.empty:
            return
        link = row.text.link(place - row.text_at) if row.text is not None else None
        if link is not None and link is self._pressed_link:
            self.follow(link)
        elif self._pressed is not None and row.hit(place) == self._pressed:
            self.act(row.message, self._pressed)

    def _double(self, event: QMouseEvent) -> None:
        """A word; beside the bubble it answers, where that is possible."""
        _, row, place = self._row_at(event.position())
        if row is None:
            return
        if row.text is not None and row.bubble.contains(place) and not row.notice:
            start, end = row.text.word(self._letter(row, place))
            self.selection.begin(row.message.key, start)
            self.selection.extend(row.message.key, end)
            self._dragging = True
        elif not row.notice and self._view.answers:
            self._view.reply.emit(row.message)
        self._view.viewport().update()

    def follow(self, link: Link) -> None:
        """Go where it leads."""
        if link.person:
            self._view.person.emit(link.person)
        else:
            self._view.link.emit(link.url, link.asks)

    def tip_again(self, key: str) -> None:
        """What is to be said beside the pointer is known now, if it is still there."""
        if self._tipped is not None and self._tipped[0] == key:
            _, place, corner = self._tipped
            self._tip(place, corner)

    def _reacted(self, message: Message, emoji: str) -> str:
        """Who did; empty where that is not known yet: it is asked for."""
        known = self.reactors.get(message.key)
        if known is None or known[0] != message.reactions:
            self._view.reactors_wanted.emit(message)
            return ""
        return reactor_words(known[1], emoji, self._view.look.person)

    def _tip(self, place_at: QPoint, corner: QPoint) -> None:
        _, row, place = self._row_at(QPointF(place_at))
        text = ""
        self._tipped = (row.message.key, place_at, corner) if row is not None else None
        if row is not None:
            hit = row.hit(place)
            link = row.text.link(place - row.text_at) if row.text is not None else None
            if link is not None:
                text = link.url if not link.asks else link.host
                if link.person:
                    text = shown_name(self._view.look.person(link.person).name)
            elif hit is not None and hit.action == "react":
                text = self._reacted(row.message, str(hit.value))
            elif hit is not None and hit.action == "time":
                text = full_time(row.message.at_ms)
                if row.message.expires_ms:
                    text += "\n" + tr("disappears {time}").format(time=full_time(row.message.expires_ms))
                if row.message.edited_ms:
                    text += "\n" + tr("edited {time}").format(time=full_time(row.message.edited_ms))
            elif (
                hit is not None
                and hit.action == "cancel"
                and self._view.look.transfer(row.message.key) is not None
            ):
                text = tr("Cancel")
        QToolTip.showText(corner, text, self._view)

    def wheel(self, event: QWheelEvent) -> None:
        """Pixels where the device knows them, else notches."""
        pixels = float(event.pixelDelta().y())
        if not pixels:
            pixels = event.angleDelta().y() / 120 * WHEEL * max(1, QApplication.wheelScrollLines())
        if pixels:
            self._view.scroll_by(-pixels)
        event.accept()

    # What a click does.

    def act(self, message: Message, hit: Hit) -> None:
        """Tell what is wanted."""
        view, key = self._view, message.key
        transfer = view.look.transfer(key)
        running = transfer is not None and not transfer.over
        if hit.action in ("resend", "delete", "reply"):
            getattr(view, hit.action).emit(message)
        elif hit.action == "time" and message.mark is Mark.FAILED:
            row = view.rows.row(view.rows.index[key])
            self.menu_for(row, QPointF(-1, -1)).popup(view.cursor().pos())
        elif hit.action == "quote" and message.quote is not None:
            view.jump(message.quote.id)
        elif hit.action == "react":
            view.react.emit(message, str(hit.value))
        elif hit.action == "person":
            view.person.emit(message.sender)
        elif hit.action == "watch":
            view.watch.emit(message.stream)
        elif hit.action == "cancel" and running:
            view.cancel.emit(key)
        elif hit.action == "transfer" and transfer is not None and running:
            resumes = transfer.stage in (Stage.PAUSED, Stage.FAILED)
            (view.resume if resumes else view.cancel).emit(key)
        elif hit.action in ("file", "cancel") and transfer is not None and running:
            resumes = transfer.stage in (Stage.PAUSED, Stage.FAILED)
            (view.resume if resumes else view.pause).emit(key)
        elif hit.action in ("open", "file", "transfer", "cancel"):
            view.open_file.emit(message)

    # Selection as text.

    def selected_messages(self) -> list[Message]:
        """Those that are selected whole."""
        view = self._view
        return (
            [view.rows.messages[index] for index in self.selection.span(view.rows.index)]
            if self.selection.several
            else []
        )

    def selected_text(self) -> str:
        """What is copied: a stretch of text, or a line for each message."""
        view, span = self._view, self.selection.span(self._view.rows.index)
        if not len(span):
            return ""
        if len(span) == 1 and not self.selection.whole:
            row = view.rows.row(span[0])
            low, high = sorted((self.selection.begun_at, self.selection.now_at))
            return row.text.part(low, high) if row.text is not None else ""
        return "\n".join(copied(view.rows.messages[index], view.look.person) for index in span)

    def copy(self) -> None:
        """Put it on the clipboard."""
        if text := self.selected_text():
            QGuiApplication.clipboard().setText(text)

    def _menu(self, event: QContextMenuEvent) -> None:
        view = self._view
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            index = view.rows.index.get(self.current, -1)
            rect = view.rect_of(self.current)
            if index < 0:
                return
            row, place = view.rows.row(index), QPointF(0, 0)
            where = view.viewport().mapToGlobal(
                QPoint(round(row.bubble.center().x()), round(max(0.0, rect.top()) + 20))
            )
        else:
            index, found, place = self._row_at(QPointF(event.pos()))
            if found is None:
                return
            row, where = found, event.globalPos()
            hit = found.hit(place)
            if hit is not None and hit.action == "react":
                view.reactors.emit(found.message, str(hit.value))
                return
        self.menu_for(row, place).popup(where)

    def menu_for(self, row: Row, place: QPointF) -> QMenu:
        """The menu of a message; those who hear of it add what else there is."""
        view, message = self._view, row.message
        menu = QMenu(view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        icon = view.theme.icon
        link = row.text.link(place - row.text_at) if row.text is not None else None
        if view.answers and not row.notice and message.id and not message.recalled:
            menu.addAction(icon("reply"), tr("Reply"), lambda: view.reply.emit(message))
        if not self.selection.empty:
            menu.addAction(icon("copy"), tr("Copy selected"), self.copy)
        if link is not None and link.url:
            menu.addAction(
                icon("link"), tr("Copy link"), lambda: QGuiApplication.clipboard().setText(link.url)
            )
        if row.text is not None and message.text:
            menu.addAction(
                icon("copy"), tr("Copy text"), lambda: QGuiApplication.clipboard().setText(message.text)
            )
        if message.mark is Mark.FAILED:
            menu.addAction(icon("refresh-cw"), tr("Try again"), lambda: view.resend.emit(message))
        if message.mark in (Mark.FAILED, Mark.WAITING) and message.mine:
            menu.addAction(icon("trash-2"), tr("Delete"), lambda: view.delete.emit(message))
        view.menu.emit(message, menu)
        return menu

    def focused(self, event: QEvent) -> None:
        """The keyboard comes: to the last message that is seen."""
        view = self._view
        tab = (
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
            Qt.FocusReason.ShortcutFocusReason,
        )
        if isinstance(event, QFocusEvent) and event.reason() in tab:
            self.by_keys = True
            seen = view.scroller.seen()
            if len(seen) and view.rows.index.get(self.current, -1) not in seen:
                self.current = view.rows.messages[seen[-1]].key
                accessible.focused(view, seen[-1])
