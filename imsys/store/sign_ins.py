"""Sign-ins: the hashes of valid tokens, and the epoch of the account that each belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imsys.errors import Refused
from imsys.store.database import Database, Transaction
from imsys.store.dialects import hex_literal, numbers
from imsys.util.batching import BatchingQueue

AT_ONCE = 100
"""Sign-ins of one transaction, at most."""

WAITING = 20_000
"""Sign-ins that wait to be stored, at most; the same for stamps."""

MOST = 100
"""Sign-ins of one user, at most; a further one ends the one that was unused for longest."""

SWEPT = 20
"""Outdated sign-ins deleted by each transaction that stores some: enough to keep up with new ones."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A valid token of an account; ``digest`` is its SHA-256, times are milliseconds since 1970."""

    digest: bytes
    user: int
    epoch: int | None
    """The account's epoch when its password was checked; ``None``: the present one."""
    now_ms: int
    expires_ms: int
    device: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A stored sign-in of its account's present epoch."""

    user: int
    used_ms: int
    expires_ms: int


class SignInStore:
    """The tables ``sign_ins`` and ``epochs``.

    :param idle_ms: milliseconds without use after which a sign-in is deleted.
    """

    def __init__(self, database: Database, idle_ms: int) -> None:
        self._database = database
        self._idle_ms = idle_ms
        self._keeping: BatchingQueue[SignIn, bool] = BatchingQueue(
            self._keep_all, most=AT_ONCE, queue=WAITING
        )
        self._stamping: BatchingQueue[tuple[bytes, int], None] = BatchingQueue(
            self._stamp_all, most=AT_ONCE, queue=WAITING
        )

    async def keep(self, sign_in: SignIn) -> bool:
        """Store a sign-in durably, in a batch; return ``False`` if its account's epoch has changed meanwhile.

        :raises Refused: SERVER_BUSY (73), too many wait.
        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        return await self._keeping.add(sign_in)

    async def _keep_all(self, sign_ins: list[SignIn]) -> list[bool]:
        return await self._database.write(keep_sign_ins, sign_ins, self._idle_ms)

    async def find(self, digests: Sequence[bytes]) -> dict[bytes, Known]:
        """Find sign-ins of the present epochs of their accounts.

        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        return await self._database.read(self._find, digests)

    @staticmethod
    def _find(tx: Transaction, digests: Sequence[bytes]) -> dict[bytes, Known]:
        rows = tx.rows_literal(
            "SELECT s.digest, s.user_id, s.used_at, s.expires_at FROM sign_ins s LEFT JOIN epochs e ON e.user_id = s.user_id "  # noqa: S608
            f"WHERE s.digest IN ({_literals(digests)}) AND s.epoch = COALESCE(e.epoch, 0)"
        )
        return {bytes(digest): Known(*rest) for digest, *rest in rows}

    def stamp(self, digest: bytes, now_ms: int) -> None:
        """Note in the background that a sign-in was used now; a failure is ignored."""
        self._stamping.add((digest, now_ms)).addErrback(lambda reason: reason.trap(Refused) and None)

    async def _stamp_all(self, stamps: list[tuple[bytes, int]]) -> list[None]:
        await self._database.write(self._stamp, stamps)
        return [None] * len(stamps)

    @staticmethod
    def _stamp(tx: Transaction, stamps: Sequence[tuple[bytes, int]]) -> None:
        newest = max(now_ms for _, now_ms in stamps)
        some = _literals(sorted({digest for digest, _ in stamps}))
        tx.execute_literal(
            f"UPDATE sign_ins SET used_at = {newest:d} WHERE digest IN ({some}) AND used_at < {newest:d}"  # noqa: S608
        )

    async def of_user(self, user: int) -> list[bytes]:
        """Return the digests of a user's sign-ins."""
        return await self._database.read(_of_user, user)

    async def end(self, digest: bytes, user: int) -> None:
        """End one sign-in of a user."""
        await self._database.write(self._end, digest, user)

    @staticmethod
    def _end(tx: Transaction, digest: bytes, user: int) -> None:
        tx.execute("DELETE FROM sign_ins WHERE digest = ? AND user_id = ?", digest, user)

    async def end_all(self, user: int) -> list[bytes]:
        """End all sign-ins of a user and advance the account's epoch.

        Return the digests of those that ended.
        """
        return await self._database.write(end_all, user)


