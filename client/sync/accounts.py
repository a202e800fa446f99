"""The accounts on this computer: which there are, how their servers are trusted, and opening them."""

from __future__ import annotations

import json
import os
import platform
import re
import secrets as random
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from client.core.ports import Failure
from client.store.store import NAME, Store
from client.sync.account import AccountSync
from client.sync.secrets import Secrets, write_private
from imsys.sdk import Credentials, DeviceInfo, Gateway, SignedIn, Timing, Trust

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Server:
    """A server and whom it is trusted by: the system's authorities, those of a file, or its certificate's
    fingerprint alone.
    """

    url: str
    ca: str = ""
    fingerprint: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.url.partition("://")[2].rstrip("/")

    def gateway(self, reactor: Any, *, deadline: float = 15.0) -> Gateway:
        """For calls to it.

        :raises ValueError: the address or the file is none;
        :raises OSError: the file cannot be read.
        """
        trust = Trust(fingerprints=[self.fingerprint]) if self.fingerprint else Trust(self.ca or None)
        return Gateway(reactor, self.url, trust, deadline=deadline)


@dataclass(frozen=True, slots=True)
class Entry:
    """An account on this computer.

    :param id: names its folder and its secrets.
    :param place: where its secrets are.
    """

    id: str
    server: Server
    uuid: int
    username: str
    place: str


