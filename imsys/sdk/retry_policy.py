"""Trying again, for as long as that makes sense."""

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
"""Refusals in a row, without a byte in between, that may pass by themselves, unless this file is the reason."""

_SPOILT = 3
"""Times that what got there was not what was sent, however many bytes got there in between."""

_STALE = 3
"""Failures in a row after which the server is asked anew where the file is."""

_PASSING = {
    Status.FILE_UPLOAD_ERROR,  # somebody else had it in their hands, or it stalled
    Status.FILE_WRITE_ERROR,
    Status.CHECKSUM_MISMATCH,
    Status.SERVER_BUSY,
    Status.INTERNAL_ERROR,
}
"""What may pass, or be this file's doing; what else is :attr:`~imsys.errors.Status.retryable` says nothing of it: it waits for that."""

_RIGHTS = {Status.PERMISSION_DENIED, Status.LOGIN_UNSUCCESSFUL, Status.FILE_OPEN_ERROR}
"""What a token or a ticket gets that has expired, or one for a server that has not got the file."""


class RetryPolicy:
    """One file's attempts to get there.

    :param ask: for the right to the file.
    :param waiting: called before each wait, with the reason.
    """

    def __init__(self, around: TransferContext, ask: Callable[[], Awaitable[Grant]], waiting: Callable[[BaseException], None]) -> None:
        self._around = around
        self._ask = ask
        self._waiting = waiting
        self._grant: Grant | None = None
        self._backoff = Backoff(around.timing.first_wait, around.timing.longest_wait)
        self._failures = 0
        self._refusals = 0
        self._spoilt = 0

    def progressed(self) -> None:
        """Bytes got there: what failed before does not count any more."""
        if self._failures:
            self._failures = self._refusals = 0
            self._backoff.reset()

    async def run(self, move: Callable[[FileConnection, Grant], Awaitable[None]]) -> None:
        """Have ``move`` done on a connection, and on others until it has ended.

        :raises Refused: it cannot succeed. What else ``move`` raises is raised.
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
            await carrier.open(around.credentials, around.trust, min(around.timing.deadline, around.timing.connect * slower))
            await move(carrier, self._grant)
            done = True
        except Interrupted as problem:
            if problem.status in _RIGHTS:
                raise Final(problem) from problem
            raise
        finally:
            await carrier.close(at_once=not done)

    def _judge(self, problem: Refused) -> None:
        """Raise what another attempt would not change."""
        self._failures += 1
        if isinstance(problem, Final):
            raise problem.reason
        if not isinstance(problem, Unavailable) and (problem.status in _PASSING or not problem.status.retryable):
            self._refusals += 1
            self._spoilt += problem.status is Status.CHECKSUM_MISMATCH
            if self._refusals >= _TRIES or self._spoilt >= _SPOILT or problem.status not in _PASSING | _RIGHTS:
                raise problem
        if problem.status in _RIGHTS or self._failures % _STALE == 0:
            self._grant = None


class Final(Refused):
    """What would pass in another place does not here."""

    def __init__(self, reason: Refused) -> None:
        super().__init__(reason.status, reason.message)
        self.reason = reason
