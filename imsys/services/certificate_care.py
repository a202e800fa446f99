"""Warn operators in time that a certificate expires: at the start of a daemon, and every day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from twisted.application.service import Service
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from imsys.config import Config
from imsys.errors import ConfigError
from imsys.security.certificates import ends_of, soon_over

_log = Logger()

DAY = 86400.0


class CertificateCare(Service):
    """Checks when the certificates of a daemon expire.

    :param public: whether it has public ports with TLS.
    :param calendar: returns Unix seconds.
    """

    def __init__(self, reactor: Any, config: Config, calendar: Callable[[], float], *, public: bool) -> None:
        self._config = config
        self._public = public
        self._calendar = calendar
        self._daily = LoopingCall(self._look)
        self._daily.clock = reactor

    def warnings(self) -> list[str]:
        """Return a line for each that expires soon. :raises ConfigError: one has expired or is invalid."""
        return soon_over(
            ends_of(self._config, public=self._public), datetime.fromtimestamp(self._calendar(), UTC)
        )

    def startService(self) -> None:
        """Check every day from tomorrow on; today's warnings were logged at the start."""
        super().startService()
        self._daily.start(DAY, now=False).addErrback(
            lambda reason: _log.failure("nobody looks at the certificates any more", reason)
        )

    def stopService(self) -> None:
        """Stop checking."""
        super().stopService()
        if self._daily.running:
            self._daily.stop()

    def _look(self) -> None:
        try:
            for line in self.warnings():
                _log.warn("{line}", line=line)
        except ConfigError as error:
            _log.error("{reason}", reason=str(error))
