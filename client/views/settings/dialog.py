"""The settings: pages at the side, one of them open."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QListWidget, QListWidgetItem, QStackedWidget, QWidget

from client.platform.settings import Settings
from client.theme import Theme
from client.theme.tokens import DIALOG_WIDE, SMALL, TARGET
from client.viewmodels.account_settings import AccountSettings
from client.viewmodels.work import now_ms
from client.views.settings.account_page import AccountPage, Crop
from client.views.settings.devices_page import DevicesPage
from client.views.settings.pages import (
    AboutPage,
    AppearancePage,
    LanguagePage,
    NotificationsPage,
    ShortcutsPage,
    StoragePage,
)
from client.views.settings.parts import SettingsPage
from client.views.settings.privacy_page import PrivacyPage
from client.widgets.avatar import Avatars


class SettingsDialog(QDialog):
    """Of one account, or of none. :attr:`sign_out` and :attr:`forget` are about that account."""

    sign_out = Signal()
    forget = Signal()
    autostart = Signal(bool)

    def __init__(
        self,
        theme: Theme,
        settings: Settings,
        *,
        avatars: Avatars | None = None,
        of: AccountSettings | None = None,
        crop: Crop | None = None,
        tray: bool = False,
        starts: bool | None = None,
        folder: str = "",
        facts: list[tuple[str, str]] | None = None,
        licences: str = "",
        now: Callable[[], int] = now_ms,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme, self._of = theme, of
        self.setWindowTitle(self.tr("Settings"))
        self.names = QListWidget()
        self.names.setAccessibleName(self.tr("Settings"))
        self.names.setProperty("ground", "list")
        self._stack = QStackedWidget()
        self.pages: dict[str, SettingsPage] = {}
        if of is not None and avatars is not None:
            account = AccountPage(theme, avatars, of.own, crop=crop)
            account.sign_out.connect(self.sign_out)
            account.forget.connect(self.forget)
            self._add("account", "user", self.tr("Account"), account)
            self._add("devices", "monitor", self.tr("Devices"), DevicesPage(theme, of.devices, now))
            self._add("privacy", "shield", self.tr("Privacy"), PrivacyPage(theme, of.privacy))
        self._add("appearance", "palette", self.tr("Appearance"), AppearancePage(theme, settings))
        notifications = NotificationsPage(theme, settings, tray=tray, autostart=starts)
        notifications.autostart.toggled.connect(self.autostart)
        self._add("notifications", "bell", self.tr("Notifications"), notifications)
        if of is not None:
            storage = StoragePage(theme, of.own, folder)
            self._add("storage", "hard-drive", self.tr("Data and storage"), storage)
        self._add("language", "languages", self.tr("Language"), LanguagePage(theme, settings))
        self._add("shortcuts", "keyboard", self.tr("Shortcuts"), ShortcutsPage(theme))
        self._add("about", "info", self.tr("About"), AboutPage(theme, facts or [], licences))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.names)
        layout.addWidget(self._stack, 1)
        self.names.currentRowChanged.connect(self._go)
        self.names.setCurrentRow(0)
        self.resize(theme.px(DIALOG_WIDE[0]), theme.px(DIALOG_WIDE[1]))
        theme.follow(self._restyle)
        self.finished.connect(self._end)

    def show_page(self, name: str) -> None:
        """Open one of them."""
        self.names.setCurrentRow(list(self.pages).index(name))

    def _add(self, name: str, icon: str, words: str, page: SettingsPage) -> None:
        item = QListWidgetItem(words)
        item.setData(Qt.ItemDataRole.UserRole, icon)
        self.names.addItem(item)
        self._stack.addWidget(page)
        self.pages[name] = page

    def _go(self, row: int) -> None:
        self._stack.setCurrentIndex(row)
        page = self._stack.currentWidget()
        if isinstance(page, SettingsPage):
            page.opened()

    def _end(self) -> None:
        for page in self.pages.values():
            page.close_page()
        if self._of is not None:
            self._of.close()

    def _restyle(self) -> None:
        theme, colours = self._theme, self._theme.tokens
        self.names.setFixedWidth(theme.px(190))
        self.names.setStyleSheet(
            f"QListWidget {{ background: {colours.list}; padding: {SMALL}px; }}"
            f"QListWidget::item {{ min-height: {theme.px(TARGET)}px; border-radius: {SMALL}px; padding-left: {SMALL}px; }}"
            f"QListWidget::item:hover {{ background: {colours.hover}; }}"
            f"QListWidget::item:selected {{ background: {colours.selected}; color: {colours.text}; }}"
        )
        for row in range(self.names.count()):
            item = self.names.item(row)
            item.setIcon(theme.icon(item.data(Qt.ItemDataRole.UserRole)))
