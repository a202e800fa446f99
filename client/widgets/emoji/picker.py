"""The panel to pick an emoji from: search, groups, recent ones, skin tones; all of it by keyboard."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLocale, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QStyle,
    QStyleOption,
    QVBoxLayout,
    QWidget,
)

from client.theme import Theme
from client.theme.tokens import PICKER, SMALL, TIGHT
from client.widgets.button import IconButton
from client.widgets.emoji.catalogue import TONES, Emoji, by_text, everything, find, known, remember
from client.widgets.emoji.grid import Grid, Section
from client.widgets.search_field import SearchField

ICONS = ("smile", "hand", "cat", "apple", "car", "trophy", "lightbulb", "shapes", "flag")


def label(emoji: Emoji) -> str:
    """What one is called in the language of the interface."""
    chinese = QLocale().language() is QLocale.Language.Chinese
    return emoji.chinese if chinese and emoji.chinese else emoji.name


class EmojiPicker(QFrame):
    """A popup. :attr:`picked` tells the emoji, :attr:`remembered` the recent ones and the tone, to be kept in
    the settings.

    Enter in the search field picks the first that was found; Shift keeps the panel open.
    """

    picked = Signal(str)
    remembered = Signal(list, int)

    def __init__(
        self, theme: Theme, *, recent: Sequence[str] = (), tone: int = 0, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self._theme, self._recent, self._tone = theme, known(recent), tone if 0 <= tone < len(TONES) else 0
        self.setProperty("ground", "float")
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)  # outside of the round corners
        self.setAccessibleName(self.tr("Emoji"))
        self.search = SearchField(theme, self.tr("Search emoji"))
        self.grid = Grid(theme)
        self.grid.setAccessibleName(self.tr("Emoji"))
        self._name = QLabel()
        self._name.setProperty("role", "meta")
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        self._nothing = QLabel(self.tr("No emoji of that name"))
        self._nothing.setProperty("role", "second")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._tabs = QButtonGroup(self)
        tabs = QHBoxLayout()
        tabs.setSpacing(0)
        for at, (icon, title) in enumerate(zip(("history", *ICONS), self._titles(), strict=True)):
            button = IconButton(theme, icon, title)
            button.setCheckable(True)
            self._tabs.addButton(button, at)
            tabs.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SMALL, SMALL, TIGHT, SMALL)
        layout.setSpacing(TIGHT)
        layout.addWidget(self.search)
        layout.addLayout(tabs)
        layout.addWidget(self.grid, 1)
        layout.addWidget(self._nothing, 1)
        layout.addWidget(self._name)
        self.search.textChanged.connect(self._fill)
        self.search.down.connect(self.grid.setFocus)
        self.search.returnPressed.connect(self._enter)
        self.search.left.connect(self.close)
        self.grid.picked.connect(self._pick)
        self.grid.held.connect(self._tones)
        self.grid.above.connect(self.search.setFocus)
        self.grid.pointed.connect(self._name.setText)
        self.grid.verticalScrollBar().valueChanged.connect(self._mark)
        self._tabs.idClicked.connect(self._go)
        theme.follow(self._restyle)
        self._fill()

    def open_at(self, corner: QPoint) -> None:
        """Show it with its lower trailing corner there (global), or as near as the screen lets it be."""
        self.search.clear()
        self._fill()
        area = self.screen().availableGeometry()
        place = corner - QPoint(self.width(), self.height())
        self.move(
            max(area.left(), min(place.x(), area.right() - self.width())),
            max(area.top(), min(place.y(), area.bottom() - self.height())),
        )
        self.show()
        self.search.setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOption()
        option.initFrom(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, QPainter(self), self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        elif event.text().strip():
            self.search.setFocus()
            self.search.insert(event.text())
        else:
            super().keyPressEvent(event)

    def _titles(self) -> tuple[str, ...]:
        return (
            self.tr("Recent"),
            self.tr("Smileys and emotion"),
            self.tr("People and body"),
            self.tr("Animals and nature"),
            self.tr("Food and drink"),
            self.tr("Travel and places"),
            self.tr("Activities"),
            self.tr("Objects"),
            self.tr("Symbols"),
            self.tr("Flags"),
        )

    def _fill(self) -> None:
        text = self.search.text().strip()
        if text:
            sections = [self._section(self.tr("Found"), find(text))]
        else:
            titles = self._titles()
            recent = [by_text().get(emoji) or Emoji(emoji, 0, emoji, "", "", False) for emoji in self._recent]
            sections = [Section(titles[0], self._recent, [label(one) for one in recent])]
            groups: dict[int, list[Emoji]] = {}
            for emoji in everything():
                groups.setdefault(emoji.group, []).append(emoji)
            sections += [self._section(titles[group + 1], found) for group, found in sorted(groups.items())]
        self.grid.set_sections(sections)
        there = any(section.emoji for section in sections)
        self.grid.setVisible(there)
        self._nothing.setVisible(not there)
        self._mark()

    def _section(self, title: str, found: Sequence[Emoji]) -> Section:
        return Section(title, [emoji.tone(self._tone) for emoji in found], [label(emoji) for emoji in found])

    def _go(self, tab: int) -> None:
        if self.search.text():
            self.search.clear()
        self.grid.go_to(tab if self._recent else max(0, tab - 1))
        self._mark()

    def _mark(self) -> None:
        at = self.grid.section_at_top() + (0 if self._recent else 1)
        button = self._tabs.button(at)
        if not self.search.text():
            button.setChecked(True)

    def _enter(self) -> None:
        if emoji := self.grid.current():
            self._pick(emoji)

    def _pick(self, emoji: str) -> None:
        from PySide6.QtGui import QGuiApplication

        self._recent = remember(self._recent, emoji)
        self.remembered.emit(self._recent, self._tone)
        if not QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.close()
        self.picked.emit(emoji)

    def _tones(self, emoji: str, place: QPoint) -> None:
        """Offer the skin tones of one; what is chosen holds for all."""
        bare = by_text().get("".join(character for character in emoji if character not in TONES[1:]))
        bare = bare or next((one for one in everything() if one.tone(self._tone) == emoji), None)
        if bare is None or not bare.toned:
            return
        menu = QMenu(self)
        for tone in range(len(TONES)):
            menu.addAction(bare.tone(tone)).setData(tone)
        chosen = menu.exec(place)
        if chosen is not None:
            self._tone = chosen.data()
            self.remembered.emit(self._recent, self._tone)
            self._pick(bare.tone(self._tone))

    def _restyle(self) -> None:
        self.setFixedSize(self._theme.px(PICKER[0]), self._theme.px(PICKER[1]))
