"""What the scenes of the client library share: servers, clients, and waiting for things to happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from imsys.sdk import Client, Credentials, Gateway, Message, SeenStore, Signal, StateChange, Timing
from tests.sdk.fake import FakeServers, World

T = TypeVar("T")

QUICK = Timing(
    heartbeat=5.0,
    deadline=5.0,
    patience=0.05,
    mark=0.02,
    spread=0.01,
    first_wait=0.01,
    longest_wait=0.1,
    save=0.01,
    standing=0.02,
)

ALICE, BOB, CAROL = 1, 2, 3
THREAD = 11


class Seen(Generic[T]):
    """What a signal has told so far."""

    def __init__(self, signal: Signal[T]) -> None:
        self.items: list[T] = []
        self._waiting: list[tuple[int, Deferred[list[T]]]] = []
        signal.subscribe(self._add)

    def _add(self, item: T) -> None:
        self.items.append(item)
        for count, waiting in self._waiting[:]:
            if len(self.items) >= count:
                self._waiting.remove((count, waiting))
                waiting.callback(self.items)

    async def wait(self, count: int) -> list[T]:
        """At least so many."""
        if len(self.items) >= count:
            return self.items
        waiting: Deferred[list[T]] = Deferred()
        self._waiting.append((count, waiting))
        return await waiting


def texts(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


class Scene(TestCase):
    """Two friends, Alice and Bob, and their servers."""

    timeout = 30
    servers_count = 1

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.world = World()
        self.world.user(ALICE, "alice")
        self.world.user(BOB, "bob")
        self.world.user(CAROL, "carol")
        self.world.befriend(THREAD, ALICE, BOB)
        self.servers = FakeServers(reactor, self.world, count=self.servers_count)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.servers.stop()))

    def gateway(self) -> Gateway:
        return Gateway(self.reactor, self.servers.url)

    def client(
        self, name: str = "alice", *, seen: SeenStore | None = None, timing: Timing = QUICK, **more: Any
    ) -> Client:
        credentials = Credentials(username=name, password="correct horse")
        client = Client(self.reactor, self.gateway(), credentials, seen=seen, timing=timing, **more)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        return client

    async def online(self, name: str = "alice", **more: Any) -> Client:
        client = self.client(name, **more)
        await client.start()
        return client

    async def state(self, client: Client, wanted: object) -> None:
        """Wait until the client is in a state."""
        if client.state is wanted:
            return
        reached: Deferred[None] = Deferred()

        def changed(change: StateChange) -> None:
            if change.state is wanted and not reached.called:
                reached.callback(None)

        unsubscribe = client.on_connection_state.subscribe(changed)
        await reached
        unsubscribe()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds; the test's own time-out ends a wait for what never comes."""
        while not condition():
            turn: Deferred[None] = Deferred()
            self.reactor.callLater(0.005, turn.callback, None)
            await turn
