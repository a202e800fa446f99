"""What the answers are worked out with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from imsys.cluster.client import GrpcClient
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.codes import Codes
from imsys.errors import Refused, Status, Unavailable
from imsys.gateway.limits import Limits
from imsys.gateway.sessions import SessionEnder
from imsys.passwords import Passwords
from imsys.ratelimit import RateLimiter
from imsys.store.accounts import AccountStore
from imsys.tokens import Tokens

_FAULTS = frozenset({Status.GRPC_ERROR, Status.REDIS_UNKNOWN_ERROR, Status.MYSQL_INTERNAL_ERROR, Status.SERVER_BUSY, Status.INTERNAL_ERROR})
"""What another server answers when it cannot do its work, as opposed to: does not want to."""


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
    balance: GrpcClient
    captcha: GrpcClient
    mail_deadline: float

    async def allocate(self, uuid: int, *, plaintext: bool, token: str = "") -> imsys_v1_pb2.AllocateResponse:
        """Ask balance for servers, and for a token if there is none yet.

        :raises Refused: the token is no good, or there is no server.
        :raises Unavailable: balance is, or what it stands on.
        """
        request = imsys_v1_pb2.AllocateRequest(uuid=uuid, plaintext=plaintext, token=token)
        answer: imsys_v1_pb2.AllocateResponse = await self.balance.call(imsys_v1_pb2_grpc.BalanceStub, "Allocate", request)
        if answer.error:
            _refuse(answer)
        return answer

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
            _refuse(answer)


def _refuse(answer: Any) -> NoReturn:
    status = Status(answer.error) if answer.error in Status._value2member_map_ else Status.INTERNAL_ERROR
    message = answer.message or "The server behind this one refused."
    if status in _FAULTS:
        raise Unavailable(status, message)
    raise Refused(status, message)
