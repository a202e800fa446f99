"""What of the list is painted at a moment, and what moves: a new message that slides in, one that was jumped
to, rings that turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEasingCurve, QRect, QRectF, Qt, QTimer, QVariantAnimation
from PySide6.QtGui import QPainter

from client.core.model import Stage
from client.theme import Font
from client.theme.tokens import CHIP, DATE_MS, FLASH_MS, GAP, SLOW_MS, SMALL, SPIN_MS
from client.widgets.messages.look import State
from client.widgets.messages.paint import chip, paint
from client.widgets.messages.words import day_words

if TYPE_CHECKING:
    from client.widgets.messages.view import MessageList

FRAME_MS = 16
SLIDE_MOST = 200.0
"""Pixels; what is higher comes in quicker, not from further away."""
_NOTHING = State()
_TURNING = (Stage.WAITING, Stage.HASHING, Stage.FINISHING)


class Canvas:
    """Paints one list."""

    def __init__(self, view: MessageList) -> None:
        self._view = view
        self.sought = ""
        """A text that is marked where it is found."""
        self._turn = 0.0
        self._spin = QTimer(view, interval=2 * FRAME_MS)
        self._spin.timeout.connect(self._advance)
        self._slide = self._animation(SLOW_MS)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._flash = self._animation(FLASH_MS)
        self.flash_key = ""
        self._date = QTimer(view, singleShot=True, interval=DATE_MS)
        self._date.timeout.connect(view.viewport().update)

    def _animation(self, ms: int) -> QVariantAnimation:
        made = QVariantAnimation(self._view)
        made.setStartValue(1.0)
        made.setEndValue(0.0)
        made.setDuration(ms)
        made.valueChanged.connect(self._view.viewport().update)
        return made

    # What moves.

    def reset(self) -> None:
        """Another conversation: nothing does."""
        self.sought = self.flash_key = ""
        for moving in (self._slide, self._flash, self._date, self._spin):
            moving.stop()

    def scrolled(self) -> None:
        """Somebody scrolls: the day floats above for a while."""
        self._slide.stop()
        self._date.start()

    def slide_in(self, pixels: float) -> None:
        """Something new is at the end, so many pixels high."""
        if pixels > 0 and self._view.theme.duration(SLOW_MS):
            self._slide.stop()
            self._slide.setStartValue(min(pixels, SLIDE_MOST))
            self._slide.start()

    def slide(self) -> float:
        """How far below its place everything is."""
        running = self._slide.state() is QVariantAnimation.State.Running
        return float(self._slide.currentValue() or 0.0) if running else 0.0

    def flash(self, key: str) -> None:
        """Show which message it is."""
        self.flash_key = key
        self._flash.stop()
        self._flash.start()

    def _advance(self) -> None:
        if not self._view.isVisible():
            self._spin.stop()  # the next painting starts it again
            return
        self._turn = (self._turn + 2 * FRAME_MS / SPIN_MS) % 1.0
        self._view.viewport().update()

    # Painting.

    def paint(self, painter: QPainter, clip: QRect) -> None:
        """Everything within ``clip``."""
        view, look = self._view, self._view.look
        painter.fillRect(clip, view.theme.colours.conversation)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # of texts, by what they are; sides are ours
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        slide, user = self.slide(), view.input
        flash = (
            float(self._flash.currentValue())
            if self._flash.state() is QVariantAnimation.State.Running
            else 0.0
        )
        span = user.selection.span(view.rows.index)
        plain = not (user.hovered or user.link or user.current or self.sought or len(span) or flash)
        turns = False
        for index in view.scroller.seen(slide):
            y = view.scroller.y(index) + slide
            row = view.rows.row(index)
            if y > clip.bottom() or y + row.height < clip.top():
                continue
            transfer = look.transfer(row.message.key) if row.part is not None else None
            turning = transfer is not None and transfer.stage in _TURNING
            turns = turns or turning
            look.clip = QRectF(0, -y, look.width, view.scroller.height)
            painter.translate(0.0, y)
            paint(painter, row, look, _NOTHING if plain and not turning else self._state(index, span, flash))
            painter.translate(0.0, -y)
        if self._date.isActive():
            self._floating_day(painter)
        if turns and view.theme.duration(SPIN_MS):
            if not self._spin.isActive():
                self._spin.start()
        elif self._spin.isActive() and clip.contains(view.viewport().rect()):
            self._spin.stop()

    def _state(self, index: int, span: range, flash: float) -> State:
        view, user = self._view, self._view.input
        row = view.rows.row(index)
        key = row.message.key
        selected, whole = user.selection.of(row.message, index, span)
        there = user.hovered_key == key
        return State(
            selected=selected,
            whole=whole,
            focused=user.current == key and view.hasFocus() and user.by_keys,
            hovered=(user.hovered.action, user.hovered.value) if user.hovered is not None and there else None,
            link=user.link if there else None,
            flash=flash if key == self.flash_key else 0.0,
            found=row.text.find(self.sought) if self.sought and row.text is not None else [],
            turn=self._turn,
        )

    def _floating_day(self, painter: QPainter) -> None:
        """The day of the first message that is seen, at the top, unless the name of a day is there already."""
        view = self._view
        seen, high = view.scroller.seen(), float(view.theme.px(CHIP))
        if not len(seen):
            return
        for index in seen:
            day = view.rows.row(index).day
            if day is not None and -high < view.scroller.y(index) + day.top() < 2 * high + SMALL:
                return
            if view.scroller.y(index) > 3 * high:
                break
        text = day_words(view.rows.messages[seen[0]].at_ms, view.look.now_ms())
        width = view.theme.metrics(Font.META_STRONG).horizontalAdvance(text) + 2 * GAP
        chip(painter, view.look, QRectF((view.look.width - width) / 2, SMALL, width, high), text)
