"""Who is writing, and letting others know that I do. Nothing of it is stored."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from client.core.following import TOLD_TO, Activity
from client.core.model import Connection, Link, Stage, Transfer
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Client

APART = 3.0
"""Seconds between two notices of mine; the library keeps to it too, for each conversation."""
_HEARD = {
    sdk.Activity.TYPING: Activity.WRITING,
    sdk.Activity.RECORDING: Activity.RECORDING,
    sdk.Activity.FILE: Activity.SENDING,
}
_TOLD = {there: here for here, there in _HEARD.items()}

_log = logging.getLogger(__name__)


class Busy:
    """Nothing waits while nobody writes."""

    def __init__(self, reactor: Any, client: Client, known: Known) -> None:
        self._reactor = reactor
        self._client = client
        self._known = known
        self._next: IDelayedCall | None = None
        self._told: tuple[int, float] = (0, 0.0)
        client.on_typing.subscribe(self._heard)
        client.on_message.subscribe(lambda message: self._over(message.thread_id, message.sender))
        known.changes.connection.subscribe(self._connection)
        known.changes.transfer.subscribe(self._transfer)

    def tell(self, conversation: int, activity: Activity) -> None:
        """Let the others know."""
        now, about = self._reactor.seconds(), self._known.row(conversation).conversation
        if self._known.link.link is not Link.ONLINE or about.members > TOLD_TO:
            return
        if self._told[0] == conversation and now - self._told[1] < APART:
            return
        self._told = conversation, now
        Deferred.fromCoroutine(self._client.presence.writing(conversation, _TOLD[activity])).addErrback(
            lambda reason: _log.debug("not told that I write: %s", reason.value)
        )

    def _transfer(self, transfer: Transfer) -> None:
        if transfer.up and transfer.stage is Stage.MOVING:
            self.tell(transfer.conversation, Activity.SENDING)

    def _heard(self, said: sdk.Typing) -> None:
        if said.uuid == self._known.me.uuid or said.thread_id not in self._known.rows:
            return
        now = self._reactor.seconds()
        news = self._known.activities.heard(said.thread_id, said.uuid, _HEARD[said.activity], now)
        if self._next is None:
            self._wait()
        if news:
            self._fire([said.thread_id])

    def _over(self, conversation: int, uuid: int) -> None:
        if self._known.activities.over(conversation, uuid):
            self._fire([conversation])

    def _connection(self, now: Connection) -> None:
        if now.link is not Link.ONLINE:
            self._fire(self._known.activities.clear())

    def _wait(self) -> None:
        until = self._known.activities.next_at
        self._next = None
        if until is not None:
            self._next = self._reactor.callLater(max(0.0, until - self._reactor.seconds()), self._due)

    def _due(self) -> None:
        changed = self._known.activities.expire(self._reactor.seconds())
        self._wait()
        self._fire(changed)

    def _fire(self, conversations: Iterable[int]) -> None:
        for conversation in conversations:
            self._known.changes.busy.fire(conversation)

    def close(self) -> None:
        """Wait for nothing."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
