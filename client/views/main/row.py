"""How a row of the list of conversations is painted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from client.core.display import shown_name
from client.core.model import Conversation, ConversationKind, Kind, Mark
from client.core.ports import Account
from client.theme import Font, Theme
from client.theme.tokens import AVATAR, FOCUS, GAP, ICON_MARK, RADIUS, ROW, SMALL, TIGHT
from client.translations.sentences import said
from client.viewmodels.conversation_list import ConversationList, is_muted
from client.views import presence_words
from client.views.main import row_words
from client.widgets import badge
from client.widgets.avatar import Avatars, paint_dot

MARKS = {
    Mark.FAILED: "circle-alert",
    Mark.WAITING: "clock",
    Mark.STORED: "check",
    Mark.DELIVERED: "check-check",
    Mark.READ: "check-check",
}


class RowDelegate(QStyledItemDelegate):
    """Avatar, name, time; below them what was said last, and what there is to know."""

    ground = "list"
    """The token of what it stands on."""

    def __init__(self, theme: Theme, avatars: Avatars, account: Account, now_ms: Callable[[], int]) -> None:
        super().__init__()
        self._theme, self._avatars, self._account, self._now_ms = theme, avatars, account, now_ms
        self.current = 0
        """The conversation that is open."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, self._theme.px(ROW))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        one: Conversation | None = index.data(ConversationList.CONVERSATION)
        if one is None:
            return
        theme, colours = self._theme, self._theme.colours
        options: Any = option  # its fields are not in PySide's stubs
        rtl = options.direction is Qt.LayoutDirection.RightToLeft
        state: QStyle.StateFlag = options.state
        whole = QRectF(options.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)  # that of each text
        plate = whole.adjusted(TIGHT, 1, -TIGHT, -1)
        plain = getattr(colours, self.ground)
        ground = plain
        if one.id == self.current:
            ground = colours.selected
        elif state & QStyle.StateFlag.State_MouseOver:
            ground = colours.hover
        if ground is not plain:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(plate, RADIUS, RADIUS)
        if state & QStyle.StateFlag.State_HasFocus and options.widget.property("byKeys"):
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(colours.accent))
            pen = painter.pen()
            pen.setWidth(FOCUS)
            painter.setPen(pen)
            painter.drawRoundedRect(plate.adjusted(1, 1, -1, -1), RADIUS, RADIUS)
        line = _Line(painter, theme, whole.adjusted(GAP, 0, -GAP, 0), rtl, options.widget.devicePixelRatioF())
        self._avatar(line, one, ground)
        middle = whole.center().y()
        height = theme.metrics(Font.BODY).height()
        upper, lower = middle - height / 2 - theme.px(2), middle + height / 2 + theme.px(3)
        self._upper(line, one, upper)
        self._lower(line, one, lower, ground)
        painter.restore()

    def _avatar(self, line: _Line, one: Conversation, ground: QColor) -> None:
        size = self._theme.px(AVATAR)
        rect = line.lead(line.rect.center().y(), size, size)
        other = one.people[0] if one.kind is ConversationKind.PRIVATE and one.people else 0
        seed = other or one.id
        line.painter.drawPixmap(
            rect.topLeft(), self._avatars.pixmap(seed, one.title, one.avatar, size, line.ratio)
        )
        presence = self._account.presence(other) if other else None
        if presence is not None and presence.online:
            paint_dot(line.painter, self._theme, rect, ground, rtl=line.rtl)
        line.gap_lead(GAP)

    def _upper(self, line: _Line, one: Conversation, y: float) -> None:
        colours = self._theme.colours
        spare = line.copy()
        spare.text_trail(
            row_words.when(one.at_ms, self._now_ms()),
            Font.META,
            colours.accent_text if one.unread else colours.second,
            y,
        )
        if one.last is not None and one.last.mine and one.last.kind is not Kind.NOTICE and not one.draft:
            mark = one.last.mark
            colour = (
                colours.danger
                if mark is Mark.FAILED
                else colours.accent
                if mark is Mark.READ
                else colours.second
            )
            spare.gap_trail(TIGHT)
            spare.icon_trail(MARKS[mark], colour, y)
        spare.gap_trail(SMALL)
        icons = []
        if is_muted(one):
            icons.append("bell-off")
        if one.kind is ConversationKind.GROUP:
            spare.icon_lead("users", colours.second, y)
            spare.gap_lead(TIGHT)
        elif one.kind is ConversationKind.CHANNEL:
            spare.icon_lead("radio", colours.second, y)
            spare.gap_lead(TIGHT)
        spare.text(shown_name(one.title), Font.BODY_STRONG, colours.text, y, icons)

    def _lower(self, line: _Line, one: Conversation, y: float, ground: QColor) -> None:
        colours = self._theme.colours
        spare = line.copy()
        if one.unread:
            spare.badge_trail(badge.words(one.unread), y, muted=is_muted(one))
            if one.mentioned:
                spare.gap_trail(TIGHT)
                spare.badge_trail("@", y, muted=False)
        elif one.pinned:
            spare.icon_trail("pin", colours.second, y)
        if one.live:
            spare.gap_trail(TIGHT)
            spare.text_trail(
                QCoreApplication.translate("ConversationRow", "LIVE"), Font.META_STRONG, colours.danger, y
            )
        spare.gap_trail(SMALL)
        if busy := self._account.busy(one.id):
            doing = presence_words.doing(busy, self._account.person)
            if spare.lacks(doing, Font.BODY):
                doing = presence_words.doing(busy, self._account.person, names=False)
            spare.text(doing, Font.BODY, colours.accent_text, y)
            return
        if one.draft:
            spare.text_lead(
                QCoreApplication.translate("ConversationRow", "Draft:"), Font.BODY, colours.danger, y
            )
            spare.gap_lead(TIGHT)
            spare.text(row_words.line(one.draft), Font.BODY, colours.second, y)
            return
        who, what = row_words.preview(one, self._account.person)
        if who:
            spare.text_lead(said(who, "").rstrip(), Font.BODY, colours.text, y, most=0.45)
            spare.gap_lead(TIGHT)
        spare.text(what, Font.BODY, colours.danger if row_words.failed(one.last) else colours.second, y)


