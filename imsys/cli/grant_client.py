"""Ask for grants to files; each time the session of commands is used for a moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from imsys.cli.accounts import Account
from imsys.cli.console import CliError
from imsys.cli.context import Context, SessionEnded
from imsys.sdk import Client, Credentials, Grant, Status, Transfers, Unavailable

T = TypeVar("T")


class GrantClient:
    """Transfers files without keeping the session, so that other commands can use it.

    A transfer needs only a token and a ticket.
    """

    def __init__(self, context: Context, account: Account) -> None:
        self._context = context
        self._known: dict[str, Grant] = {}
        name, _ = context.account()
        account = context.accounts.load(name, commands=True) or account
        self.credentials = Credentials(username=account.username, uuid=account.uuid, token=account.token)
        gateway = context.gateway(account)
        trust = gateway.trust if gateway.encrypted else None
        self.transfers = Transfers(
            context.reactor, self, self.credentials, trust, unfinished=context.unfinished()
        )

    async def ask(self, question: Callable[[Client], Awaitable[T]]) -> T:
        """Ask something in a new session; its token is used from now on."""
        async with self._context.session() as client:
            self.credentials.token = client.credentials.token
            return await question(client)

    async def offer_file(
        self, thread_id: int, filename: str, size: int, *, sha256: str = "", mime: str = ""
    ) -> Grant:
        """Offer a file."""
        return await self._later(
            lambda client: client.offer_file(thread_id, filename, size, sha256=sha256, mime=mime)
        )

    async def offer_avatar(self, filename: str, size: int, *, sha256: str = "", mime: str = "") -> Grant:
        """Offer a picture for the user's avatar."""
        return await self._later(lambda client: client.offer_avatar(filename, size, sha256=sha256, mime=mime))

    async def offer_group_picture(
        self, filename: str, size: int, *, sha256: str = "", mime: str = ""
    ) -> Grant:
        """Offer a picture for a group."""
        return await self._later(
            lambda client: client.offer_group_picture(filename, size, sha256=sha256, mime=mime)
        )

    async def get_file(self, file_id: str, *, write: bool = False, thumbnail: bool = False) -> Grant:
        """Ask for the grant to a file."""
        known = None if write or thumbnail else self._known.pop(file_id, None)
        if known is not None:
            return known
        return await self._later(lambda client: client.get_file(file_id, write=write, thumbnail=thumbnail))

    async def look_up(self, file_id: str) -> Grant:
        """Look up a file; the grant is used by the next :meth:`get_file`."""
        grant = await self.ask(lambda client: client.get_file(file_id))
        self._known[file_id] = grant
        return grant

    async def _later(self, question: Callable[[Client], Awaitable[T]]) -> T:
        try:
            return await self.ask(question)
        except SessionEnded:
            raise
        except CliError as trouble:  # another command is running: temporary
            raise Unavailable(Status.NETWORK_ERROR, str(trouble)) from trouble
