"""The part of a bubble that is no text: a picture, a film, a file, a live stream.

With its transfer, while there is one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath

from client.core.display import shown
from client.core.filenames import safe_name
from client.core.model import Attachment, Kind, Message, Stage, Transfer
from client.theme import Font
from client.theme.tokens import (
    AVATAR,
    FILE_LEAST,
    GAP,
    ICON,
    ICON_BIG,
    ICON_SMALL,
    LIVE_LEAST,
    PICTURE_LEAST,
    PICTURE_MOST,
    RADIUS_BUBBLE,
    SMALL,
    TIGHT,
)
from client.translations.tr import tr
from client.widgets import ring
from client.widgets.messages.look import Hit, Look, State
from client.widgets.messages.words import size_words, transfer_words

_KINDS = {
    "audio": "file-audio",
    "video": "file-video",
    "image": "image",
    "text": "file-text",
}
RUNNING = (Stage.WAITING, Stage.HASHING, Stage.MOVING, Stage.FINISHING, Stage.PAUSED, Stage.FAILED)


@dataclass(slots=True)
class Part:
    """One; ``bleeds``: it goes to the edges of the bubble."""

    message: Message
    look: Look
    rect: QRectF = field(default_factory=QRectF)
    bleeds: bool = False

    def settle(self, rect: QRectF) -> None:
        """Its place in the row."""
        self.rect = rect

    def meta_fits(self, width: float) -> bool:
        """Whether time and marks have room in its last line."""
        return False

    def meta_lift(self) -> float:
        """How far above its lower edge that line ends."""
        return 0.0

    def hits(self) -> list[Hit]:
        """What can be clicked."""
        return []

    def paint(self, painter: QPainter, state: State) -> None:
        """Paint it."""
        raise NotImplementedError


def make(message: Message, look: Look, most: float) -> Part | None:
    """The part of a message; ``None``: it has none."""
    if message.kind is Kind.LIVE:
        theme, title = look.theme, _live_title(message)
        wanted = theme.px(AVATAR) + GAP + theme.metrics(Font.MESSAGE_STRONG).horizontalAdvance(title) + 1
        width = min(most - 2 * GAP, max(float(theme.px(LIVE_LEAST)), wanted))
        return Live(message, look, QRectF(0, 0, width, theme.px(AVATAR)))
    if message.attachment is None:
        return None
    if message.kind in (Kind.IMAGE, Kind.VIDEO):
        size = _picture_size(message.attachment, look, most)
        return Picture(message, look, QRectF(QPointF(0, 0), size), bleeds=True)
    return File(message, look, _file_rect(message, look, most))


def _live_title(message: Message) -> str:
    return " ".join(shown(message.text).split()) or tr("Live stream")


def estimate(message: Message, look: Look) -> float:
    """How high it is."""
    if message.kind in (Kind.IMAGE, Kind.VIDEO) and message.attachment is not None:
        return _picture_size(message.attachment, look, look.bubble_most).height()
    return look.theme.px(AVATAR)


def _picture_size(attachment: Attachment, look: Look, most: float) -> QSizeF:
    bound = QSizeF(min(look.theme.px(PICTURE_MOST[0]), most - 2 * TIGHT), look.theme.px(PICTURE_MOST[1]))
    if attachment.width <= 0 or attachment.height <= 0:
        return QSizeF(min(bound.width(), 240.0), 180.0)
    size = QSizeF(attachment.width, attachment.height)
    if size.width() > bound.width() or size.height() > bound.height():
        size.scale(bound, Qt.AspectRatioMode.KeepAspectRatio)
    return size.expandedTo(QSizeF(*PICTURE_LEAST)).boundedTo(bound)


@dataclass(slots=True)
class Picture(Part):
    """A picture, or the poster of a film. It is asked for when it is painted first."""

    def hits(self) -> list[Hit]:
        middle = QRectF(0, 0, self.look.theme.px(ICON_BIG), self.look.theme.px(ICON_BIG))
        middle.moveCenter(self.rect.center())
        return [Hit(middle, "transfer", self.message.key), Hit(self.rect, "open", self.message.key)]

    def paint(self, painter: QPainter, state: State) -> None:
        look, attachment = self.look, self.message.attachment
        assert attachment is not None
        path = QPainterPath()
        path.addRoundedRect(self.rect, RADIUS_BUBBLE - TIGHT, RADIUS_BUBBLE - TIGHT)
        source = attachment.preview or (attachment.path if self.message.kind is Kind.IMAGE else "")
        source = source or look.previews.get(self.message.key, "")
        pixmap = None
        if source:
            pixmap = look.pictures.get(
                source, QSize(round(self.rect.width()), round(self.rect.height())), look.ratio, cover=True
            )
        else:
            look.wanted(self.message.key)
        transfer = look.transfer(self.message.key)
        if pixmap is not None:
            painter.save()
            painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(self.rect, pixmap, QRectF(pixmap.rect()))
            painter.restore()
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.theme.colours.skeleton)
            painter.drawPath(path)
            if transfer is None or transfer.stage not in RUNNING:
                broken = bool(source) and look.pictures.broken(source)
                icon = "triangle-alert" if broken else "image" if self.message.kind is Kind.IMAGE else ""
                if icon:
                    _icon(painter, look, icon, self.rect, look.theme.colours.second, ICON_BIG - 16)
        if transfer is not None and transfer.stage in RUNNING:
            _transfer(painter, look, self._disc(), transfer, state)
            self._told(painter, transfer_words(transfer))
        elif self.message.kind is Kind.VIDEO:
            disc = self._disc()
            ring.paint(
                painter,
                look.theme,
                disc,
                0,
                "",
                ground=look.theme.colours.veil,
                ink=look.theme.colours.on_veil,
            )
            _icon(painter, look, "play", disc.translated(2, 0), look.theme.colours.on_veil, ICON + 4)

    def _told(self, painter: QPainter, words: str) -> None:
        """How far it is, in the upper leading corner."""
        look, rect = self.look, self.rect
        metrics = look.theme.metrics(Font.META)
        room = rect.width() - 4 * SMALL
        words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        ground = QRectF(0, 0, metrics.horizontalAdvance(words) + 2 * SMALL, metrics.height() + TIGHT)
        ground.moveTop(rect.top() + SMALL)
        if look.rtl:
            ground.moveRight(rect.right() - SMALL)
        else:
            ground.moveLeft(rect.left() + SMALL)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.theme.colours.veil)
        painter.drawRoundedRect(ground, ground.height() / 2, ground.height() / 2)
        painter.setFont(look.theme.font(Font.META))
        painter.setPen(look.theme.colours.on_veil)
        painter.drawText(ground, Qt.AlignmentFlag.AlignCenter, words)

    def _disc(self) -> QRectF:
        size = float(self.look.theme.px(ICON_BIG))
        disc = QRectF(0, 0, size, size)
        disc.moveCenter(self.rect.center())
        return disc


def _icon(painter: QPainter, look: Look, name: str, rect: QRectF, colour: QColor, size: int) -> None:
    pixmap = look.theme.pixmap(name, colour, size=size, ratio=look.ratio)
    wide = pixmap.deviceIndependentSize()
    painter.drawPixmap(
        QPointF(round(rect.center().x() - wide.width() / 2), round(rect.center().y() - wide.height() / 2)),
        pixmap,
    )


def _transfer(painter: QPainter, look: Look, disc: QRectF, transfer: Transfer, state: State) -> None:
    """The ring on a picture, or on the disc of a file: what a click on it does is its icon."""
    icon = {Stage.PAUSED: "play" if not transfer.up else "upload", Stage.FAILED: "refresh-cw"}.get(
        transfer.stage, "x"
    )
    moving = transfer.stage in (Stage.MOVING, Stage.PAUSED, Stage.FAILED)
    share = (
        transfer.done / transfer.size
        if moving and transfer.size
        else (0.0 if not moving and transfer.stage is Stage.FAILED else None)
    )
    colours = look.theme.colours
    ring.paint(
        painter, look.theme, disc, share, icon, ground=colours.veil, ink=colours.on_veil, turn=state.turn
    )


def _file_rect(message: Message, look: Look, most: float) -> QRectF:
    theme, attachment = look.theme, message.attachment
    assert attachment is not None
    disc = theme.px(AVATAR)
    name = theme.metrics(Font.MESSAGE_STRONG).horizontalAdvance(safe_name(attachment.filename))
    width = min(most - 2 * GAP, max(float(theme.px(FILE_LEAST)), disc + GAP + name))
    return QRectF(0, 0, width, disc + TIGHT)


@dataclass(slots=True)
class File(Part):
    """A file: a disc that opens, fetches, pauses or goes on, its name, its size or how far it is, and a cross
    to give it up.
    """

    def _disc(self) -> QRectF:
        size = float(self.look.theme.px(AVATAR))
        left = self.rect.right() - size if self.look.rtl else self.rect.left()
        return QRectF(left, self.rect.top() + (self.rect.height() - size) / 2, size, size)

    def _cross(self) -> QRectF:
        size = float(self.look.theme.px(ICON + 4))
        left = self.rect.left() if self.look.rtl else self.rect.right() - size
        return QRectF(left, self.rect.top() + 2, size, size)

    def hits(self) -> list[Hit]:
        return [
            Hit(self._cross(), "cancel", self.message.key),
            Hit(self._disc(), "file", self.message.key),
            Hit(self.rect, "file", self.message.key),
        ]

    def meta_fits(self, width: float) -> bool:
        disc = self.look.theme.px(AVATAR)
        attachment = self.message.attachment
        assert attachment is not None
        words = self.look.theme.metrics(Font.META).horizontalAdvance(size_words(attachment.size))
        transfer = self.look.transfer(self.message.key)
        running = transfer is not None and transfer.stage in RUNNING
        return not running and disc + GAP + words + GAP + width <= self.rect.width()

    def meta_lift(self) -> float:
        metrics = self.look.theme.metrics
        lines = metrics(Font.MESSAGE_STRONG).height() + metrics(Font.META).height() + 2
        return (self.rect.height() - lines) / 2

    def paint(self, painter: QPainter, state: State) -> None:
        look, attachment = self.look, self.message.attachment
        assert attachment is not None
        theme, colours = look.theme, look.theme.colours
        transfer = look.transfer(self.message.key)
        running = transfer is not None and transfer.stage in RUNNING
        disc = self._disc()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(
            colours.accent_hover if state.hovered == ("file", self.message.key) else colours.accent
        )
        painter.drawEllipse(disc)
        if transfer is not None and running:
            going = transfer.stage in (Stage.MOVING, Stage.WAITING, Stage.HASHING, Stage.FINISHING)
            icon = (
                "pause"
                if going
                else "refresh-cw"
                if transfer.stage is Stage.FAILED
                else "upload"
                if transfer.up
                else "download"
            )
            known = transfer.size and transfer.stage not in (Stage.WAITING, Stage.HASHING, Stage.FINISHING)
            share = transfer.done / transfer.size if known else None
            ring.paint(
                painter,
                theme,
                disc,
                share,
                icon,
                ground=colours.accent,
                ink=colours.on_accent,
                turn=state.turn,
            )
        else:
            kind = _KINDS.get(attachment.mime.partition("/")[0], "file")
            _icon(
                painter,
                look,
                kind if attachment.path or self.message.mine else "download",
                disc,
                colours.on_accent,
                ICON + 2,
            )
        column, start = QRectF(self.rect), disc.width() + GAP
        column.adjust(*((0, 0, -start, 0) if look.rtl else (start, 0, 0, 0)))
        beside = self._cross().width() + TIGHT if running else 0.0
        name_height, meta_height = (
            theme.metrics(Font.MESSAGE_STRONG).height(),
            theme.metrics(Font.META).height(),
        )
        top = column.top() + (column.height() - name_height - meta_height - 2) / 2
        line = QRectF(column.left() + (beside if look.rtl else 0), top, column.width() - beside, name_height)
        painter.setFont(theme.font(Font.MESSAGE_STRONG))
        painter.setPen(colours.text)
        name = theme.metrics(Font.MESSAGE_STRONG).elidedText(
            safe_name(attachment.filename), Qt.TextElideMode.ElideMiddle, line.width()
        )
        painter.drawText(line, look.side, name)
        failed = transfer is not None and transfer.stage is Stage.FAILED
        painter.setFont(theme.font(Font.META))
        painter.setPen(
            colours.danger if failed else colours.on_mine_second if self.message.mine else colours.second
        )
        words = transfer_words(transfer) if transfer is not None and running else size_words(attachment.size)
        words = theme.metrics(Font.META).elidedText(words, Qt.TextElideMode.ElideRight, column.width())
        painter.drawText(
            QRectF(column.left(), top + name_height + 2, column.width(), meta_height), look.side, words
        )
        if running:
            if state.hovered == ("cancel", self.message.key):
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colours.quote_mine if self.message.mine else colours.hover)
                painter.drawEllipse(self._cross())
            _icon(
                painter,
                look,
                "x",
                self._cross(),
                colours.on_mine_second if self.message.mine else colours.second,
                ICON_SMALL,
            )


@dataclass(slots=True)
class Live(Part):
    """A live stream: what it is, how many watch, and the way in while it runs."""

    def hits(self) -> list[Hit]:
        return [Hit(self.rect, "watch", self.message.stream)]

    def meta_fits(self, width: float) -> bool:
        return False

    def paint(self, painter: QPainter, state: State) -> None:
        look = self.look
        theme, colours = look.theme, look.theme.colours
        stream = look.stream(self.message.stream)
        running = stream is not None and stream.running
        size = float(theme.px(AVATAR))
        disc = QRectF(self.rect.right() - size if look.rtl else self.rect.left(), self.rect.top(), size, size)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.danger if running else colours.badge_muted)
        painter.drawEllipse(disc)
        _icon(painter, look, "radio", disc, colours.on_danger if running else colours.on_badge, ICON + 2)
        column = QRectF(self.rect)
        start = size + GAP
        column.adjust(*((0, 0, -start, 0) if look.rtl else (start, 0, 0, 0)))
        align = look.side
        title = _live_title(self.message)
        half = column.height() / 2
        painter.setFont(theme.font(Font.MESSAGE_STRONG))
        painter.setPen(colours.text)
        elided = theme.metrics(Font.MESSAGE_STRONG).elidedText(
            title, Qt.TextElideMode.ElideRight, column.width()
        )
        painter.drawText(QRectF(column.left(), column.top(), column.width(), half), align, elided)
        painter.setFont(theme.font(Font.META))
        if stream is not None and running:
            watching = tr("paused") if stream.paused else tr("{count} watching").format(count=stream.viewers)
            words = " · ".join((tr("Live"), watching, tr("Watch")))
            painter.setPen(colours.accent_text)
        else:
            words = tr("The stream has ended")
            painter.setPen(colours.on_mine_second if self.message.mine else colours.second)
        painter.drawText(
            QRectF(column.left(), column.top() + half, column.width(), half - SMALL / 2), align, words
        )
