"""Appearance, notifications, storage, language, shortcuts, about."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QSlider

from client.platform.settings import Settings
from client.theme import Theme
from client.theme.tokens import SCALES, SMALL
from client.translations.sentences import percent, said
from client.viewmodels.own_profile import OwnProfile
from client.views.main.shortcuts import Shortcuts
from client.views.settings.parts import SettingsPage
from client.widgets.messages.words import size_words


class AppearancePage(SettingsPage):
    """Light or dark, how large, where bubbles stand."""

    def __init__(self, theme: Theme, settings: Settings) -> None:
        super().__init__(theme, self.tr("Appearance"))
        schemes = (
            (self.tr("As the system has it"), "system"),
            (self.tr("Light"), "light"),
            (self.tr("Dark"), "dark"),
        )
        self.scheme = self.choice(
            self.tr("Colours"), schemes, settings.value.scheme, lambda value: settings.change(scheme=value)
        )
        self._settings = settings
        self.scale = QSlider(Qt.Orientation.Horizontal)
        self.scale.setRange(0, len(SCALES) - 1)
        self.scale.setPageStep(1)
        self.scale.setAccessibleName(self.tr("Size of texts"))
        self._percent = QLabel()
        self._percent.setProperty("role", "second")
        row = QHBoxLayout()
        row.setSpacing(SMALL)
        row.addWidget(QLabel(self.tr("Size of texts")), 1)
        row.addWidget(self.scale, 1)
        row.addWidget(self._percent)
        self.column.addLayout(row)
        self.scale.valueChanged.connect(lambda at: settings.change(scale=SCALES[at]))
        self.check(
            settings, "all_left", self.tr("All messages at one side"), self.tr("Where the window is wide.")
        )
        self.check(settings, "less_motion", self.tr("Less motion"))
        self.heading(self.tr("Writing"))
        options = ((self.tr("Enter sends"), True), (self.tr("Ctrl+Enter sends, Enter begins a line"), False))
        self.choice(
            self.tr("Sending"),
            options,
            settings.value.enter_sends,
            lambda value: settings.change(enter_sends=value),
        )
        self.column.addStretch()
        settings.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        scale = self._settings.value.scale
        blocked = self.scale.blockSignals(True)
        self.scale.setValue(min(range(len(SCALES)), key=lambda at: abs(SCALES[at] - scale)))
        self.scale.blockSignals(blocked)
        self._percent.setText(percent(scale))


class NotificationsPage(SettingsPage):
    """What is told, and when."""

    def __init__(self, theme: Theme, settings: Settings, *, tray: bool, autostart: bool | None) -> None:
        """``autostart``: whether the program starts with the session; ``None``: this system cannot."""
        super().__init__(theme, self.tr("Notifications"))
        self.check(settings, "notify", self.tr("Tell of new messages"))
        self.check(
            settings,
            "show_text",
            self.tr("Show what was written"),
            self.tr("Otherwise the sender alone is shown."),
        )
        self.check(settings, "sound", self.tr("With a sound"))
        self.quiet = self.check(
            settings, "quiet", self.tr("Do not disturb"), self.tr("Nothing is told until this is off again.")
        )
        self.heading(self.tr("Program"))
        box = self.check(settings, "to_tray", self.tr("Keep running when the window is closed"))
        box.setEnabled(tray)
        if not tray:
            self.words(self.tr("This desktop has no place for icons of running programs."), "meta")

        self.autostart = QCheckBox(self.tr("Start with the session"))
        self.autostart.setChecked(bool(autostart))
        self.autostart.setVisible(autostart is not None)
        self.column.addWidget(self.autostart)
        self.column.addStretch()


class StoragePage(SettingsPage):
    """What is kept on this disk."""

    def __init__(self, theme: Theme, own: OwnProfile, folder: str) -> None:
        super().__init__(theme, self.tr("Data and storage"))
        self._own = own
        self.kept = self.words(self.tr("Measuring …"), "")
        self.words(
            self.tr("Pictures and files that can be had again from the server. Messages are not among them.")
        )
        self.clear = QPushButton(self.tr("Remove them from this disk"))
        self.clear.clicked.connect(self._clear)
        self.column.addWidget(self.clear, 0, Qt.AlignmentFlag.AlignLeading)
        self.problem = self.words("", "danger")
        if folder:
            self.heading(self.tr("Folder"))
            where = self.words(folder)
            where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.column.addStretch()
        self._ends = [own.cached.subscribe(self._show), own.failed.subscribe(self.problem.setText)]

    def close_page(self) -> None:
        for end in self._ends:
            end()

    def opened(self) -> None:
        self._own.measure()

    def _clear(self) -> None:
        self.clear.setEnabled(False)
        self._own.clear()

    def _show(self, size: int) -> None:
        self.kept.setText(self.tr("{size} are kept on this disk.").format(size=size_words(size)))
        self.clear.setEnabled(size > 0)


class LanguagePage(SettingsPage):
    """Which language."""

    def __init__(self, theme: Theme, settings: Settings) -> None:
        super().__init__(theme, self.tr("Language"))
        languages = ((self.tr("As the system has it"), ""), ("English", "en"), ("简体中文", "zh_CN"))
        self.language = self.choice(
            self.tr("Language"),
            languages,
            settings.value.language,
            lambda value: settings.change(language=value),
        )
        self.words(self.tr("It changes when the program is started the next time."), "meta")
        self.column.addStretch()


class ShortcutsPage(SettingsPage):
    """All of them."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, self.tr("Shortcuts"))
        self.column.addWidget(Shortcuts(theme))
        self.column.addStretch()


class AboutPage(SettingsPage):
    """Versions and licences."""

    def __init__(self, theme: Theme, facts: list[tuple[str, str]], licences: str) -> None:
        super().__init__(theme, self.tr("About"))
        self.words("imsys", "display")
        for name, value in facts:
            self.words(said(name, value))
        self.heading(self.tr("Licences"))
        text = QPlainTextEdit(licences)
        text.setReadOnly(True)
        text.setAccessibleName(self.tr("Licences"))
        text.setMinimumHeight(theme.px(240))
        self.column.addWidget(text, 1)
