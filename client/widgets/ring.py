"""A ring that fills: progress of a file, with a cross or an arrow in it.

Or one that turns, where nobody knows how far it is.
"""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from client.theme import Theme
from client.theme.tokens import ICON, SPIN_MS

FRAME_MS = 16


def paint(
    painter: QPainter,
    theme: Theme,
    rect: QRectF,
    share: float | None,
    icon: str,
    *,
    ground: QColor,
    ink: QColor,
    turn: float = 0.0,
) -> None:
    """Paint one.

    :param share: 0 to 1; ``None``: not known, a third of the ring at ``turn`` (0 to 1).
    :param ground: of the disc, may be half transparent.
    """
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawEllipse(rect)
    width = max(2.0, rect.width() / 16)
    ring = rect.adjusted(width * 1.5, width * 1.5, -width * 1.5, -width * 1.5)
    pen = QPen(ink, width)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if share is None:
        painter.drawArc(ring, round((90 - 360 * turn) * 16), -120 * 16)
    elif share > 0:
        painter.drawArc(ring, 90 * 16, -round(360 * 16 * min(1.0, share)))
    if icon:
        pixmap = theme.pixmap(icon, ink, size=ICON, ratio=painter.device().devicePixelRatioF())
        size = pixmap.deviceIndependentSize()
        painter.drawPixmap(
            round(rect.center().x() - size.width() / 2), round(rect.center().y() - size.height() / 2), pixmap
        )


class Ring(QAbstractButton):
    """As a widget: a click cancels (connect ``clicked``), where it has an icon."""

    finished = Signal()

    def __init__(
        self, theme: Theme, size: int = 32, *, icon: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._size, self._icon = theme, size, icon
        self._share: float | None = None
        self._turn = 0.0
        self._timer = QTimer(self, interval=FRAME_MS)
        self._timer.timeout.connect(self._advance)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if icon else Qt.FocusPolicy.NoFocus)
        theme.follow(self._restyle)

    def set_share(self, share: float | None) -> None:
        """How far it is, 0 to 1; ``None``: not known, it turns."""
        self._share = share
        self.setAccessibleDescription("" if share is None else f"{share:.0%}")
        self._run()
        self.update()
        if share is not None and share >= 1:
            self.finished.emit()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(self._size), self._theme.px(self._size))

    def showEvent(self, event: object) -> None:
        self._run()

    def hideEvent(self, event: object) -> None:
        self._timer.stop()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = self._theme.colours
        ground = (
            colours.hover if self._icon and (self.underMouse() or self.hasFocus()) else QColor(0, 0, 0, 0)
        )
        paint(
            painter,
            self._theme,
            QRectF(self.rect()),
            self._share,
            self._icon,
            ground=ground,
            ink=colours.accent,
            turn=self._turn,
        )

    def _run(self) -> None:
        if self._share is None and self.isVisible() and self._theme.duration(SPIN_MS):
            self._timer.start()
        else:
            self._timer.stop()

    def _advance(self) -> None:
        self._turn = (self._turn + FRAME_MS / SPIN_MS) % 1.0
        self.update()

    def _restyle(self) -> None:
        self.setFixedSize(self.sizeHint())
        self.update()
