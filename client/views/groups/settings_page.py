"""What a group is, and the links that lead into it, as an admin changes them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from client.core.groups import DESCRIPTION_MOST, TITLE_MOST, GroupLink
from client.core.model import Conversation, ConversationKind
from client.theme import Theme
from client.theme.tokens import SMALL, TIGHT
from client.viewmodels.groups import Groups
from client.views.contacts.page import ColumnPage
from client.views.groups.parts import Crop, PictureChoice, choice, label, named
from client.widgets.avatar import Avatars
from client.widgets.times import moment

HOUR, DAY, WEEK = 3_600, 86_400, 604_800


class GroupSettingsPage(ColumnPage):
    """Only what is different is changed."""

    def __init__(self, theme: Theme, avatars: Avatars, groups: Groups, crop: Crop | None = None) -> None:
        super().__init__(theme, self.tr("Group settings"))
        self._groups = groups
        self._about: Conversation | None = None
        self.picture = PictureChoice(theme, avatars, crop)
        self.name = QLineEdit()
        self.name.setMaxLength(TITLE_MOST)
        self.description = QPlainTextEdit()
        self.description.setTabChangesFocus(True)
        self.description.setFixedHeight(theme.px(84))
        self.writers = choice([(self.tr("Everybody"), False), (self.tr("Only admins: a channel"), True)])
        self.newcomers = choice(
            [(self.tr("All that was said before"), True), (self.tr("What is said after they came"), False)]
        )
        self.problem = label(role="danger")
        self.save = QPushButton(self.tr("Save"))
        self.save.setProperty("kind", "primary")
        self.column.addWidget(self.picture)
        named(self.column, self.tr("Name of the group"), self.name)
        named(self.column, self.tr("Description"), self.description)
        named(self.column, self.tr("Who writes"), self.writers)
        named(self.column, self.tr("What newcomers read"), self.newcomers)
        self.column.addWidget(self.problem)
        self.column.addWidget(self.save, 0, Qt.AlignmentFlag.AlignLeading)
        self.links = Links(theme, groups)
        self.column.addWidget(self.links)
        self.column.addStretch()
        self.save.clicked.connect(self._save)
        for signal in (self.name.textChanged, self.description.textChanged):
            signal.connect(self._changed)
        self._ends = [groups.failed.subscribe(self._failed), groups.saved.subscribe(self._saved)]

    def begin(self, about: Conversation) -> None:
        """Of which group."""
        self._about = about
        self.picture.show_group(about.id, about.title, about.avatar)
        self.name.setText(about.title)
        self.description.setPlainText(about.description)
        self.writers.setCurrentIndex(int(about.kind is ConversationKind.CHANNEL))
        self.newcomers.setCurrentIndex(int(not about.old_for_new))
        self._changed()
        self.links.begin(about.id)
        self.name.setFocus()

    def _changed(self) -> None:
        length = len(self.description.toPlainText().strip())
        too_long = self.tr("The description has {count} characters, and at most {most} are kept.")
        self._say(too_long.format(count=length, most=DESCRIPTION_MOST) if length > DESCRIPTION_MOST else "")
        self.save.setEnabled(bool(self.name.text().strip()) and length <= DESCRIPTION_MOST)
        self.save.setText(self.tr("Save"))

    def _save(self) -> None:
        about = self._about
        if about is None:
            return
        title, words = self.name.text().strip(), self.description.toPlainText().strip()
        channel, old = bool(self.writers.currentData()), bool(self.newcomers.currentData())
        was = about.kind is ConversationKind.CHANNEL
        self._groups.save(
            about.id,
            title=title if title != about.title else None,
            description=words if words != about.description else None,
            picture=self.picture.picture,
            channel=channel if channel != was else None,
            old_for_new=old if old != about.old_for_new else None,
        )

    def _saved(self, conversation: int) -> None:
        if self._about is not None and conversation == self._about.id:
            self._about = self._groups.about(conversation) or self._about
            self.picture.picture = None
            self._changed()
            self.save.setText(self.tr("Saved"))

    def _failed(self, failed: tuple[str, str]) -> None:
        if failed[0] == "settings":
            self._say(failed[1])

    def _say(self, problem: str) -> None:
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))


class Links(QWidget):
    """Made, copied and ended."""

    def __init__(self, theme: Theme, groups: Groups) -> None:
        super().__init__()
        self._theme, self._groups, self._conversation = theme, groups, 0
        self.rows: dict[str, LinkRow] = {}
        self.life = choice(
            [
                (self.tr("For a week"), WEEK),
                (self.tr("For an hour"), HOUR),
                (self.tr("For a day"), DAY),
                (self.tr("For ever"), 0),
            ]
        )
        self.uses = choice(
            [
                (self.tr("Any number of times"), 0),
                (self.tr("Once"), 1),
                (self.tr("10 times"), 10),
                (self.tr("100 times"), 100),
            ]
        )
        self.approval = QCheckBox(self.tr("An admin lets each of them in"))
        self.button = QPushButton(self.tr("Make a link"))
        self.problem = label(role="danger")
        self.problem.hide()
        self._list = QVBoxLayout()
        self._list.setSpacing(SMALL)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SMALL, 0, 0)
        layout.setSpacing(TIGHT)
        layout.addWidget(label(self.tr("Links into the group"), "strong"))
        layout.addWidget(label(self.tr("Who has one comes in without being added.")))
        layout.addLayout(self._list)
        layout.addSpacing(SMALL)
        named(layout, self.tr("How long a new link leads here"), self.life)
        named(layout, self.tr("How often it may be used"), self.uses)
        layout.addWidget(self.approval)
        layout.addWidget(self.problem)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeading)
        self.button.clicked.connect(self._make)
        self._ends = [groups.links.subscribe(self._have), groups.failed.subscribe(self._failed)]

    def begin(self, conversation: int) -> None:
        """Of which group."""
        self._conversation = conversation
        self.problem.hide()
        self._fill([])
        self._groups.read_links(conversation)

    def _make(self) -> None:
        self.problem.hide()
        self._groups.create_link(
            self._conversation,
            int(self.life.currentData()),
            int(self.uses.currentData()),
            self.approval.isChecked(),
        )

    def _have(self, told: tuple[int, list[GroupLink]]) -> None:
        if told[0] == self._conversation:
            self._fill(told[1])

    def _fill(self, links: list[GroupLink]) -> None:
        for row in self.rows.values():
            self._list.removeWidget(row)
            row.deleteLater()
        self.rows = {}
        for link in links:
            row = self.rows[link.code] = LinkRow(link)
            row.revoke.clicked.connect(partial(self._groups.revoke_link, self._conversation, link.code))
            self._list.addWidget(row)

    def _failed(self, failed: tuple[str, str]) -> None:
        if failed[0] == "links":
            self.problem.setText(failed[1])
            self.problem.show()


class LinkRow(QWidget):
    """One of them."""

    def __init__(self, link: GroupLink) -> None:
        super().__init__()
        self.link = link
        code = label(link.code, "code")
        code.setWordWrap(False)
        code.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        facts = [
            self.tr("until {time}").format(time=moment(link.expires_ms))
            if link.expires_ms
            else self.tr("for ever"),
            self.tr("used {used} of {uses} times").format(used=link.used, uses=link.uses)
            if link.uses
            else self.tr("used %n times", "", link.used),
            self.tr("an admin lets in") if link.approval else "",
        ]
        self.copy = QPushButton(self.tr("Copy"))
        self.copy.setAccessibleName(self.tr("Copy the link {code}").format(code=link.code))
        self.revoke = QPushButton(self.tr("End"))
        self.revoke.setAccessibleName(self.tr("End the link {code}").format(code=link.code))
        for button in (self.copy, self.revoke):
            button.setProperty("kind", "flat")
        self.copy.clicked.connect(self._copy)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(code)
        words.addWidget(label(" · ".join(one for one in facts if one), "meta"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addLayout(words, 1)
        row.addWidget(self.copy)
        row.addWidget(self.revoke)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.link.code)
        self.copy.setText(self.tr("Copied"))
