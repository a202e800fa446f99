"""The captcha server's own limits, for any caller: mails to one mailbox, and mails in total."""

from __future__ import annotations

from twisted.logger import Logger

from imsys.captcha.mailer import Mailer
from imsys.config import CaptchaConfig
from imsys.errors import Unavailable
from imsys.redis.ratelimit import DAY, HOUR, Limit, RateLimiter
from imsys.util.names import mailbox_key

_log = Logger()


class LimitedMailer:
    """Passes mails to another mailer within the limits. A mail that could not be delivered does not count.

    :param kind: mails of another kind are counted for themselves, so that none uses up the others' room.
    """

    def __init__(
        self, mailer: Mailer, limiter: RateLimiter, config: CaptchaConfig, kind: str = "captcha"
    ) -> None:
        self._mailer = mailer
        self._limiter = limiter
        self._mailbox = Limit(f"{kind}-mailbox", config.mailbox_day, DAY)
        self._all = Limit(f"{kind}-all", config.all_hour, HOUR)

    async def send(self, receiver: str, mail: bytes) -> None:
        """Send a mail.

        :raises Refused: RATE_LIMITED (64), a limit is reached.
        :raises Unavailable: Redis did not answer, or as for the other mailer.
        """
        counters = [self._mailbox.of(mailbox_key(receiver)), self._all.of()]
        mark = await self._limiter.take(counters)
        try:
            await self._mailer.send(receiver, mail)
        except Unavailable:
            try:
                await self._limiter.give_back(counters, mark)
            except Unavailable:
                _log.debug("a mail that nobody took counts until its time is over")
            raise
