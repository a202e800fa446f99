"""Who signs in."""

from __future__ import annotations

from dataclasses import dataclass, field

from twisted.logger import Logger

from imsys.sdk.signed_in import SignedIn, SignInStore

_log = Logger()


@dataclass(kw_only=True)
class Credentials:
    """How a user signs in: by a token while it lives, and by name and password otherwise. The link keeps the newest token here.

    :param kept: where the token is kept between two runs of the program; without it that is the application's to do.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    uuid: int = 0
    token: str = field(default="", repr=False)
    kept: SignInStore | None = field(default=None, repr=False)

    async def recall(self) -> None:
        """Take the token of an earlier run, if none is here and it was this user's."""
        if self.token or self.kept is None:
            return
        found = await self.kept.load()
        if found is not None and self.username in ("", found.username) and self.uuid in (0, found.uuid):
            self.username, self.uuid, self.token = found.username, found.uuid, found.token

    async def keep(self) -> None:
        """Keep the token that is here now. Where that cannot be written the program goes on, and signs in by password the next time."""
        if self.kept is None:
            return
        try:
            await self.kept.save(SignedIn(username=self.username, uuid=self.uuid, token=self.token) if self.token else None)
        except OSError as problem:
            _log.warn("the sign-in of {user} cannot be kept: {reason}", user=self.username, reason=problem.strerror)
