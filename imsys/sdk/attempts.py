"""Number a client's login attempts, and remember those that were never answered."""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from imsys.protocols.messages.session import LoginRequest
from imsys.sdk.devices import DeviceInfo, part

_MEMORY = 120.0
"""Seconds for which a server that did not answer may still process the login as a new one."""
_MOST = 64
"""Unanswered attempts that are remembered, at most."""


class Attempts:
    """Identifies this client's logins and orders them in time.

    A server that is frozen or cut off may process a login long after the client gave it up and signed in
    elsewhere. Servers compare the attempt numbers, so such a late login ends no newer session. If it does all
    the same (the server has lost the numbers, or is an older version), the client knows that it has an
    unanswered attempt, and signs in again: once for each such attempt.

    :param calendar: Unix time in seconds; attempt numbers always grow, even if it is set back.
    """

    def __init__(
        self, clock: IReactorTime, calendar: Callable[[], float], entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._clock = clock
        self._calendar = calendar
        self._client = entropy(16).hex()
        self._last = 0
        self._unanswered: dict[int, float] = {}  # attempt -> when it was made

    def request(self, uuid: int, token: str, device: DeviceInfo | None = None) -> LoginRequest:
        """Make the login request of a new attempt; it counts as unanswered from now on."""
        self._last = max(self._last + 1, int(self._calendar() * 1000))
        self._unanswered[self._last] = self._clock.seconds()
        if len(self._unanswered) > _MOST:
            del self._unanswered[next(iter(self._unanswered))]
        return LoginRequest(
            uuid=str(uuid), token=token, client=self._client, attempt=self._last, device=part(device)
        )

    def answered(self, request: LoginRequest) -> None:
        """Record that a server has answered the request, with success or refusal."""
        if isinstance(request.attempt, int):
            self._unanswered.pop(request.attempt, None)

    def explains_sign_out(self) -> bool:
        """Whether a sign-out may be due to an unanswered attempt; each attempt explains one sign-out."""
        now = self._clock.seconds()
        self._unanswered = {
            attempt: since for attempt, since in self._unanswered.items() if now - since < _MEMORY
        }
        if not self._unanswered:
            return False
        del self._unanswered[next(iter(self._unanswered))]
        return True
