"""My devices, as the settings show and change them."""

from __future__ import annotations

from dataclasses import replace

from client.core.devices import Device
from client.core.ports import Account
from client.viewmodels.asked import Asked

OTHERS = "others"
"""The place where it is told that the others could not be signed out."""


class Devices(Asked[list[Device]]):
    """Of one account."""

    def __init__(self, account: Account) -> None:
        super().__init__(account, account.changes.devices)
        self._looks = False

    def look(self) -> None:
        """Somebody looks at them, and takes notice of what was signed in: of what is there when they are read."""
        self._looks = True
        self.read()

    async def ask(self) -> list[Device]:
        """All of them."""
        found = await self._account.devices()
        if self._looks:
            self._looks = False
            self._account.notice_sign_ins()
        return found

    def rename(self, device: Device, name: str) -> None:
        """Name one."""

        async def rename() -> None:
            await self._account.name_device(device.id, name)
            self._have([replace(one, name=name) if one.id == device.id else one for one in self.shown or ()])

        self.change(place(device), rename())

    def sign_out(self, device: Device) -> None:
        """Sign one out."""

        async def sign_out() -> None:
            await self._account.sign_out_device(device.id)
            self._have([one for one in self.shown or () if one.id != device.id])

        self.change(place(device), sign_out())

    def sign_out_others(self) -> None:
        """Sign out everywhere but here."""

        async def sign_out() -> None:
            await self._account.sign_out_others()
            self._have([one for one in self.shown or () if one.this])

        self.change(OTHERS, sign_out())

    def _have(self, devices: list[Device]) -> None:
        self.shown = devices


def place(device: Device) -> str:
    """Where problems with one are told; its id may be anything."""
    return f"of {device.id}"
