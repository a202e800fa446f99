"""The Redis client, by txredisapi and hiredis: key prefix, deadlines, scripts, and failover.

Redis holds nothing that must not be lost: it may be flushed, restarted, replaced or down at any time; callers
then get :class:`~imsys.errors.Unavailable`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from imsys.config import RedisConfig
from imsys.errors import Status, Unavailable
from imsys.redis.masters import Address, Found, Masters, NoMaster
from imsys.util.background import Background, run_in_background
from imsys.util.backoff import NO_JITTER, Backoff
from imsys.util.events import Waiters
from imsys.util.outages import REMINDER, Outage

_log = Logger()

MAX_PENDING = 20_000
"""Pending calls, at most; further ones fail at once."""

MIN_RETRY, MAX_RETRY, FACTOR, JITTER = 0.05, 0.5, 1.5, (0.8, 1.2)
"""Seconds between two attempts to find a master: each FACTOR times the last, with this jitter."""

FAULT = "keeping the connections to Redis failed"

UNREACHABLE = 1.0
"""Seconds without a connection at a start before it is logged: a server that is started with us needs a
moment."""

WATCH = 1.0
"""Seconds between two checks with a Sentinel that our server is still the master."""

CLOSE = 1.0
"""Seconds for connections to close in good order when the service stops."""

GRACE = 0.1
"""Seconds by which a call's deadline is later than txredisapi's own, which also aborts the silent
connection."""

AGAIN = 0.05
"""Seconds before a call is retried that the server has refused for the moment."""

UNFIT = ("READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "MISCONF", "NOAUTH", "UNBLOCKED")
"""Errors of a server that is not a master or not writable: all connections to it are dropped."""

BUSY = ("BUSY", "TRYAGAIN")
"""Errors of a server that is busy for a moment."""

COMPLAINTS = 100
"""Kinds of errors that are told apart in the log, at most."""

CAUGHT = """
local function caught(result)
  local text = type(result) == 'table' and result.err or tostring(result)
  for _, code in ipairs({'READONLY', 'NOREPLICAS', 'MISCONF'}) do
    if string.find(text, code, 1, true) then error(result, 0) end
  end
  return text
