"""The way back in, after somebody was signed out."""

from __future__ import annotations

from PySide6.QtCore import Qt

from client.core.model import Link
from imsys.sdk import Client, Credentials
from tests.cli.running import PASSWORD
from tests.client.shell.running import ProgramCase


class SignInTests(ProgramCase):
    async def test_signed_out_elsewhere(self) -> None:
        """It is said in plain words, and the way back is a press and the password."""
        program = self.start()
        name = await self.register(program)
        view = await self.account(program)
        other = Client(self.reactor, self.gateway, Credentials(username=name, password=PASSWORD))
        await other.start()
        await other.devices.revoke_others()
        await self.until(lambda: view.account.connection().link is Link.SIGNED_OUT)
        await other.stop()
        self.assertTrue(view.banner.isVisible())
        self.assertIn("signed in somewhere else", view.banner.words()[0])
        view.banner.sign_in.emit()
        entrance = await self.way_in(program)
        page = entrance.pages["sign in"]
        self.assertEqual(page.fields["username"].text(), name)
        self.assertIn("somewhere else", page.problem.text())
        self.fill(page.fields["password"].edit, "wrong password")
        self.keys(page.fields["password"].edit, Qt.Key.Key_Return)
        await self.until(lambda: page.fields["password"].problem)
        self.assertEqual(page.fields["password"].problem, "The name or the password is wrong.")
        self.fill(page.fields["password"].edit, PASSWORD)
        self.keys(page.fields["password"].edit, Qt.Key.Key_Return)
        again = await self.account(program)
        self.assertIsNot(again, view)
        self.assertEqual(len(program.accounts.all), 1)
