"""Devices and privacy in the settings, and the notice of a new sign-in, with clicks and keys."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from twisted.internet.defer import Deferred

from client.core.devices import Device
from client.core.memory import NOW_MS, MemoryAccount
from client.core.model import Link
from client.core.privacy import FRIENDS, NOBODY, Privacy
from client.platform.settings import Settings
from client.viewmodels.account_settings import AccountSettings
from client.views.settings import SettingsDialog
from client.views.settings.devices_page import DevicesPage
from client.views.settings.privacy_page import PrivacyPage
from client.widgets.avatar import Avatars
from client.widgets.pictures import Pictures
from tests.client.views.scene import ViewCase
from tests.support.qt import WidgetCase

NEW = Device("new", "Chrome <b>on</b> Windows", "web", NOW_MS - 180_000, NOW_MS, online=True)


class SettingsCase(WidgetCase):
    def setUp(self) -> None:
        super().setUp()
        self.account = MemoryAccount(longest=50)

    def open(self, name: str) -> SettingsDialog:
        pictures = Pictures()
        self.addCleanup(pictures.close)
        self.dialog = SettingsDialog(
            self.theme,
            Settings(None),
            avatars=Avatars(self.theme, pictures),
            of=AccountSettings(self.account),
            now=lambda: NOW_MS,
        )
        self.show(self.dialog)
        self.dialog.show_page(name)
        self.turn()
        return self.dialog


class DevicesTests(SettingsCase):
    def page(self) -> DevicesPage:
        page = self.open("devices").pages["devices"]
        assert isinstance(page, DevicesPage)
        return page

    def names(self, page: DevicesPage) -> list[str]:
        """As they stand, from top to bottom."""
        rows = sorted(page.rows.values(), key=lambda row: row.mapTo(page, row.rect().topLeft()).y())
        return [row.name.text() for row in rows]

    def test_list(self) -> None:
        """This one is first; each says what it is, since when and when it was last there, and is read aloud so."""
        page = self.page()
        self.assertEqual(
            self.names(page),
            ["imsys on lena-laptop", "Firefox on studio-pc", "Lena's phone", "imsys-cli on backup"],
        )
        here, phone = page.rows["here"], page.rows["phone"]
        self.assertFalse(here.leave.isVisible())
        self.assertEqual(here.seen.text(), "Online")
        self.assertIn("Phone", phone.facts.text())
        self.assertRegex(phone.seen.text(), r"^Last seen: Today, \d+:\d\d")
        for words in (phone.name.text(), phone.facts.text(), phone.seen.text()):
            self.assertIn(words, phone.accessibleName())
        self.assertEqual(phone.pencil.accessibleName(), "Rename Lena's phone")
        self.assertEqual(phone.leave.accessibleName(), "Sign out Lena's phone")

    def test_rename(self) -> None:
        """In place, by the pencil: Enter keeps the name, Esc the old one, and neither does anything to the dialog."""
        page = self.page()
        row = page.rows["phone"]
        self.click(row.pencil)
        self.assertTrue(row.editor.field.hasFocus())
        self.keys(row.editor.field, "Old phone")
        self.keys(row.editor.field, Qt.Key.Key_Escape)
        self.assertTrue(self.dialog.isVisible())
        self.assertEqual((row.name.text(), row.editor.isVisible()), ("Lena's phone", False))
        self.assertTrue(row.pencil.hasFocus())
        self.keys(row.pencil, Qt.Key.Key_Space)
        self.assertEqual(row.editor.field.text(), "Lena's phone")
        self.keys(row.editor.field, "New phone" + "y" * 60)
        self.keys(row.editor.field, Qt.Key.Key_Return)
        self.assertEqual(row.name.text(), ("New phone" + "y" * 60)[:50])
        self.assertFalse(row.editor.isVisible())
        named = [command for command in self.account.commands if command[0] == "name_device"]
        self.assertEqual(named, [("name_device", "phone", row.name.text())])
        self.click(row.pencil)
        self.keys(row.editor.field, Qt.Key.Key_Return)
        self.assertEqual(len([one for one in self.account.commands if one[0] == "name_device"]), 1)

    def test_sign_out(self) -> None:
        """One device, after a question; no is no, and the keyboard does it as well."""
        page = self.page()
        row = page.rows["phone"]
        self.click(row.leave)
        self.assertIn("Lena's phone", row.sure.words.text())
        self.click(row.sure.no_button)
        self.assertIn("phone", page.rows)
        self.assertTrue(row.leave.hasFocus())
        self.keys(row.leave, Qt.Key.Key_Space)
        self.assertTrue(row.sure.no_button.hasFocus())
        self.keys(row.sure.no_button, Qt.Key.Key_Tab)
        self.keys(row.sure.yes_button, Qt.Key.Key_Space)
        self.assertEqual(sorted(page.rows), ["cli", "here", "web"])

    def test_sign_out_others(self) -> None:
        """All others, after a question; then there is nobody left to sign out."""
        page = self.page()
        self.click(page.leave)
        self.assertEqual(len(page.rows), 4)
        self.click(page.sure.yes_button)
        self.assertEqual(list(page.rows), ["here"])
        self.assertTrue(page.alone.isVisible())
        self.assertFalse(page.leave.isVisible())

    def test_refused(self) -> None:
        """It is said beside the device; the others say nothing, and trying again takes it away."""
        page = self.page()
        row = page.rows["phone"]
        self.account.refusal = "Too many attempts; wait a little."
        self.click(row.leave)
        self.click(row.sure.yes_button)
        self.account.refusal = ""
        page.opened()
        self.turn()
        self.assertTrue(row.problem.isVisible())
        self.assertEqual(row.problem.text(), "Too many attempts; wait a little.")
        self.assertFalse(page.problem.isVisible())
        self.assertFalse(page.rows["cli"].problem.isVisible())
        self.click(row.leave)
        self.click(row.sure.yes_button)
        self.assertNotIn("phone", page.rows)

    def test_others_refused(self) -> None:
        """It is said below the button, and nobody is gone."""
        page = self.page()
        self.account.refusal = "The server is too busy; try again in a moment."
        self.click(page.leave)
        self.click(page.sure.yes_button)
        self.assertTrue(page.others_problem.isVisible())
        self.assertEqual(len(page.rows), 4)

    def test_not_read(self) -> None:
        """Where they cannot be read it is said why, with a way to try again."""
        self.account.refusal = "The server does not answer in time."
        page = self.page()
        self.assertEqual((page.rows, page.problem.text()), ({}, "The server does not answer in time."))
        self.account.refusal = ""
        self.click(page.again)
        self.assertEqual(len(page.rows), 4)
        self.assertFalse(page.problem.isVisible() or page.again.isVisible())

    def test_reading(self) -> None:
        """While they are on their way it says so."""
        waiting: Deferred[list[Device]] = Deferred()

        async def devices() -> list[Device]:
            return await waiting

        self.account.devices = devices  # type: ignore[method-assign]
        page = self.page()
        self.assertEqual((page.state.text(), page.state.isVisible()), ("Reading …", True))
        waiting.callback([Device("a", "", "", NOW_MS, NOW_MS, this=True, online=True)])
        self.turn()
        self.assertFalse(page.state.isVisible())
        self.assertEqual(self.names(page), ["Unknown device"])

    def test_offline(self) -> None:
        """Without a connection they stand as they were, nothing can be done, and it comes back by itself."""
        page = self.page()
        self.account.set_connection(Link.WAITING, "The connection was lost.")
        self.turn()
        self.assertIn("no connection", page.state.text())
        row = page.rows["phone"]
        self.assertFalse(page.leave.isEnabled() or row.leave.isEnabled() or row.pencil.isEnabled())
        self.assertFalse(page.rows["web"].seen.isVisible())
        self.account._devices = [one for one in self.account._devices if one.id != "cli"]
        self.account.set_connection(Link.ONLINE)
        self.turn()
        self.assertFalse(page.state.isVisible())
        self.assertTrue(page.leave.isEnabled() and row.leave.isEnabled())
        self.assertNotIn("cli", page.rows)

    def test_changed_elsewhere(self) -> None:
        """What another device does is seen at once, and what is being written meanwhile stays."""
        page = self.page()
        row = page.rows["phone"]
        self.click(row.pencil)
        self.keys(row.editor.field, "Half a na")
        devices = self.account._devices
        self.account.changes_elsewhere(
            [replace(one, name="Work") if one.id == "web" else one for one in devices if one.id != "cli"]
        )
        self.turn()
        self.assertEqual(self.names(page)[1], "Work")
        self.assertNotIn("cli", page.rows)
        self.assertEqual((row.editor.field.text(), row.editor.field.hasFocus()), ("Half a na", True))
        self.dialog.close()
        self.account.changes_elsewhere(devices)

    def test_hostile_names(self) -> None:
        """Names are made by programs: they are texts in one line, and nothing else."""
        self.account._devices.append(
            replace(NEW, id="x", name="<img src='x'>\u202egpj.\nexe", kind="toaster")
        )
        page = self.page()
        row = page.rows["x"]
        self.assertEqual(row.name.text(), "<img src='x'>gpj. exe")
        self.click(row.leave)
        for label in row.findChildren(QLabel):
            self.assertTrue(not label.text() or label.textFormat() is Qt.TextFormat.PlainText, label.text())

    def test_long_names(self) -> None:
        """The longest name takes no more room than there is, in the row and in the question."""
        self.account._devices[1] = replace(self.account._devices[1], name="W" * 50)
        page = self.page()
        row = page.rows["phone"]
        self.click(row.leave)
        self.assertLessEqual(row.width(), page.viewport().width())
        self.assertEqual(row.name.toolTip(), "W" * 50)
        place = row.sure.mapTo(page.viewport(), row.sure.rect().bottomRight())
        self.assertTrue(page.viewport().rect().contains(place))
        self.click(page.rows["cli"].leave)
        last = page.rows["cli"].sure
        self.assertTrue(
            page.viewport().rect().contains(last.mapTo(page.viewport(), last.rect().bottomRight()))
        )


class PrivacyTests(SettingsCase):
    def page(self) -> PrivacyPage:
        page = self.open("privacy").pages["privacy"]
        assert isinstance(page, PrivacyPage)
        return page

    def test_choices(self) -> None:
        """What is set is shown, with what that means; what is chosen by keys is set."""
        page = self.page()
        self.assertEqual((page.added_by.currentText(), page.seen_by.currentText()), ("Everybody", "Friends"))
        self.assertEqual(page.seen_by.accessibleName(), "Who sees when I am online")
        page.seen_by.setFocus()
        self.keys(page.seen_by, Qt.Key.Key_Down)
        self.assertEqual(self.account._privacy, Privacy("everybody", NOBODY))
        self.assertIn("you do not see it of anybody", page.seen_words.text())
        page.added_by.setFocus()
        self.keys(page.added_by, Qt.Key.Key_Down)
        self.assertEqual(self.account._privacy, Privacy(FRIENDS, NOBODY))
        self.assertIn("nobody else", page.added_words.text())

    def test_refused(self) -> None:
        """It is said below the choice, which is what it was."""
        page = self.page()
        self.account.refusal = "Too many attempts; wait a little."
        page.seen_by.setFocus()
        self.keys(page.seen_by, Qt.Key.Key_Down)
        self.assertEqual(page.seen_by.currentText(), "Friends")
        self.assertTrue(page.seen_problem.isVisible())
        self.assertFalse(page.added_problem.isVisible())

    def test_elsewhere_and_offline(self) -> None:
        """Another device's choice is seen at once; without a connection nothing can be chosen."""
        page = self.page()
        self.account.changes_elsewhere(privacy=Privacy(NOBODY, NOBODY))
        self.turn()
        self.assertEqual((page.added_by.currentText(), page.seen_by.currentText()), ("Nobody", "Nobody"))
        self.account.set_connection(Link.WAITING)
        self.turn()
        self.assertFalse(page.added_by.isEnabled() or page.seen_by.isEnabled())
        self.assertIn("no connection", page.state.text())
        self.account.set_connection(Link.ONLINE)
        self.turn()
        self.assertTrue(page.added_by.isEnabled() and page.seen_by.isEnabled())

    def test_not_read(self) -> None:
        """Where it cannot be read nothing is shown as set, and it can be tried again."""
        self.account.refusal = "The server does not answer in time."
        page = self.page()
        self.assertEqual((page.added_by.currentIndex(), page.added_by.isEnabled()), (-1, False))
        self.account.refusal = ""
        self.click(page.again)
        self.assertEqual(page.added_by.currentText(), "Everybody")


