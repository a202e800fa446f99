"""The numbers of a client's attempts to log in, and those that were never answered."""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from imsys.protocols.messages.session import LoginRequest

_MEMORY = 120.0
"""Seconds in which a server that did not answer may still take a login for a new one."""
_MOST = 64
"""Attempts that are remembered."""


class Attempts:
    """What tells a client's logins from those of others, and the later of them from the earlier.

    A server that is frozen, or cut off, may take a login long after the client has given it up and signed in elsewhere.
    Servers compare the numbers, so that this ends nothing; where one does all the same (it has lost them, or is an older
    version), the client knows that it has such an attempt out there, and comes back: once for each.

    :param calendar: Unix time in seconds: the numbers grow with it, and whatever it does.
    """

    def __init__(self, clock: IReactorTime, calendar: Callable[[], float], entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._calendar = calendar
        self._client = entropy(16).hex()
        self._last = 0
        self._unanswered: dict[int, float] = {}  # attempt -> when it was made

    def request(self, uuid: int, token: str) -> LoginRequest:
        """The login of a new attempt, which is on its way from now on."""
        self._last = max(self._last + 1, int(self._calendar() * 1000))
        self._unanswered[self._last] = self._clock.seconds()
        if len(self._unanswered) > _MOST:
            del self._unanswered[next(iter(self._unanswered))]
        return LoginRequest(uuid=str(uuid), token=token, client=self._client, attempt=self._last)

    def answered(self, request: LoginRequest) -> None:
        """A server has answered, whatever it said."""
        if isinstance(request.attempt, int):
            self._unanswered.pop(request.attempt, None)

    def explains_sign_out(self) -> bool:
        """Whether a sign-out may come from an attempt of this client; the one that explains it explains no other."""
        now = self._clock.seconds()
        self._unanswered = {attempt: since for attempt, since in self._unanswered.items() if now - since < _MEMORY}
        if not self._unanswered:
            return False
        del self._unanswered[next(iter(self._unanswered))]
        return True
