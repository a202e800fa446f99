"""Devices: what an account is signed in on."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from msgspec import UNSET, UnsetType

from imsys.protocols.messages.devices import (
    DeviceItem,
    DevicePush,
    DevicesRequest,
    DevicesResponse,
    RenameDeviceRequest,
    RenameDeviceResponse,
    RevokeDeviceRequest,
    RevokeDeviceResponse,
    RevokeOthersRequest,
    RevokeOthersResponse,
)
from imsys.protocols.messages.session import DevicePart
from imsys.sdk.contacts import Ask
from imsys.sdk.model import parse_time
from imsys.sdk.pages import Pages

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """What a program says of the device that it runs on.

    ``id`` is 1 to 64 characters, made once (random ones are best) and kept for as long as the program is installed
    there; ``name`` has up to 50. ``kind`` is desktop, web, phone, cli or bot.
    """

    id: str
    name: str
    kind: str = "bot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(DeviceInfo):
    """A device that this account is signed in on.

    Programs that did not say what they run on are together on one whose ``id`` and ``kind`` are empty.
    """

    created: datetime
    """When the account was first signed in on it."""
    last_seen: datetime
    this: bool
    """Whether it is that of this client."""
    online: bool


class DeviceEvent(enum.Enum):
    """What has become of a device."""

    SIGNED_IN = "signed_in"
    """The account was signed in on it for the first time."""
    RENAMED = "renamed"
    REVOKED = "revoked"
    """Another device has signed it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChange:
    """News of one of the account's devices, which happened on another one than this client's."""

    event: DeviceEvent
    device: DeviceInfo
    created: datetime


class Devices:
    """The devices of an account. Every method may raise :class:`imsys.errors.Refused`."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def all(self) -> Pages[Device]:
        """List the devices that the account is signed in on."""

        async def read(cursor: str) -> tuple[list[Device], str, bool]:
            page = await self._ask(DevicesRequest(cursor=cursor, limit=_PAGE), DevicesResponse)
            return [_device(item) for item in page.devices], page.next, page.is_complete

        return Pages(read, "")

    async def rename(self, device_id: str, name: str) -> None:
        """Name a device; it keeps that name. :raises Refused: INVALID_FIELD (70), there is no such device."""
        await self._ask(RenameDeviceRequest(id=device_id, name=name), RenameDeviceResponse)

    async def revoke(self, device_id: str) -> None:
        """Sign a device out, but not this one; repeating it is harmless.

        :raises Refused: INVALID_FIELD (70), it is this one, or there never was such a device.
        """
        await self._ask(RevokeDeviceRequest(id=device_id), RevokeDeviceResponse)

    async def revoke_others(self) -> None:
        """Sign out everywhere but in this client; repeating it is harmless."""
        await self._ask(RevokeOthersRequest(), RevokeOthersResponse)


def part(device: DeviceInfo | None) -> DevicePart | UnsetType:
    """Convert what a program says of its device to the wire."""
    if device is None:
        return UNSET
    return DevicePart(id=device.id, name=device.name, kind=device.kind)


def change(push: DevicePush) -> DeviceChange | None:
    """Read a push; ``None``: this library does not know the event."""
    try:
        event = DeviceEvent(push.event)
    except ValueError:
        return None
    info = DeviceInfo(id=push.id, name=push.name, kind=push.kind)
    return DeviceChange(event=event, device=info, created=parse_time(push.created))


def _device(item: DeviceItem) -> Device:
    return Device(
        id=item.id,
        name=item.name,
        kind=item.kind,
        created=parse_time(item.created),
        last_seen=parse_time(item.last_seen),
        this=item.this,
        online=item.online,
    )
