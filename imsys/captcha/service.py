"""The gRPC service that makes verification codes."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from twisted.logger import Logger

from imsys.captcha.mailer import Mailer
from imsys.captcha.message import compose
from imsys.cluster.stubs import message_pb2
from imsys.codes import Codes
from imsys.errors import Unavailable
from imsys.names import check_email

_log = Logger()


class Verification:
    """``message.VerificationService``: answers when the mail is on its way.

    :param sender: the From line of the mails.
    :param life: seconds that a code lives, as the mail says.
    :param calendar: Unix seconds.
    """

    def __init__(self, codes: Codes, mailer: Mailer, *, sender: str, life: float, calendar: Callable[[], float]) -> None:
        self._codes = codes
        self._mailer = mailer
        self._sender = sender
        self._life = life
        self._calendar = calendar

    async def GetVerificationCode(self, request: message_pb2.GetVerificationRequest) -> message_pb2.GetVerificationResponse:
        """Make, keep and mail a code; a code that could not be mailed is not kept.

        :raises Refused: 70, the address is none.
        :raises Unavailable: Redis or the mail server is.
        """
        email = check_email(request.email)
        code = f"{secrets.randbelow(1_000_000):06}"
        mail = compose(self._sender, email, code, self._life, self._calendar())
        await self._codes.put(email, code)
        try:
            await self._mailer.send(email, mail)
        except Exception:
            await self._forget(email, code)
            raise
        return message_pb2.GetVerificationResponse(error=0, email=email)

    async def _forget(self, email: str, code: str) -> None:
        try:
            await self._codes.discard(email, code)
        except Unavailable:
            _log.debug("a code that was not mailed stays until it expires")
