"""Scenes in which the network or the server misbehaves, over real sockets."""

from __future__ import annotations

import random
from dataclasses import replace

from twisted.internet.task import deferLater

from imsys.errors import Status
from imsys.protocols.framing import CHAT
from imsys.sdk import Client, ConnectionState, Credentials, FileSeenStore, MemorySeenStore, Message
from tests.sdk.scene import ALICE, BOB, CAROL, QUICK, THREAD, Scene, Seen, texts

HASTY = replace(QUICK, deadline=0.15)


class LostConnections(Scene):
    async def test_comes_back(self) -> None:
        """After the connection breaks a client signs in with its token, and the password is not sent again."""
        alice = await self.online("alice")
        states: list[ConnectionState] = []
        alice.on_connection_state.subscribe(lambda change: states.append(change.state))
        self.world.drop()
        await self.state(alice, ConnectionState.WAITING)
        await self.state(alice, ConnectionState.ONLINE)
        self.assertEqual(
            states, [ConnectionState.WAITING, ConnectionState.SIGNING_IN, ConnectionState.ONLINE]
        )
        self.assertEqual([("password" in fields) for _, fields in self.world.gateway_calls], [True, False])

    async def test_dead_token(self) -> None:
        """A client whose token died with the connection signs in by password."""
        alice = await self.online("alice")
        self.world.tokens.clear()
        self.world.drop()
        await self.state(alice, ConnectionState.WAITING)
        await self.state(alice, ConnectionState.ONLINE)
        self.assertEqual(
            [("password" in fields) for _, fields in self.world.gateway_calls], [True, False, True]
        )

    async def test_texts_on_their_way(self) -> None:
        """Texts that were stored but not acknowledged, and texts not sent yet, are each stored once, in
        order.
        """
        alice, bob = await self.online("alice"), await self.online("bob")
        heard = Seen(bob.on_message)
        await alice.send(THREAD, "0")
        self.world.swallow = 1
        posted = [alice.post(THREAD, "1")]
        await self.until(lambda: len(self.world.records[THREAD]) == 2)
        posted += [alice.post(THREAD, "2"), alice.post(THREAD, "3")]
        self.world.drop()
        posted.append(alice.post(THREAD, "4"))
        for outgoing in posted:
            await outgoing.when_stored()
        self.assertEqual(texts(await heard.wait(5)), ["0", "1", "2", "3", "4"])
        self.assertEqual(self.world.texts(THREAD), ["0", "1", "2", "3", "4"])

    async def test_missed_while_away(self) -> None:
        """What was said while a client was away arrives when it is back, in order, in several pages and
        threads.
        """
        self.world.befriend(12, CAROL, ALICE)
        self.world.store(THREAD, BOB, "history")
        alice = await self.online("alice")
        heard = Seen(alice.on_message)
        first = self.world.say(THREAD, BOB, "live")
        await heard.wait(1)
        self.world.gateway_down = True
        self.world.drop()
        for number in range(250):
            self.world.store(THREAD, BOB, str(number))
            self.world.store(12, CAROL, f"c{number}")
        self.world.gateway_down = False
        await heard.wait(501)
        self.assertEqual(
            [m.text for m in heard.items if m.thread_id == THREAD], ["live", *map(str, range(250))]
        )
        self.assertEqual(
            [m.text for m in heard.items if m.thread_id == 12], [f"c{number}" for number in range(250)]
        )
        await self.until(lambda: any(int(mark["delivered"]) > first for _, mark in self.world.positions))

    async def test_broken_frames(self) -> None:
        """A server that sends what is no frame is left, and the client comes back."""
        alice = await self.online("alice")
        self.world.sessions[ALICE].write(b"\x00\x18\x00\x01")
        await self.state(alice, ConnectionState.WAITING)
        await self.state(alice, ConnectionState.ONLINE)

    async def test_strange_frames(self) -> None:
        """Unknown services and bodies that cannot be read change nothing."""
        alice = await self.online("alice")
        heard = Seen(alice.on_message)
        for service, body in (
            (9999, b"{}"),
            (25, b"nonsense"),
            (25, b"\xff"),
            (24, b"{}"),
            (24, b"[1]"),
            (33, b'{"error":1,"seq":"x"}'),
        ):
            self.world.sessions[ALICE].write(CHAT.encode(service, body))
        self.world.say(THREAD, BOB, "still here")
        self.assertEqual(texts(await heard.wait(1)), ["still here"])

    async def test_silence(self) -> None:
        """A connection on which nothing arrives any more is left."""
        alice = await self.online("alice", timing=replace(QUICK, heartbeat=0.03, silence=0.06))
        self.world.silent.add(32)
        await self.state(alice, ConnectionState.WAITING)
        self.world.silent.clear()
        await self.state(alice, ConnectionState.ONLINE)

    async def test_unanswered_login(self) -> None:
        """A login that is not answered is tried again."""
        self.world.silent.add(5)
        alice = self.client("alice", timing=HASTY)
        from twisted.internet.defer import Deferred

        started = Deferred.fromCoroutine(alice.start())
        await self.state(alice, ConnectionState.WAITING)
        self.world.silent.clear()
        await started

    async def test_catching_up_refused(self) -> None:
        """A client is online only after it has caught up; where that fails it tries again."""
        self.world.refusals[68] = [{"error": int(Status.MYSQL_INTERNAL_ERROR), "message": "Down."}]
        alice = self.client("alice")
        states: list[ConnectionState] = []
        alice.on_connection_state.subscribe(lambda change: states.append(change.state))
        await alice.start()
        wanted = [
            ConnectionState.SIGNING_IN,
            ConnectionState.WAITING,
            ConnectionState.SIGNING_IN,
            ConnectionState.ONLINE,
        ]
        self.assertEqual(states, wanted)


