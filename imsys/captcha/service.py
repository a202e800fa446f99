"""The gRPC service that makes verification codes."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from imsys.captcha.mailer import Mailer
from imsys.captcha.message import compose, compose_sign_in
from imsys.cluster.stubs import imsys_v1_pb2, message_pb2
from imsys.errors import Unavailable
from imsys.redis.codes import Codes, new_code
from imsys.util.names import check_email

_log = Logger()


class Verification:
    """``message.VerificationService`` and ``imsys.v1.Codes``; calls are answered when the mail is sent.

    :param mailer: sends codes; ``notices``: other mails, which do not use up the limits of codes.
    :param sender: the From line of the mails.
    :param life: seconds that a code is valid, for the mail's text.
    :param calendar: returns Unix seconds.
    """

    def __init__(
        self,
        codes: Codes,
        mailer: Mailer,
        notices: Mailer,
        *,
        sender: str,
        life: float,
        calendar: Callable[[], float],
    ) -> None:
        self._codes = codes
        self._mailer = mailer
        self._notices = notices
        self._sender = sender
        self._life = life
        self._calendar = calendar

    async def GetVerificationCode(
        self, request: message_pb2.GetVerificationRequest
    ) -> message_pb2.GetVerificationResponse:
        """Make, store and mail a code of six digits, as the original does; see :meth:`Mail`."""
        await self._mail(request.email, strong=False)
        return message_pb2.GetVerificationResponse(error=0, email=request.email)

    async def Mail(self, request: imsys_v1_pb2.MailRequest) -> imsys_v1_pb2.MailResponse:
        """Make, store and mail a code; if it was certainly not mailed, it is removed.

        :raises Refused: INVALID_FIELD (70), the address is invalid or unknown to the mail server;
            RATE_LIMITED (64), it accepts no mail for it now.
        :raises Unavailable: Redis or the mail server did not answer.
        """
        await self._mail(request.email, strong=request.strong)
        return imsys_v1_pb2.MailResponse()

    async def SignedIn(self, request: imsys_v1_pb2.SignedInRequest) -> imsys_v1_pb2.MailResponse:
        """Mail the owner of an account that it was signed in to.

        :raises Refused: INVALID_FIELD (70), the address is invalid or unknown to the mail server;
            RATE_LIMITED (64), it accepts no mail for it now.
        :raises Unavailable: Redis or the mail server did not answer.
        """
        email = check_email(request.email)
        device = f"{request.name} ({request.kind})" if request.name and request.kind else request.kind
        mail = compose_sign_in(
            self._sender,
            email,
            request.username,
            device or "a device that did not say what it is",
            request.address,
            request.at_ms / 1000,
            self._calendar(),
        )
        await self._notices.send(email, mail)
        return imsys_v1_pb2.MailResponse()

    async def _mail(self, address: str, *, strong: bool) -> None:
        email = check_email(address)
        code = new_code(strong=strong)
        mail = compose(self._sender, email, code, self._life, self._calendar())
        await self._codes.put(email, code)
        try:
            await self._mailer.send(email, mail)
        except Exception:
            await self._forget(email, code)
            raise

    async def _forget(self, email: str, code: str) -> None:
        try:
            await self._codes.discard(email, code)
        except Unavailable:
            _log.debug("a code that was not mailed stays until it expires")
