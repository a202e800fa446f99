"""The way out of an account: signed out of it, or with all of it forgotten."""

from __future__ import annotations

from client.shell.open_accounts import OpenAccounts, Opened
from client.shell.sign_in import SignInFlow
from client.translations.tr import tr


class SignOut:
    """Ends sessions."""

    def __init__(self, accounts: OpenAccounts, sign_in: SignInFlow) -> None:
        self._accounts = accounts
        self._sign_in = sign_in

    async def sign_out(self, opened: Opened) -> None:
        """End the session; the account stays in the list, and its password is asked for."""
        await opened.account.sign_out()
        await self._accounts.close(opened)
        self._sign_in.enter(opened.entry, tr("You have signed out."))

    async def forget(self, opened: Opened) -> None:
        """End the session, and remove everything of the account from this disk."""
        try:
            await opened.account.sign_out()
        finally:
            await self._accounts.close(opened)
            await self._accounts.known.remove(opened.entry)
        if self._accounts.all:
            self._sign_in.back()
        else:
            await self._sign_in.enter_first()
