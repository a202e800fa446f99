"""Devices: list what a user is signed in on, name one, sign one or all others out."""

from __future__ import annotations

from imsys.chat.context import Context
from imsys.chat.new_devices import device_push, kind_name
from imsys.errors import Refused, Status
from imsys.protocols.fitting import fit
from imsys.protocols.messages.devices import (
    DeviceItem,
    DevicesRequest,
    DevicesResponse,
    RenameDeviceRequest,
    RenameDeviceResponse,
    RevokeDeviceRequest,
    RevokeDeviceResponse,
    RevokeOthersRequest,
    RevokeOthersResponse,
)
from imsys.redis.allowances import Kind
from imsys.server.dispatch import handles
from imsys.server.fields import within
from imsys.store.devices import Device, named
from imsys.store.ids import moment

ENDED = "Your login was revoked."
UNKNOWN = "You are not signed in on such a device."


@handles(DevicesRequest)
async def devices(context: Context, request: DevicesRequest) -> DevicesResponse:
    """List the devices that the user is signed in on, ascending by id."""
    limit = within(request.limit, 1, 100, "limit")
    if request.cursor and not request.cursor.startswith("="):
        raise Refused(Status.JSONPARSE_ERROR, "The key cursor is not one that was given out.")
    after = request.cursor[1:] if request.cursor else None
    found = await context.chat.tokens.devices(context.user, after, limit + 1)
    online = {route.device for route in await context.chat.directory.online(context.user)}
    now_ms = context.chat.tokens.now_ms()
    items = [_item(device, context.session.device, online, now_ms) for device in found[:limit]]
    return fit(
        items,
        lambda some: DevicesResponse(
            devices=list(some),
            next=f"={some[-1].id}" if some else request.cursor,
            is_complete=len(some) == len(found),
        ),
    )


@handles(RenameDeviceRequest)
async def rename(context: Context, request: RenameDeviceRequest) -> RenameDeviceResponse:
    """Name a device; the user's other sessions are told."""
    name = named(request.name)
    await context.chat.allowances.take(Kind.PROFILE, context.user)
    device = await context.chat.tokens.rename(context.user, request.id, name)
    if device is None:
        raise Refused(Status.INVALID_FIELD, UNKNOWN)
    context.chat.outbound.deliver_beside(context.session, device_push("renamed", device))
    return RenameDeviceResponse()


@handles(RevokeDeviceRequest)
async def revoke(context: Context, request: RevokeDeviceRequest) -> RevokeDeviceResponse:
    """Sign a device out: its tokens first, then its session. A repetition is harmless."""
    chat, user = context.chat, context.user
    if request.id == context.session.device:
        raise Refused(Status.INVALID_FIELD, "This is the device that you are on: log out here.")
    device = await chat.tokens.revoke_device(user, request.id)
    if device is None:
        raise Refused(Status.INVALID_FIELD, UNKNOWN)
    await chat.directory.end_devices(user, ENDED, lambda route: route.device == request.id)
    chat.outbound.deliver_beside(context.session, device_push("revoked", device))
    return RevokeDeviceResponse()


@handles(RevokeOthersRequest)
async def revoke_others(context: Context, request: RevokeOthersRequest) -> RevokeOthersResponse:
    """Sign out everywhere but in this session. A repetition is harmless."""
    chat, session = context.chat, context.session
    await chat.tokens.revoke_others(context.user, session.token_digest)
    await chat.directory.end_devices(context.user, ENDED, lambda route: route.session != session.id)
    return RevokeOthersResponse()


def _item(device: Device, this: str, online: set[str], now_ms: int) -> DeviceItem:
    info, here = device.info, device.info.id == this
    there = here or info.id in online
    return DeviceItem(
        id=info.id,
        name=info.name,
        kind=kind_name(info.kind),
        created=moment(device.created_ms),
        last_seen=moment(now_ms if there else device.used_ms),
        this=here,
        online=there,
    )
