"""A light client that stays online, and when it loses its server comes back as the client library does: by
the library's own rules.
"""

from __future__ import annotations

import random
import ssl
import time
from collections import Counter
from collections.abc import Callable

from twisted.internet.task import Clock

from imsys.bench.storm.loop import Connection, Steps, Wait, connect
from imsys.bench.storm.talking import (
    BEAT,
    RESYNC,
    SIGNED_OUT,
    SYNC,
    Chat,
    Refusal,
    catch_up,
    find_place,
    log_in,
    sync,
)
from imsys.bench.tasks import User
from imsys.sdk.comeback import Comeback
from imsys.sdk.gateway import ServerAddress
from imsys.sdk.timing import Timing
from imsys.sdk.whereabouts import Whereabouts
from imsys.util.backoff import Backoff

_TIMING = Timing()
_GATEWAY = 15.0
"""Seconds that the library gives a call of the gateway."""


class _Monotonic(Clock):
    """What the library's rules ask for the time."""

    def seconds(self) -> float:
        """Of the monotonic clock."""
        return time.monotonic()


_CLOCK = _Monotonic()


class Tally:
    """Counts of all travellers."""

    def __init__(self) -> None:
        self.online = 0
        self.away = 0
        """Travellers who have lost their connection, and are not online again."""
        self.first_lost = self.last_back = 0.0
        self.waits: list[tuple[str, float]] = []
        """Which server was lost, and when its user was back, of the monotonic clock."""
        self.counts: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()

    def lost(self) -> None:
        """Note that a connection has ended."""
        self.first_lost = self.first_lost or time.monotonic()
        self.online -= 1
        self.away += 1

    def back(self, host: str) -> None:
        """Note that a traveller who had lost a server is online again."""
        self.last_back = time.monotonic()
        self.online += 1
        self.away -= 1
        self.waits.append((host, self.last_back))

    def failed(self, what: str, problem: Exception) -> None:
        """Note a failed attempt."""
        kind = (
            "refused"
            if isinstance(problem, Refusal)
            else "timed out"
            if isinstance(problem, TimeoutError)
            else "unreachable"
        )
        self.counts[kind] += 1
        self.notes[f"{what}: {problem}"] += 1


