"""The grid of emoji: painted cells in groups with headings, scrolled as one; only what is seen is painted."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from client.theme import Font, Theme
from client.theme.tokens import FOCUS, PICKER_COLUMNS, RADIUS, SMALL


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its emoji; ``names`` are read and shown when one is pointed at."""

    title: str
    emoji: Sequence[str]
    names: Sequence[str]


class Grid(QAbstractScrollArea):
    """:attr:`picked` tells the emoji; :attr:`held` that its tones are wanted, and where."""

    picked = Signal(str)
    held = Signal(str, QPoint)
    pointed = Signal(str)
    """The name of the one that is pointed at; empty: none."""
    above = Signal()
    """↑ in the first row."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._sections: list[Section] = []
        self._cells: list[tuple[int, int, float]] = []  # section, index, top; of the whole
        self._cell_tops: list[float] = []
        self._tops: list[float] = []
        self._current = -1
        self._drawn: dict[str, QTextLayout] = {}
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.verticalScrollBar().valueChanged.connect(self.viewport().update)
        theme.changed.connect(self._restyle)

    def set_sections(self, sections: Sequence[Section]) -> None:
        """Show others; the first is current."""
        self._sections = [section for section in sections if section.emoji]
        self._current = 0 if self._sections else -1
        self._arrange()
        self.verticalScrollBar().setValue(0)
        self._tell()

    def go_to(self, section: int) -> None:
        """Scroll to a section."""
        if 0 <= section < len(self._tops):
            self.verticalScrollBar().setValue(round(self._tops[section]))
            self._current = next((at for at, cell in enumerate(self._cells) if cell[0] == section), -1)
            self._tell()

    def current(self) -> str:
        """The emoji that Enter picks; empty: there is none."""
        if not 0 <= self._current < len(self._cells):
            return ""
        section, index, _ = self._cells[self._current]
        return self._sections[section].emoji[index]

    def section_at_top(self) -> int:
        """Which is shown."""
        value = self.verticalScrollBar().value() + 1
        return max((at for at, top in enumerate(self._tops) if top <= value), default=0)

    # Places.

    def _cell(self) -> float:
        return self.viewport().width() / PICKER_COLUMNS

    def _heading(self) -> float:
        return self._theme.metrics(Font.META_STRONG).height() + 2 * SMALL

    def _arrange(self) -> None:
        self._cells, self._tops, top = [], [], 0.0
        cell = self._cell()
        for at, section in enumerate(self._sections):
            self._tops.append(top)
            top += self._heading()
            self._cells.extend(
                (at, index, top + index // PICKER_COLUMNS * cell) for index in range(len(section.emoji))
            )
            top += -(-len(section.emoji) // PICKER_COLUMNS) * cell
        self._cell_tops = [cell[2] for cell in self._cells]
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, round(top + SMALL - self.viewport().height())))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(round(cell))
        self.viewport().update()

    def rect_of(self, at: int) -> QRectF:
        """Where a cell is in the viewport, leading edge first."""
        _, index, top = self._cells[at]
        cell = self._cell()
        column = index % PICKER_COLUMNS
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            column = PICKER_COLUMNS - 1 - column
        return QRectF(column * cell, top - self.verticalScrollBar().value(), cell, cell)

    def _at(self, place: QPointF) -> int:
        return next((at for at in self._seen() if self.rect_of(at).contains(place)), -1)

    def _seen(self) -> range:
        """Cells that may be in the viewport."""
        value, cell = self.verticalScrollBar().value(), self._cell()
        first = bisect.bisect_left(self._cell_tops, value - cell)
        last = bisect.bisect_right(self._cell_tops, value + self.viewport().height())
        return range(first, last)

    # What Qt calls.

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, value = self._theme.colours, self.verticalScrollBar().value()
        painter.fillRect(event.rect(), colours.float)
        painter.setFont(self._theme.font(Font.META_STRONG))
        painter.setPen(colours.second)
        for section, top in zip(self._sections, self._tops, strict=True):
            rect = QRectF(SMALL, top - value, self.viewport().width() - 2 * SMALL, self._heading())
            if rect.bottom() > 0 and rect.top() < self.viewport().height():
                painter.drawText(
                    rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, section.title
                )
        painter.setPen(colours.text)
        for at in self._seen():
            section_at, index, _ = self._cells[at]
            rect = self.rect_of(at)
            if at == self._current:
                painter.setBrush(colours.selected)
                painter.setPen(QPen(colours.accent, FOCUS) if self.hasFocus() else Qt.PenStyle.NoPen)
                painter.drawRoundedRect(rect.adjusted(2, 2, -2, -2), RADIUS, RADIUS)
                painter.setPen(colours.text)
            layout = self._layout(self._sections[section_at].emoji[index])
            line = layout.lineAt(0)
            width = line.naturalTextWidth()
            layout.draw(
                painter, QPointF(rect.center().x() - width / 2, rect.center().y() - line.height() / 2)
            )

    def _layout(self, emoji: str) -> QTextLayout:
        layout = self._drawn.get(emoji)
        if layout is None:
            layout = QTextLayout(emoji, self._theme.font(Font.EMOJI))
            layout.setTextOption(QTextOption(Qt.AlignmentFlag.AlignLeft))
            layout.setCacheEnabled(True)
            layout.beginLayout()
            layout.createLine().setLineWidth(1000)
            layout.endLayout()
            self._drawn[emoji] = layout
        return layout

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = self._at(event.position())
        if at >= 0 and at != self._current:
            self._current = at
            self._tell()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._current = self._at(event.position())
        if emoji := self.current():
            if event.button() == Qt.MouseButton.LeftButton:
                self.picked.emit(emoji)
            elif event.button() == Qt.MouseButton.RightButton:
                self.held.emit(emoji, event.globalPosition().toPoint())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Home:
            self._move_to(0)
        elif key == Qt.Key.Key_End:
            self._move_to(len(self._cells) - 1)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            forward = (key == Qt.Key.Key_Right) != (self.layoutDirection() is Qt.LayoutDirection.RightToLeft)
            self._move_to(self._current + (1 if forward else -1))
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            down = key in (Qt.Key.Key_Down, Qt.Key.Key_PageDown)
            rows = (
                1
                if key in (Qt.Key.Key_Up, Qt.Key.Key_Down)
                else max(1, int(self.viewport().height() / self._cell()) - 1)
            )
            for _ in range(rows):
                self._row(down)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if emoji := self.current():
                self.picked.emit(emoji)
        elif key == Qt.Key.Key_Menu and self.current():
            self.held.emit(
                self.current(), self.viewport().mapToGlobal(self.rect_of(self._current).center().toPoint())
            )
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            at = self._at(QPointF(event.pos()))
            if at >= 0:
                section, index, _ = self._cells[at]
                QToolTip.showText(event.globalPos(), self._sections[section].names[index], self)
            return True
        return super().viewportEvent(event)

    def focusInEvent(self, event: QEvent) -> None:
        self.viewport().update()

    focusOutEvent = focusInEvent

    def _row(self, down: bool) -> None:
        """To the cell nearest below or above, over a heading too."""
        if not 0 <= self._current < len(self._cells):
            return
        _, index, top = self._cells[self._current]
        column = index % PICKER_COLUMNS
        others = self._cells[self._current + 1 :] if down else self._cells[: self._current][::-1]
        next_top = next((cell[2] for cell in others if (cell[2] > top if down else cell[2] < top)), None)
        if next_top is None:
            if not down:
                self.above.emit()
            return
        row = [at for at, cell in enumerate(self._cells) if cell[2] == next_top]
        self._move_to(min(row, key=lambda at: abs(self._cells[at][1] % PICKER_COLUMNS - column)))

    def _move_to(self, at: int) -> None:
        if not self._cells:
            return
        self._current = max(0, min(len(self._cells) - 1, at))
        rect, bar = self.rect_of(self._current), self.verticalScrollBar()
        if rect.top() < self._heading():
            bar.setValue(bar.value() + round(rect.top() - self._heading()))
        elif rect.bottom() > self.viewport().height():
            bar.setValue(bar.value() + round(rect.bottom() - self.viewport().height()))
        self._tell()

    def _tell(self) -> None:
        name = ""
        if 0 <= self._current < len(self._cells):
            section, index, _ = self._cells[self._current]
            name = self._sections[section].names[index]
        self.setAccessibleDescription(name)
        self.pointed.emit(name)
        self.viewport().update()

    def _restyle(self) -> None:
        self._drawn.clear()
        self._arrange()
