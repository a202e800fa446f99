"""What this user has changed for themselves on other devices: settings of threads, and hidden messages.

Changes have numbers. A push of the next one is told; after any other all since the last one that is known are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UnsetType
from twisted.internet.defer import Deferred

from imsys.protocols.messages.entries import HiddenPush
from imsys.protocols.messages.overview import OwnChangesRequest, OwnChangesResponse, SettingsPush
from imsys.sdk import entries, overview
from imsys.sdk.entries import Hidden
from imsys.sdk.overview import ThreadSettings
from imsys.sdk.signals import Signal


class OwnChanges:
    """Tells each change of another device once, also those that were made while this one was away.

    :param request: sends a request on the present connection and expects a given response type.
    :param catch_up: asks the server for the number of the last change, soon; :meth:`reach` is called then.
    :param moved: called when the known number has changed.
    """

    def __init__(
        self,
        request: Callable[..., Deferred[Any]],
        catch_up: Callable[[], None],
        moved: Callable[[], None],
    ) -> None:
        self.on_settings: Signal[ThreadSettings] = Signal()
        self.on_hidden: Signal[Hidden] = Signal()
        self.number: int | None = None
        """Of the last change that is known here; ``None`` before the first sign-in."""
        self._request = request
        self._catch_up = catch_up
        self._moved = moved
        self._reading = False

    def pushed(self, push: SettingsPush | HiddenPush) -> None:
        """Tell what a push says, unless it is known, or others are missing before it."""
        if not self.noted(push.own_number):
            return
        if isinstance(push, SettingsPush):
            self.on_settings.emit(overview.settings(push))
        else:
            self.on_hidden.emit(entries.hidden(push))

    def noted(self, own_number: str | UnsetType) -> bool:
        """Note a change, made here or told by a push; return whether it is the next one."""
        if isinstance(own_number, UnsetType) or self.number is None:
            return True
        number = int(own_number)
        if number == self.number + 1 and not self._reading:
            self._set(number)
            return True
        if number > self.number:
            self._catch_up()
        return False

    async def reach(self, number: int) -> None:
        """Read and tell the changes up to this one; before the first sign-in there is nothing to tell.

        :raises Refused: the server does not answer, or refuses.
        """
        if self.number is None:
            self._set(number)
        if self._reading:
            return
        self._reading = True
        try:
            known = self.number or 0
            while known < number:
                before, known = known, await self._read(known)
                if known == before:
                    break
        finally:
            self._reading = False

    async def _read(self, number: int) -> int:
        page: OwnChangesResponse = await self._request(
            OwnChangesRequest(own_number=str(number)), OwnChangesResponse
        )
        self._set(int(page.own_number))
        for one in page.settings:
            self.on_settings.emit(overview.settings(one))
        for some in page.hidden:
            self.on_hidden.emit(entries.hidden(some))
        return int(page.own_number)

    def _set(self, number: int) -> None:
        self.number = number
        self._moved()
