"""Have the owners of accounts told by mail of sign-ins on new devices."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import Logger

from imsys.cluster.client import GrpcClient
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.errors import Refused
from imsys.gateway.placing import refuse
from imsys.store.devices import DeviceInfo
from imsys.util.background import run_in_background
from imsys.util.outages import Outage

_log = Logger()

AT_ONCE = 10
"""Mails that are being sent at a time, at most."""

WAITING = 1000
"""Notices that wait, at most; beyond it none is sent."""


@dataclass(frozen=True, slots=True)
class SignInNotice:
    """A sign-in on a device that is new to the account of an e-mail address."""

    email: str
    username: str
    device: DeviceInfo
    address: str


class Notices:
    """Mails notices behind the logins that they are of, which never wait for it; one that fails is not repeated.

    :param seconds: a monotonic clock.
    :param enabled: whether there are such mails at all.
    :param deadline: seconds for a captcha server to answer, which sends the mail first.
    :param calendar: returns Unix seconds.
    """

    def __init__(
        self,
        seconds: Callable[[], float],
        captcha: GrpcClient,
        *,
        enabled: bool,
        deadline: float,
        calendar: Callable[[], float],
    ) -> None:
        self._captcha = captcha
        self._enabled = enabled
        self._deadline = deadline
        self._calendar = calendar
        self._waiting: deque[tuple[SignInNotice, int]] = deque()
        self._running = 0
        self._outage = Outage(seconds, "Mailing notices of sign-ins")

    def add(self, notice: SignInNotice) -> None:
        """Mail a notice, soon."""
        if not self._enabled:
            return
        if len(self._waiting) >= WAITING:
            self._outage.failed("too many wait")
            return
        self._waiting.append((notice, round(self._calendar() * 1000)))
        if self._running < AT_ONCE:
            self._running += 1
            run_in_background(self._work(), _log, "mailing notices of sign-ins failed")

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._mail(*self._waiting.popleft())
        finally:
            self._running -= 1

    async def _mail(self, notice: SignInNotice, at_ms: int) -> None:
        request = imsys_v1_pb2.SignedInRequest(
            email=notice.email,
            username=notice.username,
            name=notice.device.name,
            kind=notice.device.kind.name.lower() if notice.device.kind else "",
            address=notice.address,
            at_ms=at_ms,
        )
        try:
            answer = await self._captcha.call(
                imsys_v1_pb2_grpc.CodesStub, "SignedIn", request, deadline=self._deadline
            )
            if answer.error:
                refuse(answer)
        except Refused as refused:  # also where the captcha server is older, and does not offer it
            self._outage.failed(refused.message)
        else:
            self._outage.works()
