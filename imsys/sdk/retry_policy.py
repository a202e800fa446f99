"""Retry a transfer for as long as it can succeed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.task import deferLater

from imsys.errors import Refused, Status, Unavailable
from imsys.sdk.attachments import Grant
from imsys.sdk.connection import NotStarted
from imsys.sdk.file_connection import FileConnection, Interrupted
from imsys.sdk.transfer_context import TransferContext
from imsys.util.backoff import Backoff

_TRIES = 6
"""Refusals in a row without a byte transferred; then the file itself is taken as the cause."""

_SPOILT = 3
"""Checksum mismatches, at most, however many bytes were transferred in between."""

_STALE = 3
"""Failures in a row after which the client asks for a new grant: the file may have moved."""

_PASSING = {
    Status.FILE_UPLOAD_ERROR,  # another connection was uploading it, or the upload stalled
    Status.FILE_WRITE_ERROR,
    Status.CHECKSUM_MISMATCH,
    Status.SERVER_BUSY,
    Status.INTERNAL_ERROR,
}
"""Statuses that may be temporary or due to this file, so retries are limited.

Other retryable ones do not count.
"""

_RIGHTS = {Status.PERMISSION_DENIED, Status.LOGIN_UNSUCCESSFUL, Status.FILE_OPEN_ERROR}
"""Statuses for an expired token or ticket, or for a ticket for a server that does not have the file."""


class RetryPolicy:
    """Runs one transfer until it succeeds, and decides which failures are final.

    :param ask: asks for the grant to the file.
    :param waiting: called before each wait, with the reason.
    """

    def __init__(
        self,
        around: TransferContext,
        ask: Callable[[], Awaitable[Grant]],
        waiting: Callable[[BaseException], None],
    ) -> None:
        self._around = around
        self._ask = ask
        self._waiting = waiting
        self._grant: Grant | None = None
        self._backoff = Backoff(around.timing.first_wait, around.timing.longest_wait)
        self._failures = 0
        self._refusals = 0
        self._spoilt = 0

    def progressed(self) -> None:
        """Reset the failures: bytes were transferred."""
        if self._failures:
            self._failures = self._refusals = 0
            self._backoff.reset()

    async def run(self, move: Callable[[FileConnection, Grant], Awaitable[None]]) -> None:
        """Run ``move`` on a connection, and again on new ones until it succeeds.

        :raises Refused: it cannot succeed. Other exceptions of ``move`` are raised as they are.
        """
        while True:
            try:
                return await self._attempt(move)
            except Refused as problem:
                self._judge(problem)
                self._waiting(problem)
                after = 0.0 if isinstance(problem, Unavailable) else problem.retry_after or 0.0
                await deferLater(self._around.reactor, self._backoff.next(after))

    async def _attempt(self, move: Callable[[FileConnection, Grant], Awaitable[None]]) -> None:
        if self._grant is None:
            try:
                self._grant = await self._ask()
            except NotStarted as problem:
                raise Final(problem) from problem
            except Unavailable:
                raise
            except Refused as problem:
                if problem.status in _RIGHTS:
                    raise Final(problem) from problem
                raise
        around = self._around
        carrier, done = FileConnection(around.reactor, self._grant, around.timing), False
        slower = 2.0 ** min(self._failures, 16)
        try:
            await carrier.open(
                around.credentials, around.trust, min(around.timing.deadline, around.timing.connect * slower)
            )
            await move(carrier, self._grant)
            done = True
        except Interrupted as problem:
            if problem.status in _RIGHTS:
                raise Final(problem) from problem
            raise
        finally:
            await carrier.close(at_once=not done)

    def _judge(self, problem: Refused) -> None:
        """Raise the problem if another attempt would not help."""
        self._failures += 1
        if isinstance(problem, Final):
            raise problem.reason
        if not isinstance(problem, Unavailable) and (
            problem.status in _PASSING or not problem.status.retryable
        ):
            self._refusals += 1
            self._spoilt += problem.status is Status.CHECKSUM_MISMATCH
            if (
                self._refusals >= _TRIES
                or self._spoilt >= _SPOILT
                or problem.status not in _PASSING | _RIGHTS
            ):
                raise problem
        if problem.status in _RIGHTS or self._failures % _STALE == 0:
            self._grant = None


class Final(Refused):
    """A refusal that is final here, although its status is temporary elsewhere."""

    def __init__(self, reason: Refused) -> None:
        super().__init__(reason.status, reason.message)
        self.reason = reason
