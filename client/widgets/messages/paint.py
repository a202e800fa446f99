"""Paints one message where :mod:`client.widgets.messages.layout` has put everything."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

from client.core.display import colour_index, shown_name
from client.core.model import Mark
from client.theme import Font
from client.theme.tokens import (
    FOCUS,
    GAP,
    ICON_MARK,
    MENTION_BAR,
    QUOTE_BAR,
    RADIUS_SMALL,
    SMALL,
    TIGHT,
    WIDE,
)
from client.translations.sentences import sentence
from client.translations.tr import tr
from client.widgets.messages.layout import Row
from client.widgets.messages.look import Look, State
from client.widgets.messages.words import quote_author, quote_words

MARKS = {
    Mark.FAILED: "circle-alert",
    Mark.WAITING: "clock",
    Mark.STORED: "check",
    Mark.DELIVERED: "check-check",
    Mark.READ: "check-check",
}
_CENTER = Qt.AlignmentFlag.AlignCenter


def paint(painter: QPainter, row: Row, look: Look, state: State) -> None:
    """Paint it with the painter's origin at the row's."""
    colours = look.theme.colours
    if row.mentions_me:
        _for_me(painter, row, look)
    if state.whole or state.flash:
        ground = QColor(colours.flash)
        if not state.whole:
            ground.setAlphaF(ground.alphaF() * state.flash)
        painter.fillRect(QRectF(0, _head(row), look.width, row.height - _head(row)), ground)
    if row.day is not None:
        chip(painter, look, row.day, row.day_text)
    if row.unread is not None:
        _unread(painter, look, row.unread)
    if row.notice:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.chip)
        radius = min(row.bubble.height() / 2, 12.0)
        painter.drawRoundedRect(row.bubble, radius, radius)
        if row.text is not None:
            row.text.paint(
                painter,
                row.text_at,
                look.theme,
                look.clip,
                mine=False,
                selected=state.selected,
                ink=colours.second,
            )
    else:
        _message(painter, row, look, state)
    if state.focused:
        painter.setPen(QPen(colours.accent, FOCUS))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(
            QRectF(3, _head(row) + 1, look.width - 6, row.height - _head(row) - 2), RADIUS_SMALL, RADIUS_SMALL
        )


def _head(row: Row) -> float:
    """Where the message itself begins, below the day and the unread line."""
    return max(row.day.bottom() + 2 if row.day else 0.0, row.unread.bottom() + 2 if row.unread else 0.0)


def _for_me(painter: QPainter, row: Row, look: Look) -> None:
    """All of its row stands out, with a bar at the leading edge."""
    colours, top = look.theme.colours, max(_head(row), row.bubble.top() - TIGHT / 2)
    whole = QRectF(0, top, look.width, min(row.height, row.bubble.bottom() + TIGHT) - top)
    painter.fillRect(whole, colours.mention_row)
    whole.setLeft(look.width - MENTION_BAR if look.rtl else 0)
    whole.setWidth(MENTION_BAR)
    painter.fillRect(whole, colours.warning)


def _message(painter: QPainter, row: Row, look: Look, state: State) -> None:
    message, theme, colours = row.message, look.theme, look.theme.colours
    painter.setPen(Qt.PenStyle.NoPen)
    if not row.bubble.isEmpty():
        painter.setBrush(colours.mine if message.mine else colours.theirs)
        painter.drawPath(row.outline)
    if row.avatar is not None:
        person = look.person(message.sender)
        pixmap = look.avatars.pixmap(
            person.uuid, shown_name(person.name), person.avatar, round(row.avatar.width()), look.ratio
        )
        painter.drawPixmap(row.avatar.topLeft(), pixmap)
    side = look.side
    if row.name is not None:
        painter.setFont(theme.font(Font.BODY_STRONG))
        painter.setPen(colours.names[colour_index(message.sender, len(colours.names))])
        name = shown_name(look.person(message.sender).name)
        painter.drawText(
            row.name,
            side,
            theme.metrics(Font.BODY_STRONG).elidedText(name, Qt.TextElideMode.ElideRight, row.name.width()),
        )
    if row.forwarded is not None:
        painter.setFont(theme.font(Font.META))
        painter.setPen(colours.on_mine_second if message.mine else colours.second)
        text = theme.metrics(Font.META).elidedText(
            row.forwarded_text, Qt.TextElideMode.ElideRight, row.forwarded.width()
        )
        painter.drawText(row.forwarded, side, text)
    if row.quote is not None:
        _quote(painter, row, look, side)
    if row.part is not None:
        row.part.paint(painter, state)
    if row.text is not None:
        faded = (colours.on_mine_second if message.mine else colours.second) if row.faded else None
        row.text.paint(
            painter,
            row.text_at,
            theme,
            look.clip,
            mine=message.mine,
            selected=state.selected,
            hovered=state.link,
            found=state.found,
            ink=faded,
        )
    _reactions(painter, row, look, state)
    _meta(painter, row, look)
    if row.failure is not None:
        _failure(painter, row, look, state)


def chip(painter: QPainter, look: Look, rect: QRectF, text: str) -> None:
    """A word in a pill: a day."""
    colours = look.theme.colours
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.chip)
    painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
    painter.setFont(look.theme.font(Font.META_STRONG))
    painter.setPen(colours.second)
    painter.drawText(rect, _CENTER, text)


def _unread(painter: QPainter, look: Look, rect: QRectF) -> None:
    """A line across, with words in its middle."""
    colours, text = look.theme.colours, tr("Unread messages")
    width = look.theme.metrics(Font.META_STRONG).horizontalAdvance(text) + 2 * GAP
    middle = rect.center().y()
    painter.setPen(QPen(colours.accent, 1))
    painter.drawLine(QPointF(WIDE, middle), QPointF(rect.center().x() - width / 2, middle))
    painter.drawLine(QPointF(rect.center().x() + width / 2, middle), QPointF(rect.right() - WIDE, middle))
    painter.setFont(look.theme.font(Font.META_STRONG))
    painter.setPen(colours.accent_text)
    painter.drawText(rect, _CENTER, text)


def _quote(painter: QPainter, row: Row, look: Look, side: Qt.AlignmentFlag) -> None:
    quote, rect, theme, colours = row.message.quote, row.quote, look.theme, look.theme.colours
    if quote is None or rect is None:
        return
    painter.save()
    painter.setClipRect(rect, Qt.ClipOperation.IntersectClip)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.quote_mine if row.mine else colours.quote_theirs)
    painter.drawRoundedRect(rect, RADIUS_SMALL, RADIUS_SMALL)
    ink = colours.accent_text if row.mine else colours.names[colour_index(quote.sender, len(colours.names))]
    bar = QRectF(rect.right() - QUOTE_BAR if look.rtl else rect.left(), rect.top(), QUOTE_BAR, rect.height())
    painter.fillRect(bar, ink)
    painter.restore()
    inner = rect.adjusted(SMALL + QUOTE_BAR, TIGHT, -SMALL - QUOTE_BAR, -TIGHT)
    half = inner.height() / 2
    for font, pen, text, top in (
        (Font.META_STRONG, ink, quote_author(quote, look.person), inner.top()),
        (Font.META, colours.text, quote_words(quote), inner.top() + half),
    ):
        painter.setFont(theme.font(font))
        painter.setPen(pen)
        elided = theme.metrics(font).elidedText(text[:300], Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(QRectF(inner.left(), top, inner.width(), half), side, elided)


def _reactions(painter: QPainter, row: Row, look: Look, state: State) -> None:
    colours = look.theme.colours
    for rect, reaction in zip(row.reactions, row.message.reactions, strict=False):
        hovered = state.hovered == ("react", reaction.emoji)
        painter.setPen(
            QPen(colours.accent, 1.5)
            if reaction.mine
            else QPen(colours.control if hovered else Qt.GlobalColor.transparent, 1)
        )
        painter.setBrush(colours.quote_mine if row.mine else colours.quote_theirs)
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), rect.height() / 2, rect.height() / 2)
        painter.setFont(look.theme.font(Font.META_STRONG))
        painter.setPen(colours.accent_text if reaction.mine else colours.text)
        painter.drawText(rect, _CENTER, f"{reaction.emoji} {reaction.count}")


def _meta(painter: QPainter, row: Row, look: Look) -> None:
    """Time, and how far it has come."""
    message, theme, colours = row.message, look.theme, look.theme.colours
    ink = colours.on_mine_second if message.mine else colours.second
    if row.over or row.bubble.isEmpty():
        ground = row.meta.adjusted(-SMALL + 1, -2, SMALL - 1, 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.veil if row.over else colours.chip)
        painter.drawRoundedRect(ground, ground.height() / 2, ground.height() / 2)
        ink = colours.on_veil if row.over else colours.second
    painter.setFont(theme.font(Font.META))
    painter.setPen(ink)
    side = look.side
    painter.drawText(row.meta, side, row.meta_text)
    if not (message.mine or message.mark is Mark.FAILED):
        return
    if message.mark is Mark.FAILED:
        ink = colours.danger if not row.over else colours.on_veil
    elif message.mark is Mark.READ and not row.over:
        ink = colours.accent_text
    pixmap = theme.pixmap(MARKS[message.mark], ink, size=ICON_MARK, ratio=look.ratio)
    size = pixmap.deviceIndependentSize()
    x = row.meta.left() if look.rtl else row.meta.right() - size.width()
    painter.drawPixmap(QPointF(round(x), round(row.meta.center().y() - size.height() / 2)), pixmap)


def _failure(painter: QPainter, row: Row, look: Look, state: State) -> None:
    theme, colours, rect = look.theme, look.theme.colours, row.failure
    assert rect is not None
    links = [hit for hit in row.hits if hit.action in ("resend", "delete")]
    painter.setFont(theme.font(Font.META))
    painter.setPen(colours.danger)
    reason = sentence(row.message.failure) or tr("Not sent")
    room = links[0].rect.left() - rect.left() - GAP
    align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
    painter.drawText(QRectF(rect.left(), rect.top(), room, rect.height()), align, _elided(look, reason, room))
    painter.setPen(colours.accent_text)
    for hit in links:
        font = QFont(theme.font(Font.META))
        font.setUnderline(state.hovered == (hit.action, hit.value))
        painter.setFont(font)
        painter.drawText(hit.rect, align, tr("Try again") if hit.action == "resend" else tr("Delete"))


def _elided(look: Look, text: str, room: float) -> str:
    return look.theme.metrics(Font.META).elidedText(text, Qt.TextElideMode.ElideRight, room + 1)
