"""What an installation was made for: the client library alone, or the servers as well."""

from __future__ import annotations

import sys
from importlib.util import find_spec

SERVER: tuple[str, ...] = (
    "argon2", "ffmpeg", "filetype", "google.protobuf", "greenlet", "grpc", "h11", "hiredis", "PIL",
    "pybase64", "pymysql", "txredisapi",
)  # fmt: skip
"""Import names of the packages that nothing but the extra ``server`` brings, on every system."""


def require_server(program: str) -> None:
    """See that what the servers need is installed; nothing of it is imported.

    :param program: what is to be said to have needed it.
    :raises SystemExit: it is not; in one sentence.
    """
    missing = [name for name in SERVER if not _there(name)]
    if missing:
        sys.exit(
            f"{program}: the packages of the servers are not installed (pip install 'imsys[server]'): {', '.join(missing)}"
        )


def _there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # nor is what it would be in
        return False
