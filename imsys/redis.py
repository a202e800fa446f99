"""Redis through txredisapi and hiredis: a prefix, a deadline, scripts, and reconnection.

Redis holds nothing that cannot be lost: it may be flushed, restarted or away at
any time, and callers then get :class:`~imsys.errors.Unavailable`.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IDelayedCall, IProtocol, IProtocolFactory, IReactorTime, IStreamClientEndpoint
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from imsys.config import RedisConfig
from imsys.errors import Status, Unavailable

_log = Logger()

MAX_PENDING = 20_000
"""Calls waiting for an answer beyond which further ones fail at once."""

CONNECT_TIMEOUT = 3.0
REBUILD_DELAY = 2.0
MIN_RETRY, MAX_RETRY = 0.05, 2.0
"""Seconds between two attempts to connect: half as many again from one to the next."""

UNREACHABLE = 1.0
"""Seconds without a connection after which this is said: a server that is started together with us needs a moment."""

LOOK = 0.02
"""Seconds between two looks whether there is a connection, while calls wait for one."""

GRACE = 0.1
"""Seconds that the deadline of a call lies behind txredisapi's own, which also aborts the connection that does not answer."""


@dataclass(frozen=True)
class Script:
    """A Lua script, sent once and called by its SHA-1 from then on."""

    text: str
    sha1: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha1", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


