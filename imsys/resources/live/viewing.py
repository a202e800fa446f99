"""Who may watch which stream, and what is known of it, for the handlers of HTTP."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.interfaces import IReactorTime

from imsys.errors import Refused, Status
from imsys.protocols.identifiers import decode_id
from imsys.resources.granted import Granted
from imsys.resources.web.grants import Grants
from imsys.security.tickets import Right, Ticket, Tickets
from imsys.store.live import LiveStream
from imsys.util.single_flight import SingleFlight
from imsys.web.answers import Problem
from imsys.web.requests import Request

FRESH = 1.0
"""Seconds for which what was read of a stream is good: everybody who watches asks for it every few seconds.
"""

KNOWN = 10_000
"""Streams of which something is kept at most."""


class Streams:
    """What the database has of streams, read at most once in :data:`FRESH` seconds each, however many ask."""

    def __init__(
        self, clock: IReactorTime, find: Callable[[bytes], Coroutine[Any, Any, LiveStream | None]]
    ) -> None:
        self._clock = clock
        self._find = find
        self._known: OrderedDict[bytes, tuple[float, LiveStream | None]] = OrderedDict()
        self._reading: SingleFlight[bytes, LiveStream | None] = SingleFlight(self._read)

    async def find(self, stream_id: bytes) -> LiveStream:
        """A stream. :raises Refused: ``STREAM_NOT_FOUND``, there is none.

        :raises Unavailable: ``MYSQL_INTERNAL_ERROR``, the database did not answer.
        """
        read, stream = self._known.get(stream_id, (float("-inf"), None))
        if self._clock.seconds() - read >= FRESH:
            stream = await self._reading.run(stream_id)
        if stream is None:
            raise Refused(Status.STREAM_NOT_FOUND, "There is no such live stream.")
        return stream

    async def _read(self, stream_id: bytes) -> LiveStream | None:
        stream = await self._find(stream_id)
        self._known[stream_id] = self._clock.seconds(), stream
        self._known.move_to_end(stream_id)
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)
        return stream


class Keys:
    """Reads keys to watch out of requests: ``?key=``, or ``Authorization: Bearer``.

    :param calendar: Unix seconds.
    :param life: seconds in which a player has to begin with one.
    :param may_watch: whether a user may watch a stream now; who has left its thread, or was blocked, gets no
        new key.
    """

    def __init__(
        self,
        tickets: Tickets,
        granted: Granted,
        calendar: Callable[[], float],
        life: float,
        may_watch: Callable[[bytes, int], Coroutine[Any, Any, bool]],
    ) -> None:
        self._may_watch = may_watch
        self._tickets = tickets
        self.grants = Grants(tickets, granted, "key")
        self._calendar = calendar
        self._life = life

    async def read(self, request: Request, name: str) -> Ticket:
        """The key of a request for a stream.

        :param name: of the stream, as it stands in the path.
        :raises Problem: 404, that is none; 401, there is no key, or it is forged or over; 403, it is for
            something else.
        """
        try:
            stream_id = decode_id(name)
        except Refused:
            raise Problem(404, Status.STREAM_NOT_FOUND, "There is no such live stream.") from None
        return await self.grants.of(request, Right.PLAY, stream_id, in_query=True)

    async def renewed(self, ticket: Ticket) -> str | None:
        """A new key for who has one that is half over, and goes on watching; ``None``: there is time, or they
        may watch it no more.
        """
        if ticket.expires - self._calendar() > self._life / 2 or not await self._may_watch(
            ticket.file_id, ticket.user
        ):
            return None
        return self._tickets.issue(
            ticket.file_id, ticket.user, Right.PLAY, life=self._life, sign_in=ticket.sign_in
        )
