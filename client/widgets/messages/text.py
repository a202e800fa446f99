"""The text of a message, laid out: formatting, links, code, in the direction that it is written in.

Positions are UTF-16 units, as Qt's.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QTextCharFormat, QTextLayout, QTextOption

from client.core.display import shown
from client.core.formatting import Run, runs
from client.core.links import Link
from client.core.mentions import marked
from client.theme import Font, Theme
from client.theme.tokens import LINE_HEIGHT, RADIUS_SMALL, SMALL

SHOWN_MOST = 16_384
"""Characters that are laid out; the server takes 4,096."""


def units(text: str) -> int:
    """Its length as Qt counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, start: int, end: int) -> str:
    """From one unit to another."""
    if text.isascii():
        return text[start:end]
    return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le", "replace")


@dataclass(slots=True)
class Block:
    """Lines of one direction, or a block of code; ``at`` is where it begins in the whole text."""

    text: str
    layout: QTextLayout
    at: int
    code: bool = False
    rtl: bool = False
    links: list[tuple[int, int, Link]] = field(default_factory=list)
    rect: QRectF = field(default_factory=QRectF)
    """Relative to the body."""
    shift: float = 0.0
    """What its lines are moved by: those that are aligned right were laid out in more room than they need."""


class Body:
    """A laid out text; its place is given when it is painted."""

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks
        self.width = max((block.rect.width() for block in blocks), default=0.0)
        self.height = blocks[-1].rect.bottom() if blocks else 0.0
        for block in blocks:
            if block.code:
                block.rect.setWidth(self.width)
            elif block.rtl:
                block.shift -= block.rect.width() - self.width
                block.rect.moveLeft(self.width - block.rect.width())
        self.length = blocks[-1].at + units(blocks[-1].text) if blocks else 0

    def last_line(self) -> tuple[float, bool, bool]:
        """How far the last line reaches, whether it is of a right-to-left text, and whether it is code."""
        block = self.blocks[-1]
        line = block.layout.lineAt(block.layout.lineCount() - 1)
        return line.naturalTextWidth(), block.rtl, block.code

    def spread(self, width: float) -> None:
        """The bubble is wider than the text: what is aligned right goes to its edge, code fills it."""
        more = width - self.width
        if more <= 0:
            return
        for block in self.blocks:
            if block.rtl and not block.code:
                block.shift += more
                block.rect.moveLeft(block.rect.left() + more)
            if block.code:
                block.rect.setWidth(width)
        self.width = width

    def paint(
        self,
        painter: QPainter,
        at: QPointF,
        theme: Theme,
        clip: QRectF,
        *,
        mine: bool,
        selected: tuple[int, int] | None = None,
        hovered: Link | None = None,
        found: Iterable[tuple[int, int]] = (),
        ink: QColor | None = None,
    ) -> None:
        """Paint it there; lines outside ``clip`` are left out."""
        colours = theme.colours
        for block in self.blocks:
            if block.code:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colours.code_mine if mine else colours.code_theirs)
                painter.drawRoundedRect(block.rect.translated(at), RADIUS_SMALL, RADIUS_SMALL)
            ranges = []
            for start, end, link in block.links:
                if link is hovered:
                    ranges.append(_range(start, end, underline=True))
            length = units(block.text)
            for start, end in found:
                if start < block.at + length and end > block.at:
                    ranges.append(
                        _range(max(0, start - block.at), min(length, end - block.at), ground=colours.flash)
                    )
            if selected is not None:
                start, end = max(0, selected[0] - block.at), min(length, selected[1] - block.at)
                if start < end:
                    ranges.append(_range(start, end, ground=colours.selection, ink=colours.text))
            painter.setPen(ink or colours.text)
            block.layout.draw(painter, at + self._origin(block), ranges, clip)

    @staticmethod
    def _origin(block: Block) -> QPointF:
        pad = SMALL if block.code else 0
        return QPointF(pad + (block.shift if not block.code else block.rect.left()), block.rect.top() + pad)

    def position(self, place: QPointF) -> int:
        """The place in the text that is nearest to a point of the body."""
        if not self.blocks:
            return 0
        block = min(
            self.blocks, key=lambda one: max(one.rect.top() - place.y(), place.y() - one.rect.bottom(), 0.0)
        )
        local = place - self._origin(block)
        for index in range(block.layout.lineCount()):
            line = block.layout.lineAt(index)
            if local.y() < line.rect().bottom() + 2 or index == block.layout.lineCount() - 1:
                return block.at + line.xToCursor(local.x())
        return block.at

    def link(self, place: QPointF) -> Link | None:
        """The link that is under a point."""
        for block in self.blocks:
            if block.links and block.rect.contains(place):
                local = place - self._origin(block)
                for index in range(block.layout.lineCount()):
                    line = block.layout.lineAt(index)
                    if line.y() <= local.y() <= line.y() + line.height():
                        if not line.naturalTextRect().adjusted(-2, 0, 2, 0).contains(local):
                            return None
                        at = line.xToCursor(local.x(), line.CursorPosition.CursorOnCharacter)
                        return next((link for start, end, link in block.links if start <= at < end), None)
        return None

    def word(self, position: int) -> tuple[int, int]:
        """The word that is there."""
        for block in self.blocks:
            if position <= block.at + units(block.text):
                inside = position - block.at
                start = block.layout.previousCursorPosition(inside + 1, block.layout.CursorMode.SkipWords)
                end = block.layout.nextCursorPosition(start, block.layout.CursorMode.SkipWords)
                space = cut(block.text, start, end)
                return block.at + start, block.at + start + units(space.rstrip() or space)
        return 0, 0

    def part(self, start: int, end: int) -> str:
        """What is between two places, as it is copied."""
        parts = []
        for block in self.blocks:
            first, last = max(0, start - block.at), min(units(block.text), end - block.at)
            if first <= last and end >= block.at and start <= block.at + units(block.text):
                parts.append(cut(block.text, first, last).replace("\u2028", "\n"))
        return "\n".join(parts)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Where a text is in it, without regard to case."""
        found: list[tuple[int, int]] = []
        sought = text.casefold()
        for block in self.blocks if sought else ():
            whole = block.text.casefold()
            at = whole.find(sought)
            while at >= 0 and len(found) < 100:
                start = block.at + units(whole[:at])
                found.append((start, start + units(whole[at : at + len(sought)])))
                at = whole.find(sought, at + len(sought))
        return found

    def links(self) -> list[Link]:
        """All of them."""
        return [link for block in self.blocks for _, _, link in block.links]


def _range(
    start: int, end: int, *, underline: bool = False, ground: QColor | None = None, ink: QColor | None = None
) -> QTextLayout.FormatRange:
    made, look = QTextLayout.FormatRange(), QTextCharFormat()
    made.start, made.length = start, end - start
    if underline:
        look.setFontUnderline(True)
    if ground is not None:
        look.setBackground(ground)
    if ink is not None:
        look.setForeground(ink)
    made.format = look
    return made


def body(
    text: str,
    room: float,
    theme: Theme,
    font: Font = Font.MESSAGE,
    *,
    mine: bool = False,
    plain: bool = False,
    names: Mapping[str, int] | None = None,
    me: int = 0,
) -> Body:
    """Lay a text out in so much room; ``names`` are those whom it mentions, see :func:`marked`."""
    whole = shown(text[:SHOWN_MOST])
    blocks: list[Block] = []
    at, top = 0, 0.0
    found = [Run(whole)] if plain else runs(whole)
    for rtl, code, part in _parts(marked(found, names, me) if names else found):
        block = _block(part, rtl, code, at, room, theme, font, mine)
        if blocks:
            top += SMALL / 2 if code or blocks[-1].code else 0
        block.rect.moveTop(top)
        top = block.rect.bottom()
        at += units(block.text) + 1
        blocks.append(block)
    return Body(blocks)


def _parts(found: Iterable[Run]) -> list[tuple[bool, bool, list[Run]]]:
    """Blocks: code by itself, and lines that have one direction."""
    parts: list[tuple[bool, bool, list[Run]]] = []
    line: list[Run] = []

    def end(force: bool = False) -> None:
        if not line and not force:
            return
        text = "".join(run.text for run in line)
        rtl = not text.isascii() and _rtl(text)
        if parts and not parts[-1][1] and (parts[-1][0] == rtl or not text.strip()):
            parts[-1][2].extend([Run("\u2028"), *line])
        else:
            parts.append((rtl, False, list(line)))
        line.clear()

    for run in found:
        if run.block:
            end()
            parts.append((False, True, [run]))
            continue
        first, *rest = run.text.split("\n")
        _add(line, run, first)
        for piece in rest:
            end(force=True)
            _add(line, run, piece)
    end()
    return parts


def _add(line: list[Run], run: Run, text: str) -> None:
    if text:
        line.append(replace(run, text=text))


def _rtl(text: str) -> bool:
    """By the first letter that has a direction."""
    for character in text[:512]:
        direction = unicodedata.bidirectional(character)
        if direction in ("R", "AL", "L"):
            return direction != "L"
    return False


def _block(
    part: list[Run], rtl: bool, code: bool, at: int, room: float, theme: Theme, font: Font, mine: bool
) -> Block:
    text = "".join(run.text for run in part).replace("\n", "\u2028")
    layout = QTextLayout(text, theme.font(Font.CODE if code else font))
    option = QTextOption(Qt.AlignmentFlag.AlignRight if rtl else Qt.AlignmentFlag.AlignLeft)
    option.setTextDirection(Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.setCacheEnabled(True)
    block = Block(text, layout, at, code, rtl)
    if not code:
        _formats(block, part, theme, font, mine)
    pad = SMALL if code else 0
    height = theme.metrics(Font.CODE if code else font).height()
    step = max(height, round(theme.font(Font.CODE if code else font).pixelSize() * LINE_HEIGHT))
    inner, widest, y = max(16.0, room - 2 * pad), 0.0, 0.0
    layout.beginLayout()
    while True:
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(inner)
        taken = max(step, line.height())
        line.setPosition(QPointF(0, y + (taken - line.height()) / 2))
        widest = max(widest, line.naturalTextWidth())
        y += taken
    layout.endLayout()
    widest = min(inner, float(-(-widest // 1)))
    block.rect = QRectF(0, 0, widest + 2 * pad, y + 2 * pad)
    if rtl:
        block.shift = widest - inner
    return block


def _formats(block: Block, part: list[Run], theme: Theme, font: Font, mine: bool) -> None:
    ranges, start = [], 0
    colours = theme.colours
    for run in part:
        end = start + units(run.text)
        if run.bold or run.italic or run.code or run.link or run.me:
            look = QTextCharFormat()
            if run.code:
                look.setFont(theme.font(Font.CODE))
                look.setBackground(colours.code_mine if mine else colours.code_theirs)
            if run.me:
                look.setForeground(colours.on_mention)
                look.setBackground(colours.mention)
            if run.bold or run.me:
                look.setFontWeight(QFont.Weight.Bold)
            if run.italic:
                look.setFontItalic(True)
            if run.link:
                look.setForeground(colours.accent_text)
                block.links.append((start, end, run.link))
            made = QTextLayout.FormatRange()
            made.start, made.length, made.format = start, end - start, look
            ranges.append(made)
        start = end
    if ranges:
        block.layout.setFormats(ranges)
