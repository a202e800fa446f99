"""Servers for users, asked of balance: one call for all that ask while another one is under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from twisted.internet.defer import Deferred, gatherResults

from imsys.cluster.client import GrpcClient, NotOffered
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.errors import Refused, Status, Unavailable
from imsys.util.batching import BatchingQueue

TOGETHER = 100
"""Users of one call."""

QUEUE = 4000
"""Users who wait for one at most."""

_FAULTS = frozenset({Status.GRPC_ERROR, Status.REDIS_UNKNOWN_ERROR, Status.MYSQL_INTERNAL_ERROR, Status.SERVER_BUSY, Status.INTERNAL_ERROR})
"""What another server answers when it cannot do its work, as opposed to: does not want to."""

Request = imsys_v1_pb2.AllocateRequest
Response = imsys_v1_pb2.AllocateResponse


class Placing:
    """A call costs each side about half a millisecond of CPU, whatever is in it; a user in it costs a tenth of that."""

    def __init__(self, balance: GrpcClient) -> None:
        self._balance = balance
        self._gathering: BatchingQueue[Request, Response] = BatchingQueue(self._all, most=TOGETHER, queue=QUEUE)

    async def place(self, request: Request) -> Response:
        """Servers for one user, and a token if there is none yet.

        :raises Refused: the token is no good, or there is no server.
        :raises Unavailable: balance is, or what it stands on.
        """
        answer = await self._gathering.add(request)
        if answer.error:
            refuse(answer)
        return answer

    async def _all(self, requests: Sequence[Request]) -> Sequence[Response | Exception]:
        together = imsys_v1_pb2.AllocateAllRequest(requests=requests)
        try:
            answer = await self._balance.call(imsys_v1_pb2_grpc.BalanceStub, "AllocateAll", together)
        except NotOffered:  # balance is of an older release
            answers: list[Response | Exception] = await gatherResults([Deferred.fromCoroutine(self._one(one)) for one in requests])
            return answers
        if answer.error:
            refuse(answer)
        responses: Sequence[Response] = answer.responses
        return responses

    async def _one(self, request: Request) -> Response | Exception:
        try:
            response: Response = await self._balance.call(imsys_v1_pb2_grpc.BalanceStub, "Allocate", request)
        except Refused as refused:
            return refused
        return response


def refuse(answer: Any) -> NoReturn:
    """Raise what another server's answer says that is no success."""
    status = Status(answer.error) if answer.error in Status._value2member_map_ else Status.INTERNAL_ERROR
    message = answer.message or "The server behind this one refused."
    if status in _FAULTS:
        raise Unavailable(status, message)
    raise Refused(status, message)
