"""The connection of an account: where it stands, and its beginning and end."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from dataclasses import replace

from twisted.internet.defer import Deferred

from client.core.changes import Signal
from client.core.model import Connection, Link
from client.store import tables
from client.sync import convert
from client.sync.asking import asked
from client.sync.keeping import Keeper
from client.sync.known import Known
from imsys.sdk import Client, ConnectionState, StateChange, changed_certificate, explain

UUID = "account.uuid"

_log = logging.getLogger(__name__)


class _State(enum.Enum):
    OPEN = "open"
    SIGNING_OUT = "signing out"
    CLOSED = "closed"


class Session:
    """Tells of the client library's connection by ``changes.connection`` and what belongs to it, but for an
    end that was asked for.
    """

    def __init__(self, client: Client, known: Known, keeper: Keeper, now: Callable[[], float]) -> None:
        self.online = Signal[None]()
        """There is a connection, and who I am is known."""
        self._client = client
        self._known = known
        self._keeper = keeper
        self._now = now
        self._state = _State.OPEN
        self._alarmed = ""
        client.on_connection_state.subscribe(self._changed)
        client.on_signed_out.subscribe(known.changes.signed_out.fire)

    @property
    def closing(self) -> bool:
        """Whether its end was asked for."""
        return self._state is not _State.OPEN

    def recall(self) -> None:
        """Know who I am from what is kept, where only my name was given."""
        known = self._known
        if not known.me.uuid:
            known.me = replace(known.me, uuid=int(known.settings.get(UUID, "0")))
        known.me = known.persons.pop(known.me.uuid, known.me)

    def start(self) -> None:
        """Connect, and stay connected."""
        Deferred.fromCoroutine(self._client.start()).addErrback(
            lambda reason: _log.info("not started: %s", reason.value)
        )

    def retry_now(self) -> None:
        """Try to connect at once."""
        self._client.retry_now()

    async def close(self) -> None:
        """Disconnect."""
        self._state = _State.CLOSED
        await self._client.stop()

    async def sign_out(self) -> None:
        """End the session at the server, where it can be reached, and forget the token."""
        known, client = self._known, self._client
        self._state = _State.SIGNING_OUT
        if known.link.link is Link.ONLINE:
            await asked(client.log_out())
        else:
            await client.stop()
        client.credentials.token = ""
        await client.credentials.keep()
        self._state = _State.OPEN
        known.link = Connection(Link.SIGNED_OUT, known.link.server)
        known.changes.connection.fire(known.link)

    def _changed(self, change: StateChange) -> None:
        known, changes = self._known, self._known.changes
        retry_at = 0 if change.retry_in is None else int((self._now() + change.retry_in) * 1000)
        problem = explain(change.problem) if change.problem is not None else ""
        if change.state is ConnectionState.SIGNING_IN:  # the banner goes on saying why
            problem = known.link.reason
        known.link = Connection(convert.LINKS[change.state], known.link.server, problem, retry_at)
        if change.state is ConnectionState.ONLINE:
            known.link = replace(known.link, reason="")
            if not known.me.uuid:
                self._i_am(self._client.me.uuid)
            self.online.fire(None)
        if self.closing:
            return
        changes.connection.fire(known.link)
        changed = changed_certificate(change.problem)
        if changed is not None and changed.fingerprint != self._alarmed:
            self._alarmed = changed.fingerprint
            changes.certificate.fire(changed.fingerprint)
        if change.state is ConnectionState.SIGNED_OUT:
            changes.signed_out.fire(problem)

    def _i_am(self, uuid: int) -> None:
        """Whoever signed in by a name alone learns their number from the server."""
        self._known.me = replace(self._known.me, uuid=uuid)
        self._known.settings[UUID] = str(uuid)
        self._keeper.write(lambda db: tables.set_setting(db, UUID, str(uuid)))
