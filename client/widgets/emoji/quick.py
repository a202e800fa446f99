"""A few emoji beside each other, and the way to all of them: ← → go along, Enter or Space takes one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from client.core.living import bare
from client.theme import Font, Theme
from client.theme.tokens import SMALL, TARGET, TIGHT
from client.widgets.button import IconButton
from client.widgets.emoji.catalogue import QUICK, SELECTOR, by_text
from client.widgets.emoji.picker import label


class QuickEmoji(QWidget):
    """:attr:`picked` tells which, :attr:`more` that another one is wanted."""

    picked = Signal(str)
    more = Signal()

    def __init__(
        self,
        theme: Theme,
        *,
        offered: Sequence[str] = QUICK,
        space: tuple[int, int] = (SMALL, TIGHT),
        parent: QWidget | None = None,
    ) -> None:
        """``space``: around it, across and above."""
        super().__init__(parent)
        self.buttons: list[QToolButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(*space, *space)
        self._row.setSpacing(TIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for emoji in offered:
            button = QToolButton()
            button.setText(emoji)
            button.setFont(theme.font(Font.TITLE))
            button.setCheckable(True)
            known = by_text().get(emoji) or by_text().get(f"{emoji}{SELECTOR}")
            button.setAccessibleName(label(known) if known is not None else emoji)
            button.setFixedSize(theme.px(TARGET), theme.px(TARGET))
            button.clicked.connect(lambda _=False, emoji=emoji: self.picked.emit(emoji))
            self._add(button)
        all_of_them = IconButton(theme, "smile", self.tr("More emoji"))
        all_of_them.clicked.connect(self.more)
        self._add(all_of_them)
        self.setFocusProxy(self.buttons[0])
        self.set_mine(())

    def set_mine(self, mine: Collection[str]) -> None:
        """Which of them are there already, and mine."""
        known = {bare(one) for one in mine}
        for button in self.buttons[:-1]:
            there = bare(button.text()) in known
            button.setChecked(there)
            button.setToolTip(self.tr("Take it back") if there else self.tr("React"))

    def _add(self, button: QToolButton) -> None:
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.buttons.append(button)
        self._row.addWidget(button)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        at = next((at for at, one in enumerate(self.buttons) if one.hasFocus()), -1)
        by = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if at >= 0 and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.buttons[at].click()
            return
        if at < 0 or not by:
            event.ignore()
            return
        if self.layoutDirection() is Qt.LayoutDirection.RightToLeft:
            by = -by
        self.buttons[(at + by) % len(self.buttons)].setFocus(Qt.FocusReason.TabFocusReason)