class Accounts:
    """The list of accounts, in a file; tokens and keys are with :class:`Secrets`.

    :param folder: of the client's data.
    """

    def __init__(self, reactor: Any, folder: Path, secrets: Secrets | None = None) -> None:
        self.folder = folder
        self._reactor = reactor
        self._secrets = secrets or Secrets(reactor, folder / "secrets.json")
        self._entries: list[Entry] = []
        self._current = ""
        self._device = random.token_hex(16)

    @property
    def device(self) -> DeviceInfo:
        """What servers are told of this computer; its identifier stays as it is."""
        host = "".join(filter(str.isprintable, platform.node()))
        return DeviceInfo(id=self._device, name=f"imsys on {host}"[:50] if host else "imsys", kind="desktop")

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them, as :meth:`load` found them or they became since."""
        return tuple(self._entries)

    @property
    def current(self) -> Entry | None:
        """The one that was in front last."""
        return next(
            (one for one in self._entries if one.id == self._current),
            self._entries[0] if self._entries else None,
        )

    async def load(self) -> str:
        """Read the list; a sentence where the file could not be read, and was set aside."""
        found = self._device
        problem = await self._threaded(self._load)
        if self._entries and self._device == found:  # the list is from before servers were told
            await self._save()
        return problem

    async def add(self, server: Server, signed_in: SignedIn) -> Entry:
        """Keep an account that has signed in.

        One that is there already gets the new token, and the new trust.
        """
        for known in self._entries:
            if (known.server.url, known.uuid) == (server.url, signed_in.uuid):
                entry = replace(known, server=server, username=signed_in.username)
                break
        else:
            entry = Entry(
                random.token_hex(8), server, signed_in.uuid, signed_in.username, await self._secrets.place()
            )
            await self._secrets.put(entry.place, f"{entry.id}.key", random.token_hex(32))
        await self._secrets.put(entry.place, f"{entry.id}.token", signed_in.token)
        self._entries = [one for one in self._entries if one.id != entry.id] + [entry]
        self._current = entry.id
        await self._save()
        return entry

    async def trust(self, entry: Entry, fingerprint: str) -> Entry:
        """From now on the server has this certificate.

        For an account that is open, close it and open it again.
        """
        changed = replace(entry, server=replace(entry.server, fingerprint=fingerprint))
        self._entries = [changed if one.id == entry.id else one for one in self._entries]
        await self._save()
        return changed

    async def put_in_front(self, entry: Entry) -> None:
        """Begin with this one the next time."""
        self._current = entry.id
        await self._save()

    async def remove(self, entry: Entry) -> None:
        """Forget an account that is closed, with all that is kept of it here."""
        self._entries = [one for one in self._entries if one.id != entry.id]
        await self._save()
        for name in ("token", "key"):
            await self._secrets.put(entry.place, f"{entry.id}.{name}", "")
        await self._threaded(lambda: shutil.rmtree(self.place(entry), ignore_errors=True))

    async def open(self, entry: Entry, *, timing: Timing | None = None) -> AccountSync:
        """An account with all that is on this disk, not connected yet.

        :raises Failure: its key cannot be had, its trust cannot be read, or nothing can be kept.
        """
        account = await self.prepare(entry, timing=timing)
        await account.open()
        return account

    async def prepare(self, entry: Entry, *, timing: Timing | None = None) -> AccountSync:
        """The same, not opened yet, so that somebody can subscribe to its ``changes`` first."""
        key = await self._key(entry)
        token = await self._secrets.get(entry.place, f"{entry.id}.token")
        try:
            gateway = await self._threaded(lambda: entry.server.gateway(self._reactor))
        except (OSError, ValueError) as problem:
            raise Failure(f"The certificate of {entry.server.name} cannot be checked: {problem}") from problem
        kept = _Token(self._secrets, entry)
        credentials = Credentials(
            username=entry.username, uuid=entry.uuid, token=token or "", kept=kept, device=self.device
        )
        return AccountSync(
            self._reactor,
            gateway,
            credentials,
            self.place(entry),
            key,
            server=entry.server.name,
            timing=timing,
        )

    async def store(self, entry: Entry) -> Store:
        """The database of an account that is closed, not opened yet."""
        return Store(self._reactor, self.place(entry) / NAME, await self._key(entry))

    def place(self, entry: Entry) -> Path:
        """The folder of an account."""
        return self.folder / "accounts" / entry.id

    async def _key(self, entry: Entry) -> bytes:
        """What an account's store is encrypted with."""
        key = await self._secrets.get(entry.place, f"{entry.id}.key")
        if key is None:
            key = random.token_hex(32)  # without it nothing that is there can be read any more
            await self._secrets.put(entry.place, f"{entry.id}.key", key)
        return bytes.fromhex(key)

    async def _save(self) -> None:
        text = json.dumps(
            {
                "current": self._current,
                "device": self._device,
                "accounts": [asdict(one) for one in self._entries],
            },
            indent=1,
        )
        try:
            await self._threaded(lambda: write_private(self.folder / "accounts.json", text))
        except OSError as problem:
            raise Failure(f"The list of accounts cannot be kept: {problem.strerror}.") from problem

    def _load(self) -> str:
        path = self.folder / "accounts.json"
        try:
            found = json.loads(path.read_text("utf-8"))
            entries = [_entry(one) for one in found["accounts"]]
        except FileNotFoundError:
            return ""
        except (OSError, ValueError, KeyError, TypeError):
            aside = path.with_name(f"accounts.json.aside-{os.urandom(3).hex()}")
            path.rename(aside)
            return (
                f"The list of accounts could not be read, and was set aside as {aside.name}; sign in again."
            )
        self._entries, self._current = entries, str(found.get("current", ""))
        self._device = str(found.get("device", "")) or self._device
        return ""

    def _threaded(self, work: Callable[[], T]) -> Deferred[T]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)


def _entry(found: dict[str, Any]) -> Entry:
    server = Server(**{name: str(found["server"][name]) for name in ("url", "ca", "fingerprint")})
    values = {one.name: found[one.name] for one in fields(Entry) if one.name != "server"}
    if not re.fullmatch(r"[0-9a-f]{16}", str(values["id"])):  # it names a folder
        raise ValueError("no account")
    return Entry(
        str(values["id"]), server, int(values["uuid"]), str(values["username"]), str(values["place"])
    )


class _Token:
    """``imsys.sdk.SignInStore`` of one account."""

    def __init__(self, secrets: Secrets, entry: Entry) -> None:
        self._secrets = secrets
        self._entry = entry

    async def load(self) -> SignedIn | None:
        """The token that was kept last."""
        token = await self._secrets.get(self._entry.place, f"{self._entry.id}.token")
        return SignedIn(username=self._entry.username, uuid=self._entry.uuid, token=token) if token else None

    async def save(self, signed_in: SignedIn | None) -> None:
        """Keep a token, or forget it. :raises OSError: it cannot be kept."""
        try:
            await self._secrets.put(
                self._entry.place, f"{self._entry.id}.token", signed_in.token if signed_in is not None else ""
            )
        except Failure as problem:
            raise OSError(str(problem)) from problem
