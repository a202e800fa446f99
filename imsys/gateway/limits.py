"""What is limited here, by whom and how often."""

from __future__ import annotations

from imsys.config import LimitsConfig
from imsys.names import email_key
from imsys.ratelimit import DAY, HOUR, MINUTE, Counter, Limit


class Limits:
    """The limits of ``[limits]`` as counters for one request."""

    def __init__(self, config: LimitsConfig) -> None:
        self._account_source = Limit("password-account-source", config.password_account_source, MINUTE)
        self._account = Limit("password-account", config.password_account, MINUTE)
        self._source = Limit("password-source", config.password_source, MINUTE)
        self._code_minute = Limit("code-email-minute", config.code_email_minute, MINUTE)
        self._code_day = Limit("code-email-day", config.code_email_day, DAY)
        self._code_source = Limit("code-source", config.code_source_hour, HOUR)
        self._registration = Limit("registration-source", config.registration_source_hour, HOUR)

    def wrong_password(self, name: str, source: str) -> list[Counter]:
        """Wrong passwords for one account, whether it exists or not, from one source.

        :param name: what makes the username unique.
        """
        return [self._account_source.of(name, source), self._account.of(name), self._source.of(source)]

    def code(self, email: str, source: str) -> list[Counter]:
        """Verification mails to one address, asked for by one source."""
        return [self._code_minute.of(email_key(email)), self._code_day.of(email_key(email)), self._code_source.of(source)]

    def registration(self, source: str) -> list[Counter]:
        """Accounts made from one source."""
        return [self._registration.of(source)]
