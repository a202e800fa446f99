"""The error of an upload whose disk has failed."""

from __future__ import annotations

import errno

from imsys.errors import Refused, Status
from imsys.resources.transfers import TransferError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a disk that has no room."""


def not_written(error: Exception, offset: int) -> TransferError:
    """Make the error: ``QUOTA_EXCEEDED`` where the disk is full, the status of a refusal, else
    ``FILE_WRITE_ERROR``.

    :param offset: where to go on.
    """
    if isinstance(error, Refused):
        return TransferError(error.status, error.message, offset)
    if isinstance(error, OSError) and error.errno in FULL:
        return TransferError(
            Status.QUOTA_EXCEEDED, "The disk is full; the upload can go on when there is room.", offset
        )
    return TransferError(
        Status.FILE_WRITE_ERROR, "The disk did not take it; the upload can go on later.", offset
    )
