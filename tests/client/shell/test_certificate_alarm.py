"""A server that presents another certificate."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.client.shell.running import ProgramCase


class CertificateAlarmTests(ProgramCase):
    async def test_changed_certificate(self) -> None:
        """A server that presents another certificate than the one that was trusted: an alarm, nothing is said
        to it, and a way to look.
        """
        program = self.start()
        await self.register(program)
        await self.account(program)
        opened = program.accounts.all[0]
        entry = await Deferred.fromCoroutine(
            program.accounts.known.trust(opened.entry, ":".join(["00"] * 32))
        )
        await Deferred.fromCoroutine(program.accounts.close(opened))
        await Deferred.fromCoroutine(program.accounts.open(entry))
        await self.until(lambda: "certificate" in program.window.toast.accessibleName())
        view = program.window.account
        assert view is not None
        self.assertIn("certificate", view.banner.words()[0])
        program.window.toast._button.click()
        entrance = await self.way_in(program)
        await self.until(lambda: entrance.page.objectName() == "certificate")
        self.assertIn("changed", entrance.page.title.text())
        button = entrance.page.button
        assert button is not None
        self.click(button)
        await self.account(program)
