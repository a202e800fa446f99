"""Devices and privacy of a :class:`client.core.memory.MemoryAccount`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from client.core.devices import Device, in_order
from client.core.memory_world import MemoryWorld
from client.core.ports import Failure
from client.core.privacy import EVERYBODY, FRIENDS, Privacy

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


class MemoryDevices(MemoryWorld):
    """Four devices, of which this computer is one."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        now = self.now_ms
        self._devices = [
            Device("web", "Firefox on studio-pc", "web", now - 20 * DAY, now, online=True),
            Device("phone", "Lena's phone", "phone", now - 61 * DAY, now - 3 * HOUR),
            Device("here", "imsys on lena-laptop", "desktop", now - 80 * DAY, now, this=True, online=True),
            Device("cli", "imsys-cli on backup", "cli", now - 400 * DAY, now - 12 * DAY - 7 * MINUTE),
        ]
        self._sign_ins: list[Device] = []
        self._privacy = Privacy(EVERYBODY, FRIENDS)

    def _allowed(self, *command: object) -> None:
        raise NotImplementedError

    def signs_in(self, device: Device) -> None:
        """I sign in on another device."""
        self._devices.append(device)
        self._sign_ins.insert(0, device)
        self.changes.devices.fire(None)
        self.changes.sign_ins.fire(None)

    def changes_elsewhere(
        self, devices: Sequence[Device] | None = None, privacy: Privacy | None = None
    ) -> None:
        """Another device of mine names or signs out some, or sets who may."""
        if devices is not None:
            self._devices = list(devices)
            self.changes.devices.fire(None)
            self.changes.sign_ins.fire(None)
        if privacy is not None:
            self._privacy = privacy
            self.changes.privacy.fire(None)

    def sign_ins(self) -> Sequence[Device]:
        """Those that nobody has noticed."""
        return tuple(one for one in self._sign_ins if one in self._devices)

    def notice_sign_ins(self) -> None:
        """They were."""
        self._sign_ins = []
        self.changes.sign_ins.fire(None)

    async def devices(self) -> list[Device]:
        """All of them."""
        self._allowed("devices")
        return in_order(self._devices)

    async def name_device(self, id: str, name: str) -> None:
        """Name one."""
        self._allowed("name_device", id, name)
        self._devices = [replace(one, name=name) if one.id == id else one for one in self._devices]

    async def sign_out_device(self, id: str) -> None:
        """Sign one out."""
        self._allowed("sign_out_device", id)
        if next(one for one in self._devices if one.id == id).this:
            raise Failure("Something in the request is not allowed.")
        self._devices = [one for one in self._devices if one.id != id]

    async def sign_out_others(self) -> None:
        """Sign all others out."""
        self._allowed("sign_out_others")
        self._devices = [one for one in self._devices if one.this]

    async def privacy(self) -> Privacy:
        """What is set."""
        self._allowed("privacy")
        return self._privacy

    async def set_privacy(self, *, added_by: str | None = None, seen_by: str | None = None) -> None:
        """Set it."""
        self._allowed("set_privacy", added_by, seen_by)
        now = self._privacy
        self._privacy = Privacy(added_by or now.added_by, seen_by or now.seen_by)
