"""How I keep conversations: muted, pinned, archived, and what I have begun to write. It follows me to all my
devices.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from client.core.model import Link
from client.sync.features.conversations import Conversations
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Client, NotServed, Refused, Status, explain

FOREVER = -1
FOREVER_AT = datetime(9999, 12, 31, tzinfo=UTC)
"""A server knows times alone: this one stands for "for good"."""
DRAFT_MOST = 4_096
"""Characters of a draft that a server takes; a longer one stays on this computer."""
SHOWN = 200
"""Characters of a draft that the list of conversations has."""
SETTLES = 1.5
"""Seconds after which a draft that was not written on is sent."""
AGAIN = 30.0
"""Seconds until what a server could not take is sent again."""
FINAL = (
    Status.TOO_MANY,
    Status.PERMISSION_DENIED,
    Status.CHATTHREAD_NOT_EXIST,
    Status.MESSAGE_TOO_LONG,
    Status.INVALID_FIELD,
)
"""With these a server will never take it."""

_log = logging.getLogger(__name__)


class Arrangement:
    """Sends what is changed here, and takes what is changed elsewhere.

    What was changed here and is not at the server yet counts, whatever comes from there: it is the newest.
    """

    def __init__(self, reactor: Any, client: Client, known: Known, conversations: Conversations) -> None:
        self._reactor = reactor
        self._client = client
        self._known = known
        self._conversations = conversations
        self._there: dict[int, sdk.ThreadSettings] = {}
        """What the server has, as far as it was told."""
        self._asking: set[int] = set()
        """Conversations that are being told of."""
        self._later: IDelayedCall | None = None
        client.on_settings.subscribe(self.take)

    # What is changed here.

    def change(self, conversation: int, **fields: Any) -> Deferred[Any]:
        """Keep one so from now on; fires when that is stored."""
        row = self._known.row(conversation)
        now = replace(row.conversation, **fields)
        names = {name for name in fields if getattr(now, name) != getattr(row.conversation, name)}
        if not names:
            done: Deferred[Any] = Deferred()
            done.callback(None)
            return done
        self._known.set_row(replace(row, conversation=now, untold=row.untold | names))
        return self._conversations.store(conversation)

    async def tell(self, conversation: int) -> None:
        """Let the server know what it does not.

        :raises Refused: it does not take it, and things are as the server has them; or it cannot now.
        """
        if conversation in self._asking or not self._connected:
            return  # whoever asks goes on with what was changed meanwhile
        self._asking.add(conversation)
        refusal: Refused | None = None
        try:
            while wanted := self._wanted(conversation):
                try:
                    answer = await self._client.threads.change(conversation, **_request(wanted))
                except Refused as problem:
                    if problem.status not in FINAL:
                        raise
                    refusal = problem
                    await self._refused(conversation, wanted, problem)
                    continue
                self._over(conversation, wanted)
                self.take(
                    answer
                )  # what was told meanwhile is older: changes of all devices come in one order
        finally:
            self._asking.discard(conversation)
        if refusal is not None:
            raise refusal

    def soon(self, seconds: float | None = None) -> None:
        """Let the server know what it does not, when nothing was changed for so long (:data:`SETTLES`)."""
        seconds = SETTLES if seconds is None else seconds
        if self._later is not None and self._later.active():
            self._later.reset(seconds)
        else:
            self._later = self._reactor.callLater(seconds, self._begin)

    async def read(self) -> None:
        """Tell all that was changed and is not told; what cannot be told now is told later."""
        for conversation in [number for number, row in self._known.rows.items() if row.untold]:
            try:
                await self.tell(conversation)
            except Refused as problem:
                if problem.status in FINAL:
                    self._known.changes.notice.fire(explain(problem))
                else:
                    self.put_off(problem)
                    return

    def put_off(self, problem: Refused) -> None:
        """The server cannot take it now; one of an earlier version never will."""
        _log.info("told later how conversations are kept: %s", problem)
        if not isinstance(problem, NotServed):
            self.soon(AGAIN)

    async def close(self) -> None:
        """Tell what is left, if that is quickly done."""
        if self._connected:
            await (
                Deferred.fromCoroutine(self.read())
                .addTimeout(1.0, self._reactor)
                .addErrback(lambda reason: _log.info("not told: %s", reason.value))
            )
        if self._later is not None and self._later.active():
            self._later.cancel()

    # What is changed elsewhere.

    def take(self, said: sdk.ThreadSettings) -> None:
        """A conversation is kept so at the server."""
        self._there[said.thread_id] = said
        row = self._known.rows.get(said.thread_id)
        if row is None:
            return
        fields = {name: value for name, value in _fields(said).items() if name not in row.untold}
        now = replace(row.conversation, **fields)
        if now != row.conversation:
            self._known.change(now)
            self._conversations.store(said.thread_id)

    def overviewed(self, said: sdk.ThreadSettings) -> None:
        """The same, of a list, if that has the whole draft and not its beginning alone."""
        if len(said.draft) < SHOWN:
            self.take(said)

    async def read_long_draft(self, said: sdk.ThreadSettings) -> None:
        """The same, of one in a list that has only the beginning of its draft."""
        if len(said.draft) >= SHOWN:
            try:
                self.take(await self._client.threads.settings(said.thread_id))
            except Refused as problem:
                _log.info("a long draft could not be read: %s", problem)

    # How.

    @property
    def _connected(self) -> bool:
        return self._known.link.link is Link.ONLINE

    def _begin(self) -> None:
        if self._connected:
            Deferred.fromCoroutine(self.read()).addErrback(
                lambda reason: _log.error("how conversations are kept: %s", reason.getTraceback())
            )

    def _wanted(self, conversation: int) -> dict[str, Any]:
        """What the server is to know; what it turns out to know already is settled."""
        row = self._known.row(conversation)
        if row.conversation.gone:  # the server keeps nothing of it any more
            self._over(conversation, {name: getattr(row.conversation, name) for name in row.untold})
            return {}
        there = self._there.get(conversation)
        known = _fields(there) if there is not None else {}
        here = {name: getattr(row.conversation, name) for name in row.untold}
        self._over(conversation, {name: value for name, value in here.items() if known.get(name) == value})
        return {
            name: value
            for name, value in here.items()
            if known.get(name) != value and (name != "draft" or len(value) <= DRAFT_MOST)
        }

    def _over(self, conversation: int, told: dict[str, Any]) -> None:
        """The server knows this; what was changed since it was sent is still to be told."""
        row = self._known.row(conversation)
        settled = {name for name, value in told.items() if getattr(row.conversation, name) == value}
        if settled & row.untold:
            self._known.set_row(replace(row, untold=row.untold - settled))
            self._conversations.store(conversation)

    async def _refused(self, conversation: int, wanted: dict[str, Any], problem: Refused) -> None:
        """It will never take it. Of several the pin is what there are too many of."""
        names = wanted.keys() & {"pinned"} if problem.status is Status.TOO_MANY else wanted.keys()
        self._over(conversation, {name: wanted[name] for name in names or wanted})
        if problem.status is Status.TOO_MANY:
            self.take(await self._client.threads.settings(conversation))


def _fields(said: sdk.ThreadSettings) -> dict[str, Any]:
    """Settings as fields of a conversation."""
    until = said.muted_until
    muted = 0 if until is None else FOREVER if until >= FOREVER_AT else round(until.timestamp() * 1000)
    return {
        "pinned": said.pinned,
        "archived": said.archived,
        "muted_until_ms": muted,
        "draft": said.draft,
    }


def _request(wanted: dict[str, Any]) -> dict[str, Any]:
    """The same fields as the library takes them."""
    request = dict(wanted)
    muted = request.pop("muted_until_ms", None)
    if muted == 0:
        request["unmute"] = True
    elif muted is not None:
        request["muted_until"] = FOREVER_AT if muted < 0 else datetime.fromtimestamp(muted / 1000, UTC)
    return request
