"""One fault at a time: inject it, wait until all users can write, repair, and check that no text was lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from imsys.bench.lab.checks import Promise, PromiseCheck
from imsys.bench.lab.cluster import Cluster, Machine
from imsys.bench.lab.people import People
from imsys.errors import ConfigError

DEADLINE = 60.0
"""Seconds to wait for acknowledgements after a fault; a user without one counts with so many."""

_SETTLING = 60.0
"""Seconds to wait until all texts are acknowledged and received, once the fault is repaired."""

_SPREADING = 30.0
"""Seconds to wait until all users are on their home servers; then the fault begins anyway."""

_GLANCE = 0.05


@dataclass(kw_only=True)
class Struck:
    """A fault in progress."""

    since: float
    """When it began, by the monotonic clock."""
    there: Sequence[int]
    """The users affected: those of the chat server in question, or all."""
    threads: frozenset[int] = frozenset()
    """Threads that were locked by it."""
    coming: Sequence[int] = ()
    """Users whose connections are reset when it begins, to sign in again; they count for nothing else."""
    later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    """Actions and their times, by the monotonic clock, in order."""
    rest: float = 1.0
    """Seconds before the next fault, once everything is repaired."""
    back: float = 0.0
    """When the failed server that all users need served again; 0: no such server failed."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The effect of one fault: for each user, seconds until a text begun after it was acknowledged."""

    there: Sequence[float]
    others: Sequence[float]
    locked: Sequence[float]
    """Those of ``others`` whose thread was locked."""
    coming: Sequence[float]
    """Users who had to sign in during the fault; counted as ``back`` is, if a server was away."""
    back: Sequence[float]
    """Seconds from the return of a server that all users need; empty if none was away."""
    received: Sequence[float]
    """Seconds from the acknowledgement of each text until the friend had it."""
    waiting: int
    """Users without an acknowledgement within :data:`DEADLINE`."""
    texts: int
    refused: int
    """Texts that the client library gave up."""
    unacknowledged: int
    """Texts that were not acknowledged, and not given up, long after the fault was repaired."""
    signed_out: Sequence[str]
    verdict: PromiseCheck


class Stage:
    """A cluster and its users, who write at a moderate rate, for any number of faults.

    :param rate: texts a second of all users together.
    """

    def __init__(self, cluster: Cluster, people: People, rate: float) -> None:
        self.cluster = cluster
        self.people = people
        self.everybody = [guest.uuid for guest in people.guests]
        self._rate = rate
        self._turn = 0
        self._rest = 1.0
        self._promise = Promise(cluster, people.guests)

    def victim(self) -> Machine:
        """Return the next chat server, in turn."""
        return self.cluster.chats[self._turn % len(self.cluster.chats)]

    def play(self, strike: Callable[[Stage], Struck]) -> Outcome:
        """Inject one fault.

        :raises ConfigError: it is impossible, or the cluster was not in order before.
        """
        self._begin()
        struck = strike(self)
        self._rest = struck.rest
        if struck.coming:
            self.people.reset(struck.coming)
        try:
            first = self._watch(struck)
        finally:
            self.people.talk(0)
            for _, action in struck.later:
                action()
            self.cluster.mend()
        state = self.people.settle(_SETTLING)
        account = self.people.tell()
        acknowledged = {text.number: text.acknowledged for text in account.texts if text.acknowledged}
        seconds = {uuid: first.get(uuid, struck.since + DEADLINE) - struck.since for uuid in self.everybody}
        coming = set(struck.coming)
        there = [uuid for uuid in struck.there if uuid not in coming]
        others = [uuid for uuid in self.everybody if uuid not in {*struck.there, *coming}]
        locked = {uuid for uuid in others if self.people.thread_of[uuid] in struck.threads}
        away = struck.back - struck.since if struck.back else 0.0
        return Outcome(
            there=[seconds[uuid] for uuid in there],
            others=[seconds[uuid] for uuid in others if uuid not in locked],
            locked=[seconds[uuid] for uuid in locked],
            coming=[max(0.0, seconds[uuid] - away) for uuid in coming],
            back=[max(0.0, seconds[uuid] - away) for uuid in there] if struck.back else (),
            received=[
                max(0.0, heard.at - acknowledged[heard.number])
                for heard in account.heard
                if heard.number in acknowledged
            ],
            waiting=len(self.everybody) - len(first),
            texts=len(account.texts),
            refused=sum(bool(text.problem) for text in account.texts),
            unacknowledged=state.unacknowledged,
            signed_out=account.signed_out,
            verdict=self._promise.check(account),
        )

    def _begin(self) -> None:
        """Have all users write from their home servers, and check that all of it is acknowledged."""
        self._turn += 1
        self.people.spread(_SPREADING)
        time.sleep(self._rest)
        self.people.talk(self._rate)
        now = time.monotonic()
        if len(self.people.wait_for_first(now, self.everybody, DEADLINE)) < len(self.everybody):
            raise ConfigError("before a fault, not all users get their texts acknowledged")

    def _watch(self, struck: Struck) -> dict[int, float]:
        """Wait until all users had an acknowledgement, and the fault is over; return when each had it."""
        while True:
            while struck.later and struck.later[0][0] <= time.monotonic():
                struck.later.pop(0)[1]()
            state = self.people.look(struck.since)
            first = {uuid: when for uuid, when in state.first.items() if when <= struck.since + DEADLINE}
            everybody = len(first) == len(self.everybody) or state.now > struck.since + DEADLINE
            if everybody and not struck.later:
                return first
            time.sleep(_GLANCE)
