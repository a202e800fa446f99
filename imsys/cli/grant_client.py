"""Asking for the rights to files, with the account's one session taken for a moment each time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from imsys.cli.accounts import Account
from imsys.cli.console import CliError
from imsys.cli.context import Context, SessionEnded
from imsys.sdk import Client, Credentials, Grant, Status, Transfers, Unavailable

T = TypeVar("T")


class GrantClient:
    """A chat that is open, and other commands, go on while a file travels for hours: that needs no session, but a token and a ticket."""

    def __init__(self, context: Context, account: Account) -> None:
        self._context = context
        self._known: dict[str, Grant] = {}
        self.credentials = Credentials(username=account.username, uuid=account.uuid, token=account.token)
        gateway = context.gateway(account)
        trust = gateway.trust if gateway.encrypted else None
        self.transfers = Transfers(context.reactor, self, self.credentials, trust, unfinished=context.unfinished())

    async def ask(self, question: Callable[[Client], Awaitable[T]]) -> T:
        """Ask something in a session of its own; its token is used from now on."""
        async with self._context.session() as client:
            self.credentials.token = client.credentials.token
            return await question(client)

    async def offer_file(self, thread_id: int, filename: str, size: int, *, sha256: str = "", mime: str = "") -> Grant:
        """Offer a file."""
        return await self._later(lambda client: client.offer_file(thread_id, filename, size, sha256=sha256, mime=mime))

    async def offer_avatar(self, filename: str, size: int, *, sha256: str = "", mime: str = "") -> Grant:
        """Offer a picture of the user."""
        return await self._later(lambda client: client.offer_avatar(filename, size, sha256=sha256, mime=mime))

    async def get_file(self, file_id: str, *, write: bool = False, thumbnail: bool = False) -> Grant:
        """The right to a file."""
        known = None if write or thumbnail else self._known.pop(file_id, None)
        if known is not None:
            return known
        return await self._later(lambda client: client.get_file(file_id, write=write, thumbnail=thumbnail))

    async def look_up(self, file_id: str) -> Grant:
        """What a file is; the right to it is used by the next who asks."""
        grant = await self.ask(lambda client: client.get_file(file_id))
        self._known[file_id] = grant
        return grant

    async def _later(self, question: Callable[[Client], Awaitable[T]]) -> T:
        try:
            return await self.ask(question)
        except SessionEnded:
            raise
        except CliError as trouble:  # another command takes its time: that passes
            raise Unavailable(Status.NETWORK_ERROR, str(trouble)) from trouble
