"""Sign-ins: the tokens that open an account, by their hashes, and the epoch of the account that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imsys.errors import Refused
from imsys.store.database import Database, Transaction
from imsys.store.dialects import hex_literal, numbers
from imsys.util.batching import BatchingQueue

AT_ONCE = 100
"""Sign-ins of one transaction."""

WAITING = 20_000
"""Sign-ins that wait to be stored, and stamps, at most each."""

MOST = 100
"""Sign-ins of one user at most; a further one ends the one that has been unused for longest."""

SWEPT = 20
"""Sign-ins of anybody, unused for too long, that go with each transaction that stores some: more than can come in it, on the whole."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One token that opens an account; ``digest`` is its SHA-256, times are milliseconds since 1970."""

    digest: bytes
    user: int
    epoch: int | None
    """Of the account, when its password was looked at; ``None``: whichever there is."""
    now_ms: int
    expires_ms: int
    device: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A sign-in that is there, and of the present epoch of its account."""

    user: int
    used_ms: int
    expires_ms: int


class SignInStore:
    """The tables ``sign_ins`` and ``epochs``.

    :param idle_ms: milliseconds without use after which a sign-in is swept away.
    """

    def __init__(self, database: Database, idle_ms: int) -> None:
        self._database = database
        self._idle_ms = idle_ms
        self._keeping: BatchingQueue[SignIn, bool] = BatchingQueue(self._keep_all, most=AT_ONCE, queue=WAITING)
        self._stamping: BatchingQueue[tuple[bytes, int], None] = BatchingQueue(self._stamp_all, most=AT_ONCE, queue=WAITING)

    async def keep(self, sign_in: SignIn) -> bool:
        """Store one, durably, together with the others of the moment; ``False``: the epoch of its account has moved on meanwhile.

        :raises Refused: 73, too many wait. :raises Unavailable: 14, the database did not answer.
        """
        return await self._keeping.add(sign_in)

    async def _keep_all(self, sign_ins: list[SignIn]) -> list[bool]:
        return await self._database.write(keep_sign_ins, sign_ins, self._idle_ms)

    async def find(self, digests: Sequence[bytes]) -> dict[bytes, Known]:
        """Those that there are, and whose accounts are still in the epoch that they were made in. :raises Unavailable: 14."""
        return await self._database.read(self._find, digests)

    @staticmethod
    def _find(tx: Transaction, digests: Sequence[bytes]) -> dict[bytes, Known]:
        rows = tx.rows_literal(
            "SELECT s.digest, s.user_id, s.used_at, s.expires_at FROM sign_ins s LEFT JOIN epochs e ON e.user_id = s.user_id "  # noqa: S608
            f"WHERE s.digest IN ({_literals(digests)}) AND s.epoch = COALESCE(e.epoch, 0)"
        )
        return {bytes(digest): Known(*rest) for digest, *rest in rows}

    def stamp(self, digest: bytes, now_ms: int) -> None:
        """Note that one was used just now, when there is time; that is not waited for, and where it fails the next use is noted."""
        self._stamping.add((digest, now_ms)).addErrback(lambda reason: reason.trap(Refused) and None)

    async def _stamp_all(self, stamps: list[tuple[bytes, int]]) -> list[None]:
        await self._database.write(self._stamp, stamps)
        return [None] * len(stamps)

    @staticmethod
    def _stamp(tx: Transaction, stamps: Sequence[tuple[bytes, int]]) -> None:
        newest = max(now_ms for _, now_ms in stamps)
        some = _literals(sorted({digest for digest, _ in stamps}))
        tx.execute_literal(f"UPDATE sign_ins SET used_at = {newest:d} WHERE digest IN ({some}) AND used_at < {newest:d}")  # noqa: S608

    async def of_user(self, user: int) -> list[bytes]:
        """The digests of a user's sign-ins."""
        return await self._database.read(_of_user, user)

    async def end(self, digest: bytes, user: int) -> None:
        """End one of a user."""
        await self._database.write(self._end, digest, user)

    @staticmethod
    def _end(tx: Transaction, digest: bytes, user: int) -> None:
        tx.execute("DELETE FROM sign_ins WHERE digest = ? AND user_id = ?", digest, user)

    async def end_all(self, user: int) -> list[bytes]:
        """End all of a user, and move the epoch of the account; the digests of what ended."""
        return await self._database.write(end_all, user)


def end_all(tx: Transaction, user: int) -> list[bytes]:
    """As :meth:`SignInStore.end_all`, inside a transaction."""
    _lock_epochs(tx, [user])
    tx.execute("UPDATE epochs SET epoch = epoch + 1 WHERE user_id = ?", user)
    digests = _of_user(tx, user)
    tx.execute("DELETE FROM sign_ins WHERE user_id = ?", user)
    return digests


def keep_sign_ins(tx: Transaction, sign_ins: Sequence[SignIn], idle_ms: int) -> list[bool]:
    """As :meth:`SignInStore.keep` for many, inside a transaction.

    Who ends all of a user's at the same moment waits for the lock of the epoch, or is waited for: nothing is stored behind its back.
    """
    epochs = _lock_epochs(tx, {one.user for one in sign_ins})
    kept = [one.epoch is None or one.epoch == epochs[one.user] for one in sign_ins]
    some = [one for one, good in zip(sign_ins, kept, strict=True) if good]
    tx.execute_rows(
        "INSERT {ignore} INTO sign_ins (digest, user_id, epoch, device, created_at, used_at, expires_at) VALUES ",
        [(one.digest, one.user, epochs[one.user], one.device.encode(), one.now_ms, one.now_ms, one.expires_ms) for one in some],
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
        tx.execute_rows("INSERT {ignore} INTO epochs (user_id, epoch) VALUES ", [(user, 0) for user in missing])
        found = dict(tx.rows_literal(select.rstrip()))
    return found


def _sweep(tx: Transaction, users: Sequence[int], used_before: int) -> None:
    """Delete what was unused for too long, and what users have more of than :data:`MOST`."""
    gone = [digest for (digest,) in tx.rows("SELECT digest FROM sign_ins WHERE used_at < ? ORDER BY used_at LIMIT ?", used_before, SWEPT)]
    counts = tx.rows_literal(
        f"SELECT user_id, COUNT(*) FROM sign_ins WHERE user_id IN ({numbers(users)}) GROUP BY user_id HAVING COUNT(*) > {MOST:d}"  # noqa: S608
    )
    for user, count in counts:
        oldest = tx.rows("SELECT digest FROM sign_ins WHERE user_id = ? ORDER BY used_at LIMIT ?", user, count - MOST)
        gone += [digest for (digest,) in oldest]
    if gone:
        tx.execute_literal(f"DELETE FROM sign_ins WHERE digest IN ({_literals(gone)})")  # noqa: S608


def _of_user(tx: Transaction, user: int) -> list[bytes]:
    return [bytes(digest) for (digest,) in tx.rows("SELECT digest FROM sign_ins WHERE user_id = ?", user)]


def _literals(digests: Sequence[bytes]) -> str:
    return ",".join(map(hex_literal, digests))
