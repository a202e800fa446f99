"""Ids of files as the server gives them: they name files here."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def is_file_id(text: str) -> bool:
    """Whether it is one, and no path."""
    return _ID.fullmatch(text) is not None
