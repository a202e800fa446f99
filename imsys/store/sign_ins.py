"""Sign-ins: the hashes of valid tokens, and the epoch of the account that each belongs to."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from imsys.errors import Refused
from imsys.store.database import Database, Transaction
from imsys.store.devices import (
    NO_DEVICE,
    Device,
    DeviceInfo,
    add_devices,
    device_of,
    devices_of,
    note_devices,
    untold_of,
)
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
    device: DeviceInfo = NO_DEVICE


class Kept(enum.IntEnum):
    """What became of a sign-in; false: it was not stored, since its account's epoch has changed meanwhile."""

    REFUSED = 0
    KNOWN = 1
    """The user was signed in on its device before."""
    NEW = 2
    """The user was not."""


class _Binding(NamedTuple):
    digest: bytes
    user: int
    device: DeviceInfo
    now_ms: int


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
        self._keeping: BatchingQueue[SignIn, Kept] = BatchingQueue(
            self._keep_all, most=AT_ONCE, queue=WAITING
        )
        self._stamping: BatchingQueue[tuple[bytes, int], None] = BatchingQueue(
            self._stamp_all, most=AT_ONCE, queue=WAITING
        )
        self._looks: BatchingQueue[tuple[int, bytes], Device | None] = BatchingQueue(
            self._untold_all, most=AT_ONCE, queue=WAITING
        )
        self._bindings: BatchingQueue[_Binding, bool] = BatchingQueue(
            self._bind_all, most=AT_ONCE, queue=WAITING
        )

    async def keep(self, sign_in: SignIn) -> Kept:
        """Store a sign-in durably, in a batch; the result is false if its account's epoch has changed meanwhile.

        :raises Refused: SERVER_BUSY (73), too many wait.
        :raises Unavailable: MYSQL_INTERNAL_ERROR (14), the database did not answer.
        """
        return await self._keeping.add(sign_in)

    async def _keep_all(self, sign_ins: list[SignIn]) -> list[Kept]:
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

    # -- devices

    async def bind(self, digest: bytes, user: int, device: DeviceInfo, now_ms: int) -> bool:
        """Have a sign-in of no device belong to this one, in a batch; ``False``: it is another's, or there is none."""
        return await self._bindings.add(_Binding(digest, user, device, now_ms))

    async def _bind_all(self, bindings: list[_Binding]) -> list[bool]:
        held = await self._database.read(_held, bindings)
        if any(device == b"" for device in held):
            held = await self._database.write(_bind, bindings)
        return [device == one.device.id.encode() for one, device in zip(bindings, held, strict=True)]

    async def devices(self, user: int, after: str | None, limit: int, now_ms: int) -> list[Device]:
        """Return the devices of a user's valid sign-ins, ascending by id, ``None``: from the first on."""
        last = None if after is None else after.encode()
        return await self._database.read(devices_of, user, last, limit, now_ms, now_ms - self._idle_ms)

    async def rename(self, user: int, device: str, name: str, now_ms: int) -> Device | None:
        """Name a device; ``None``: the user is not signed in on it."""
        return await self._database.write(self._rename, user, device.encode(), name, now_ms)

    def _rename(self, tx: Transaction, user: int, device: bytes, name: str, now_ms: int) -> Device | None:
        if not _of_device(tx, user, device):
            return None
        add_devices(
            tx, [(user, DeviceInfo(device.decode()))], now_ms
        )  # of a sign-in from before there were devices
        tx.execute("UPDATE devices SET name = ? WHERE user_id = ? AND device = ?", name, user, device)
        return device_of(tx, user, device)

    async def untold(self, user: int, device: str) -> Device | None:
        """Return a device of which the user's others were not told yet; asked in a batch."""
        return await self._looks.add((user, device.encode()))

    async def _untold_all(self, wanted: list[tuple[int, bytes]]) -> list[Device | None]:
        found = await self._database.read(untold_of, wanted)
        return [found.get(one) for one in wanted]

    async def mark_told(self, user: int, device: str) -> None:
        """Note that a user's other devices were told of one."""
        await self._database.write(self._mark_told, user, device.encode())

    @staticmethod
    def _mark_told(tx: Transaction, user: int, device: bytes) -> None:
        tx.execute("UPDATE devices SET told = 1 WHERE user_id = ? AND device = ?", user, device)

    async def of_device(self, user: int, device: str) -> list[bytes]:
        """Return the digests of a device's sign-ins."""
        return await self._database.read(_of_device, user, device.encode())

    async def end_device(self, user: int, device: str) -> tuple[Device | None, list[bytes]]:
        """End all sign-ins of a device.

        Return what is known of it (``None``: there never was one) and the digests of those that ended.
        """
        return await self._database.write(self._end_device, user, device.encode())

    @staticmethod
    def _end_device(tx: Transaction, user: int, device: bytes) -> tuple[Device | None, list[bytes]]:
        known, digests = device_of(tx, user, device), _of_device(tx, user, device)
        if digests:
            tx.execute_literal(f"DELETE FROM sign_ins WHERE digest IN ({_literals(digests)})")  # noqa: S608
            known = known or Device(DeviceInfo(device.decode()), 0, 0)
        return known, digests

    async def end_others(self, user: int, kept: bytes) -> list[bytes]:
        """End all sign-ins of a user but one; return the digests of those that ended."""
        return await self._database.write(self._end_others, user, kept)

    @staticmethod
    def _end_others(tx: Transaction, user: int, kept: bytes) -> list[bytes]:
        digests = [digest for digest in _of_user(tx, user) if digest != kept]
        if digests:
            tx.execute_literal(f"DELETE FROM sign_ins WHERE digest IN ({_literals(digests)})")  # noqa: S608
        return digests

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