class NoticeTests(ViewCase):
    def test_notice(self) -> None:
        """It names the device, leads to the devices, and goes when somebody says that it was them."""
        view = self.open()
        notice = view.sign_ins
        self.assertFalse(notice.isVisible())
        self.account.signs_in(NEW)
        self.turn()
        self.assertTrue(notice.isVisible())
        self.assertRegex(
            notice.text.text(), r"^New sign-in: Chrome <b>on</b> Windows \(Browser\), Today, \d+:\d\d.*\.$"
        )
        self.assertEqual(notice.accessibleName(), notice.text.text())
        wanted: list[str] = []
        view.devices_wanted.connect(lambda: wanted.append("devices"))
        self.click(notice.button)
        self.assertEqual(wanted, ["devices"])
        self.account.signs_in(replace(NEW, id="other", name="Phone", kind="phone"))
        self.turn()
        self.assertIn("Phone", notice.text.text())
        self.assertIn("1 more", notice.text.text())
        self.click(notice.close_button)
        self.assertFalse(notice.isVisible())

    def test_noticed_by_looking(self) -> None:
        """Whoever has seen the list of devices has taken notice; one that is signed out elsewhere is no news."""
        view = self.open()
        self.account.signs_in(NEW)
        of = AccountSettings(self.account)
        self.addCleanup(of.close)
        of.devices.look()
        self.turn()
        self.assertFalse(view.sign_ins.isVisible())
        self.account.signs_in(replace(NEW, id="third"))
        self.turn()
        self.assertEqual(len(of.devices.shown or ()), 6)
        self.assertTrue(view.sign_ins.isVisible())  # the list may be open with nobody there
        self.account.changes_elsewhere([one for one in self.account._devices if one.id != "third"])
        self.turn()
        self.assertFalse(view.sign_ins.isVisible())

    def test_narrow(self) -> None:
        """All of it is in the window where there is little room."""
        view = self.open(420, 600)
        self.account.signs_in(replace(NEW, name="W" * 50))
        self.turn()
        self.assertEqual(self.window.width(), 420)
        for button in view.sign_ins.findChildren(QPushButton):
            self.assertLessEqual(button.geometry().right(), view.sign_ins.width())
            self.assertGreaterEqual(button.geometry().top(), view.sign_ins.text.geometry().bottom())