class Acknowledgements(Scene):
    async def test_swallowed(self) -> None:
        """A text whose acknowledgement is lost is sent again with the same id, and stored and delivered once."""
        alice, bob = await self.online("alice", timing=HASTY), await self.online("bob")
        heard = Seen(bob.on_message)
        self.world.swallow = 1
        await alice.send(THREAD, "once")
        await alice.send(THREAD, "after")
        self.assertEqual(texts(await heard.wait(2)), ["once", "after"])
        self.assertEqual(self.world.texts(THREAD), ["once", "after"])

    async def test_all_swallowed(self) -> None:
        """A server that acknowledges nothing any more is left for a new connection."""
        alice = await self.online("alice", timing=HASTY)
        self.world.swallow = 3
        await alice.send(THREAD, "once")
        self.assertEqual(self.world.texts(THREAD), ["once"])
        self.assertEqual(self.world.seen[5], 2)

    async def test_repeated(self) -> None:
        """An acknowledgement that comes twice counts once."""
        alice = await self.online("alice")
        sent = Seen(alice.on_sent)
        self.world.repeat = True
        for number in range(3):
            await alice.send(THREAD, str(number))
        self.assertEqual(texts(sent.items), ["0", "1", "2"])

    async def test_busy(self) -> None:
        """A server that is too busy for a text gets it again later, before those that were posted after it."""
        alice = await self.online("alice")
        busy = {"error": int(Status.SERVER_BUSY), "message": "Too much to do.", "retry_after": 0.01}
        self.world.refusals[23] = [busy, busy, busy]
        posted = [alice.post(THREAD, str(number)) for number in range(5)]
        await posted[-1].when_stored()
        self.assertEqual(self.world.texts(THREAD), ["0", "1", "2", "3", "4"])


