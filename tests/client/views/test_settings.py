from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import Qt

from client.core.memory import MemoryAccount
from client.core.preferences import Preferences
from client.platform.facts import facts, licences
from client.platform.settings import Settings
from client.viewmodels.account_settings import AccountSettings
from client.views.settings import SettingsDialog
from client.views.settings.account_page import AccountPage
from client.views.settings.pages import AppearancePage, NotificationsPage, StoragePage
from client.widgets.avatar import Avatars
from client.widgets.pictures import Pictures
from tests.support.qt import WidgetCase


class SettingsTests(WidgetCase):
    def open(self, page: str) -> SettingsDialog:
        self.account = MemoryAccount(longest=50)
        self.settings = Settings(None)
        pictures = Pictures()
        self.addCleanup(pictures.close)
        self.dialog = SettingsDialog(
            self.theme,
            self.settings,
            avatars=Avatars(self.theme, pictures),
            of=AccountSettings(self.account),
            tray=True,
            starts=False,
            facts=facts("1.0", "https://chat.example.org:8443"),
            licences=licences(),
            folder="/home/lena/.local/share/imsys",
        )
        self.show(self.dialog)
        self.dialog.show_page(page)
        self.turn()
        return self.dialog

    def test_card(self) -> None:
        """My card is changed and saved; what is wrong is said here."""
        page = self.open("account").pages["account"]
        assert isinstance(page, AccountPage)
        self.assertFalse(page.save.isEnabled())
        page.nickname.setFocus()
        page.nickname.selectAll()
        self.keys(page.nickname, "Lenchen")
        self.click(page.save)
        self.assertEqual(self.account.me.nickname, "Lenchen")
        self.assertEqual((page.save.text(), page._name.text()), ("Saved", "Lenchen"))
        page.description.setPlainText("x" * 201)
        self.assertFalse(page.save.isEnabled())
        self.assertIn("201", page.problem.text())
        page.description.setPlainText("short")
        self.account.refusal = "The server cannot be reached."
        self.click(page.save)
        self.assertEqual(page.problem.text(), "The server cannot be reached.")
        self.assertEqual(page.description.toPlainText(), "short")

    def test_leaving(self) -> None:
        """Signing out is asked for at once, removing after a question."""
        page = self.open("account").pages["account"]
        assert isinstance(page, AccountPage)
        told: list[str] = []
        self.dialog.sign_out.connect(lambda: told.append("out"))
        self.dialog.forget.connect(lambda: told.append("forget"))
        self.click(page.leave)
        self.click(page.remove)
        self.assertEqual(told, ["out"])
        self.click(page.sure.yes_button)
        self.assertEqual(told, ["out", "forget"])

    def test_appearance(self) -> None:
        """Choices are in force at once."""
        page = self.open("appearance").pages["appearance"]
        assert isinstance(page, AppearancePage)
        page.scheme.setCurrentIndex(2)
        page.scheme.activated.emit(2)
        self.assertEqual(self.settings.value.scheme, "dark")
        page.scale.setFocus()
        self.keys(page.scale, Qt.Key.Key_Right)
        self.assertEqual(self.settings.value.scale, 110)

    def test_quiet(self) -> None:
        """Do not disturb, and starting with the session."""
        page = self.open("notifications").pages["notifications"]
        assert isinstance(page, NotificationsPage)
        page.quiet.click()
        self.assertTrue(self.settings.value.quiet)
        told: list[bool] = []
        self.dialog.autostart.connect(told.append)
        page.autostart.click()
        self.assertEqual(told, [True])

    def test_storage(self) -> None:
        """What is kept is said, and removed."""
        page = self.open("storage").pages["storage"]
        assert isinstance(page, StoragePage)
        self.assertIn("46.1", page.kept.text())
        self.click(page.clear)
        self.assertFalse(page.clear.isEnabled())
        self.assertIn("0 bytes", page.kept.text())

    def test_about(self) -> None:
        """Versions and licences are there."""
        self.open("about")
        self.assertIn("Lucide", licences())
        self.assertIn(
            ("Server", "https://chat.example.org:8443"), facts("1.0", "https://chat.example.org:8443")
        )


class SettingsFileTests(WidgetCase):
    def test_kept(self) -> None:
        """What was chosen is there the next time; a file that cannot be read harms nothing."""
        path = Path(self.mktemp()) / "inner" / "preferences.json"
        settings = Settings(path)
        settings.change(scale=125)
        settings.flush()
        self.assertEqual(json.loads(path.read_text())["scale"], 125)
        self.assertEqual(Settings(path).value, Preferences(scale=125))
        path.write_text("{ not json")
        self.assertEqual(Settings(path).value, Preferences())
