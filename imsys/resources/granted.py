"""What goes on here by leave of users who are signed in: it ends when they are so no more."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from imsys.errors import Refused, Status
from imsys.security.tickets import Ticket
from imsys.util.outages import Outage
from imsys.util.sweeps import PeriodicSweep

AT_ONCE = 100
"""Sign-ins that are asked for at once."""

REVOKED = "Your login was revoked."

Live = Callable[[Sequence[tuple[int, str]]], Awaitable[list[bool]]]
"""Says of users and the digests of their tokens which still live: :meth:`imsys.redis.tokens.Tokens.live`."""


@dataclass(frozen=True, slots=True)
class ActiveGrant:
    """A transfer or a connection that goes on, the sign-in that it stands on, and how it is ended."""

    number: int
    user: int
    sign_in: str
    end: Callable[[str], None]


class Granted(Service):
    """Sees whether sign-ins live: before something begins, and again and again while it goes on.

    :param interval: seconds between two looks.
    """

    def __init__(self, clock: IReactorTime, live: Live, interval: float) -> None:
        self._live = live
        self._held: dict[int, ActiveGrant] = {}
        self._numbers = itertools.count(1)
        self._rounds = PeriodicSweep(clock, interval, lambda: list(self._held), self._look, AT_ONCE)
        self._outage = Outage(clock.seconds, "Looking whether users are still signed in")

    def __len__(self) -> int:
        return len(self._held)

    async def demand(self, ticket: Ticket) -> None:
        """See whether who was given a ticket is still signed in as they were then.

        :raises Refused: ``PERMISSION_DENIED``, they are not. :raises Unavailable: that cannot be told now.
        """
        if ticket.sign_in and not (await self._live([(ticket.user, ticket.sign_in)]))[0]:
            raise Refused(
                Status.PERMISSION_DENIED,
                f"Who was given this {ticket.right.called} is signed out; sign in, and ask for another.",
            )

    def hold(self, user: int, sign_in: str, end: Callable[[str], None]) -> ActiveGrant:
        """Have something ended, by word of why, when a sign-in is over; with an empty one it never is."""
        held = ActiveGrant(next(self._numbers), user, sign_in, end)
        if sign_in:
            self._held[held.number] = held
        return held

    def release(self, held: ActiveGrant | None) -> None:
        """Forget what is over by itself."""
        if held is not None:
            self._held.pop(held.number, None)

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._rounds.startService()

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        self._rounds.stopService()

    async def look(self) -> None:
        """Look at everything now."""
        await self._look(list(self._held))

    async def _look(self, numbers: Sequence[int]) -> bool:
        some = [self._held[number] for number in numbers if number in self._held]
        try:
            lives = await self._live([(held.user, held.sign_in) for held in some])
        except Refused as refused:
            self._outage.failed(str(refused))
            return False
        self._outage.works()
        for held, alive in zip(some, lives, strict=True):
            if not alive and self._held.pop(held.number, None) is not None:
                held.end(REVOKED)
        return True
