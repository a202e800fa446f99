"""The context of the request handlers."""

from __future__ import annotations

from dataclasses import dataclass

from imsys.cluster.client import GrpcClient, NotOffered
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.gateway.limits import Limits
from imsys.gateway.notices import Notices
from imsys.gateway.placing import Placing, refuse
from imsys.gateway.sessions import SessionEnder
from imsys.redis.codes import Codes
from imsys.redis.ratelimit import RateLimiter
from imsys.redis.tokens import Tokens
from imsys.security.passwords import Passwords
from imsys.store.accounts import AccountStore


@dataclass(frozen=True)
class Gateway:
    """What the handlers share.

    :param mail_deadline: seconds for a captcha server to answer, which sends the mail first.
    """

    accounts: AccountStore
    passwords: Passwords
    codes: Codes
    tokens: Tokens
    sessions: SessionEnder
    limiter: RateLimiter
    limits: Limits
    placing: Placing
    captcha: GrpcClient
    mail_deadline: float
    notices: Notices

    async def mail_code(self, email: str, *, strong: bool) -> None:
        """Have a captcha server mail a code.

        :param strong: whether the code must be impossible to guess.
        :raises Refused: INVALID_FIELD (70), the mail server knows no such address; RATE_LIMITED (64), it
            accepts no mail for it now.
        :raises Unavailable: the captcha or mail server did not answer.
        """
        deadline = self.mail_deadline
        try:
            request = imsys_v1_pb2.MailRequest(email=email, strong=strong)
            answer = await self.captcha.call(imsys_v1_pb2_grpc.CodesStub, "Mail", request, deadline=deadline)
        except NotOffered:  # the captcha server is older
            plain = message_pb2.GetVerificationRequest(email=email)
            answer = await self.captcha.call(
                message_pb2_grpc.VerificationServiceStub, "GetVerificationCode", plain, deadline=deadline
            )
        if answer.error:
            refuse(answer)
