"""The client library against a real cluster, of which one server freezes, or wants to be left."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater

from imsys.protocols.messages.session import MovePush
from imsys.sdk import Client, ConnectionState, Credentials, Message, Outgoing, StateChange, Timing
from tests.scenes.test_cluster import ClusterCase
from tests.sdk.scene import Seen

PASSWORD = "a good password"
TIMING = replace(Timing(), mark=0.05, patience=0.5)


class Friends(ClusterCase):
    """Anna and Bert, who write to each other all the time."""

    timeout = 180.0

    async def setUp(self) -> None:
        await super().setUp()
        self.clients: list[Client] = []
        for name in ("anna", "bert"):
            await self.register(name)
            client = Client(
                self.reactor, self.gateway, Credentials(username=name, password=PASSWORD), timing=TIMING
            )
            self.addCleanup(client.stop)
            await client.start()
            self.clients.append(client)
        anna, bert = self.clients
        made = Seen(anna.on_friendship)
        await anna.contacts.add(bert.me.uuid, "Hello")
        await bert.contacts.accept(anna.me.uuid)
        self.thread = (await made.wait(1))[0].thread_id
        self.changes: dict[Client, Seen[StateChange]] = {
            client: Seen(client.on_connection_state) for client in self.clients
        }
        self.told: dict[Client, list[Message]] = {client: [] for client in self.clients}
        self.posted: list[Outgoing[Message]] = []
        self.stored = 0
        self.latest = 0.0
        """Seconds that the text took which took longest."""
        for client in self.clients:
            client.on_message.subscribe(self.told[client].append)
            client.on_sent.subscribe(self.told[client].append)
        self.writing = LoopingCall(self._write)

    def _write(self) -> None:
        for client in self.clients:
            self.posted.append(client.post(self.thread, f"{client.me.username} {len(self.posted)}"))
            # the test asks for it itself
            Deferred.fromCoroutine(self._stored(self.posted[-1])).addErrback(lambda _: None)

    async def _stored(self, outgoing: Outgoing[Message]) -> None:
        began = self.reactor.seconds()
        await outgoing.when_stored()
        self.stored += 1
        self.latest = max(self.latest, self.reactor.seconds() - began)

    async def written(self, count: int) -> None:
        """Wait until so many more texts are stored."""
        wanted = self.stored + count
        await self.until(lambda: self.stored >= wanted)

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await deferLater(self.reactor, 0.02)

    def place(self, client: Client) -> int:
        """The port of the server that a client is on."""
        here = client._link._whereabouts.here
        assert here is not None
        return here.port

    def texts(self, client: Client) -> list[int]:
        """The texts that a client was told of; the greeting may have come before it listened, or after."""
        return [message.id for message in self.told[client] if message.text.startswith(("anna ", "bert "))]

    async def everything_arrived(self) -> None:
        """Every text that was posted is there once, for both, in one order, which is each writer's own."""
        for outgoing in self.posted:
            await outgoing.when_stored()
        count = len(self.posted)
        await self.until(lambda: all(len(self.texts(client)) >= count for client in self.clients))
        history = [message async for message in self.clients[0].history.records(self.thread)][2:]
        for client in self.clients:
            self.assertEqual(self.texts(client), [message.id for message in history])
            numbers = [
                int(message.text.split()[1])
                for message in history
                if message.text.startswith(client.me.username)
            ]
            self.assertEqual(numbers, sorted(numbers))
        self.assertEqual(len(history), count)

    async def test_frozen(self) -> None:
        """A server is stopped while both write, and goes on when its user is elsewhere: nobody is signed out,
        and nothing is missing.
        """
        anna = self.clients[0]
        frozen = self.nodes[self.place(anna)]
        self.writing.start(0.05)
        await self.written(20)
        frozen.send(signal.SIGSTOP)
        await self.until(
            lambda: any(change.state is ConnectionState.WAITING for change in self.changes[anna].items)
        )
        await self.until(lambda: anna.state is ConnectionState.ONLINE)
        frozen.send(signal.SIGCONT)
        await self.written(40)
        self.writing.stop()
        await self.everything_arrived()
        self.assertEqual([client.state for client in self.clients], [ConnectionState.ONLINE] * 2)

    async def test_moves(self) -> None:
        """Both are asked to leave their servers, and do so while they write: neither is ever offline, and no
        text is late.
        """
        self.writing.start(0.02)
        for client in (*self.clients, *self.clients):
            await self.written(20)
            before = self.place(client)
            client._link._moving.ask(MovePush(after=0.0).after)
            await self.until(lambda client=client, before=before: self.place(client) != before)  # type: ignore[misc]
        await self.written(20)
        self.writing.stop()
        await self.everything_arrived()
        self.assertEqual([seen.items for seen in self.changes.values()], [[], []])
        self.assertLess(self.latest, 5.0)
