"""What of the list is painted at a moment, and what moves: a new message that slides in, one that was jumped
to, rings that turn.

Of what is on the screen already only that is painted anew which looks different; what has only moved is
moved there (:mod:`.damage`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEasingCurve, QRect, QRectF, Qt, QTimer, QVariantAnimation
from PySide6.QtGui import QPainter, QRegion

from client.core.model import Stage
from client.theme import Font
from client.theme.tokens import CHIP, DATE_MS, FLASH_MS, GAP, SLOW_MS, SMALL, SPIN_MS
from client.widgets.messages.damage import Spot, damage
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
        self.flash_key = ""
        self._turn = 0.0
        self._turning: set[str] = set()
        """Messages with a ring that turns, among those that were painted."""
        self._spin = QTimer(view, interval=2 * FRAME_MS)
        self._spin.timeout.connect(self._advance)
        self._slide = self._animation(SLOW_MS)
        self._slide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._slide.valueChanged.connect(self.show)
        self._slid = 0.0
        self._flash = self._animation(FLASH_MS)
        self._flash.valueChanged.connect(lambda: self.update_row(self.flash_key))
        self._date = QTimer(view, singleShot=True, interval=DATE_MS)
        self._date.timeout.connect(lambda: self._float(0))
        self._day: tuple[str, QRectF] | None = None
        """What floats above, and where."""
        self._spots: list[Spot] = []
        """What is on the screen, or is about to be."""
        self._size: tuple[object, ...] = ()

    def _animation(self, ms: int) -> QVariantAnimation:
        made = QVariantAnimation(self._view)
        made.setStartValue(1.0)
        made.setEndValue(0.0)
        made.setDuration(ms)
        return made

    # What moves.

    def reset(self) -> None:
        """Another conversation: nothing does."""
        self.sought = self.flash_key = ""
        for moving in (self._slide, self._flash, self._date, self._spin):
            moving.stop()
        self._turning.clear()
        self._spots, self._size, self._day = [], (), None

    def scrolled(self) -> None:
        """Somebody scrolls: the day floats above for a while."""
        self._slide.stop()
        self._date.start()

    def slide_in(self, pixels: float) -> None:
        """Something new is at the end, so many pixels high; what comes right after another does not slide."""
        since, self._slid = time.monotonic() - self._slid, time.monotonic()
        self._slide.stop()
        if pixels > 0 and since * 1000 > SLOW_MS and self._view.theme.duration(SLOW_MS):
            self._slide.setStartValue(min(pixels, SLIDE_MOST))
            self._slide.start()

    def slide(self) -> int:
        """How far below its place everything is."""
        running = self._slide.state() is QVariantAnimation.State.Running
        return round(self._slide.currentValue() or 0.0) if running else 0

    def flash(self, key: str) -> None:
        """Show which message it is."""
        self.flash_key = key
        self._flash.stop()
        self._flash.start()

    def _advance(self) -> None:
        seen = {self._view.rows.messages[index].key for index in self._view.scroller.seen()}
        self._turning &= seen
        if not self._turning or not self._view.isVisible():
            self._spin.stop()  # the next painting starts it again
            return
        self._turn = (self._turn + 2 * FRAME_MS / SPIN_MS) % 1.0
        for key in self._turning:
            self.update_row(key)

    # What is to be painted.

    def update_row(self, key: str) -> None:
        """Paint a message anew, if it is seen."""
        rect = self._view.rect_of(key)
        if not rect.isEmpty():
            self._view.viewport().update(rect.translated(0, self.slide()).toAlignedRect())

    def show(self) -> None:
        """Bring what was painted to where it is now, and have painted what is different."""
        view, viewport, slide = self._view, self._view.viewport(), self.slide()
        spots = [
            Spot(view.rows.row(index), round(view.scroller.y(index)) + slide, round(view.rows.height(index)))
            for index in view.scroller.seen(slide)
        ]
        size = (viewport.width(), viewport.height(), view.look.ratio)
        same = size == self._size and viewport.isVisible()
        found = damage(self._spots, spots, viewport.height()) if same else None
        self._spots, self._size = spots, size
        if found is None or not (found.dy * view.look.ratio).is_integer():
            self._day = self._floating_day()
            viewport.update()
            return
        if found.dy:
            viewport.scroll(0, found.dy, viewport.rect())
            for button in (view.down, view.mention):
                if button.isVisible():  # its picture has moved along
                    viewport.update(button.geometry())
                    viewport.update(button.geometry().translated(0, found.dy))
        self._float(found.dy)
        for top, bottom in found.bands:
            viewport.update(0, top, viewport.width(), bottom - top)

    def _float(self, dy: int) -> None:
        """The day that floats is another one, or gone, or what is below it has moved."""
        before, self._day = self._day, self._floating_day()
        if dy or before != self._day:
            for one, by in ((before, dy), (self._day, 0)):
                if one is not None:
                    self._view.viewport().update(one[1].translated(0, by).toAlignedRect())

    # Painting.

    def paint(self, painter: QPainter, region: QRegion) -> None:
        """Everything within ``region``."""
        view, look = self._view, self._view.look
        for rect in region:  # type: ignore[attr-defined]
            painter.fillRect(rect, view.theme.colours.conversation)
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
        for index in view.scroller.seen(slide):
            y = round(view.scroller.y(index)) + slide
            row = view.rows.row(index)
            if not region.intersects(QRect(0, y, look.width, round(row.height))):
                continue
            transfer = look.transfer(row.message.key) if row.part is not None else None
            turning = transfer is not None and transfer.stage in _TURNING
            (self._turning.add if turning else self._turning.discard)(row.message.key)
            look.clip = QRectF(0, -y, look.width, view.scroller.height)
            painter.translate(0.0, y)
            paint(painter, row, look, _NOTHING if plain and not turning else self._state(index, span, flash))
            painter.translate(0.0, -y)
        if self._day is not None and self._date.isActive():
            text, place = self._day
            chip(painter, view.look, place, text)
        if self._turning and view.theme.duration(SPIN_MS) and not self._spin.isActive():
            self._spin.start()

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

    def _floating_day(self) -> tuple[str, QRectF] | None:
        """The day of the first message that is seen, at the top, unless the name of a day is there already."""
        view = self._view
        seen, high = view.scroller.seen(), float(view.theme.px(CHIP))
        if not len(seen) or not self._date.isActive():
            return None
        for index in seen:
            day = view.rows.row(index).day
            if day is not None and -high < view.scroller.y(index) + day.top() < 2 * high + SMALL:
                return None
            if view.scroller.y(index) > 3 * high:
                break
        text = day_words(view.rows.messages[seen[0]].at_ms, view.look.now_ms())
        width = view.theme.metrics(Font.META_STRONG).horizontalAdvance(text) + 2 * GAP
        return text, QRectF((view.look.width - width) / 2, SMALL, width, high)
