"""One file in the dialog before sending: a small picture of it, its name, its size, or why it cannot be sent."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from client.theme import Font, Theme
from client.theme.tokens import GAP, ICON_SMALL, RADIUS_SMALL, SMALL, THUMBNAIL, TIGHT
from client.translations.sentences import listed
from client.viewmodels.sending_files import Picked
from client.views.files.looks import icon_of
from client.widgets.button import IconButton
from client.widgets.messages.words import size_words
from client.widgets.pictures import Pictures


class Thumbnail(QWidget):
    """A small picture of a file, or its icon; nothing that is no picture is shown as one."""

    def __init__(self, theme: Theme, pictures: Pictures, path: str, icon: str) -> None:
        super().__init__()
        self._theme, self._pictures, self._path, self._icon = theme, pictures, path, icon
        self.shows_picture = False
        """Whether it did when it was painted last."""
        pictures.ready.connect(self._ready)
        theme.follow(self._restyle)

    def _ready(self, path: str) -> None:
        if path == self._path:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        rect = QRectF(self.rect())
        pixmap = None
        if self._path:
            pixmap = self._pictures.get(self._path, self.size(), self.devicePixelRatioF(), cover=True)
        self.shows_picture = pixmap is not None
        shape = QPainterPath()
        shape.addRoundedRect(rect, RADIUS_SMALL, RADIUS_SMALL)
        painter.fillPath(shape, self._theme.colours.skeleton)
        if pixmap is not None:
            painter.setClipPath(shape)
            painter.drawPixmap(rect, pixmap, QRectF(pixmap.rect()))
        else:
            mark = self._theme.pixmap(
                self._icon, self._theme.colours.second, size=24, ratio=self.devicePixelRatioF()
            )
            size = mark.deviceIndependentSize()
            painter.drawPixmap(
                QPointF(round((rect.width() - size.width()) / 2), round((rect.height() - size.height()) / 2)),
                mark,
            )

    def _restyle(self) -> None:
        self.setFixedSize(self._theme.px(THUMBNAIL), self._theme.px(THUMBNAIL))
        self.update()


class Elided(QLabel):
    """A name in one line: its middle is left out where there is no room, so that its ending is seen."""

    def __init__(self, theme: Theme, text: str) -> None:
        super().__init__()
        self._theme, self._text = theme, text
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", "strong")
        self.setToolTip("")
        self.setAccessibleName(text)
        theme.follow(self._fit)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()

    def _fit(self) -> None:
        metrics = self._theme.metrics(Font.BODY_STRONG)
        text = metrics.elidedText(self._text, Qt.TextElideMode.ElideMiddle, max(60, self.width()))
        if text != self.text():
            self.setText(text)


class PickedRow(QWidget):
    """:attr:`removed` says that it is not wanted."""

    removed = Signal()

    def __init__(self, theme: Theme, pictures: Pictures, one: Picked) -> None:
        super().__init__()
        self.one = one
        look = str(one.path) if one.picture and not one.problem else ""
        self.thumbnail = Thumbnail(theme, pictures, look, icon_of(one.path.name))
        self.name = Elided(theme, one.name)
        self.about = QLabel()
        self.about.setTextFormat(Qt.TextFormat.PlainText)
        self.about.setWordWrap(bool(one.problem or one.doubt))
        self.about.setProperty("role", "danger" if one.problem else "warning" if one.doubt else "meta")
        words = one.problem or " · ".join(part for part in (size_words(one.size), one.doubt) if part)
        self.about.setText(words)
        self.remove = IconButton(
            theme, "x", self.tr("Do not send {name}").format(name=one.name), size=ICON_SMALL
        )
        self.remove.clicked.connect(self.removed)
        self.setAccessibleName(listed((one.name, words)))
        lines = QVBoxLayout()
        lines.setSpacing(2)
        lines.addStretch()
        lines.addWidget(self.name)
        lines.addWidget(self.about)
        lines.addStretch()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, TIGHT, SMALL, TIGHT)
        row.setSpacing(GAP)
        row.addWidget(self.thumbnail)
        row.addLayout(lines, 1)
        row.addWidget(self.remove)
