"""Have the server remove an unfinished upload that will not be resumed."""

from __future__ import annotations

import contextlib

from imsys.errors import Refused, Status
from imsys.protocols.messages.files import UploadOpenRequest, UploadOpenResponse
from imsys.sdk.attachments import Grant
from imsys.sdk.file_connection import FileConnection
from imsys.sdk.retry_policy import RetryPolicy
from imsys.sdk.transfer_context import TransferContext


class GivingUp:
    """Removes what the server has of one upload of this user's."""

    def __init__(self, around: TransferContext, file_id: str) -> None:
        self._files = around.files
        self._file_id = file_id
        self._persistence = RetryPolicy(around, self._ask, lambda _: None)

    async def run(self) -> None:
        """Remove the upload; do nothing if the server has none.

        :raises Refused: FILE_OPEN_ERROR (38), the file is complete and its thread has it.
        """
        with contextlib.suppress(_Gone):
            await self._persistence.run(self._remove)

    async def _ask(self) -> Grant:
        try:
            grant = await self._files.get_file(self._file_id, write=True)
        except Refused as refusal:
            raise _Gone if refusal.status is Status.FILE_OPEN_ERROR else refusal from None
        if grant.whole:
            raise Refused(Status.FILE_OPEN_ERROR, "The file is whole: it cannot be given up any more.")
        return grant

    async def _remove(self, carrier: FileConnection, grant: Grant) -> None:
        # an older server ignores ``give_up``: it opens the upload, which then expires
        await carrier.request(
            UploadOpenRequest(file_id=grant.file_id, ticket=grant.ticket, give_up=True), UploadOpenResponse
        )


class _Gone(Exception):
    """The server has no such upload (any more)."""