def keep_sign_ins(tx: Transaction, sign_ins: Sequence[SignIn], idle_ms: int) -> list[Kept]:
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
                one.device.id.encode(),
                one.now_ms,
                one.now_ms,
                one.expires_ms,
            )
            for one in some
        ],
    )
    if not some:
        return [Kept.REFUSED] * len(sign_ins)
    users, now_ms = sorted({one.user for one in some}), max(one.now_ms for one in some)
    # counted here: they are a hundred of a user at most, and a database would sort them first
    there = Counter(
        (user, bytes(device))
        for user, device in tx.rows_literal(
            f"SELECT user_id, device FROM sign_ins WHERE user_id IN ({numbers(users)})"  # noqa: S608
        )
    )
    new = note_devices(tx, [(one.user, one.device) for one in some], there, now_ms)
    _sweep(tx, there, now_ms - idle_ms)
    return [
        Kept.REFUSED if not good else Kept.NEW if (one.user, one.device.id) in new else Kept.KNOWN
        for one, good in zip(sign_ins, kept, strict=True)
    ]


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


def _sweep(tx: Transaction, there: Counter[tuple[int, bytes]], used_before: int) -> None:
    """Delete sign-ins that were unused for too long, and those of users beyond :data:`MOST`."""
    gone = [
        digest
        for (digest,) in tx.rows(
            "SELECT digest FROM sign_ins WHERE used_at < ? ORDER BY used_at LIMIT ?", used_before, SWEPT
        )
    ]
    counts: Counter[int] = Counter()
    for (user, _), count in there.items():
        counts[user] += count
    for user, count in counts.items():
        if count > MOST:
            oldest = tx.rows(
                "SELECT digest FROM sign_ins WHERE user_id = ? ORDER BY used_at LIMIT ?", user, count - MOST
            )
            gone += [digest for (digest,) in oldest]
    if gone:
        tx.execute_literal(f"DELETE FROM sign_ins WHERE digest IN ({_literals(gone)})")  # noqa: S608


def _of_user(tx: Transaction, user: int) -> list[bytes]:
    return [bytes(digest) for (digest,) in tx.rows("SELECT digest FROM sign_ins WHERE user_id = ?", user)]


def _of_device(tx: Transaction, user: int, device: bytes) -> list[bytes]:
    rows = tx.rows("SELECT digest FROM sign_ins WHERE user_id = ? AND device = ?", user, device)
    return [bytes(digest) for (digest,) in rows]


def _held(tx: Transaction, bindings: Sequence[_Binding]) -> list[bytes | None]:
    """Return the device of each of these sign-ins; ``None``: there is none."""
    rows = tx.rows_literal(
        f"SELECT digest, user_id, device FROM sign_ins WHERE digest IN ({_literals([one.digest for one in bindings])})"  # noqa: S608
    )
    found = {(bytes(digest), user): bytes(device) for digest, user, device in rows}
    return [found.get((one.digest, one.user)) for one in bindings]


def _bind(tx: Transaction, bindings: Sequence[_Binding]) -> list[bytes | None]:
    for one in bindings:
        tx.execute(
            "UPDATE sign_ins SET device = ? WHERE digest = ? AND user_id = ? AND device = ?",
            *(one.device.id.encode(), one.digest, one.user, b""),
        )
    held = _held(tx, bindings)
    taken = [one for one, device in zip(bindings, held, strict=True) if device == one.device.id.encode()]
    if taken:
        add_devices(tx, [(one.user, one.device) for one in taken], max(one.now_ms for one in taken))
    return held


def _literals(digests: Sequence[bytes]) -> str:
    return ",".join(map(hex_literal, digests))
