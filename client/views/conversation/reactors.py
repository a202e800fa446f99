"""Who reacted to a message, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QLocale, QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from client.core.display import shown_name
from client.core.living import bare
from client.core.model import Person, Reactor
from client.theme import Theme
from client.theme.theme import device_ratio
from client.theme.tokens import AVATAR_SMALL, DIALOG, GAP, TIGHT, WIDE
from client.widgets.avatar import Avatars

TABS_MOST = 6
UUID = Qt.ItemDataRole.UserRole


class ReactorsDialog(QDialog):
    """All of them, or those of one emoji; :attr:`person` tells whose profile is wanted."""

    person = Signal(object)

    def __init__(
        self,
        theme: Theme,
        avatars: Avatars,
        reactors: Sequence[Reactor],
        person: Callable[[int], Person],
        parent: QWidget,
        *,
        emoji: str = "",
    ) -> None:
        """``emoji``: those of it are shown first."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Reactions"))
        self._theme, self._avatars, self._reactors, self._person = theme, avatars, reactors, person
        counts: dict[str, int] = {}
        for one in reactors:
            counts[bare(one.emoji)] = counts.get(bare(one.emoji), 0) + 1
        faces = {bare(one.emoji): one.emoji for one in reactors}
        number = QLocale().toString
        self.tabs = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(TIGHT)
        everyone = self.tr("All {count}").format(count=number(len(reactors)))
        by_count = sorted(counts, key=lambda one: -counts[one])
        shown = by_count[:TABS_MOST]
        if bare(emoji) in by_count[TABS_MOST:]:
            shown[-1] = bare(emoji)
        for key, words in (("", everyone), *((one, f"{faces[one]} {number(counts[one])}") for one in shown)):
            button = QPushButton(words)
            button.setProperty("kind", "tab")
            button.setCheckable(True)
            button.setChecked(key == bare(emoji))
            button.clicked.connect(lambda _=False, key=key: self._fill(key))
            self.tabs.addButton(button)
            row.addWidget(button)
        row.addStretch()
        self.names = QListWidget()
        self.names.setFrameShape(QFrame.Shape.NoFrame)
        self.names.setAccessibleName(self.tr("Reactions"))
        self.names.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        size = theme.px(AVATAR_SMALL)
        self.names.setIconSize(QSize(size, size))
        self.names.itemActivated.connect(self._go)
        self.names.itemClicked.connect(self._go)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(WIDE, WIDE, WIDE, WIDE)
        layout.setSpacing(GAP)
        layout.addLayout(row)
        layout.addWidget(self.names, 1)
        layout.addWidget(buttons)
        self.resize(theme.px(DIALOG[0]) * 3 // 4, theme.px(DIALOG[1]) * 3 // 4)
        self._fill(bare(emoji))
        self.names.setFocus()
        avatars.changed.connect(self._icons)

    def _fill(self, emoji: str) -> None:
        self.names.clear()
        for one in self._reactors:
            if emoji in ("", bare(one.emoji)):
                name = shown_name(self._person(one.uuid).name)
                item = QListWidgetItem(name if emoji else f"{one.emoji}  {name}")
                item.setData(UUID, one.uuid)
                self.names.addItem(item)
        self._icons()

    def _icons(self) -> None:
        size = self._theme.px(AVATAR_SMALL)
        for row in range(self.names.count()):
            item = self.names.item(row)
            one = self._person(item.data(UUID))
            pixmap = self._avatars.pixmap(one.uuid, one.name, one.avatar, size, device_ratio())
            item.setIcon(QIcon(pixmap))

    def _go(self, item: QListWidgetItem) -> None:
        uuid = item.data(UUID)
        self.accept()
        self.person.emit(uuid)
