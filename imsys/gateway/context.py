"""What the answers are worked out with."""

from __future__ import annotations

from dataclasses import dataclass

from imsys.cluster.client import GrpcClient
from imsys.cluster.stubs import message_pb2, message_pb2_grpc
from imsys.codes import Codes
from imsys.gateway.limits import Limits
from imsys.gateway.placing import Placing, refuse
from imsys.gateway.sessions import SessionEnder
from imsys.passwords import Passwords
from imsys.ratelimit import RateLimiter
from imsys.store.accounts import AccountStore
from imsys.tokens import Tokens


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

    async def mail_code(self, email: str) -> None:
        """Have a captcha server mail a code.

        :raises Refused: it does not want to.
        :raises Unavailable: it cannot, or is not there.
        """
        request = message_pb2.GetVerificationRequest(email=email)
        answer = await self.captcha.call(
            message_pb2_grpc.VerificationServiceStub, "GetVerificationCode", request, deadline=self.mail_deadline
        )
        if answer.error:
            refuse(answer)
