"""How a file is painted in the list of all files, and what a click on its trailing button does."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from client.core.display import shown_name
from client.core.filenames import safe_name
from client.core.model import Conversation, ConversationKind, Kind, Message, Person, Stage, Transfer
from client.theme import Font, Theme
from client.theme.tokens import FOCUS, GAP, ICON, RADIUS, RADIUS_SMALL, ROW, TARGET, THUMBNAIL, TIGHT
from client.translations.tr import tr
from client.viewmodels.files import FilesModel
from client.views.files.looks import icon_of_message
from client.widgets.messages.words import moment_words, size_words, transfer_words
from client.widgets.pictures import Pictures


class Act(enum.Enum):
    """What the trailing button of a row does; the values are icons."""

    DOWNLOAD = "download"
    PAUSE = "pause"
    RESUME = "play"
    AGAIN = "refresh-cw"
    FOLDER = "folder-open"


def act_of(message: Message, transfer: Transfer | None) -> Act:
    """Which."""
    if transfer is not None and not transfer.over:
        return {Stage.PAUSED: Act.RESUME, Stage.FAILED: Act.AGAIN}.get(transfer.stage, Act.PAUSE)
    return Act.FOLDER if message.attachment is not None and message.attachment.path else Act.DOWNLOAD


def about(
    message: Message,
    person: Callable[[int], Person],
    conversation: Callable[[int], Conversation | None],
    now_ms: int,
) -> str:
    """Size, who, where, when."""
    one = conversation(message.conversation)
    private = one is not None and one.kind is ConversationKind.PRIVATE
    who = tr("You") if message.mine else shown_name(person(message.sender).name)
    where = shown_name(one.title) if one is not None and (message.mine or not private) else ""
    if message.mine and where:
        who, where = tr("You to {name}").format(name=where), ""
    bytes_ = size_words(message.attachment.size) if message.attachment is not None else ""
    when = moment_words(message.at_ms, now_ms)
    return " · ".join(part for part in (bytes_, who, where, when) if part)


class FileDelegate(QStyledItemDelegate):
    """A small picture or an icon, the name, what there is to know, and a button."""

    def __init__(
        self,
        theme: Theme,
        pictures: Pictures,
        person: Callable[[int], Person],
        conversation: Callable[[int], Conversation | None],
        preview: Callable[[Message], str],
        now_ms: Callable[[], int],
    ) -> None:
        """``preview`` gives the path of a small picture, or nothing, and sees to it that there is one later."""
        super().__init__()
        self._theme, self._pictures, self._person, self._conversation = theme, pictures, person, conversation
        self._preview, self._now_ms = preview, now_ms
        self.hovered_button = ""
        """The key of the message whose button is under the pointer."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, self._theme.px(ROW))

    def button(self, row: QRectF, *, rtl: bool) -> QRectF:
        """Where the button of a row is."""
        size = float(self._theme.px(TARGET))
        left = row.left() + GAP if rtl else row.right() - GAP - size
        return QRectF(left, row.center().y() - size / 2, size, size)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        message: Message | None = index.data(FilesModel.MESSAGE)
        if message is None or message.attachment is None:
            return
        transfer: Transfer | None = index.data(FilesModel.TRANSFER)
        options: Any = option  # its fields are not in PySide's stubs
        theme, colours = self._theme, self._theme.colours
        rtl = options.direction is Qt.LayoutDirection.RightToLeft
        state: QStyle.StateFlag = options.state
        whole = QRectF(options.rect)
        ratio = options.widget.devicePixelRatioF()
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        plate = whole.adjusted(TIGHT, 1, -TIGHT, -1)
        current = bool(state & QStyle.StateFlag.State_HasFocus)
        if state & QStyle.StateFlag.State_MouseOver or current:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.hover)
            painter.drawRoundedRect(plate, RADIUS, RADIUS)
        if current and options.widget.property("byKeys"):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colours.accent, FOCUS))
            painter.drawRoundedRect(plate.adjusted(1, 1, -1, -1), RADIUS, RADIUS)
        size = float(theme.px(THUMBNAIL))
        left = whole.right() - GAP - size if rtl else whole.left() + GAP
        self._thumbnail(painter, message, QRectF(left, whole.center().y() - size / 2, size, size), ratio)
        button = self.button(whole, rtl=rtl)
        self._button(painter, act_of(message, transfer), button, message.key == self.hovered_button, ratio)
        start, end = (button.right() + GAP, left - GAP) if rtl else (left + size + GAP, button.left() - GAP)
        self._lines(
            painter,
            message,
            transfer,
            QRectF(start, whole.top(), max(10.0, end - start), whole.height()),
            rtl=rtl,
        )
        painter.restore()

    def _thumbnail(self, painter: QPainter, message: Message, rect: QRectF, ratio: float) -> None:
        theme = self._theme
        shape = QPainterPath()
        shape.addRoundedRect(rect, RADIUS_SMALL, RADIUS_SMALL)
        painter.fillPath(shape, theme.colours.skeleton)
        pixmap = None
        if message.kind in (Kind.IMAGE, Kind.VIDEO):
            path = self._preview(message)
            pixmap = self._pictures.get(path, rect.size().toSize(), ratio, cover=True) if path else None
        if pixmap is None:
            _icon(painter, theme, icon_of_message(message), theme.colours.second, rect, ICON + 4, ratio)
            return
        painter.save()
        painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
        painter.drawPixmap(rect, pixmap, QRectF(pixmap.rect()))
        painter.restore()

    def _button(self, painter: QPainter, act: Act, rect: QRectF, hovered: bool, ratio: float) -> None:
        if hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colours.press)
            painter.drawRoundedRect(rect, RADIUS, RADIUS)
        _icon(painter, self._theme, act.value, self._theme.colours.second, rect, ICON, ratio)

    def _lines(
        self, painter: QPainter, message: Message, transfer: Transfer | None, rect: QRectF, *, rtl: bool
    ) -> None:
        theme, colours = self._theme, self._theme.colours
        attachment = message.attachment
        assert attachment is not None
        strong, meta = theme.metrics(Font.BODY_STRONG), theme.metrics(Font.META)
        moving = transfer is not None and not transfer.over and transfer.stage is not Stage.FAILED
        top = (
            rect.top() + (rect.height() - strong.height() - meta.height() - TIGHT) / 2 - (2 if moving else 0)
        )
        side = Qt.AlignmentFlag.AlignRight if rtl else Qt.AlignmentFlag.AlignLeft
        flags = int(
            side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute | Qt.TextFlag.TextSingleLine
        )
        painter.setFont(theme.font(Font.BODY_STRONG))
        painter.setPen(colours.text)
        name = strong.elidedText(safe_name(attachment.filename), Qt.TextElideMode.ElideMiddle, rect.width())
        painter.drawText(QRectF(rect.left(), top, rect.width(), strong.height()), flags, name)
        words = (
            transfer_words(transfer)
            if transfer is not None
            else about(message, self._person, self._conversation, self._now_ms())
        )
        painter.setFont(theme.font(Font.META))
        painter.setPen(
            colours.danger if transfer is not None and transfer.stage is Stage.FAILED else colours.second
        )
        line = QRectF(rect.left(), top + strong.height() + TIGHT, rect.width(), meta.height())
        painter.drawText(line, flags, meta.elidedText(words, Qt.TextElideMode.ElideRight, rect.width()))
        if moving and transfer is not None:
            share = min(1.0, transfer.done / transfer.size) if transfer.size else 0.0
            groove = QRectF(rect.left(), line.bottom() + TIGHT, rect.width(), 3)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.hairline)
            painter.drawRoundedRect(groove, 1.5, 1.5)
            painter.setBrush(colours.accent)
            done = groove.width() * share
            painter.drawRoundedRect(
                QRectF(groove.right() - done if rtl else groove.left(), groove.top(), done, 3), 1.5, 1.5
            )


def _icon(
    painter: QPainter, theme: Theme, name: str, colour: QColor, rect: QRectF, size: int, ratio: float
) -> None:
    pixmap = theme.pixmap(name, colour, size=size, ratio=ratio)
    wide = pixmap.deviceIndependentSize()
    painter.drawPixmap(
        QPointF(round(rect.center().x() - wide.width() / 2), round(rect.center().y() - wide.height() / 2)),
        pixmap,
    )
