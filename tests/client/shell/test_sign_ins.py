"""A sign-in on another device: told in the window and on the desktop, and ended from there."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from twisted.internet.defer import Deferred

from client.program import Program
from client.views.settings import SettingsDialog
from client.views.settings.devices_page import DevicesPage
from client.views.settings.privacy_page import PrivacyPage
from imsys.sdk import AddedBy, Client, ConnectionState, Credentials, DeviceInfo
from tests.cli.running import PASSWORD
from tests.client.shell.running import ProgramCase
from tests.client.shell.test_notifications import Told

THIEF = DeviceInfo(id="t" * 32, name="Chrome on Windows", kind="web")


class SignInsTests(ProgramCase):
    async def on(self, device: DeviceInfo, name: str) -> Client:
        """The same account on another device."""
        client = Client(
            self.reactor, self.gateway, Credentials(username=name, password=PASSWORD, device=device)
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        await client.start()
        return client

    def settings(self, program: Program) -> SettingsDialog:
        """The dialog that is open."""
        (dialog,) = [one for one in program.window.findChildren(QWidget) if isinstance(one, SettingsDialog)]
        self.assertTrue(dialog.isVisible())
        return dialog

    async def test_signed_out_from_the_notice(self) -> None:
        """The notice leads to the devices, where the other one is named and signed out by clicks."""
        told = Told()
        program = self.start(told)
        name = await self.register(program)
        view = await self.account(program)
        synced = program.accounts.all[0].account.parts
        await self.until(lambda: synced.known.settings.get("devices.noticed"))
        self.assertFalse(view.sign_ins.isVisible())  # this device's own sign-in
        thief = await self.on(THIEF, name)
        await self.until(view.sign_ins.isVisible)
        self.assertIn("Chrome on Windows (Browser)", view.sign_ins.text.text())
        self.click(view.sign_ins.button)
        dialog = self.settings(program)
        page = dialog.pages["devices"]
        assert isinstance(page, DevicesPage)
        await self.until(lambda: THIEF.id in page.rows)
        self.assertFalse(view.sign_ins.isVisible())
        self.assertEqual(len(page.rows), 2)
        row = page.rows[THIEF.id]
        self.assertEqual(row.seen.text(), "Online")
        self.click(row.pencil)
        self.keys(row.editor.field, "A stranger")
        self.keys(row.editor.field, Qt.Key.Key_Return)
        await self.until(lambda: row.name.text() == "A stranger" and row.leave.isEnabled())
        self.assertEqual(
            {one.name for one in await thief.devices.all().all() if not one.this} & {"A stranger"}, set()
        )
        self.assertEqual([one.name for one in await thief.devices.all().all() if one.this], ["A stranger"])
        self.click(row.leave)
        self.click(row.sure.yes_button)
        await self.until(lambda: thief.state is ConnectionState.SIGNED_OUT)
        await self.until(lambda: THIEF.id not in page.rows and page.alone.isVisible())
        dialog.close()

    async def test_told_on_the_desktop(self) -> None:
        """Where nobody looks at the window the desktop is told, once; a press there leads to the devices."""
        told = Told()
        program = self.start(told)
        name = await self.register(program)
        view = await self.account(program)
        synced = program.accounts.all[0].account.parts
        await self.until(lambda: synced.known.settings.get("devices.noticed"))
        program.window.hide()
        thief = await self.on(THIEF, name)
        await self.until(lambda: told.shown)
        self.assertEqual(told.shown[0].title, view.account.me.name)
        self.assertIn("Chrome on Windows", told.shown[0].text)
        told.activated.emit(told.shown[0].target)
        page = self.settings(program).pages["devices"]
        assert isinstance(page, DevicesPage)
        await self.until(lambda: THIEF.id in page.rows and told.withdrawn)
        self.assertEqual(len(told.shown), 1)
        privacy = self.settings(program).pages["privacy"]
        assert isinstance(privacy, PrivacyPage)
        program.settings.open("privacy")
        await self.until(privacy.added_by.isEnabled)
        privacy.added_by.setFocus()
        self.keys(privacy.added_by, Qt.Key.Key_End)
        await self.until(lambda: not privacy._privacy.busy)
        self.assertIs(await thief.groups.added_by(), AddedBy.NOBODY)
        await thief.presence.seen_by("friends")
        await self.until(lambda: privacy.seen_by.currentText() == "Friends")
        self.settings(program).close()
