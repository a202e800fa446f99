"""Random histories of several members who go away and come back: every replica ends as the database is."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import blockingCallFromThread, deferToThread

from imsys.sdk import (
    Client,
    Conversation,
    Credentials,
    MemorySeenStore,
    Message,
    Outgoing,
    Refused,
)
from tests.sdk.direct import Direct
from tests.sdk.scene import QUICK
from tests.support.chat import PATIENCE, ChatCase
from tests.support.replicas import RECENT, Replica, head_of
from tests.support.stores import OnMariaDb, OnSqlite

NAMES = ("anna", "bert", "carl")
EMOJI = ("👍", "❤", "👩‍👩‍👧")
TIMING = dataclasses.replace(QUICK, patience=0.05, deadline=10.0)


class Member(Replica):
    """A user with a client, or a new one where that was ended, and what they know of their conversations."""

    def __init__(self, case: Any, uuid: int, threads: list[int]) -> None:
        super().__init__(uuid, threads)
        self._case = case
        self._seen = MemorySeenStore()
        self.client = self._new()

    def _new(self) -> Client:
        gateway = Direct(self._case.reactor, self._case.server, self.uuid)
        client = Client(
            self._case.reactor,
            gateway,
            Credentials(username=str(self.uuid), password="-"),
            seen=self._seen,
            timing=TIMING,
        )
        self.follow(client)
        return client

    async def restart(self) -> None:
        """End the program, and begin a new one that goes on from what was kept."""
        await self.client.stop()
        self.client = self._new()
        await self.client.start()

    async def read(self, thread: int, before: int) -> None:
        """Read a page, until one is fresh enough."""
        for _ in range(5):
            async for page in self.client.history.newest(thread, before, page=7).each():
                if self.conversations[thread].merge(page):
                    return
                break
            else:
                return

    def cut(self) -> None:
        """Break the connection."""
        session = self._case.server.directory.local(self.uuid)
        if session is not None:
            session.abort("the test cuts it")


class History(RuleBasedStateMachine):
    """What the members do; ``case`` runs it in the reactor's thread."""

    case: Any

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return blockingCallFromThread(self.case.reactor, self._begin, work)

    def _begin(self, work: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        # the thread must come to its end, whatever happens
        return Deferred.fromCoroutine(work).addTimeout(3 * PATIENCE, self.case.reactor)

    @initialize()
    def begin(self) -> None:
        self.do(self.case.begin())

    who = st.sampled_from(range(len(NAMES)))
    which = st.integers(0, 5)
    """A message, counted back from the newest."""
    on = st.sampled_from((True, True, False))

    @rule(who=who, where=st.integers(0, 2), reply=st.none() | which, mention=on)
    def text(self, who: int, where: int, reply: int | None, mention: bool) -> None:
        self.do(self.case.text(who, where, reply, mention))

    @rule(who=who, where=st.integers(0, 2), which=which)
    def edit(self, who: int, where: int, which: int) -> None:
        self.do(self.case.change(who, where, which, "edit"))

    @rule(who=who, where=st.integers(0, 2), which=which)
    def recall(self, who: int, where: int, which: int) -> None:
        self.do(self.case.change(who, where, which, "recall"))

    @rule(who=who, where=st.integers(0, 2), which=which, emoji=st.sampled_from(EMOJI), on=on)
    def react(self, who: int, where: int, which: int, emoji: str, on: bool) -> None:
        self.do(self.case.change(who, where, which, "react", emoji, on))

    @rule(who=who, where=st.integers(0, 2), which=which, on=on)
    def pin(self, who: int, where: int, which: int, on: bool) -> None:
        self.do(self.case.change(who, where, which, "pin", on))

    @rule(who=who, where=st.integers(0, 2), which=which)
    def forward(self, who: int, where: int, which: int) -> None:
        self.do(self.case.forward(who, where, which))

    @rule(who=who, where=st.integers(0, 2), which=which)
    def read(self, who: int, where: int, which: int) -> None:
        self.do(self.case.read(who, where, which))

    @rule(who=who, how=st.sampled_from(("stop", "start", "cut", "restart")))
    def go(self, who: int, how: str) -> None:
        self.do(self.case.go(who, how))

    def teardown(self) -> None:
        self.do(self.case.end())


class Histories(ChatCase):
    """The members are here, in the reactor's thread."""

    timeout = 120

    async def setUp(self) -> None:
        await super().setUp()
        self.count = 0
        self.rounds = 0
        self.members: list[Member] = []

    async def test_same_end(self) -> None:
        """All of them end in the state that the database has."""
        machine = type("Machine", (History,), {"case": self})
        quiet = settings(
            max_examples=12,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),  # a shorter history is not worth the minutes
            print_blob=True,
        )
        await deferToThread(run_state_machine_as_test, machine, settings=quiet)
        self.assertGreater(self.rounds, 5)

    async def begin(self) -> None:
        """New members, all friends of the first one."""
        self.rounds += 1
        self.posted: list[Outgoing[Any]] = []
        self.running: list[Deferred[Any]] = []
        uuids = await self.people(*(f"{name}{self.rounds}" for name in NAMES))
        self.threads = [await self.befriend(uuids[0], uuid) for uuid in uuids[1:]]
        mine = [self.threads, self.threads[:1], self.threads[1:]]
        self.members = [Member(self, uuid, threads) for uuid, threads in zip(uuids, mine, strict=True)]
        for member in self.members:
            await member.client.start()
        group = (await self.members[0].client.groups.create("All", uuids[1:])).thread_id
        for member in self.members:
            member.conversations[group] = Conversation(group, recent=RECENT)
            for thread in member.conversations:
                head = await self.database.read(head_of, thread)
                member.heads[thread] = head
        await self.until(lambda: all(group in member.client._inbox.positions() for member in self.members))
        for member in self.members:
            for thread in member.heads:
                for text in ("one", "two", "three"):
                    await member.client.send(thread, text)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait, but not for ever: the thread of the history would stay behind."""
        late = self.reactor.seconds() + PATIENCE
        while not condition():
            self.assertLess(self.reactor.seconds(), late)
            await deferLater(self.reactor, 0.005)

    def _place(self, who: int, where: int) -> tuple[Member, int]:
        member = self.members[who]
        threads = list(member.conversations)
        return member, threads[where % len(threads)]

    def _message(self, member: Member, thread: int, which: int) -> Message | None:
        there = member.conversations[thread].messages
        return there[-1 - which % len(there)] if there else None

    def _post(self, make: Any, *arguments: Any, **more: Any) -> None:
        with contextlib.suppress(Refused):
            self.posted.append(make(*arguments, **more))

    async def text(self, who: int, where: int, reply: int | None, mention: bool) -> None:
        member, thread = self._place(who, where)
        self.count += 1
        answered = None if reply is None else self._message(member, thread, reply)
        self._post(
            *(member.client.post, thread, f"text {self.count}"),
            reply_to=answered.id if answered else 0,
            mentions=(self.members[0].uuid,) if mention else (),
        )

    async def change(self, who: int, where: int, which: int, what: str, *more: Any) -> None:
        member, thread = self._place(who, where)
        target = self._message(member, thread, which)
        if target is None:
            return
        self.count += 1
        if what == "edit":
            more = (f"edit {self.count}",)
        self._post(
            getattr(member.client, what), thread, [target.id] if what == "recall" else target.id, *more
        )

    async def forward(self, who: int, where: int, which: int) -> None:
        member, thread = self._place(who, where)
        _, source = self._place(who, where + 1)
        message = self._message(member, source, which)
        if message is not None:
            self._post(member.client.forward, thread, message)

    async def read(self, who: int, where: int, which: int) -> None:
        member, thread = self._place(who, where)
        message = self._message(member, thread, which)
        if message is not None:
            reading = Deferred.fromCoroutine(member.read(thread, message.id + 1))
            self.running.append(reading.addErrback(lambda reason: reason.trap(Refused)))

    async def go(self, who: int, how: str) -> None:
        member = self.members[who]
        if how == "cut":
            member.cut()
        elif how == "stop":
            await member.client.stop(keep_texts=True)
            await self.change((who + 1) % len(self.members), 0, 1, "react", EMOJI[0], True)
        elif how == "start":
            await member.client.start()
        else:
            await member.restart()

    async def end(self) -> None:
        """All come back; what they posted has an outcome; then all must know what the database has."""
        for member in self.members:
            await member.client.start()
        await self.until(lambda: all(outgoing.settled for outgoing in self.posted))
        for outgoing in self.posted:
            with contextlib.suppress(Refused):  # not theirs, recalled already, or their program was ended
                await outgoing
        await self.until(lambda: all(reading.called for reading in self.running))
        for member in self.members:
            await member.agrees(self, self.database, member.client)
        for member in self.members:
            await member.client.stop()


class SqliteHistoriesTests(Histories, OnSqlite):
    """On SQLite."""


class MariaDbHistoriesTests(Histories, OnMariaDb):
    """On MariaDB."""


del Histories
