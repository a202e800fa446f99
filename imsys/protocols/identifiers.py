"""Identifiers of files and live streams: random bytes, written in base64url (RFC 4648, section 5) without
padding.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets

from imsys.errors import Refused, Status

FILE_ID_BYTES = 16
"""Bytes of a file's identifier, all of them random."""


def base64url(data: bytes) -> str:
    """Bytes as text that may stand in URLs and JSON, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def new_file_id() -> bytes:
    """An identifier that nobody can guess."""
    return secrets.token_bytes(FILE_ID_BYTES)


def encode_id(file_id: bytes) -> str:
    """A file's identifier as it stands in JSON and paths: 22 characters."""
    return base64url(file_id)


def decode_id(text: str) -> bytes:
    """The bytes of an identifier that :func:`encode_id` wrote.

    :raises Refused: 70 (``INVALID_FIELD``), it is none.
    """
    try:
        if re.fullmatch(r"[0-9A-Za-z_-]{22}", text):
            file_id = base64.urlsafe_b64decode(text + "==")
            if encode_id(file_id) == text:  # the last character has four bits that say nothing
                return file_id
    except binascii.Error:
        pass
    raise Refused(Status.INVALID_FIELD, "This is not the identifier of a file.")
