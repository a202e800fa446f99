"""From a method and a path to the handler."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from imsys.errors import Status
from imsys.web.answers import Problem, Response
from imsys.web.requests import Request

Handler = Callable[..., Awaitable[Response]]
"""Takes the request, and what the places of the path hold."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A path, with ``{}`` where a part of it varies, and what handles each method."""

    path: str
    handlers: Mapping[str, Handler]

    @property
    def methods(self) -> str:
        """Them, as in the header ``Allow``."""
        return ", ".join(self.handlers)


class Router:
    """A table of routes; the first one that fits counts.

    Paths are taken as they are: nothing in ours needs to be escaped.
    """

    def __init__(self, routes: Iterable[Endpoint]) -> None:
        self._routes = [
            (re.compile(re.escape(route.path).replace(r"\{\}", "([^/]+)")), route) for route in routes
        ]

    def find(self, path: str) -> tuple[Endpoint, tuple[str, ...]]:
        """The route of a path, and what is in its places. :raises Problem: 404, there is none."""
        for shape, route in self._routes:
            match = shape.fullmatch(path)
            if match is not None:
                return route, match.groups()
        raise Problem(404, Status.JSONPARSE_ERROR, "There is no such path.")

    async def answer(self, request: Request) -> Response:
        """Have a request handled.

        :raises Problem: 404 or 405, nothing handles it; and whatever its handler raises.
        """
        route, places = self.find(request.path)
        handler = route.handlers.get(request.method)
        if handler is None:
            raise Problem(
                405, Status.JSONPARSE_ERROR, f"Allowed here are {route.methods}.", ("Allow", route.methods)
            )
        return await handler(request, *places)
