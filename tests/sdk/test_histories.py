"""Random histories of several members, one of them with two devices, who go away and come back, are added to a group
and removed from it: every replica ends as the database is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from collections.abc import Callable, Coroutine
from itertools import combinations
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import blockingCallFromThread, deferToThread

from imsys.chat.user_sessions import sessions_of
from imsys.sdk import (
    EVERYBODY,
    Client,
    Conversation,
    Credentials,
    DeviceInfo,
    MemorySeenStore,
    Message,
    NewcomersRead,
    Outgoing,
    Refused,
    Role,
)
from imsys.store.database import Transaction
from tests.sdk.direct import Direct
from tests.sdk.scene import QUICK
from tests.support.chat import PATIENCE, ChatCase
from tests.support.replicas import RECENT, Replica, head_of
from tests.support.stores import OnMariaDb, OnSqlite

NAMES = ("anna", "bert", "carl", "dora")
EMOJI = ("👍", "❤", "👩‍👩‍👧")
GROUP_CHANGES = (
    "add",
    "add",
    "remove",
    "promote",
    "demote",
    "mute",
    "speak",
    "leave",
    "all",
    "joined",
    "timer",
    "off",
)
TIMING = dataclasses.replace(QUICK, patience=0.05, deadline=10.0)


class Member(Replica):
    """A user with a client, or a new one where that was ended, and what they know of their conversations."""

    def __init__(self, case: Any, uuid: int, threads: list[int], device: str) -> None:
        super().__init__(uuid, threads)
        self._case = case
        self._device = DeviceInfo(id=device, name=device)
        self._seen = MemorySeenStore()
        self.client = self._new()

    def _new(self) -> Client:
        gateway = Direct(self._case.reactor, self._case.server, self.uuid)
        client = Client(
            self._case.reactor,
            gateway,
            Credentials(username=str(self.uuid), password="-", device=self._device),
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
        for session in sessions_of(self._case.server.directory.local(self.uuid)):
            if session.device == self._device.id:
                session.abort("the test cuts it")


class History(RuleBasedStateMachine):
    """What the members do; ``case`` runs it in the reactor's thread."""

    case: Any

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        told = {name: value for name, value in inspect.getcoroutinelocals(work).items() if name != "self"}
        self.steps.append(f"{getattr(work, '__name__', work)} {told}")
        try:
            return blockingCallFromThread(self.case.reactor, self._begin, work)
        except Exception:
            self.case.failed = self.case.failed or list(self.steps)
            raise

    def _begin(self, work: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        # the thread must come to its end, whatever happens
        return Deferred.fromCoroutine(work).addTimeout(3 * PATIENCE, self.case.reactor)

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[str] = []

    @initialize()
    def begin(self) -> None:
        self.do(self.case.begin())

    who = st.sampled_from(range(len(NAMES) + 1))
    which = st.integers(0, 5)
    """A message, counted back from the newest."""
    on = st.sampled_from((True, True, False))
    where = st.sampled_from((-1, 0, 1, 2))
    """A thread, counted from the first; the group is the last."""

    @rule(who=who, where=where, reply=st.none() | which, mention=st.none() | on, expires=on)
    def text(self, who: int, where: int, reply: int | None, mention: bool | None, expires: bool) -> None:
        self.do(self.case.text(who, where, reply, mention, expires=not expires))

    @rule(who=who, where=where, which=which)
    def edit(self, who: int, where: int, which: int) -> None:
        self.do(self.case.change(who, where, which, "edit"))

    @rule(who=who, where=where, which=which)
    def recall(self, who: int, where: int, which: int) -> None:
        self.do(self.case.change(who, where, which, "recall"))

    @rule(who=who, where=where, which=which, emoji=st.sampled_from(EMOJI), on=on)
    def react(self, who: int, where: int, which: int, emoji: str, on: bool) -> None:
        self.do(self.case.change(who, where, which, "react", emoji, on))

    @rule(who=who, where=where, which=which, on=on)
    def pin(self, who: int, where: int, which: int, on: bool) -> None:
        self.do(self.case.change(who, where, which, "pin", on))

    @rule(who=who, where=where, which=which)
    def forward(self, who: int, where: int, which: int) -> None:
        self.do(self.case.forward(who, where, which))

    @rule(who=who, where=where, which=which)
    def read(self, who: int, where: int, which: int) -> None:
        self.do(self.case.read(who, where, which))

    @rule(who=who, where=where, which=which)
    def hide(self, who: int, where: int, which: int) -> None:
        self.do(self.case.hide(who, where, which))

    @rule(who=who, where=where, which=which)
    def mark_read(self, who: int, where: int, which: int) -> None:
        self.do(self.case.mark_read(who, where, which))

    @rule(who=who, whom=st.sampled_from(range(len(NAMES))), what=st.sampled_from(GROUP_CHANGES))
    def manage(self, who: int, whom: int, what: str) -> None:
        self.do(self.case.manage(who, whom, what))

    @rule()
    def expire(self) -> None:
        self.do(self.case.expire())

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
        self.failed: list[str] = []

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
        try:
            await deferToThread(run_state_machine_as_test, machine, settings=quiet)
        except (
            FlakyFailure
        ) as flaky:  # the same history went well when it was tried again: what matters is the first
            print("\n".join(self.failed))
            raise flaky.exceptions[0] from None
        self.assertGreater(self.rounds, 5)

    async def begin(self) -> None:
        """New members, all friends of each other; a thread of the first with each other one, and a group."""
        self.rounds += 1
        self.posted: list[Outgoing[Any]] = []
        self.running: list[Deferred[Any]] = []
        self.expired: set[int] = set()
        uuids = await self.people(*(f"{name}{self.rounds}" for name in NAMES))
        threads = [await self.befriend(uuids[0], uuid) for uuid in uuids[1:]]
        for one, other in combinations(uuids[1:], 2):
            await self.befriend(one, other)
        mine = [threads, *([thread] for thread in threads)]
        self.members = [
            Member(self, uuid, threads, "desktop") for uuid, threads in zip(uuids, mine, strict=True)
        ]
        self.members.append(Member(self, uuids[0], threads, "phone"))
        for member in self.members:
            await member.client.start()
        self.group = (await self.members[0].client.groups.create("All", uuids[1:3])).thread_id
        for member in self.members:
            member.conversations[self.group] = Conversation(self.group, recent=RECENT)
            for thread in member.conversations:
                member.heads[thread] = await self.database.read(head_of, thread)
        there = [member for member in self.members if member.uuid != uuids[3]]
        await self.until(lambda: all(self.group in member.client._inbox.positions() for member in there))
        for member in there:
            member.roles[self.group] = dict.fromkeys(uuids[:3], 0) | {uuids[0]: 3}
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

    async def text(
        self, who: int, where: int, reply: int | None, mention: bool | None, *, expires: bool
    ) -> None:
        member, thread = self._place(who, where)
        self.count += 1
        answered = None if reply is None else self._message(member, thread, reply)
        self._post(
            *(member.client.post, thread, f"text {self.count}"),
            reply_to=answered.id if answered else 0,
            mentions=() if mention is None else (self.members[0].uuid,) if mention else EVERYBODY,
            expires=3600 if expires else 0,
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

    async def hide(self, who: int, where: int, which: int) -> None:
        member, thread = self._place(who, where)
        message = self._message(member, thread, which)
        if message is not None:
            with contextlib.suppress(Refused):
                await member.client.history.hide(thread, [message.id])
                member.conversations[thread].hide([message.id])

    async def mark_read(self, who: int, where: int, which: int) -> None:
        member, thread = self._place(who, where)
        message = self._message(member, thread, which)
        if message is not None:
            with contextlib.suppress(Refused):
                await member.client.mark_read(thread, message.id)

    async def manage(self, who: int, whom: int, what: str) -> None:
        """Change the group, or the timer of it, if that may be."""
        member, group, uuid = self.members[who], self.group, self.members[whom].uuid
        groups = member.client.groups
        does: dict[str, Callable[[], Any]] = {
            "add": lambda: groups.add(group, [uuid]),
            "remove": lambda: groups.remove(group, [uuid]),
            "promote": lambda: groups.set_role(group, uuid, Role.ADMIN),
            "demote": lambda: groups.set_role(group, uuid, Role.MEMBER),
            "mute": lambda: groups.mute(group, uuid, 3600),
            "speak": lambda: groups.mute(group, uuid, 0),
            "leave": lambda: groups.leave(group),
            "all": lambda: groups.change(group, newcomers_read=NewcomersRead.ALL),
            "joined": lambda: groups.change(group, newcomers_read=NewcomersRead.SINCE_JOINING),
        }
        if what in does:
            with contextlib.suppress(Refused):
                await does[what]()
        else:
            self._post(member.client.set_timer, group, 3600 if what == "timer" else 0)

    async def expire(self) -> None:
        """An hour has passed for all that expires."""

        def move(tx: Transaction) -> None:
            tx.execute("UPDATE expiring SET due_at = 1")
            self.expired |= {number for (number,) in tx.rows("SELECT msg_id FROM expiring WHERE due_at = 1")}

        await self.database.write(move)
        await self.server.expirer.look()

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
            await member.agrees(self, self.database, member.client, self.expired)
        for member in self.members:
            await member.client.stop()


class SqliteHistoriesTests(Histories, OnSqlite):
    """On SQLite."""


class MariaDbHistoriesTests(Histories, OnMariaDb):
    """On MariaDB."""


del Histories
