"""Where everything of a message is: computed once for a width, kept, painted many times.

Coordinates are those of the row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainterPath

from client.core.display import emoji_only, shown_name
from client.core.grouping import Place
from client.core.living import mentions
from client.core.mentions import ALL
from client.core.model import EVERYBODY, Kind, Mark, Message
from client.theme import Font
from client.theme.tokens import (
    AVATAR_SMALL,
    BUBBLE_GAP,
    BUBBLE_PADDING,
    CHIP,
    CORNER_BUBBLE,
    EMOJI_ONLY_MOST,
    GAP,
    GROUP_GAP,
    ICON_MARK,
    QUOTE_BAR,
    RADIUS_BUBBLE,
    SMALL,
    TIGHT,
    WIDE,
)
from client.translations.sentences import sentence
from client.translations.tr import tr
from client.widgets.messages import media
from client.widgets.messages.look import Hit, Look
from client.widgets.messages.text import Body, body
from client.widgets.messages.words import (
    content,
    day_words,
    forwarded_words,
    quote_author,
    quote_words,
    time_of,
)


@dataclass(slots=True)
class Row:
    """A message, laid out."""

    message: Message
    place: Place
    revision: int
    height: float = 0.0
    mine: bool = False
    day: QRectF | None = None
    day_text: str = ""
    unread: QRectF | None = None
    avatar: QRectF | None = None
    bubble: QRectF = field(default_factory=QRectF)
    """Empty for what has none: notices, emoji alone."""
    outline: QPainterPath = field(default_factory=QPainterPath)
    name: QRectF | None = None
    forwarded: QRectF | None = None
    forwarded_text: str = ""
    quote: QRectF | None = None
    part: media.Part | None = None
    text: Body | None = None
    text_at: QPointF = field(default_factory=QPointF)
    reactions: list[QRectF] = field(default_factory=list)
    meta: QRectF = field(default_factory=QRectF)
    meta_text: str = ""
    over: bool = False
    """Time and marks lie on the picture."""
    failure: QRectF | None = None
    notice: bool = False
    mentions_me: bool = False
    faded: bool = False
    """What its text says is about the message, and not what somebody wrote."""
    hits: list[Hit] = field(default_factory=list)

    def hit(self, place: QPointF) -> Hit | None:
        """What a click there does."""
        return next((hit for hit in self.hits if hit.rect.contains(place)), None)


def estimate(message: Message, place: Place, look: Look) -> float:
    """About how high it will be, in whole pixels; exact for nothing, cheap for everything."""
    theme = look.theme
    height = float(GROUP_GAP if place.first else BUBBLE_GAP)
    if place.new_day:
        height += theme.px(CHIP) + 2 * GAP
    if place.unread_line:
        height += theme.px(CHIP) + 2 * GAP
    size = theme.px(Font.MESSAGE.size)
    across = max(8.0, (look.bubble_most - 2 * BUBBLE_PADDING[0]) / (size * 0.55))
    lines = max(1, round(len(message.text) / across + 0.5)) + message.text.count("\n")
    height += lines * size * 1.4 + 2 * BUBBLE_PADDING[1]
    if message.attachment is not None or message.kind is Kind.LIVE:
        height += media.estimate(message, look)
    if message.quote is not None:
        height += 2 * theme.metrics(Font.META).height() + SMALL + TIGHT + 2
    if message.reactions:
        height += theme.px(CHIP) + TIGHT
    return float(math.ceil(height))


def lay_out(message: Message, place: Place, look: Look) -> Row:
    """Everything of it, for the width that the list has now."""
    row = Row(message, place, look.revision, mine=message.mine, mentions_me=mentions(message, look.me))
    top = _above(row, look)
    if message.kind is Kind.NOTICE:
        _notice(row, look, top)
    else:
        _bubble(
            row,
            look,
            top + (GROUP_GAP if place.first and not (place.new_day or place.unread_line) else BUBBLE_GAP),
        )
    row.height = float(math.ceil(row.height))  # whole pixels: grounds of neighbours meet without a seam
    return row


def _above(row: Row, look: Look) -> float:
    """The day, and the unread line."""
    top, high = 0.0, look.theme.px(CHIP)
    if row.place.new_day:
        row.day_text = day_words(row.message.at_ms, look.now_ms())
        width = look.theme.metrics(Font.META_STRONG).horizontalAdvance(row.day_text) + 2 * GAP
        row.day = QRectF((look.width - width) / 2, GAP, width, high)
        top = row.day.bottom() + SMALL
    if row.place.unread_line:
        row.unread = QRectF(0, top + SMALL, look.width, high)
        top = row.unread.bottom() + SMALL
    return top


def _notice(row: Row, look: Look, top: float) -> None:
    room = min(look.width - 4 * WIDE, look.bubble_most * 1.3)
    row.notice = True
    row.text = body(content(row.message, look.person), room - 2 * GAP, look.theme, Font.META, plain=True)
    width, height = row.text.width + 2 * GAP, row.text.height + TIGHT
    row.bubble = QRectF((look.width - width) / 2, top + SMALL, width, height)
    row.text_at = QPointF(row.bubble.left() + GAP, row.bubble.top() + TIGHT / 2)
    row.height = row.bubble.bottom() + SMALL


def _meta(row: Row, look: Look) -> tuple[float, float]:
    message = row.message
    row.meta_text = time_of(message.at_ms)
    if message.edited_ms and not message.recalled:
        row.meta_text = f"{tr('edited')} {row.meta_text}"
    metrics = look.theme.metrics(Font.META)
    width = metrics.horizontalAdvance(row.meta_text)
    if message.mine or message.mark is Mark.FAILED:
        width += TIGHT + look.theme.px(ICON_MARK)
    return width, metrics.height()


def _bubble(row: Row, look: Look, top: float) -> None:
    message, theme = row.message, look.theme
    pad_x, pad_y = BUBBLE_PADDING
    most = look.bubble_most
    room = most - 2 * pad_x
    meta_width, meta_height = _meta(row, look)
    emoji = 0
    if (
        message.kind is Kind.TEXT
        and not message.quote
        and not (message.reactions or message.recalled or message.forward)
    ):
        emoji = emoji_only(message.text, EMOJI_ONLY_MOST)

    # What is in it, from above, each in its room; x and width are settled when the widest is known.
    y = 0.0 if emoji else float(pad_y)
    width = 0.0
    named = look.names and not message.mine and row.place.first and not emoji
    name_height = theme.metrics(Font.BODY_STRONG).height()
    if named:
        width = min(
            room,
            theme.metrics(Font.BODY_STRONG).horizontalAdvance(shown_name(look.person(message.sender).name))
            + 2,
        )
        row.name = QRectF(0, y, width, name_height)
        y += name_height + 2
    if message.forward is not None and not message.recalled:
        row.forwarded_text = forwarded_words(message.forward.sender, look.person)
        metrics = theme.metrics(Font.META)
        row.forwarded = QRectF(
            0, y, min(room, metrics.horizontalAdvance(row.forwarded_text) + 2), metrics.height()
        )
        width = max(width, row.forwarded.width())
        y += metrics.height() + 2
    if message.quote is not None and not message.recalled:
        high = 2 * theme.metrics(Font.META).height() + SMALL
        author = quote_author(message.quote, look.person)
        words = theme.metrics(Font.META).horizontalAdvance(quote_words(message.quote)[:60])
        wide = max(theme.metrics(Font.META_STRONG).horizontalAdvance(author), words)
        row.quote = QRectF(0, y, min(room, wide + 2 * SMALL + QUOTE_BAR + 2), high)
        width = max(width, row.quote.width())
        y += high + TIGHT + 2
    if not message.recalled:
        row.part = media.make(message, look, most)
    bleeds = row.part is not None and row.part.bleeds
    if row.part is not None:
        if bleeds and not (named or row.quote or row.forwarded):
            y = float(TIGHT)
        row.part.rect.moveTop(y)
        width = max(width, row.part.rect.width() - (2 * (pad_x - TIGHT) if bleeds else 0))
        y += row.part.rect.height() + (TIGHT if bleeds else 0)
    text = _words(message)
    if text:
        if row.part is not None:
            y += TIGHT / 2
            if bleeds:
                room = min(room, max(width, theme.px(180)))
        row.faded = message.recalled or (message.kind is Kind.UNKNOWN and not message.text)
        bare = message.recalled or message.kind is Kind.UNKNOWN or bool(emoji)
        row.text = body(
            *(text, room, theme, Font.EMOJI_BIG if emoji else Font.MESSAGE),
            mine=message.mine,
            plain=bare,
            names=_mentioned(message, look),
            me=look.me,
        )
        row.text_at = QPointF(0, y)
        width = max(width, row.text.width)
        y += row.text.height
    if message.reactions:
        y, wide = _reactions(row, look, y + TIGHT, room)
        width = max(width, wide)
    width, y = _place_meta(
        row, look, width, y, (meta_width, meta_height), room, bleeds=bleeds, emoji=bool(emoji)
    )
    height = y + (0 if emoji else pad_y if not row.over else TIGHT)
    if row.over:
        height = row.part.rect.bottom() + TIGHT if row.part is not None else height
    whole = width + (0 if emoji else 2 * pad_x)
    _settle(row, look, QRectF(0, top, whole, height), pad=0 if emoji else pad_x, bleeds=bleeds)
    if not emoji:
        row.outline = _outline(row.bubble, row.place.last, right=_on_right(row, look) != look.rtl)
    else:
        row.bubble = QRectF()
    bottom = top + height
    if message.mark is Mark.FAILED:
        bottom = _failure(row, look, bottom)
    row.height = bottom


def _mentioned(message: Message, look: Look) -> dict[str, int]:
    """Whom it mentions, by what they are called in the text."""
    return {
        ALL if uuid == EVERYBODY else look.person(uuid).username.casefold(): uuid for uuid in message.mentions
    }


def _words(message: Message) -> str:
    if message.recalled:
        return tr("Message deleted")
    if message.kind is Kind.UNKNOWN and not message.text:
        return tr("This version does not know this kind of message.")
    return "" if message.kind is Kind.LIVE else message.text


def _place_meta(
    row: Row,
    look: Look,
    width: float,
    y: float,
    size: tuple[float, float],
    room: float,
    *,
    bleeds: bool,
    emoji: bool,
) -> tuple[float, float]:
    """At the end of the last line where it fits, else below; on the picture where there is no text."""
    meta_width, meta_height = size
    if bleeds and row.text is None and not row.reactions and row.part is not None:
        row.over = True
        row.meta = QRectF(0, row.part.rect.bottom() - meta_height - SMALL - 2, meta_width, meta_height)
        return width, y
    if emoji:
        row.meta = QRectF(0, y + 2, meta_width, meta_height)
        return max(width, meta_width + 2 * SMALL), y + meta_height + TIGHT
    if row.text is not None and not row.reactions:
        line, rtl, code = row.text.last_line()
        needed = line + GAP + meta_width
        if not code and rtl == look.rtl and needed <= room:
            row.meta = QRectF(0, y - meta_height, meta_width, meta_height)
            return max(width, needed), y
    elif row.part is not None and row.part.meta_fits(meta_width):
        row.meta = QRectF(0, y - meta_height - row.part.meta_lift(), meta_width, meta_height)
        return max(width, meta_width), y
    elif row.reactions:
        last = row.reactions[-1]
        if last.right() + GAP + meta_width <= room:
            row.meta = QRectF(0, last.bottom() - meta_height - 2, meta_width, meta_height)
            return max(width, last.right() + GAP + meta_width), y
    row.meta = QRectF(0, y + 1, meta_width, meta_height)
    return max(width, meta_width), y + 1 + meta_height


def _reactions(row: Row, look: Look, y: float, room: float) -> tuple[float, float]:
    high, metrics = float(look.theme.px(CHIP)), look.theme.metrics(Font.META_STRONG)
    x = widest = 0.0
    for reaction in row.message.reactions[:40]:
        wide = metrics.horizontalAdvance(f"{reaction.emoji} {reaction.count}") + 2 * SMALL
        if x and x + wide > room:
            x, y = 0.0, y + high + TIGHT
        row.reactions.append(QRectF(x, y, wide, high))
        x += wide + TIGHT
        widest = max(widest, x - TIGHT)
    return y + high, widest


def _on_right(row: Row, look: Look) -> bool:
    """Whether it is at the trailing side."""
    return row.mine and not look.left_only


def _settle(row: Row, look: Look, bubble: QRectF, *, pad: float, bleeds: bool) -> None:
    """Give everything its place in the row, for the side that it is on and the direction of the interface."""
    indent = look.indent if not row.mine or look.left_only else 0
    left = look.width - WIDE - bubble.width() if _on_right(row, look) else WIDE + indent
    if look.rtl:
        left = look.width - left - bubble.width()
    bubble.moveLeft(left)
    row.bubble = bubble
    inner = bubble.width() - 2 * pad

    def put(rect: QRectF, *, wide: bool = False, trailing: bool = False) -> QRectF:
        placed = rect.translated(bubble.left() + pad, bubble.top())
        if wide:
            placed.setWidth(inner)
        elif trailing != look.rtl:
            placed.moveRight(bubble.right() - pad - (rect.left() if look.rtl else 0))
        return placed

    if row.name is not None:
        row.name = put(row.name, wide=True)
    if row.forwarded is not None:
        row.forwarded = put(row.forwarded, wide=True)
    if row.quote is not None:
        row.quote = put(row.quote, wide=True)
        row.hits.append(Hit(row.quote, "quote", row.message.quote))
    if row.part is not None:
        part = row.part.rect.translated(0, bubble.top())
        part.moveLeft(bubble.left() + (TIGHT if bleeds else pad))
        part.setWidth(bubble.width() - 2 * TIGHT if bleeds else inner)
        row.part.settle(part)
        row.hits.extend(row.part.hits())
    if row.text is not None:
        row.text.spread(inner)
        row.text_at = QPointF(bubble.left() + pad, bubble.top() + row.text_at.y())
    row.reactions = [put(rect) for rect in row.reactions]
    row.hits.extend(
        Hit(rect, "react", one.emoji) for rect, one in zip(row.reactions, row.message.reactions, strict=False)
    )
    row.meta = put(row.meta, trailing=True)
    if row.over:
        row.meta.translate(-SMALL / 2 if not look.rtl else SMALL / 2, 0)
    if indent and not row.mine and row.place.last:
        size = float(look.theme.px(AVATAR_SMALL))
        x = look.width - WIDE - size if look.rtl else WIDE
        row.avatar = QRectF(x, bubble.bottom() - size, size, size)
        row.hits.append(Hit(row.avatar, "person", row.message.sender))
    if row.name is not None:
        row.hits.append(Hit(row.name, "person", row.message.sender))
    row.hits.append(Hit(row.meta.adjusted(-4, -4, 4, 4), "time", row.message.at_ms))


def _failure(row: Row, look: Look, bottom: float) -> float:
    """Below what was not sent: why, and what to do."""
    theme = look.theme
    metrics = theme.metrics(Font.META)
    again, delete = tr("Try again"), tr("Delete")
    widths = [metrics.horizontalAdvance(text) for text in (again, delete)]
    links = widths[0] + GAP + widths[1]
    room = look.width - 2 * WIDE - links - GAP
    reason = metrics.elidedText(
        sentence(row.message.failure) or tr("Not sent"), Qt.TextElideMode.ElideRight, max(60.0, room)
    )
    total = metrics.horizontalAdvance(reason) + GAP + links
    left = look.width - WIDE - total if _on_right(row, look) != look.rtl else float(WIDE)
    row.failure = QRectF(left, bottom + TIGHT, total, metrics.height())
    x = left + metrics.horizontalAdvance(reason) + GAP
    for width, action in zip(widths, ("resend", "delete"), strict=True):
        row.hits.append(Hit(QRectF(x, row.failure.top() - 2, width, metrics.height() + 4), action))
        x += width + GAP
    return row.failure.bottom() + TIGHT


def _outline(rect: QRectF, last: bool, *, right: bool) -> QPainterPath:
    """A rounded rectangle, sharper at its sender's side where the group ends."""
    path = QPainterPath()
    r = min(float(RADIUS_BUBBLE), rect.height() / 2)
    if not last:
        path.addRoundedRect(rect, r, r)
        return path
    left_r, right_r = (r, float(CORNER_BUBBLE)) if right else (float(CORNER_BUBBLE), r)
    path.moveTo(rect.left() + r, rect.top())
    path.arcTo(QRectF(rect.left(), rect.top(), 2 * r, 2 * r), 90, 90)
    path.arcTo(QRectF(rect.left(), rect.bottom() - 2 * left_r, 2 * left_r, 2 * left_r), 180, 90)
    path.arcTo(
        QRectF(rect.right() - 2 * right_r, rect.bottom() - 2 * right_r, 2 * right_r, 2 * right_r), 270, 90
    )
    path.arcTo(QRectF(rect.right() - 2 * r, rect.top(), 2 * r, 2 * r), 0, 90)
    path.closeSubpath()
    return path
