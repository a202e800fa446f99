"""A page that plays a stream in a browser, and what it asks for while it does."""

from __future__ import annotations

import html
import string
from collections.abc import Callable

import msgspec

from imsys.errors import Refused
from imsys.resources.live.assets import Assets, read_static
from imsys.resources.live.viewing import Keys, Streams
from imsys.store.live import LiveState, LiveStream
from imsys.web.answers import Headers, Problem, Response, refusal
from imsys.web.requests import Request
from imsys.web.routing import Endpoint

POLL = 5.0
"""Seconds between two questions of a page about its stream."""

REST = 60.0
"""Seconds of a pause after which a page fetches nothing more."""

UNNAMED = "Live video"
"""What the page is called for those who may not know the title, or where there is none."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self' blob:; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Only what is ours, and nothing inline; ``blob:`` is how a script hands a video to its element."""

_PRIVATE: Headers = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),  # the address has a key in it
    ("X-Robots-Tag", "noindex"),
)


class _State(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the page is told. ``key`` takes the place of the one that it has."""

    state: str
    title: str
    watchers: int
    error: int = 0
    key: str | None = None


class WatchPage:
    """The page, its state and its files.

    :param players: how many watch a stream from here; ``None``: it is not here.
    """

    def __init__(self, keys: Keys, streams: Streams, players: Callable[[bytes], int | None]) -> None:
        self._keys = keys
        self._streams = streams
        self._players = players
        self._assets = Assets()
        self._page = string.Template(read_static("watch.html").decode("utf-8"))

    def routes(self) -> list[Endpoint]:
        """The paths of the page."""
        page, state, asset = self.page, self.state, self._assets.get
        return [
            Endpoint("/watch/assets/{}", {"GET": asset, "HEAD": asset}),
            Endpoint("/watch/{}", {"GET": page, "HEAD": page}),
            Endpoint("/watch/{}/state", {"GET": state, "HEAD": state}),
        ]

    async def page(self, request: Request, name: str) -> Response:
        """The page. Who may not watch gets it, too, with the status that says so: it has the words for it."""
        try:
            status, title = (
                200,
                (await self._streams.find((await self._keys.read(request, name)).file_id)).title,
            )
        except Problem as problem:
            status, title = problem.status, ""
        except Refused as refused:
            status, title = refusal(refused).status, ""
        values = {
            "title": html.escape(title or UNNAMED),
            "poll": round(POLL * 1000),
            "rest": round(REST * 1000),
        }
        text = self._page.substitute(self._assets.paths, **values)
        headers = (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", _POLICY),
            *_PRIVATE,
        )
        return Response(status, headers, text.encode("utf-8"))

    async def state(self, request: Request, name: str) -> Response:
        """What there is to be seen, and a new key when the old one is half over.

        :raises Problem: 401, 403 or 404, as the key is.
        """
        ticket = await self._keys.read(request, name)
        stream = await self._streams.find(ticket.file_id)
        over = stream.state is LiveState.ENDED
        told = _State(
            "ended" if over else "live" if stream.state is LiveState.LIVE else "waiting",
            stream.title or UNNAMED,
            0 if over else self._watchers(stream),
            key=None if over else await self._keys.renewed(ticket),
        )
        return Response(200, (("Content-Type", "application/json"), *_PRIVATE), msgspec.json.encode(told))

    def _watchers(self, stream: LiveStream) -> int:
        """Those of the server that has it, as it last said, or as it is here now."""
        return max(self._players(stream.stream_id) or 0, stream.viewers)
