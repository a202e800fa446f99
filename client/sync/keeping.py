"""Writing to the store, many changes at a time, and telling of them when they are there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import apsw
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from client.core.changes import Changes
from client.core.model import Message
from client.store.store import Store, StoreClosed, StoreDamaged, StoreFull

AGAIN = 5.0
"""Seconds until what could not be stored is tried again."""
MOST = 20_000
"""Changes that are kept for then."""

_log = logging.getLogger(__name__)

Work = Callable[[apsw.Connection], Any]


class Teller:
    """Collects what has changed, and fires each signal once for all of it."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._messages: dict[int, dict[str, Message]] = {}
        self._removed: dict[int, dict[str, Message]] = {}
        self._arrived: list[Message] = []
        self.conversations: set[int] = set()
        self.people: set[int] = set()
        self.requests = False

    def message(self, message: Message) -> None:
        """It is new or different."""
        self._messages.setdefault(message.conversation, {})[message.key] = message

    def removed(self, message: Message) -> None:
        """It is gone."""
        self._messages.get(message.conversation, {}).pop(message.key, None)
        self._removed.setdefault(message.conversation, {})[message.key] = message

    def arrived(self, message: Message) -> None:
        """Somebody else has written it just now."""
        self._arrived.append(message)

    def tell(self) -> None:
        """Fire."""
        removed, self._removed = self._removed, {}
        messages, self._messages = self._messages, {}
        arrived, self._arrived = self._arrived, []
        people, self.people = self.people, set()
        conversations, self.conversations = self.conversations, set()
        requests, self.requests = self.requests, False
        if people:
            self._changes.people.fire(people)
        for gone in removed.values():
            self._changes.removed.fire(list(gone.values()))
        for some in messages.values():
            if some:
                self._changes.messages.fire(sorted(some.values(), key=lambda message: message.order))
        if conversations:
            self._changes.conversations.fire(conversations)
        if requests:
            self._changes.requests.fire(None)
        if arrived:
            self._changes.arrived.fire(arrived)


class Keeper:
    """Changes to the store, in order; all that come while one transaction runs are the next one.

    :param notice: takes a sentence for people.
    """

    def __init__(self, reactor: Any, store: Store, teller: Teller, notice: Callable[[str], None]) -> None:
        self.teller = teller
        self.store = store
        self.unstored = False
        """Whether something could not be stored, and was given up: then nothing counts as seen any more."""
        self._reactor = reactor
        self._notice = notice
        self._waiting: list[tuple[Work, Deferred[Any]]] = []
        self._again: IDelayedCall | None = None
        self._running: Deferred[None] | None = None
        self._idle: list[Deferred[None]] = []
        self._full = False

    def write(self, work: Work) -> Deferred[Any]:
        """Change the store; fires with the result when that is done, or with ``None`` when it cannot be done
        now.
        """
        done: Deferred[Any] = Deferred()
        if len(self._waiting) >= MOST:
            self.unstored = True
            self._reactor.callLater(0, self._unstored, done)
            return done
        self._waiting.append((work, done))
        if self._again is None:
            self._begin()
        else:
            self._reactor.callLater(0, self._unstored, done)
        return done

    def barrier(self) -> Deferred[Any]:
        """Fires when all that was asked for until now is stored, or cannot be."""
        if self._running is None:
            done: Deferred[Any] = Deferred()
            done.callback(None)
            return done
        return self.write(lambda db: None)

    def idle(self) -> Deferred[None]:
        """Fires when nothing waits to be stored, or nothing can be."""
        done: Deferred[None] = Deferred()
        if self._running is None:
            done.callback(None)
        else:
            self._idle.append(done)
        return done

    async def close(self) -> None:
        """Store what waits, and close."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
            self._begin()
        await self.idle()
        if self._again is not None:
            self._again.cancel()
            self._again = None
        await self.store.close()

    def _begin(self) -> None:
        if self._running is None and self._waiting:
            self._running = Deferred.fromCoroutine(self._write())
            self._running.addErrback(lambda reason: _log.error("the store failed: %s", reason.getTraceback()))

    async def _write(self) -> None:
        # in a later turn, so that whatever comes in this one is of the same transaction
        turn: Deferred[None] = Deferred()
        self._reactor.callLater(0, turn.callback, None)
        await turn
        while self._waiting and self._again is None:
            batch, self._waiting = self._waiting, []
            try:
                results = await self.store.write(lambda db, batch=batch: [work(db) for work, _ in batch])  # type: ignore[misc]
                self._full = False
            except StoreFull as problem:
                self._wait(batch, problem)
                results = [None] * len(batch)
            except (StoreDamaged, StoreClosed) as problem:
                _log.error("the store cannot be used: %s", problem)
                results = [None] * len(batch)
            except Exception:
                _log.exception("a change could not be stored")
                results = await self._one_by_one(batch)
            for (_, done), result in zip(batch, results, strict=True):
                _fire(done, result)
            self.teller.tell()
        self._running = None
        idle, self._idle = self._idle, []
        for one in idle:
            one.callback(None)

    async def _one_by_one(self, batch: list[tuple[Work, Deferred[Any]]]) -> list[Any]:
        """What is wrong with one of them must not keep the others from being stored."""
        results: list[Any] = []
        for work, _ in batch:
            try:
                results.append(await self.store.write(work))
            except Exception:
                _log.exception("a change was given up")
                results.append(None)
        return results

    def _wait(self, batch: list[tuple[Work, Deferred[Any]]], problem: StoreFull) -> None:
        _log.error("nothing can be stored: %s", problem)
        self._waiting = batch + self._waiting
        self._again = self._reactor.callLater(AGAIN, self._try_again)
        if not self._full:
            self._full = True
            self._notice(
                "There is no room on this disk: messages are sent and received, but what comes now is not kept here."
            )

    def _unstored(self, done: Deferred[Any]) -> None:
        """It cannot be stored now; it is told all the same."""
        _fire(done, None)
        self.teller.tell()

    def _try_again(self) -> None:
        self._again = None
        self._begin()


def _fire(done: Deferred[Any], result: Any) -> None:
    if not done.called:
        done.callback(result)
