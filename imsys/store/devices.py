"""Devices: what a user is signed in on. A device is there while a valid token belongs to it."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imsys.errors import Refused, Status
from imsys.store.database import Transaction
from imsys.store.dialects import numbers
from imsys.util.texts import is_shown


class DeviceKind(enum.IntEnum):
    """What a device is, as it says itself; the one without an id is of no kind."""

    NONE = 0
    DESKTOP = 1
    WEB = 2
    PHONE = 3
    CLI = 4
    BOT = 5


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device, as it describes itself at a sign-in; ``id`` is the client's, empty: it did not say."""

    id: str = ""
    name: str = ""
    kind: DeviceKind = DeviceKind.NONE


NO_DEVICE = DeviceInfo()
"""What those sign-ins belong to that did not say."""

KINDS = {
    "desktop": DeviceKind.DESKTOP,
    "web": DeviceKind.WEB,
    "phone": DeviceKind.PHONE,
    "cli": DeviceKind.CLI,
    "bot": DeviceKind.BOT,
}
"""The kinds as they are called."""

ID, NAME = 64, 50
"""Characters of a device's id and of its name, at most."""


def described(device: str, name: str, kind: str) -> DeviceInfo:
    """Check what a client says of its device. :raises Refused: INVALID_FIELD (70), it is malformed."""
    if not 1 <= len(device) <= ID or not is_shown(device):
        raise Refused(Status.INVALID_FIELD, f"The id of a device has 1 to {ID} characters that are shown.")
    if kind not in KINDS:
        raise Refused(Status.INVALID_FIELD, f"The kind of a device is one of {', '.join(KINDS)}.")
    return DeviceInfo(device, named(name), KINDS[kind])


def named(name: str) -> str:
    """Check the name of a device. :raises Refused: INVALID_FIELD (70), it is too long, or not shown as it is."""
    if len(name) > NAME or not is_shown(name):
        raise Refused(
            Status.INVALID_FIELD,
            f"The name of a device has at most {NAME} characters, none of which control or turn the text.",
        )
    return name


@dataclass(frozen=True, slots=True)
class Device:
    """A device of a user; times are milliseconds since 1970.

    ``created_ms`` is the first sign-in on it, ``used_ms`` when a token of it was last used, to within a day while
    it is in use, and the end of its last session.
    """

    info: DeviceInfo
    created_ms: int
    used_ms: int


def note_devices(
    tx: Transaction, devices: Sequence[tuple[int, DeviceInfo]], there: Counter[tuple[int, bytes]], now_ms: int
) -> set[tuple[int, str]]:
    """Remember the devices of sign-ins that were just stored; return those that are new to their users.

    A device that is known keeps its name, which its user may have chosen.

    :param there: how many sign-ins each device of these users has, with those just stored.
    """
    stored = Counter((user, info.id.encode()) for user, info in devices)
    users = sorted({user for user, _ in devices})
    known = {
        (user, bytes(device))
        for user, device in tx.rows_literal(
            f"SELECT user_id, device FROM devices WHERE user_id IN ({numbers(users)})"  # noqa: S608
        )
    }
    new = {key for key, count in stored.items() if there[key] == count}
    for user, device in (known - there.keys()) | (known & new):
        tx.execute("DELETE FROM devices WHERE user_id = ? AND device = ?", user, device)
    with_others = {user for user, device in there if (user, device) not in new}
    rows = {
        (user, info.id.encode()): (
            user,
            info.id.encode(),
            info.name,
            int(info.kind),
            now_ms,
            int(user not in with_others),
        )
        for user, info in devices
    }
    if missing := [row for key, row in rows.items() if key in new or key not in known]:
        tx.execute_rows(
            "INSERT {ignore} INTO devices (user_id, device, name, kind, created_at, told) VALUES ", missing
        )
    return {(user, device.decode()) for user, device in new}


def devices_of(
    tx: Transaction, user: int, after: bytes | None, limit: int, now_ms: int, used_after: int
) -> list[Device]:
    """Return devices with valid tokens, ascending by id."""
    times: dict[bytes, tuple[int, int]] = {}
    for device, created_ms, used_ms in tx.rows(
        "SELECT device, created_at, used_at FROM sign_ins WHERE user_id = ? AND used_at > ? AND expires_at > ? "
        "AND epoch = COALESCE((SELECT epoch FROM epochs WHERE user_id = ?), 0)",
        *(user, used_after, now_ms, user),
    ):
        first, last = times.get(bytes(device), (created_ms, used_ms))
        times[bytes(device)] = min(first, created_ms), max(last, used_ms)
    known = {
        bytes(row[0]): row[1:]
        for row in tx.rows("SELECT device, name, kind, created_at FROM devices WHERE user_id = ?", user)
    }
    devices = []
    for device in sorted(one for one in times if after is None or one > after)[:limit]:
        created_ms, used_ms = times[device]
        name, kind, first_ms = known.get(device, ("", 0, created_ms))
        devices.append(_device(device, name, kind, first_ms, used_ms))
    return devices


def device_of(tx: Transaction, user: int, device: bytes) -> Device | None:
    """Return what is known of a device, whether its tokens are valid or not."""
    row = tx.row("SELECT name, kind, created_at FROM devices WHERE user_id = ? AND device = ?", user, device)
    if row is None:
        return None
    name, kind, created_ms = row
    return _device(device, name, kind, created_ms, created_ms)


def untold_of(tx: Transaction, wanted: Sequence[tuple[int, bytes]]) -> dict[tuple[int, bytes], Device]:
    """Return those of these devices of users of which the others of each were not told yet."""
    users = numbers(sorted({user for user, _ in wanted}))
    rows = tx.rows_literal(
        f"SELECT user_id, device, name, kind, created_at FROM devices WHERE user_id IN ({users}) AND told = 0"  # noqa: S608
    )
    return {
        (user, bytes(device)): _device(device, name, kind, created_ms, created_ms)
        for user, device, name, kind, created_ms in rows
    }


def add_devices(tx: Transaction, devices: Iterable[tuple[int, DeviceInfo]], now_ms: int) -> None:
    """Remember devices that took over older sign-ins, which is no news."""
    rows = [(user, info.id.encode(), info.name, int(info.kind), now_ms, 1) for user, info in devices]
    tx.execute_rows(
        "INSERT {ignore} INTO devices (user_id, device, name, kind, created_at, told) VALUES ", rows
    )


def _device(device: bytes, name: str, kind: int, created_ms: int, used_ms: int) -> Device:
    return Device(DeviceInfo(bytes(device).decode(), name, DeviceKind(kind)), created_ms, used_ms)