class Pushes(Scene):
    async def test_swapped(self) -> None:
        """Messages whose pushes change places are delivered in the order of the thread, without a question to
        the server.
        """
        alice = await self.online("alice", timing=replace(QUICK, patience=60))
        heard = Seen(alice.on_message)
        self.world.holding = []
        for number in range(5):
            self.world.say(THREAD, BOB, str(number))
        asked = self.world.seen[13]
        self.world.let_go(backwards=True)
        self.assertEqual(texts(await heard.wait(5)), ["0", "1", "2", "3", "4"])
        self.assertEqual(self.world.seen[13], asked)

    async def test_missing(self) -> None:
        """A message whose predecessor does not come brings a look into the history."""
        alice = await self.online("alice")
        heard = Seen(alice.on_message)
        self.world.lose = 3
        for number in range(6):
            self.world.say(THREAD, BOB, str(number))
        self.assertEqual(texts(await heard.wait(6)), ["0", "1", "2", "3", "4", "5"])

    async def test_missing_of_mine(self) -> None:
        """A reply waits for the acknowledgement of the text before it, which is late."""
        alice = await self.online("alice", timing=replace(QUICK, deadline=0.3, patience=60))
        told: list[str] = []
        alice.on_message.subscribe(lambda message: told.append(message.text))
        alice.on_sent.subscribe(lambda message: told.append(message.text))
        self.world.swallow = 1
        outgoing = alice.post(THREAD, "question")
        await self.until(lambda: len(self.world.records[THREAD]) == 1)
        self.world.say(THREAD, BOB, "answer")
        await outgoing.when_stored()
        self.assertEqual(told, ["question", "answer"])

    async def test_resync(self) -> None:
        """After RESYNC everything that was lost is there, although no later push told of it."""
        alice = await self.online("alice")
        heard = Seen(alice.on_message)
        self.world.befriend(12, CAROL, ALICE)
        self.world.store(THREAD, BOB, "lost")
        self.world.store(12, CAROL, "lost in a new thread")
        self.world.push(ALICE, 128, {})
        await heard.wait(2)
        self.assertEqual(sorted(texts(heard.items)), ["lost", "lost in a new thread"])

    async def test_resync_of_threads(self) -> None:
        """RESYNC that names threads looks at those alone."""
        alice = await self.online("alice")
        heard, asked = Seen(alice.on_message), self.world.seen[68]
        self.world.store(THREAD, BOB, "lost")
        self.world.push(ALICE, 128, {"threads": [str(THREAD)]})
        self.assertEqual(texts(await heard.wait(1)), ["lost"])
        self.assertEqual(self.world.seen[68], asked)

    async def test_resync_refused(self) -> None:
        """Catching up that fails while the connection lasts is tried again."""
        alice = await self.online("alice")
        heard = Seen(alice.on_message)
        self.world.store(THREAD, BOB, "lost")
        self.world.refusals[68] = [{"error": int(Status.SERVER_BUSY), "message": "Busy."}] * 2
        self.world.push(ALICE, 128, {})
        self.assertEqual(texts(await heard.wait(1)), ["lost"])
        self.assertIs(alice.state, ConnectionState.ONLINE)

    async def test_during_first_catching_up(self) -> None:
        """What is pushed while a new client finds out where its threads stand is delivered, and what was
        before is not.
        """
        self.world.store(THREAD, BOB, "history")
        self.world.silent.add(68)
        alice = self.client("alice", timing=replace(QUICK, deadline=0.3))
        heard = Seen(alice.on_message)
        from twisted.internet.defer import Deferred

        started = Deferred.fromCoroutine(alice.start())
        await self.until(lambda: self.world.seen[68] > 0)
        self.world.say(THREAD, BOB, "live 1")
        self.world.say(THREAD, BOB, "live 2")
        self.world.silent.clear()
        await started
        self.assertEqual(texts(await heard.wait(2)), ["live 1", "live 2"])


