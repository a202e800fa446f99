"""Learn the kinds of stored password hashes."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from imsys.errors import Refused
from imsys.security.passwords import KINDS, Passwords
from imsys.store.accounts import AccountStore
from imsys.util.background import run_in_background

_log = Logger()

AGAIN = 60.0
"""Seconds until the database is asked again if it did not answer."""


class Kinds(Service):
    """Asks the database once at the start; later kinds are made by the gateway itself, or found at logins."""

    def __init__(self, reactor: Any, accounts: AccountStore, passwords: Passwords) -> None:
        self._reactor = reactor
        self._accounts = accounts
        self._passwords = passwords
        self._asking: Deferred[None] | None = None
        self._later: IDelayedCall | None = None

    def startService(self) -> None:
        """Ask the database."""
        super().startService()
        self._ask()

    def stopService(self) -> None:
        """Stop asking."""
        super().stopService()
        if self._later is not None:
            self._later.cancel()
        if self._asking is not None:
            self._asking.cancel()

    def _ask(self) -> None:
        self._later = None
        self._asking = run_in_background(
            self._learn(), _log, "the kinds of password hashes are not known", refused=self._put_off
        )

    async def _learn(self) -> None:
        self._passwords.know(await self._accounts.password_kinds(KINDS))

    def _put_off(self, refused: Refused) -> None:
        if self.running:
            self._later = self._reactor.callLater(AGAIN, self._ask)
