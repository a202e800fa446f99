"""Pages of other origins (CORS, as the Fetch standard has it): which may talk to us, and what they may see."""

from __future__ import annotations

from collections.abc import Sequence

from imsys.errors import Refused
from imsys.web.answers import Problem, Response, refusal
from imsys.web.requests import Request
from imsys.web.routing import Router

MAX_AGE = 7200
"""Seconds that a browser may remember what it may do.

Browsers have bounds of their own, Chromium this one.
"""

SENT = (
    "Authorization, Content-Type, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Checksum, Upload-Defer-Length, "
    "Upload-Concat, X-HTTP-Method-Override, X-Requested-With, X-Request-ID, Range, If-Range, If-Match, If-None-Match, Cache-Control"
)
"""Headers that a page may send."""

SEEN = (
    "Location, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Upload-Offset, Upload-Length, "
    "Upload-Metadata, Upload-Expires, "
    "Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Retry-After, WWW-Authenticate"
)
"""Headers of responses that a page may look at."""


class Origins:
    """Answers preflights of the allowed origins, and lets their pages read responses.

    Cookies there are none, so none are allowed.
    """

    def __init__(self, router: Router, allowed: Sequence[str]) -> None:
        """``allowed`` are origins in lower case, or ``*`` alone."""
        self.router = router
        self._all = tuple(allowed) == ("*",)
        self._allowed = frozenset(allowed)

    async def answer(self, request: Request) -> Response:
        """Have a request answered. A page of an allowed origin can read what is wrong as well."""
        origin = request.header("origin")
        if origin is None or not (self._all or origin.lower() in self._allowed):
            return self._vary(await self.router.answer(request))
        if request.method == "OPTIONS" and request.header("access-control-request-method") is not None:
            return self._preflight(request, origin)
        try:
            response = await self.router.answer(request)
        except Problem as problem:
            response = problem.response()
        except Refused as refused:
            response = refusal(refused).response()
        return self._vary(response).having(self._origin(origin), ("Access-Control-Expose-Headers", SEEN))

    def _preflight(self, request: Request, origin: str) -> Response:
        route, _ = self.router.find(request.path)
        allowed = ("Access-Control-Allow-Methods", route.methods), ("Access-Control-Allow-Headers", SENT)
        return self._vary(
            Response(204, (self._origin(origin), *allowed, ("Access-Control-Max-Age", str(MAX_AGE))))
        )

    def _origin(self, origin: str) -> tuple[str, str]:
        return "Access-Control-Allow-Origin", "*" if self._all else origin

    def _vary(self, response: Response) -> Response:
        """Where the origin decides, caches have to know."""
        return response.having(("Vary", "Origin")) if self._allowed and not self._all else response
