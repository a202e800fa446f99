"""The devices of an account in a chat: ``/devices`` and ``/revoke``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from imsys.cli.text import printable
from imsys.sdk import Device, DeviceChange, DeviceEvent, DeviceInfo, Devices, explain


class ChatDevices:
    """Shows devices by numbers, and signs them out by these.

    :param notice: shows a line.
    :param commands: the device of the other commands here, whose first sign-in is no news.
    """

    def __init__(self, devices: Devices, notice: Callable[[str], None], commands: str = "") -> None:
        self._devices = devices
        self._commands = commands
        self._notice = notice
        self._shown: list[Device] = []

    def show(self) -> None:
        """List the devices."""
        self._try(self._show())

    def revoke(self, which: str) -> None:
        """Sign out a device by its number in the list, or all others."""
        if which == "others":
            self._try(self._revoke_others())
        elif which.isdecimal() and 1 <= int(which) <= len(self._shown):
            self._try(self._revoke(self._shown[int(which) - 1]))
        else:
            self._notice("/devices lists the devices; /revoke N signs one of them out, /revoke others all")

    def changed(self, change: DeviceChange) -> None:
        """Tell of what happened on another device."""
        match change.event:
            case DeviceEvent.SIGNED_IN if self._commands and change.device.id == self._commands:
                pass
            case DeviceEvent.SIGNED_IN:
                self._notice(f"your account was signed in on a new device: {_name(change.device)}")
                self._notice("if that was not you, sign it out (/devices, /revoke) and reset your password")
            case DeviceEvent.REVOKED:
                self._notice(f"{_name(change.device)} was signed out")
            case DeviceEvent.RENAMED:
                pass

    async def _show(self) -> None:
        self._shown = await self._devices.all().all()
        for number, device in enumerate(self._shown, 1):
            seen = "online" if device.online else f"last seen {device.last_seen.astimezone():%Y-%m-%d %H:%M}"
            this = ", this one" if device.this else ""
            self._notice(f"{number}: {_name(device)}, {seen}{this}")

    async def _revoke(self, device: Device) -> None:
        await self._devices.revoke(device.id)
        self._notice(f"{_name(device)} is signed out")

    async def _revoke_others(self) -> None:
        await self._devices.revoke_others()
        self._notice("all other devices are signed out")

    def _try(self, work: Awaitable[None]) -> None:
        async def whole() -> None:
            await work

        def failed(reason: Failure) -> None:
            if reason.value is not None and not reason.check(CancelledError):
                self._notice(explain(reason.value))

        Deferred.fromCoroutine(whole()).addErrback(failed)


def _name(device: DeviceInfo) -> str:
    kind = f" ({device.kind})" if device.kind and device.name else device.kind
    return f"{printable(device.name)}{kind}" or "a program that did not say what it is"