class _Line:
    """What is left of a rectangle while it is filled from both sides."""

    def __init__(self, painter: QPainter, theme: Theme, rect: QRectF, rtl: bool, ratio: float) -> None:
        self.painter, self.theme, self.rect, self.rtl, self.ratio = painter, theme, QRectF(rect), rtl, ratio

    def copy(self) -> _Line:
        return _Line(self.painter, self.theme, self.rect, self.rtl, self.ratio)

    def _cut(self, width: float, *, left: bool) -> float:
        """Take so much from one side; where that begins."""
        if left:
            at = self.rect.left()
            self.rect.setLeft(at + width)
            return at
        self.rect.setRight(self.rect.right() - width)
        return self.rect.right()

    def lead(self, y: float, width: float, height: float) -> QRectF:
        return QRectF(self._cut(width, left=not self.rtl), y - height / 2, width, height)

    def trail(self, y: float, width: float, height: float) -> QRectF:
        return QRectF(self._cut(width, left=self.rtl), y - height / 2, width, height)

    def gap_lead(self, width: float) -> None:
        self._cut(width, left=not self.rtl)

    def gap_trail(self, width: float) -> None:
        self._cut(width, left=self.rtl)

    def _icon(self, name: str, colour: QColor, rect: QRectF) -> None:
        self.painter.drawPixmap(
            rect.topLeft(), self.theme.pixmap(name, colour, size=ICON_MARK, ratio=self.ratio)
        )

    def icon_lead(self, name: str, colour: QColor, y: float) -> None:
        size = self.theme.px(ICON_MARK)
        self._icon(name, colour, self.lead(y, size, size))

    def icon_trail(self, name: str, colour: QColor, y: float) -> None:
        size = self.theme.px(ICON_MARK)
        self._icon(name, colour, self.trail(y, size, size))

    def badge_trail(self, words: str, y: float, *, muted: bool) -> None:
        rect = self.trail(y, badge.width(self.theme, words), self.theme.px(20))
        badge.paint(self.painter, self.theme, words, QPointF(rect.left(), rect.top()), muted=muted)

    def _draw(self, rect: QRectF, text: str, font: Font, colour: QColor, *, trailing: bool = False) -> None:
        self.painter.setFont(self.theme.font(font))
        self.painter.setPen(colour)
        side = Qt.AlignmentFlag.AlignRight if self.rtl != trailing else Qt.AlignmentFlag.AlignLeft
        flags = (
            side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute | Qt.TextFlag.TextSingleLine
        )
        self.painter.drawText(rect, int(flags), text)

    def _width(self, text: str, font: Font) -> float:
        return self.theme.metrics(font).horizontalAdvance(text) + 1

    def lacks(self, text: str, font: Font) -> bool:
        """Whether there is no room for a text."""
        return self._width(text, font) > self.rect.width()

    def text_trail(self, text: str, font: Font, colour: QColor, y: float) -> None:
        if text:
            rect = self.trail(y, self._width(text, font), self.theme.metrics(font).height())
            self._draw(rect, text, font, colour, trailing=True)

    def text_lead(self, text: str, font: Font, colour: QColor, y: float, *, most: float = 1.0) -> None:
        width = min(self._width(text, font), max(0.0, self.rect.width() * most))
        text = self.theme.metrics(font).elidedText(text, Qt.TextElideMode.ElideRight, width)
        self._draw(self.lead(y, width, self.theme.metrics(font).height()), text, font, colour)

    def text(self, text: str, font: Font, colour: QColor, y: float, icons: list[str] | None = None) -> None:
        """In all that is left, with icons right after it."""
        size = self.theme.px(ICON_MARK)
        room = max(0.0, self.rect.width() - len(icons or ()) * (size + TIGHT))
        elided = self.theme.metrics(font).elidedText(text, Qt.TextElideMode.ElideRight, room)
        self.text_lead(elided, font, colour, y)
        for icon in icons or ():
            self.gap_lead(TIGHT)
            self.icon_lead(icon, self.theme.colours.second, y)