class Traveller:
    """One user."""

    __slots__ = (
        "_client",
        "_comeback",
        "_context",
        "_gateway",
        "_since",
        "_source",
        "_tally",
        "_token",
        "_uuid",
        "_whereabouts",
    )

    def __init__(
        self,
        user: User,
        others: list[ServerAddress],
        gateway: ServerAddress,
        context: ssl.SSLContext,
        source: str,
        tally: Tally,
    ) -> None:
        uuid, token, host, port, *_ = user
        self._uuid = uuid
        self._token = token
        self._gateway = gateway
        self._context = context
        self._source = source
        self._tally = tally
        self._client = random.randbytes(16).hex()  # noqa: S311 (no secret)
        self._since = 0
        self._whereabouts = Whereabouts(_CLOCK, _TIMING.shun)
        self._whereabouts.here = ServerAddress(host, port)
        self._whereabouts.learn([ServerAddress(host, port), *others])
        self._comeback = Comeback(
            Backoff(_TIMING.first_wait, _TIMING.longest_wait), _TIMING.spread, _TIMING.brief
        )

    def live(self, arrived: Callable[[str], None]) -> Steps[None]:
        """Log in where the user is to be at first, stay, and come back whenever the connection is lost.

        :param arrived: called when the first login is over, with what went wrong.
        """
        assert self._whereabouts.here is not None
        try:
            chat = yield from self._enter(self._whereabouts.here, 10.0)
        except (OSError, Refusal) as problem:
            arrived(str(problem))
            return
        self._tally.online += 1
        arrived("")
        while True:
            since = time.monotonic()
            try:
                yield from self._stay(chat)
            except OSError:
                chat.connection.close()
            except Refusal as refusal:
                chat.connection.close()
                self._signed_out(refusal)
                return
            self._tally.lost()
            host = self._whereabouts.here.host
            try:
                chat = yield from self._come_back(time.monotonic() - since)
            except Refusal as refusal:
                self._signed_out(refusal)
                return
            self._tally.back(host)

    def _signed_out(self, refusal: Refusal) -> None:
        self._tally.counts["signed out"] += 1
        self._tally.notes[f"signed out: {refusal}"] += 1

    def _stay(self, chat: Chat) -> Steps[None]:
        """Send heartbeats, and catch up where a server asks for it.

        :raises OSError: the connection is lost, or silent.
        """
        beat = time.monotonic() + random.uniform(0, _TIMING.heartbeat)  # noqa: S311 (no secret)
        owed = 0
        while True:
            try:
                service, body = yield from chat.next(beat)
            except TimeoutError:
                if owed:
                    raise
                owed, beat = 1, time.monotonic() + _TIMING.silence
                yield from chat.tell(BEAT, b'{"uuid":"%d"}' % self._uuid, beat)
                continue
            owed, beat = 0, time.monotonic() + _TIMING.heartbeat
            if service == RESYNC:
                yield from chat.tell(SYNC, sync(self._since), beat)
            elif service == SIGNED_OUT:
                raise Refusal(0, body.decode("utf-8", "replace"))

    def _come_back(self, lasted: float) -> Steps[Chat]:
        """Get online again. :raises Refusal: the token is no longer valid."""
        delay = self._comeback.lost(lasted)
        while True:
            yield Wait(time.monotonic() + delay)
            try:
                chat = yield from self._anywhere(2.0 ** min(self._comeback.failures, 16))
            except (OSError, Refusal) as problem:
                if isinstance(problem, Refusal) and problem.rejected:
                    raise
                delay = self._comeback.failed(problem.retry_after if isinstance(problem, Refusal) else 0.0)
            else:
                self._comeback.online()
                return chat

    def _anywhere(self, slower: float) -> Steps[Chat]:
        """Try the last server, then other known ones, then the gateway's."""
        for where in (self._whereabouts.back, self._whereabouts.elsewhere):
            if (place := where()) is not None:
                try:
                    chat = yield from self._enter(place, 1.0)
                except (OSError, Refusal) as problem:
                    if isinstance(problem, Refusal) and problem.rejected:
                        break
                else:
                    self._tally.counts["straight"] += 1
                    return chat
        self._tally.counts["asked the gateway"] += 1
        place, *others = yield from self._ask_gateway()
        self._whereabouts.learn((place, *others))
        try:
            return (yield from self._enter(place, slower))
        except (OSError, Refusal) as problem:
            other = self._whereabouts.elsewhere()
            if other is None or (isinstance(problem, Refusal) and problem.rejected):
                raise
        return (yield from self._enter(other, slower))

    def _enter(self, place: ServerAddress, slower: float) -> Steps[Chat]:
        """Connect to a chat server, log in, and catch up."""
        connection: Connection | None = None
        try:
            until = time.monotonic() + min(_TIMING.deadline, _TIMING.connect * slower)
            connection = yield from connect(place, self._source, self._context, until)
            chat = Chat(connection)
            until = time.monotonic() + min(_TIMING.deadline, _TIMING.login * slower)
            yield from log_in(chat, self._uuid, self._token, self._client, until)
            self._since = yield from catch_up(chat, self._since, time.monotonic() + _TIMING.deadline)
        except (OSError, Refusal) as problem:
            if connection is not None:
                connection.close(reset=True)
            if not (isinstance(problem, Refusal) and problem.rejected):
                self._whereabouts.failed(place)
            self._tally.failed("a chat server", problem)
            raise
        self._whereabouts.arrived(place)
        return chat

    def _ask_gateway(self) -> Steps[tuple[ServerAddress, ...]]:
        until = time.monotonic() + _GATEWAY
        try:
            connection = yield from connect(self._gateway, self._source, self._context, until)
            try:
                failed = self._whereabouts.failures()
                return (
                    yield from find_place(
                        connection, self._gateway.host, self._uuid, self._token, failed, until
                    )
                )
            finally:
                connection.close()
        except (OSError, Refusal) as problem:
            self._tally.failed("the gateway", problem)
            raise
