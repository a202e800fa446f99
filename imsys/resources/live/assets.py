"""The files of the watch page, as they are served: under names that change with what is in them, so that
browsers keep them for good.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources

from imsys.errors import Status
from imsys.web.answers import Headers, Problem, Response
from imsys.web.requests import Request

PREFIX = "/watch/assets/"

KEPT = 31536000
"""Seconds that a browser may keep one of them: a year, the longest that RFC 9111 thinks of."""

_SOURCES = {"style": "watch.css", "script": "watch.js", "player": "mpegts/mpegts.js"}
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class _Asset:
    mime: str
    plain: bytes
    packed: bytes


class Assets:
    """What the page loads; read and compressed once."""

    def __init__(self) -> None:
        self._files: dict[str, _Asset] = {}
        self.paths: dict[str, str] = {}
        """The path of each by what it is: ``style``, ``script``, ``player``."""
        for what, source in _SOURCES.items():
            data = read_static(source)
            stem, _, suffix = source.rpartition("/")[2].rpartition(".")
            name = f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}.{suffix}"
            self._files[name] = _Asset(_TYPES[suffix], data, gzip.compress(data, mtime=0))
            self.paths[what] = PREFIX + name

    async def get(self, request: Request, name: str) -> Response:
        """One of them. :raises Problem: 404, there is none of this name."""
        asset = self._files.get(name)
        if asset is None:
            raise Problem(404, Status.JSONPARSE_ERROR, "There is no such file.")
        headers: Headers = (
            ("Content-Type", asset.mime),
            ("Cache-Control", f"public, max-age={KEPT}, immutable"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Vary", "Accept-Encoding"),
        )
        if _takes_gzip(request):
            return Response(200, (*headers, ("Content-Encoding", "gzip")), asset.packed)
        return Response(200, headers, asset.plain)


def read_static(name: str) -> bytes:
    """A file of the page."""
    return resources.files("imsys.resources.live").joinpath("static", name).read_bytes()


def _takes_gzip(request: Request) -> bool:
    """Whether a client says that it does; with a weight of 0 it says that it does not (RFC 9110, 12.5.3)."""
    for part in (request.header("accept-encoding") or "").lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "x-gzip"):
            return weight.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    return False