end
"""
"""For scripts: ``caught`` returns the text of a caught error, but raises that of a server that is not
writable."""

_CODES = re.compile(rf"(?:^|[ -])({'|'.join(UNFIT + BUSY)}) ")
"""Finds a command's error code, which may be anywhere in its script's error."""


@dataclass(frozen=True)
class Script:
    """A Lua script, sent once and then called by its SHA-1.

    A script that catches errors must let those pass that concern the server, not its arguments: see
    :data:`CAUGHT`.
    """

    text: str
    sha1: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha1", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


class Redis:
    """Calls to the present Redis master.

    Calls of one turn of the reactor are sent together; none waits for the answer of another. A call that a
    server refuses because it is not ready, or not the master (any more), is repeated at the next one within
    its deadline.
    """

    def __init__(self, clock: IReactorTime, prefix: str, timeout: float) -> None:
        self._clock = clock
        self._prefix = prefix
        self._timeout = timeout
        self._pending = 0
        self._pool: Sequence[Any] | None = None
        self._turn = 0
        self._waiting: Waiters[None] = Waiters()
        self._complained: dict[str, float] = {}
        self.tried = 0
        """How often a health check has written with success."""
        self.unfit: Callable[[Sequence[Any], str], None] = lambda pool, reason: None
        """Called with unusable connections and the reason; it must find others and call :meth:`use`."""

    def use(self, pool: Sequence[Any] | None) -> None:
        """Send calls through these connections from now on; if empty, calls wait.

        If ``None``, they fail at once.
        """
        self._pool = pool
        if pool or pool is None:
            self._waiting.fire(None)

    def key(self, *parts: str | int) -> str:
        """Build the name of a key: the installation's prefix, then the parts joined by colons."""
        return self._prefix + ":".join(map(str, parts))

    async def call(self, command: str, *args: str | bytes | int | float) -> Any:
        """Run one command. Strings, bulk or simple, are returned as bytes, integers as int, nil as ``None``.

        :raises Unavailable: REDIS_UNKNOWN_ERROR (12), no connection, no answer in time, or an error reply.
        """
        reply = await self._send(command, *args)
        if isinstance(reply, _ErrorReply):
            self._complain(command, reply)
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "Redis refused a command.")
        return reply

    async def script(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Run a script; return its reply as :meth:`call` does.

        :raises Unavailable: REDIS_UNKNOWN_ERROR (12), as for :meth:`call`.
        """
        reply = await self._send("EVALSHA", script.sha1, len(keys), *keys, *args)
        if isinstance(reply, _ErrorReply) and reply.code == "NOSCRIPT":
            reply = await self._send("EVAL", script.text, len(keys), *keys, *args)
        if isinstance(reply, _ErrorReply):
            self._complain("a script", reply)
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "Redis refused a script.")
        return reply

    async def _send(self, command: str, *args: str | bytes | int | float) -> Any:
        from txredisapi import RedisError, ResponseError

        if self._pending >= MAX_PENDING:
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "Too many calls wait for Redis.")
        self._pending += 1
        latest, left = self._clock.seconds() + self._timeout, self._timeout
        try:
            while True:
                pool = self._pool
                if not pool:
                    pool = await self._connected(latest)
                    left = latest - self._clock.seconds()
                self._turn += 1
                try:
                    call: Deferred[Any] = pool[self._turn % len(pool)].execute_command(command, *args)
                    return await call.addTimeout(left + GRACE, self._clock)
                except ResponseError as error:
                    reply = _ErrorReply(str(error))
                if not await self._passing(pool, reply, latest):
                    return reply
        except (RedisError, DeferredTimeout, CancelledError):
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "Redis did not answer in time.") from None
        finally:
            self._pending -= 1

    async def _passing(self, pool: Sequence[Any], reply: _ErrorReply, latest: float) -> bool:
        """Return whether a refused call, which was not executed, may be retried; wait until it may."""
        if reply.code in UNFIT:
            self.unfit(pool, reply.text)
            if pool is self._pool:  # no other server is being searched
                return False
        elif reply.code in BUSY:
            await deferLater(self._clock, AGAIN)
        else:
            return False
        return self._clock.seconds() < latest

    async def _connected(self, latest: float) -> Sequence[Any]:
        """Wait for a connection until ``latest``."""
        while self._pool is not None:
            await self._waiting.add().addTimeout(max(0.0, latest - self._clock.seconds()), self._clock)
            if self._pool:
                return self._pool
        raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "There is no connection to Redis.")

    def _complain(self, what: str, reply: _ErrorReply) -> None:
        """Log an error reply, each kind only once in a while."""
        now = self._clock.seconds()
        if now - self._complained.get(reply.code, float("-inf")) < REMINDER:
            return
        if len(self._complained) >= COMPLAINTS:
            self._complained.clear()
        self._complained[reply.code] = now
        _log.error("Redis answers {what} with an error: {text}", what=what, text=reply.text)


@dataclass(frozen=True)
class _ErrorReply:
    text: str

    @property
    def code(self) -> str:
        """The code of the error."""
        found = _CODES.search(self.text)
        return found[1] if found is not None else self.text.partition(" ")[0]


class RedisService(Service):
    """Keeps connections to the present master open.

    All connections go to one server. If one is lost, or the server is not writable, all are retired: pending
    calls are still answered, and the search begins again.
    """

    def __init__(self, reactor: Any, config: RedisConfig) -> None:
        if config.mode == "embedded" and not config.socket:
            raise ValueError("an embedded Redis is reached through EmbeddedRedis.config")
        self._reactor = reactor
        self._config = config
        self._masters = Masters(reactor, config)
        self._outage = Outage(reactor.seconds, "Redis")
        self._began = 0.0
        self._known = False
        self._pool: list[Any] = []
        self._open: set[Any] = set()
        self._broken: Deferred[str] = Deferred()
        self._breaking: IDelayedCall | None = None
        self._background = Background(_log, FAULT)
        self.redis = Redis(reactor, config.prefix, config.timeout)
        self.redis.unfit = self._unfit

    def startService(self) -> None:
        """Connect, and stay connected until the service stops."""
        super().startService()
        self._began = self._reactor.seconds()
        self._known = False
        self.redis.use([])
        self._background.run(self._keep())

    async def ready(self) -> None:
        """Return when the server answers."""
        while self.running:
            try:
                await self.redis.call("PING")
            except Unavailable:
                await deferLater(self._reactor, 0.1)
            else:
                return

    def stopService(self) -> Deferred[None]:
        """Close the connections; fire when they are closed."""
        super().stopService()
        self.redis.use(None)
        if self._breaking is not None and self._breaking.active():
            self._breaking.cancel()
        self._background.cancel()
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        opened = tuple(self._open)
        closed = DeferredList([connection.closed() for connection in opened])
        for connection in opened:
            connection.transport.loseConnection()
        late = self._reactor.callLater(
            CLOSE, lambda: [connection.transport.abortConnection() for connection in opened]
        )
        await closed
        if late.active():
            late.cancel()

    # -- from one master to the next

    async def _keep(self) -> None:
        backoff = Backoff(MIN_RETRY, MAX_RETRY, factor=FACTOR, jitter=JITTER)
        while True:
            try:
                found = await self._masters.find()
            except NoMaster as problem:
                if self._known or self._reactor.seconds() - self._began >= UNREACHABLE:
                    self._outage.failed(str(problem))
                await deferLater(self._reactor, backoff.next())
                continue
            since = self._reactor.seconds()
            self._outage.failed(await self._serve(found))
            if self._reactor.seconds() - since >= UNREACHABLE:
                backoff.reset()
            else:  # found and lost at once, perhaps again and again
                await deferLater(self._reactor, backoff.next())

    async def _serve(self, found: Found) -> str:
        """Use a master until it is unusable; return the reason."""
        broken: Deferred[str] = Deferred()
        pool: list[Any] = []
        self._broken, self._pool = broken, pool
        self._take(pool, found)
        self._known = True
        self._outage.works()
        helpers = [
            run_in_background(self._fill(pool, found.address), _log, FAULT)
            for _ in range(self._config.pool_size - 1)
        ]
        if self._masters.watched:
            helpers.append(run_in_background(self._watch(pool, found.address), _log, FAULT))
        try:
            reason: str = await broken
            return reason
        finally:
            if self.running:
                for connection in pool:
                    connection.retire()
            for helper in helpers:
                helper.cancel()

    def _take(self, pool: list[Any], found: Found) -> None:
        connection = found.connection
        self._open.add(connection)
        pool.append(connection)

        def lost(_: None) -> None:
            self._open.discard(connection)
            self._leave(pool, f"the connection to {found.address} was lost")

        connection.closed().addCallback(lost)
        self.redis.use(pool)

    async def _fill(self, pool: list[Any], address: Address) -> None:
        """Open one more connection to a server."""
        backoff = Backoff(MIN_RETRY, MAX_RETRY, factor=FACTOR, jitter=NO_JITTER)
        while pool is self._pool:
            try:
                found = await self._masters.open(address)
            except NoMaster as problem:
                if pool is not self._pool or not self.running:
                    return  # cancelled during name resolution, which reports it as an unknown name
                _log.debug(
                    "there are fewer connections to Redis than there may be: {problem}", problem=problem
                )
                await deferLater(self._reactor, backoff.next())
            else:
                if pool is self._pool:
                    self._take(pool, found)
                else:
                    found.connection.transport.abortConnection()
                return

    async def _watch(self, pool: list[Any], address: Address) -> None:
        """Check whether the Sentinels name another master, which this one may not know."""
        while pool is self._pool:
            await deferLater(self._reactor, WATCH)
            named = await self._masters.replaced(address)
            if named is not None:
                self._leave(pool, f"{address} is the master no more: Sentinels name {named}")

    def _unfit(self, pool: Sequence[Any], reason: str) -> None:
        self._leave(pool, reason)

    def _leave(self, pool: Sequence[Any], reason: str) -> None:
        if pool is not self._pool:
            return
        self._pool = []
        if self.running:
            self.redis.use(self._pool)
            # in another turn, since the caller may be one of those cancelled then
            self._breaking = self._reactor.callLater(0, self._broken.callback, reason)