def end_all(tx: Transaction, user: int) -> list[bytes]:
    """Do :meth:`SignInStore.end_all` inside a transaction."""
    _lock_epochs(tx, [user])
    tx.execute("UPDATE epochs SET epoch = epoch + 1 WHERE user_id = ?", user)
    digests = _of_user(tx, user)
    tx.execute("DELETE FROM sign_ins WHERE user_id = ?", user)
    return digests


def keep_sign_ins(tx: Transaction, sign_ins: Sequence[SignIn], idle_ms: int) -> list[bool]:
    """Do :meth:`SignInStore.keep` for many, inside a transaction.

    The lock of the epoch orders it with a concurrent :func:`end_all`: no sign-in of an old epoch can be
    stored.
    """
    epochs = _lock_epochs(tx, {one.user for one in sign_ins})
    kept = [one.epoch is None or one.epoch == epochs[one.user] for one in sign_ins]
    some = [one for one, good in zip(sign_ins, kept, strict=True) if good]
    tx.execute_rows(
        "INSERT {ignore} INTO sign_ins (digest, user_id, epoch, device, created_at, used_at, expires_at) VALUES ",
        [
            (
                one.digest,
                one.user,
                epochs[one.user],
                one.device.encode(),
                one.now_ms,
                one.now_ms,
                one.expires_ms,
            )
            for one in some
        ],
    )
    if some:
        _sweep(tx, sorted({one.user for one in some}), max(one.now_ms for one in some) - idle_ms)
    return kept


def _lock_epochs(tx: Transaction, users: set[int] | list[int]) -> dict[int, int]:
    ordered = sorted(users)
    select = f"SELECT user_id, epoch FROM epochs WHERE user_id IN ({numbers(ordered)}) ORDER BY user_id {tx.dialect.lock}"  # noqa: S608
    found: dict[int, int] = dict(tx.rows_literal(select.rstrip()))
    missing = [user for user in ordered if user not in found]
    if missing:
        tx.execute_rows(
            "INSERT {ignore} INTO epochs (user_id, epoch) VALUES ", [(user, 0) for user in missing]
        )
        found = dict(tx.rows_literal(select.rstrip()))
    return found


def _sweep(tx: Transaction, users: Sequence[int], used_before: int) -> None:
    """Delete sign-ins that were unused for too long, and those of users beyond :data:`MOST`."""
    gone = [
        digest
        for (digest,) in tx.rows(
            "SELECT digest FROM sign_ins WHERE used_at < ? ORDER BY used_at LIMIT ?", used_before, SWEPT
        )
    ]
    counts = tx.rows_literal(
        f"SELECT user_id, COUNT(*) FROM sign_ins WHERE user_id IN ({numbers(users)}) GROUP BY user_id HAVING COUNT(*) > {MOST:d}"  # noqa: S608
    )
    for user, count in counts:
        oldest = tx.rows(
            "SELECT digest FROM sign_ins WHERE user_id = ? ORDER BY used_at LIMIT ?", user, count - MOST
        )
        gone += [digest for (digest,) in oldest]
    if gone:
        tx.execute_literal(f"DELETE FROM sign_ins WHERE digest IN ({_literals(gone)})")  # noqa: S608


def _of_user(tx: Transaction, user: int) -> list[bytes]:
    return [bytes(digest) for (digest,) in tx.rows("SELECT digest FROM sign_ins WHERE user_id = ?", user)]


def _literals(digests: Sequence[bytes]) -> str:
    return ",".join(map(hex_literal, digests))
