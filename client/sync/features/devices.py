"""Devices that I am signed in on: which of them are news here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from client.core.devices import Device, in_order
from client.store import tables
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Client, DeviceChange, DeviceEvent

NOTICED = "devices.noticed"
"""The setting that keeps of which sign-ins somebody has taken notice on this computer: when each was, by the
device's id; nothing before the first time."""


class Devices:
    """A sign-in is news until somebody has looked at it, also one while this program was not there."""

    def __init__(self, client: Client, known: Known, keeper: Keeper) -> None:
        self._client = client
        self._known = known
        self._keeper = keeper
        self._news: dict[str, Device] = {}
        client.on_device.subscribe(self._changed)

    @property
    def news(self) -> Sequence[Device]:
        """What nobody has noticed yet, the newest first."""
        return sorted(self._news.values(), key=lambda one: -one.created_ms)

    async def read(self) -> None:
        """Compare what is there with what was noticed; all that is there the first time is no news."""
        before = dict(self._news)
        found = {one.id: one for one in await self.all() if not one.this}
        told = {key: one for key, one in self._news.items() if before.get(key) != one}
        noticed = self._noticed()
        if noticed is None:
            noticed = {key: one.created_ms for key, one in found.items() if key not in self._news}
        self._notice({key: at for key, at in noticed.items() if key in found})
        self._set({key: one for key, one in found.items() if noticed.get(key) != one.created_ms} | told)

    async def all(self) -> list[Device]:
        """Ask for all of them."""
        return in_order([_device(one) for one in await self._client.devices.all().all()])

    def noticed(self) -> None:
        """There is no news any more."""
        noticed = self._noticed()
        if noticed is not None:
            self._notice(noticed | {key: one.created_ms for key, one in self._news.items()})
        self._set({})

    def _changed(self, change: DeviceChange) -> None:
        device, news = change.device, dict(self._news)
        told = Device(device.id, device.name, device.kind, _ms(change.created))
        if change.event is DeviceEvent.REVOKED:
            news.pop(device.id, None)
        elif change.event is DeviceEvent.SIGNED_IN or device.id in news:
            news[device.id] = told
        self._set(news)
        self._known.changes.devices.fire(None)

    def _set(self, news: dict[str, Device]) -> None:
        if news != self._news:
            self._news = news
            self._known.changes.sign_ins.fire(None)

    def _noticed(self) -> dict[str, int] | None:
        kept = self._known.settings.get(NOTICED, "")
        return {str(key): int(at) for key, at in json.loads(kept).items()} if kept else None

    def _notice(self, noticed: dict[str, int]) -> None:
        text = json.dumps(noticed)
        if text == self._known.settings.get(NOTICED):
            return
        self._known.settings[NOTICED] = text
        self._keeper.write(lambda db: tables.set_setting(db, NOTICED, text))


def _device(one: sdk.Device) -> Device:
    return Device(one.id, one.name, one.kind, _ms(one.created), _ms(one.last_seen), one.this, one.online)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
