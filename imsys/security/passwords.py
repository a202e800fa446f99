"""Make and check argon2id password hashes in a bounded pool of threads.

A hash costs memory and time on purpose, so only as many run at once as there are threads. The callers that
wait are bounded, too: beyond that, one of the busiest asker's gets SERVER_BUSY (73). Waiting askers take
turns.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from imsys.config import GatewayConfig
from imsys.errors import Status, Unavailable
from imsys.util.events import Waiters
from imsys.util.turns import Asker, Turns

_log = Logger()
T = TypeVar("T")

LONGEST = 1024
"""Characters of a password, at most; a longer one is never right."""

KINDS = 8
"""Known kinds of hashes, at most; the timing of further ones reveals which accounts have them."""

NOBODY = Asker("", "")
"""The asker of requests without an account."""

_SALT_BYTES = 16
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """Whether a password is right, and whether its hash has other parameters than the present ones."""

    right: bool
    outdated: bool = False


class Passwords(Service):
    """Makes and checks hashes in its own threads.

    :param workers: threads, and so concurrent hashes.
    :param queue: callers that wait for a thread, at most.
    :param memory: KiB of one hash.
    :param passes: passes of one hash over its memory.
    :param lanes: lanes of one hash.
    """

    name = "passwords"

    def __init__(
        self, reactor: IReactorFromThreads, *, workers: int, queue: int, memory: int, passes: int, lanes: int
    ) -> None:
        self._reactor = reactor
        self._hasher = PasswordHasher(
            time_cost=passes,
            memory_cost=memory,
            parallelism=lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )
        self._nobody = _nobodys_hash(f"$argon2id$v=19$m={memory},t={passes},p={lanes}")
        self._nobodies = {_kind(self._nobody): self._nobody}
        self._workers = self._free = workers
        self._queue = queue
        self._turns: Turns[Deferred[None]] = Turns()
        self._idle: Waiters[None] = Waiters()  # for all workers to be free
        self._threads: ThreadPool | None = None
        self.computed = 0
        """Hashes computed so far."""

    @classmethod
    def configured(cls, reactor: IReactorFromThreads, config: GatewayConfig) -> Passwords:
        """Make one from ``[gateway]``; 0 workers means the number of cores."""
        return cls(
            reactor,
            workers=config.hash_workers or os.cpu_count() or 1,
            queue=config.hash_queue,
            memory=config.hash_memory,
            passes=config.hash_time,
            lanes=config.hash_parallelism,
        )

    @property
    def workers(self) -> int:
        """The number of concurrent hashes."""
        return self._workers

    def startService(self) -> None:
        """Start the threads."""
        super().startService()
        self._threads = ThreadPool(0, self._workers, "passwords")
        self._threads.start()

    def stopService(self) -> Deferred[None]:
        """Refuse waiting callers, let running ones end; fire when the threads have ended."""
        super().stopService()
        threads, self._threads = self._threads, None
        if threads is None:
            return succeed(None)
        while self._turns:
            self._turns.next().cancel()
        return Deferred.fromCoroutine(self._end(threads))

    async def _end(self, threads: ThreadPool) -> None:
        if self._free < self._workers:
            await self._idle.add()
        threads.stop()  # joins them, which takes no time: all are idle

    def slot(self, asker: Asker = NOBODY) -> Slot:
        """Return a worker slot, to be entered with ``async with``; waiting askers take turns."""
        return Slot(self, asker)

    async def hash(self, password: str, asker: Asker = NOBODY) -> str:
        """Return the encoded hash of a password. :raises Unavailable: SERVER_BUSY (73), too many wait."""
        async with self.slot(asker) as slot:
            return await slot.hash(password)

    async def _enter(self, asker: Asker) -> None:
        if self._threads is None:
            raise _stopping()
        rank = self._turns.came(asker)
        if self._free:
            self._free -= 1
            return
        turn: Deferred[None] = Deferred(self._turns.discard)
        self._turns.add(turn, rank)
        if len(self._turns) > self._queue:
            self._turns.last().errback(
                Unavailable(Status.SERVER_BUSY, "Too many passwords are being checked.")
            )
        try:
            await turn
        except CancelledError:
            self._turns.gone(asker)
            raise _stopping() from None
        except Unavailable:
            self._turns.gone(asker)
            raise

    def _leave(self, asker: Asker) -> None:
        self._turns.gone(asker)
        if self._turns:
            self._turns.next().callback(None)
            return
        self._free += 1
        if self._free == self._workers:
            self._idle.fire(None)

    async def _run(self, compute: Callable[[], T]) -> T:
        if self._threads is None:
            raise _stopping()
        self.computed += 1
        return await deferToThreadPool(self._reactor, self._threads, compute)

    async def _hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(_octets(password)))

    def know(self, kinds: Iterable[str]) -> None:
        """Learn the parameters of accounts' hashes, as ``$argon2id$v=19$m=19456,t=2,p=1``.

        A wrong password takes the time of one hash of each known kind, whichever kind the account has and
        even if there is no account: so the timing does not reveal which names have accounts.
        """
        for kind in kinds:
            if kind not in self._nobodies and len(self._nobodies) < KINDS:
                nobody = _nobodys_hash(kind)
                try:
                    extract_parameters(nobody)
                except InvalidHashError:
                    continue
                self._nobodies[kind] = nobody

    async def _verify(self, encoded: str | None, password: str) -> PasswordCheck:
        if encoded is None or len(password) > LONGEST:
            encoded, password = self._nobody, ""
        self.know([_kind(encoded)])
        return await self._run(lambda: self._compare(encoded, _octets(password), dict(self._nobodies)))

    def _compare(self, encoded: str, password: bytes, nobodies: dict[str, str]) -> PasswordCheck:
        """Compare with the hash; if it differs, also with a dummy hash of each other kind.

        Runs in a thread.
        """
        try:
            self._hasher.verify(encoded, password)
        except VerifyMismatchError:
            nobodies.pop(_kind(encoded), None)
        except (InvalidHashError, VerificationError):
            _log.error("a stored password hash is not one of argon2: nobody can log in with it")
        else:
            return PasswordCheck(right=True, outdated=self._hasher.check_needs_rehash(encoded))
        for nobody in nobodies.values():
            with contextlib.suppress(VerifyMismatchError):
                self._hasher.verify(nobody, b"")
        self.computed += len(nobodies)
        return PasswordCheck(right=False)


class Slot:
    """A worker slot; computations in it do not wait."""

    __slots__ = ("_asker", "_passwords")

    def __init__(self, passwords: Passwords, asker: Asker) -> None:
        self._passwords = passwords
        self._asker = asker

    async def __aenter__(self) -> Slot:
        """Wait for a free worker. :raises Unavailable: SERVER_BUSY (73), too many wait."""
        await self._passwords._enter(self._asker)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Pass the worker on to the next caller."""
        self._passwords._leave(self._asker)

    async def hash(self, password: str) -> str:
        """Return the encoded hash of a password, with a new salt."""
        return await self._passwords._hash(password)

    async def verify(self, encoded: str | None, password: str) -> PasswordCheck:
        """Check a password; without a hash (no such account) it takes the same time and is wrong."""
        return await self._passwords._verify(encoded, password)


def _stopping() -> Unavailable:
    return Unavailable(Status.SERVER_BUSY, "The server is shutting down.")


def _octets(password: str) -> bytes:
    # NFC, since keyboards of different systems write the same letter differently.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _kind(encoded: str) -> str:
    """Return the part before the salt and digest of a hash."""
    return encoded.rpartition("$")[0].rpartition("$")[0]


def _nobodys_hash(kind: str) -> str:
    """Make a well-formed random hash with these parameters, which no password matches."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).decode("ascii").rstrip("=")
        for size in (_SALT_BYTES, _HASH_BYTES)
    )
    return f"{kind}${salt}${digest}"