class Streams(Scene):
    async def test_slow_reader(self) -> None:
        """A reader that is slower than the senders gets everything once and in order, and little of it is
        kept for it.
        """
        alice = self.client("alice")
        stream = alice.messages()
        await alice.start()
        for number in range(3000):
            self.world.say(THREAD, BOB, str(number))
        await self.until(lambda: len(stream.unhandled) >= 1000)
        got: list[str] = []
        most = 0
        async for message in stream:
            got.append(message.text)
            most = max(most, len(stream.unhandled))
            if len(got) == 3000:
                break
        self.assertEqual(got, [str(number) for number in range(3000)])
        self.assertLess(most, 1300)

    async def test_stream_ends(self) -> None:
        """A stream ends when its client is stopped, after what it held."""
        alice = self.client("alice")
        stream = alice.messages()
        await alice.start()
        self.world.say(THREAD, BOB, "one")
        await self.until(lambda: bool(stream.unhandled))
        await alice.stop()
        self.assertEqual([message.text async for message in stream], ["one"])

    async def test_goes_on(self) -> None:
        """A bot that is started again gets what was said meanwhile, and what it had not finished with."""
        for store in (MemorySeenStore(), FileSeenStore(self.reactor, self.mktemp())):
            self.world.records[THREAD] = []
            self.world.store(THREAD, BOB, "history")
            bot = self.client("alice", seen=store)
            stream = bot.messages()
            await bot.start()
            for text in ("1", "2", "3"):
                self.world.say(THREAD, BOB, text)
            self.assertEqual([(await stream.__anext__()).text for _ in range(2)], ["1", "2"])
            await self.until(lambda: len(stream.unhandled) == 2)  # noqa: B023
            await bot.stop()
            self.world.store(THREAD, BOB, "4")
            bot = self.client("alice", seen=store)
            stream = bot.messages()
            await bot.start()
            self.assertEqual([(await stream.__anext__()).text for _ in range(3)], ["2", "3", "4"])
            await bot.stop()


class Chaos(Scene):
    async def _chaos(self, seed: int) -> None:
        draw = random.Random(seed)
        alice, bob = await self.online("alice", timing=HASTY), await self.online("bob", timing=HASTY)
        told: dict[str, list[Message]] = {"alice": [], "bob": []}
        for name, client in (("alice", alice), ("bob", bob)):
            client.on_message.subscribe(told[name].append)
            client.on_sent.subscribe(told[name].append)
        posted = []
        for number in range(60):
            client, name = draw.choice([(alice, "alice"), (bob, "bob")])
            posted.append(client.post(THREAD, f"{name} {number}"))
            fault = draw.randrange(12)
            if fault == 0:
                self.world.drop()
            elif fault == 1:
                self.world.swallow = 1
            elif fault == 2:
                self.world.lose = 1
            elif fault == 3:
                self.world.holding = []
            elif fault == 4:
                self.world.let_go(backwards=True)
            elif fault == 5:
                self.world.repeat = not self.world.repeat
            if draw.random() < 0.5:
                await deferLater(self.reactor, 0.002)
        for outgoing in posted:
            await outgoing.when_stored()
        self.world.let_go(backwards=True)
        self.world.lose = 0
        self.world.push(ALICE, 128, {})
        self.world.push(BOB, 128, {})
        wanted = [int(record["msg_id"]) for record in self.world.records[THREAD]]
        self.assertEqual(len(wanted), 60)
        await self.until(lambda: all(len(messages) >= 60 for messages in told.values()))
        for messages in told.values():
            self.assertEqual([message.id for message in messages], wanted)
        for name in ("alice", "bob"):
            mine = [text for text in self.world.texts(THREAD) if text.startswith(name)]
            self.assertEqual(mine, sorted(mine, key=lambda text: int(text.split()[1])))
        await alice.stop()
        await bob.stop()

    async def test_everything_at_once(self) -> None:
        """Whatever is cut, lost, swapped, swallowed and repeated, both users see every message once and in
        one order.
        """
        for seed in range(6):
            self.world.records[THREAD] = []
            self.world.swallow, self.world.lose, self.world.holding, self.world.repeat = 0, 0, None, False
            await self._chaos(seed)


class Identity(Scene):
    async def test_store_of_another_user(self) -> None:
        """What one user has seen is not taken for what another has."""
        store = MemorySeenStore()
        alice = await self.online("alice", seen=store)
        await alice.send(THREAD, "hello")
        await alice.stop()
        assert store.seen is not None
        self.assertEqual(store.seen.uuid, ALICE)
        bob = Client(
            self.reactor,
            self.gateway(),
            Credentials(username="bob", password="correct horse"),
            seen=store,
            timing=QUICK,
        )
        heard = Seen(bob.on_message)
        await bob.start()
        self.world.say(THREAD, ALICE, "new")
        self.assertEqual(texts(await heard.wait(1)), ["new"])
        await bob.stop()
