"""The way out: signed out, or forgotten."""

from __future__ import annotations

from PySide6.QtCore import Qt
from twisted.internet.defer import Deferred

from client.core.model import Link
from tests.cli.running import PASSWORD
from tests.client.shell.running import ProgramCase


class SignOutTests(ProgramCase):
    async def test_sign_out_and_forget(self) -> None:
        """Signed out, the password is asked for; forgotten, nothing is left of it on this disk."""
        program = self.start()
        name = await self.register(program)
        await self.account(program)
        await Deferred.fromCoroutine(program.sign_out.sign_out(program.accounts.all[0]))
        entrance = await self.way_in(program)
        page = entrance.pages["sign in"]
        self.assertEqual(
            (page.fields["username"].text(), page.problem.text()), (name, "You have signed out.")
        )
        await self.end(program)
        program = self.start()
        await self.until(lambda: program.window.account is not None)
        view = program.window.account
        assert view is not None
        await self.until(lambda: view.account.connection().link is Link.SIGNED_OUT)
        self.assertEqual(view.banner.words()[1], "Sign in")
        view.banner.sign_in.emit()
        page = (await self.way_in(program)).pages["sign in"]
        self.fill(page.fields["password"].edit, PASSWORD)
        self.keys(page.fields["password"].edit, Qt.Key.Key_Return)
        await self.account(program)
        opened = program.accounts.all[0]
        place = opened.account.folder
        self.assertTrue(place.exists())
        await Deferred.fromCoroutine(program.sign_out.forget(opened))
        self.assertFalse(place.exists())
        self.assertEqual(program.accounts.known.entries, ())
        await self.way_in(program)
