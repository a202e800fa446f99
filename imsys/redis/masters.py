"""Find the writable Redis server: one of several, or the one that the Sentinels name.

A server tells by ``ROLE`` whether it is a master; a write that changes nothing shows whether it is writable.
A server that is loading its data, or is a replica, is skipped and asked again later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure

from imsys.config import RedisConfig
from imsys.util.backoff import NO_JITTER, Backoff

if TYPE_CHECKING:
    from imsys.redis.protocol import PackedProtocol

CONNECT_TIMEOUT = 3.0
"""Seconds for a server to accept a connection, and again for its first replies."""

SETTLE = 0.2
"""Seconds for others to answer after one has called itself the master: of two, all of our servers must
choose alike."""

PATIENCE = 1.0
"""Seconds after which a poll without a master ends, so that all servers are asked again; it doubles with
each failure."""


class NoMaster(Exception):
    """No server is writable now; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server: a Unix socket, or host and port."""

    host: str
    port: int = 0

    def __str__(self) -> str:
        if not self.port:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(slots=True)
class Found:
    """A master, and a connection to it that is ready for commands."""

    address: Address
    connection: PackedProtocol
    replicas: int
    """The number of its replicas."""


class Masters:
    """Finds the master of a configuration."""

    def __init__(self, reactor: Any, config: RedisConfig) -> None:
        self._reactor = reactor
        self._config = config
        self._patience = Backoff(PATIENCE, CONNECT_TIMEOUT, jitter=NO_JITTER)
        self._turn = 0
        self._last: Address | None = None
        self.watched = bool(config.sentinels) and not config.socket
        """Whether Sentinels name the master."""

    async def find(self) -> Found:
        """Ask all candidates at once. :raises NoMaster: none that answers is a writable master."""
        addresses = await self._candidates()
        found = await _Poll(
            self, self._reactor, addresses, ranked=self.watched, patience=self._patience.next()
        ).result()
        if not isinstance(found, Found):
            raise NoMaster(found)
        self._patience.reset()
        self._last = found.address
        return found

    async def open(self, address: Address) -> Found:
        """Connect to a server.

        :raises NoMaster: it is unreachable, refuses us, or is not a writable master.
        """
        connection = await self._connect(address)
        config = self._config
        first: list[tuple[str | bytes | int, ...]] = [("AUTH", config.password)] if config.password else []
        if config.database:
            first.append(("SELECT", config.database))
        commands = [*first, ("ROLE",), ("DEL", f"{config.prefix}probe")]
        try:
            said = Deferred.fromCoroutine(connection.together(*commands)).addTimeout(
                CONNECT_TIMEOUT, self._reactor
            )
            *before, role, write = await said
            for reply in before:
                if isinstance(reply, Exception):
                    raise NoMaster(f"{address} refuses us: {reply}")
            # a server without the command counts as a master
            if isinstance(role, list) and role[0] != b"master":
                raise NoMaster(f"{address} is a replica")
            if isinstance(write, Exception):
                raise NoMaster(f"{address} cannot be written to: {write}")
        except BaseException as problem:
            connection.transport.abortConnection()
            if isinstance(problem, NoMaster | CancelledError):
                raise
            raise NoMaster(f"{address} does not answer") from None
        replicas = (
            len(role[2]) if isinstance(role, list) and len(role) > 2 and isinstance(role[2], list) else 0
        )
        return Found(address, connection, replicas)

    async def replaced(self, address: Address) -> Address | None:
        """Return the master that most Sentinels name, if it is not ``address``.

        Another Sentinel is asked first each time.
        """
        sentinels = self._config.sentinels
        self._turn += 1
        named = await self._ask(Address(*sentinels[self._turn % len(sentinels)]))
        if named in (None, address):
            return None
        ((named, count),) = (await self._votes()).most_common(1) or ((None, 0),)
        return named if named != address and 2 * count > len(sentinels) else None

    async def _candidates(self) -> Sequence[Address]:
        config = self._config
        if config.socket:
            return [Address(config.socket)]
        if not config.sentinels:
            return [Address(host, port) for host, port in config.hosts or ((config.host, config.port),)]
        votes = await self._votes()
        if votes:
            return [address for address, _ in votes.most_common()]
        if self._last is not None:  # it may be up although no Sentinel is
            return [self._last]
        raise NoMaster(f"no Sentinel names a master called {config.master_name}")

    async def _votes(self) -> Counter[Address]:
        """Ask all Sentinels at once for the master; return when a majority is clear or all have answered."""
        config = self._config
        votes: Counter[Address] = Counter()
        asked = [Deferred.fromCoroutine(self._ask(Address(host, port))) for host, port in config.sentinels]
        clear: Deferred[None] = Deferred()
        left = len(asked)

        def answered(address: Address | None) -> None:
            nonlocal left
            left -= 1
            if address is not None:
                votes[address] += 1
            if not clear.called and (not left or 2 * max(votes.values(), default=0) > len(asked)):
                clear.callback(None)

        for one in asked:
            one.addCallbacks(answered, lambda _: answered(None))
        try:
            await clear
        finally:
            for one in asked:
                one.cancel()
        return votes

    async def _ask(self, sentinel: Address) -> Address | None:
        try:
            connection = await self._connect(sentinel, PATIENCE)
        except NoMaster:
            return None
        command = ("SENTINEL", "get-master-addr-by-name", self._config.master_name)
        try:
            (reply,) = await Deferred.fromCoroutine(connection.together(command)).addTimeout(
                PATIENCE, self._reactor
            )
            host, port = reply
            return Address(host.decode(), int(port))
        except CancelledError:
            raise
        except Exception:  # it does not answer, knows no such master, or is not a Sentinel
            return None
        finally:
            connection.transport.abortConnection()

    async def _connect(self, address: Address, timeout: float = CONNECT_TIMEOUT) -> PackedProtocol:
        from imsys.redis.protocol import Connecting

        where: IStreamClientEndpoint = (
            HostnameEndpoint(self._reactor, address.host, address.port, timeout=timeout)
            if address.port
            else UNIXClientEndpoint(self._reactor, address.host, timeout=timeout)
        )
        try:
            connection: PackedProtocol = await where.connect(Connecting(self._config.timeout))  # type: ignore[assignment]
        except (CancelledError, ConnectingCancelledError):
            raise CancelledError from None
        except Exception as error:
            raise NoMaster(f"{address} cannot be reached: {error}") from error
        return connection


class _Poll:
    """Asks several servers at once which of them is the master.

    :param ranked: prefer the first of several masters; otherwise the one with the most replicas.
    :param patience: seconds to wait for further answers after the first failure.
    """

    def __init__(
        self,
        masters: Masters,
        clock: IReactorTime,
        addresses: Sequence[Address],
        *,
        ranked: bool,
        patience: float,
    ) -> None:
        self._clock = clock
        self._ranked = ranked
        self._patience = patience
        self._found: dict[int, Found] = {}
        self._problems = {
            number: f"{address} does not answer yet" for number, address in enumerate(addresses)
        }
        self._left = len(addresses)
        self._timer: IDelayedCall | None = None
        self._done: Deferred[None] = Deferred()
        self._asked = [Deferred.fromCoroutine(masters.open(address)) for address in addresses]
        for number, one in enumerate(self._asked):
            one.addCallbacks(self._answered, self._failed, (number,), {}, (number,))

    async def result(self) -> Found | str:
        """Return a master, or the problems of all servers."""
        best: int | None = None
        try:
            await self._done
            best = min(self._found, key=self._rank, default=None)
        finally:
            if self._timer is not None and self._timer.active():
                self._timer.cancel()
            for one in self._asked:
                one.cancel()
            for number, found in self._found.items():
                if number != best:
                    found.connection.transport.abortConnection()
        return "; ".join(self._problems.values()) if best is None else self._found[best]

    def _rank(self, number: int) -> tuple[int, int]:
        return 0 if self._ranked else -self._found[number].replicas, number

    def _answered(self, found: Found, number: int) -> None:
        if self._done.called:
            found.connection.transport.abortConnection()
            return
        self._found[number] = found
        self._wait(SETTLE, begins=len(self._found) == 1)

    def _failed(self, reason: Failure, number: int) -> None:
        if not self._done.called and reason.check(CancelledError) is None:
            self._problems[number] = reason.getErrorMessage()
            self._wait(self._patience, begins=self._timer is None)

    def _wait(self, seconds: float, *, begins: bool) -> None:
        """Count an answer; if it ``begins`` the wait for the others, give them so many seconds."""
        self._left -= 1
        if self._timer is not None and self._timer.active() and (begins or not self._left):
            self._timer.cancel()
        if not self._left:
            self._end()
        elif begins:
            self._timer = self._clock.callLater(seconds, self._end)

    def _end(self) -> None:
        if not self._done.called:
            self._done.callback(None)
