"""The credentials of the user who signs in."""

from __future__ import annotations

from dataclasses import dataclass, field

from twisted.logger import Logger

from imsys.sdk.devices import DeviceInfo
from imsys.sdk.signed_in import SignedIn, SignInStore

_log = Logger()


@dataclass(kw_only=True)
class Credentials:
    """How a user signs in: by a token while it is valid, else by name and password.

    The newest token is stored here.

    :param device: the device that the program runs on, whose session this is; without it, this is the one session of
        the account without a device.
    :param kept: where the token is kept between two runs of the program; without it the application may keep
        it.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    uuid: int = 0
    token: str = field(default="", repr=False)
    kept: SignInStore | None = field(default=None, repr=False)
    device: DeviceInfo | None = None

    async def recall(self) -> None:
        """Load the token of an earlier run, if there is none yet and it is this user's."""
        if self.token or self.kept is None:
            return
        found = await self.kept.load()
        if found is not None and self.username in ("", found.username) and self.uuid in (0, found.uuid):
            self.username, self.uuid, self.token = found.username, found.uuid, found.token

    async def keep(self) -> None:
        """Save the present token.

        If it cannot be written, the program goes on and signs in by password the next time.
        """
        if self.kept is None:
            return
        try:
            await self.kept.save(
                SignedIn(username=self.username, uuid=self.uuid, token=self.token) if self.token else None
            )
        except OSError as problem:
            _log.warn(
                "the sign-in of {user} cannot be kept: {reason}", user=self.username, reason=problem.strerror
            )
