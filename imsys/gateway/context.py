"""What the answers are worked out with."""

from __future__ import annotations

from dataclasses import dataclass

from imsys.cluster.client import GrpcClient, NotOffered
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.gateway.limits import Limits
from imsys.gateway.placing import Placing, refuse
from imsys.gateway.sessions import SessionEnder
from imsys.redis.codes import Codes
from imsys.redis.ratelimit import RateLimiter
from imsys.redis.tokens import Tokens
from imsys.security.passwords import Passwords
from imsys.store.accounts import AccountStore


@dataclass(frozen=True)
class Gateway:
    """Everything that a handler may use.

    :param mail_deadline: seconds that a captcha server has to answer, which sends a mail first.
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

    async def mail_code(self, email: str, *, strong: bool) -> None:
        """Have a captcha server mail a code.

        :param strong: one that nobody guesses.
        :raises Refused: it does not want to: 70, the mail server knows no such address; 64, it takes no mail for it now.
        :raises Unavailable: it cannot, or is not there.
        """
        deadline = self.mail_deadline
        try:
            request = imsys_v1_pb2.MailRequest(email=email, strong=strong)
            answer = await self.captcha.call(imsys_v1_pb2_grpc.CodesStub, "Mail", request, deadline=deadline)
        except NotOffered:  # captcha is of an older release
            plain = message_pb2.GetVerificationRequest(email=email)
            answer = await self.captcha.call(message_pb2_grpc.VerificationServiceStub, "GetVerificationCode", plain, deadline=deadline)
        if answer.error:
            refuse(answer)
