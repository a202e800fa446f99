"""Who may add me to groups, and who sees when I am online."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton

from client.core.privacy import EVERYBODY, FRIENDS, NOBODY
from client.theme import Theme
from client.theme.tokens import GAP
from client.translations.sentences import sentence
from client.viewmodels.asked import ALL
from client.viewmodels.privacy import ADDED_BY, SEEN_BY, PrivacyPresenter
from client.views.settings.parts import NOT_ONLINE, SettingsPage


class PrivacyPage(SettingsPage):
    """What is chosen is in force on all devices at once; below it stands what that means."""

    def __init__(self, theme: Theme, privacy: PrivacyPresenter) -> None:
        super().__init__(theme, self.tr("Privacy"))
        self._privacy = privacy
        self.state = self.words("")
        self.problem = self.words("", "danger")
        self.again = QPushButton(self.tr("Try again"))
        self.again.clicked.connect(privacy.read)
        self.column.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeading)
        who = (
            (self.tr("Everybody"), EVERYBODY),
            (self.tr("Friends"), FRIENDS),
            (self.tr("Nobody"), NOBODY),
        )
        self.added_by = self.choice(self.tr("Who may add me to groups"), who, EVERYBODY, privacy.set_added_by)
        self.added_words, self.added_problem = self.words("", "meta"), self.words("", "danger")
        self.column.addSpacing(GAP)
        self.seen_by = self.choice(self.tr("Who sees when I am online"), who, EVERYBODY, privacy.set_seen_by)
        self.seen_words, self.seen_problem = self.words("", "meta"), self.words("", "danger")
        self.column.addSpacing(GAP)
        self.words(self.tr("This is the same on all your devices."), "meta")
        self.column.addStretch()
        self._end = privacy.changed.subscribe(lambda _: self._fill())
        self._fill()

    def opened(self) -> None:
        self._privacy.read()

    def close_page(self) -> None:
        self._end()

    def _fill(self) -> None:
        privacy = self._privacy
        known, problem = privacy.shown, privacy.problems.get(ALL, "")
        online, reading = privacy.online, ALL in privacy.busy
        state = (
            sentence(NOT_ONLINE) if not online else self.tr("Reading …") if known is None and reading else ""
        )
        self.say(self.state, state)
        self.say(self.problem, problem if online else "")
        self.again.setVisible(bool(problem) and online)
        self._show(self.added_by, ADDED_BY, known.added_by if known else "", self.added_problem)
        self._show(self.seen_by, SEEN_BY, known.seen_by if known else "", self.seen_problem)
        self.say(self.added_words, self._added_words(self.added_by.currentData()))
        self.say(self.seen_words, self._seen_words(self.seen_by.currentData()))

    def _show(self, box: QComboBox, place: str, value: str, problem: QLabel) -> None:
        busy = place in self._privacy.busy
        if not busy:
            box.setCurrentIndex(box.findData(value))
        box.setEnabled(self._privacy.online and not busy and box.currentIndex() >= 0)
        self.say(problem, self._privacy.problems.get(place, ""))

    def _added_words(self, who: str | None) -> str:
        return {
            EVERYBODY: self.tr("Friends add you at once; others can invite you, and you accept or decline."),
            FRIENDS: self.tr("Friends add you at once; nobody else can add or invite you."),
            NOBODY: self.tr("Nobody can add or invite you. A link into a group still brings you in."),
        }.get(who or "", "")

    def _seen_words(self, who: str | None) -> str:
        return {
            EVERYBODY: self.tr(
                "Everybody sees when you are online and when you were last, and you see it of all who show it."
            ),
            FRIENDS: self.tr(
                "Friends see when you are online and when you were last. Others do not, and you do not see theirs."
            ),
            NOBODY: self.tr(
                "Nobody sees when you are online or were last, and you do not see it of anybody."
            ),
        }.get(who or "", "")
