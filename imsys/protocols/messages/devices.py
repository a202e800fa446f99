"""Devices: what a user is signed in on."""

from __future__ import annotations

import msgspec

from imsys.protocols.messages.registry import Empty, Push, Request, Response, message


class DeviceItem(msgspec.Struct, frozen=True, kw_only=True):
    """A device; who signed in without one is on the device whose ``id`` and ``kind`` are empty."""

    id: str
    name: str
    kind: str
    created: str
    last_seen: str
    this: bool
    """Whether this session is on it."""
    online: bool


@message(250, reply=251)
class DevicesRequest(Request, frozen=True, kw_only=True):
    """A page of my devices."""

    cursor: str = ""
    limit: int = 10


@message(251)
class DevicesResponse(Response, frozen=True, kw_only=True):
    """Devices after the cursor, ascending by id."""

    devices: list[DeviceItem]
    next: str
    is_complete: bool


@message(252, reply=253)
class RenameDeviceRequest(Request, frozen=True, kw_only=True):
    """Name one of my devices."""

    id: str
    name: str


@message(253)
class RenameDeviceResponse(Empty, frozen=True, kw_only=True):
    """It has this name."""


@message(254, reply=255)
class RevokeDeviceRequest(Request, frozen=True, kw_only=True):
    """Sign out one of my devices, but not this one."""

    id: str


@message(255)
class RevokeDeviceResponse(Empty, frozen=True, kw_only=True):
    """Its tokens are not valid any more, and its session ends."""


@message(256, reply=257)
class RevokeOthersRequest(Request, frozen=True, kw_only=True):
    """Sign out everywhere else."""


@message(257)
class RevokeOthersResponse(Empty, frozen=True, kw_only=True):
    """No other token is valid any more, and all other sessions end."""


@message(134)
class DevicePush(Push, frozen=True, kw_only=True):
    """One of my devices was signed in on for the first time, was named, or was signed out by another one."""

    event: str
    """``signed_in``, ``renamed`` or ``revoked``."""
    id: str
    name: str
    kind: str
    created: str
