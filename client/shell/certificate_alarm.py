"""A server presents another certificate than the one that was trusted: somebody looks at it before anything
goes on.
"""

from __future__ import annotations

from client.shell.context import Context
from client.shell.open_accounts import OpenAccounts, Opened
from client.shell.sign_in import SignInFlow
from client.sync.entering import Step
from client.translations.tr import tr

SHOWN_MS = 60_000


class CertificateAlarm:
    """Says it, shows the certificate, and opens the account again when it is trusted."""

    def __init__(self, context: Context, accounts: OpenAccounts, sign_in: SignInFlow) -> None:
        self._context = context
        self._accounts = accounts
        self._sign_in = sign_in
        accounts.opened.subscribe(
            lambda opened: opened.account.changes.certificate.subscribe(lambda _: self._say(opened))
        )

    def _say(self, opened: Opened) -> None:
        words = tr("The certificate of {server} has changed.").format(server=opened.entry.server.name)
        self._context.window.toast.tell(words, tr("Look at it"), lambda: self._look(opened), ms=SHOWN_MS)

    def _look(self, opened: Opened) -> None:
        entering, presenter, view = self._sign_in.show(back=True)
        view.show_alarm()

        def stepped(step: Step) -> None:
            server = step.server
            if server is not None and server.fingerprint and step.presented is None and not step.busy:
                end()
                self._context.run(self._trust(opened, server.fingerprint))

        end = entering.changed.subscribe(stepped)
        presenter.choose(opened.entry.server.url)

    async def _trust(self, opened: Opened, fingerprint: str) -> None:
        await self._accounts.reopen(await self._accounts.known.trust(opened.entry, fingerprint))
