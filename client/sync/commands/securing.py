"""Devices, and who may do and see what."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from client.core.devices import Device
from client.core.privacy import Privacy
from client.sync.asking import asked_online
from client.sync.parts import Uses
from imsys.sdk import AddedBy

T = TypeVar("T")


class Securing(Uses):
    """Everything is asked of the server, but which sign-ins are news."""

    def sign_ins(self) -> Sequence[Device]:
        """Sign-ins that nobody has noticed here."""
        return self.parts.devices.news

    def notice_sign_ins(self) -> None:
        """They were."""
        self.parts.devices.noticed()

    async def devices(self) -> list[Device]:
        """All of them."""
        return await self._asked(self.parts.devices.all())

    async def name_device(self, id: str, name: str) -> None:
        """Name one."""
        await self._asked(self.parts.client.devices.rename(id, name))

    async def sign_out_device(self, id: str) -> None:
        """Sign one out."""
        await self._asked(self.parts.client.devices.revoke(id))

    async def sign_out_others(self) -> None:
        """Sign all others out."""
        await self._asked(self.parts.client.devices.revoke_others())

    async def privacy(self) -> Privacy:
        """What is set."""
        client = self.parts.client
        added_by = await self._asked(client.groups.added_by())
        return Privacy(added_by.value, await self._asked(client.presence.seen_by()))

    async def set_privacy(self, *, added_by: str | None = None, seen_by: str | None = None) -> None:
        """Set what is given."""
        client = self.parts.client
        if added_by is not None:
            await self._asked(client.groups.set_added_by(AddedBy(added_by)))
        if seen_by is not None:
            await self._asked(client.presence.seen_by(seen_by))

    async def _asked(self, question: Awaitable[T]) -> T:
        return await asked_online(self.parts.known.link, question)