class Redis:
    """Calls to one Redis server.

    Calls that are made in one turn of the reactor travel together; none waits for
    the answer of another.
    """

    def __init__(self, clock: IReactorTime, prefix: str, timeout: float) -> None:
        self._clock = clock
        self._prefix = prefix
        self._timeout = timeout
        self._pending = 0
        self._pool: Sequence[Any] | None = None
        self._turn = 0
        self._waiting: dict[Deferred[None], None] = {}
        self._next_look: IDelayedCall | None = None

    def use(self, pool: Sequence[Any] | None) -> None:
        """Send calls through these connections, as they come and go, from now on; ``None``: fail them at once."""
        self._pool = pool
        if pool is None:
            self._wake()

    def key(self, *parts: str | int) -> str:
        """The name of a key: the installation's prefix, then the parts with colons between."""
        return self._prefix + ":".join(map(str, parts))

    async def call(self, command: str, *args: str | bytes | int | float) -> Any:
        """One command. Strings, bulk or simple, come back as bytes, integers as int, nil as ``None``.

        :raises Unavailable: (12) no connection, no answer in time, or an error reply.
        """
        reply = await self._send(command, *args)
        if isinstance(reply, _ErrorReply):
            _log.error("Redis answers {command} with an error: {text}", command=command, text=reply.text)
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "Redis refused a command.")
        return reply

    async def script(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        """Run a script; its reply is as :meth:`call`'s.

        :raises Unavailable: (12) as for :meth:`call`.
        """
        reply = await self._send("EVALSHA", script.sha1, len(keys), *keys, *args)
        if isinstance(reply, _ErrorReply) and reply.text.startswith("NOSCRIPT"):
            reply = await self._send("EVAL", script.text, len(keys), *keys, *args)
        if isinstance(reply, _ErrorReply):
            _log.error("Redis answers a script with an error: {text}", text=reply.text)
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "Redis refused a script.")
        return reply

    async def _send(self, command: str, *args: str | bytes | int | float) -> Any:
        from txredisapi import RedisError, ResponseError

        if self._pending >= MAX_PENDING:
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "Too many calls wait for Redis.")
        self._pending += 1
        try:
            pool = self._pool or await self._connected()
            self._turn += 1
            call: Deferred[Any] = pool[self._turn % len(pool)].execute_command(command, *args)
            return await call.addTimeout(self._timeout + GRACE, self._clock)
        except ResponseError as error:
            return _ErrorReply(str(error))
        except (RedisError, DeferredTimeout, CancelledError):
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "Redis did not answer in time.") from None
        finally:
            self._pending -= 1

    async def _connected(self) -> Sequence[Any]:
        """Wait for a connection, for as long as a call may take (txredisapi's own way to wait keeps what has timed out)."""
        if self._pool is not None:
            waiter: Deferred[None] = Deferred()
            self._waiting[waiter] = None
            if self._next_look is None:
                self._next_look = self._clock.callLater(LOOK, self._look)
            try:
                await waiter.addTimeout(self._timeout, self._clock)
            finally:
                self._waiting.pop(waiter, None)
        if not self._pool:
            raise Unavailable(Status.REDIS_UNKNOWN_ERROR, "There is no connection to Redis.")
        return self._pool

    def _look(self) -> None:
        self._next_look = None
        if self._pool:
            self._wake()
        elif self._waiting:
            self._next_look = self._clock.callLater(LOOK, self._look)

    def _wake(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        waiting, self._waiting = self._waiting, {}
        for waiter in waiting:
            waiter.callback(None)


@dataclass(frozen=True)
class _ErrorReply:
    text: str


class RedisService(Service):
    """Keeps a pool of connections open, also across restarts of the server."""

    def __init__(self, reactor: Any, config: RedisConfig) -> None:
        if config.mode == "embedded" and not config.socket:
            raise ValueError("an embedded Redis is reached through EmbeddedRedis.config")
        self._reactor = reactor
        self._config = config
        self._factory: Any = None
        self._rebuild: Any = None
        self.redis = Redis(reactor, config.prefix, config.timeout)

    def startService(self) -> None:
        """Begin to connect, and go on until the service stops."""
        super().startService()
        self._connect()

    async def ready(self) -> None:
        """Return when the server answers."""
        while self.running:
            try:
                await self.redis.call("PING")
            except Unavailable:
                await deferLater(self._reactor, 0.1)
            else:
                return

    def stopService(self) -> Deferred[Any]:
        """Close the connections; fires when they are closed."""
        super().stopService()
        self.redis.use(None)
        if self._rebuild is not None:
            self._rebuild.cancel()
            self._rebuild = None
        factory, self._factory = self._factory, None
        return succeed(None) if factory is None else factory.disconnect()

    def _connect(self) -> None:
        # txredisapi imports the global reactor, which must not be installed by importing this module.
        from txredisapi import RedisFactory

        from imsys.redis_wire import PackedProtocol

        config = self._config
        factory = RedisFactory(
            "imsys",
            config.database or None,
            config.pool_size,
            isLazy=True,
            charset=None,
            password=config.password or None,
            replyTimeout=config.timeout,
            convertNumbers=False,
        )
        factory.protocol = PackedProtocol
        factory.initialDelay, factory.factor, factory.maxDelay = MIN_RETRY, 1.5, MAX_RETRY
        factory.connectionError = self._refused
        endpoint: IStreamClientEndpoint = (
            UNIXClientEndpoint(self._reactor, config.socket, timeout=CONNECT_TIMEOUT)
            if config.socket
            else HostnameEndpoint(self._reactor, config.host, config.port, timeout=CONNECT_TIMEOUT)
        )
        self._factory = factory
        factory.startConnecting(_Patient(self._reactor, endpoint, self._where))
        self.redis.use(factory.pool)

    def _refused(self, why: str) -> None:
        # A pool that is refused once (password, database number, too many clients) gives up for good: begin anew.
        if not self.running or self._rebuild is not None:
            return
        _log.error("Redis at {where} refuses us: {why}", where=self._where, why=why)
        self._rebuild = self._reactor.callLater(REBUILD_DELAY, self._begin_anew)

    def _begin_anew(self) -> None:
        self._rebuild = None
        old, self._factory = self._factory, None
        old.disconnect().addErrback(lambda failure: _log.failure("closing a pool of Redis connections", failure))
        self._connect()

    @property
    def _where(self) -> str:
        return self._config.socket or f"{self._config.host}:{self._config.port}"


@implementer(IStreamClientEndpoint)
class _Patient:
    """Connects sooner or later: txredisapi would log each attempt that fails, on each connection."""

    def __init__(self, reactor: Any, endpoint: IStreamClientEndpoint, where: str) -> None:
        self._reactor = reactor
        self._endpoint = endpoint
        self._where = where
        self._since: float | None = None
        self._said = False

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Fires with a protocol that is connected; does not fail, but can be cancelled."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        delay = MIN_RETRY
        while True:
            try:
                protocol: IProtocol = await self._endpoint.connect(factory)
            except (CancelledError, ConnectingCancelledError):
                raise
            except Exception as error:
                now = self._reactor.seconds()
                self._since = now if self._since is None else self._since
                if not self._said and now - self._since >= UNREACHABLE:
                    _log.warn("Redis at {where} cannot be reached: {error}", where=self._where, error=str(error))
                    self._said = True
                await deferLater(self._reactor, delay * random.uniform(0.8, 1.2))  # noqa: S311
                delay = min(MAX_RETRY, delay * 1.5)
            else:
                if self._said:
                    _log.info("Redis at {where} is there", where=self._where)
                self._since, self._said = None, False
                return protocol
