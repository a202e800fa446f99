"""Live streams by way of HTTPS: which paths lead to them, and to whom this server goes itself."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from imsys.config import LiveConfig
from imsys.resources.granted import Granted
from imsys.resources.live.broadcast import Broadcast
from imsys.resources.live.flv_handler import FlvHandler
from imsys.resources.live.pulling import Pulling, Pulls
from imsys.resources.live.stream_manager import StreamManager
from imsys.resources.live.viewing import Keys, Streams
from imsys.resources.live.watch_page import WatchPage
from imsys.security.tickets import Tickets
from imsys.store.live import LiveStore, LiveStream
from imsys.web.routing import Endpoint


def live_routes(
    clock: IReactorTime,
    config: LiveConfig,
    tickets: Tickets,
    granted: Granted,
    store: LiveStore,
    streams: StreamManager,
    calendar: Callable[[], float],
) -> list[Endpoint]:
    """The paths of live streams; none where there are no live streams. ``calendar`` gives Unix seconds."""
    if not config.enabled:
        return []

    def players(stream_id: bytes) -> int | None:
        broadcast = streams.find(stream_id)
        return None if broadcast is None else broadcast.players

    keys = Keys(tickets, granted, calendar, config.play_key, store.may_watch)
    page = WatchPage(keys, Streams(clock, store.find), players)
    return [*FlvHandler(clock, keys, streams).routes(), *page.routes()]


def fetch_from(streams: StreamManager, pulls: Pulls) -> None:
    """Have what is published at other servers fetched for those who watch it here."""

    def pull(stream: LiveStream, broadcast: Broadcast) -> Pulling:
        return pulls.pull(stream, broadcast, lambda pulling: streams.left(stream.stream_id, pulling))

    streams.pull = pull
