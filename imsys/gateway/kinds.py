"""Learns which kinds of password hashes there are."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Unavailable
from imsys.security.passwords import KINDS, Passwords
from imsys.store.accounts import AccountStore

_log = Logger()

AGAIN = 60.0
"""Seconds until the database is asked again that did not answer."""


class Kinds(Service):
    """Asks the database once, when the gateway starts: later ones are those that it makes itself, or finds when somebody logs in."""

    def __init__(self, reactor: Any, accounts: AccountStore, passwords: Passwords) -> None:
        self._reactor = reactor
        self._accounts = accounts
        self._passwords = passwords
        self._asking: Deferred[None] | None = None
        self._later: IDelayedCall | None = None

    def startService(self) -> None:
        """Ask."""
        super().startService()
        self._ask()

    def stopService(self) -> None:
        """Ask no more."""
        super().stopService()
        if self._later is not None:
            self._later.cancel()
        if self._asking is not None:
            self._asking.cancel()

    def _ask(self) -> None:
        self._later = None
        self._asking = Deferred.fromCoroutine(self._learn()).addErrback(self._failed)

    async def _learn(self) -> None:
        self._passwords.know(await self._accounts.password_kinds(KINDS))

    def _failed(self, failure: Failure) -> None:
        if failure.check(Unavailable):
            if self.running:
                self._later = self._reactor.callLater(AGAIN, self._ask)
        elif not failure.check(CancelledError):
            _log.failure("the kinds of password hashes are not known", failure)
