"""The rate limits of the gateway."""

from __future__ import annotations

from imsys.config import LimitsConfig
from imsys.redis.ratelimit import DAY, HOUR, MINUTE, Counter, Limit
from imsys.util.names import mailbox_key


class Limits:
    """The limits of ``[limits]`` as counters for one request."""

    def __init__(self, config: LimitsConfig) -> None:
        self._account_source = Limit("password-account-source", config.password_account_source, MINUTE)
        self._account = Limit("password-account", config.password_account, MINUTE)
        self._source = Limit("password-source", config.password_source, MINUTE)
        self._login_account = Limit("login-account", config.login_account, MINUTE)
        self._login_source = Limit("login-source", config.login_source, MINUTE)
        self._code_minute = Limit("code-email-minute", config.code_email_minute, MINUTE)
        self._code_day = Limit("code-email-day", config.code_email_day, DAY)
        self._code_source = Limit("code-source", config.code_source_hour, HOUR)
        self._code_all = Limit("code-all", config.code_all_hour, HOUR)
        self._wrong_code = Limit("code-wrong-source", config.code_wrong_source_hour, HOUR)
        self._question = Limit("account-check-source", config.account_check_source, MINUTE)
        self._registration = Limit("registration-source", config.registration_source_hour, HOUR)

    def wrong_password(self, account: str, source: str) -> list[Counter]:
        """Count wrong passwords for one account, even if it does not exist, from one source.

        :param account: the unique key of the username.
        """
        return [self._account_source.of(account, source), self._account.of(account), self._source.of(source)]

    def login(self, account: str, source: str) -> list[Counter]:
        """Count right passwords for one account, from one source."""
        return [self._login_account.of(account), self._login_source.of(source)]

    def code(self, email: str, source: str) -> list[Counter]:
        """Count verification mails to one mailbox, requested by one source."""
        mailbox = mailbox_key(email)
        return [
            self._code_minute.of(mailbox),
            self._code_day.of(mailbox),
            self._code_source.of(source),
            self._code_all.of(),
        ]

    def wrong_code(self, source: str) -> list[Counter]:
        """Count wrong verification codes of one source, for any addresses."""
        return [self._wrong_code.of(source)]

    def question(self, source: str) -> list[Counter]:
        """Count questions of one source whether there is an account."""
        return [self._question.of(source)]

    def registration(self, source: str) -> list[Counter]:
        """Count accounts created by one source."""
        return [self._registration.of(source)]
