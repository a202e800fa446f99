"""Whatever happens to a stream and its players, in any order: nobody sees anything that cannot be decoded."""

from __future__ import annotations

import random

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.protocols.media import Kind, Media, media
from imsys.resources.budget import Budget
from imsys.resources.live.broadcast import SOUND, Broadcast
from imsys.resources.live.cache import STILL, Cache
from tests.resources.live.watching import METADATA, Plain, Watcher

PLAYERS = 4
_STEPS = {
    "key": 2, "inter": 8, "sound": 6, "avc": 1, "aac": 1, "metadata": 1, "again": 1, "restart": 1,
    "join": 4, "leave": 2, "choke": 4, "free": 3, "hold": 1, "go on": 2, "wait": 8,
}  # fmt: skip
"""What may happen, and how often."""


class Story:
    """A stream, its players, and what each of them should have seen."""

    def __init__(self, test: SynchronousTestCase) -> None:
        self.test = test
        self.clock = Clock()
        cache = Cache(300, 14, self.clock.seconds, Budget(1 << 20))
        self.broadcast = Broadcast(
            cache, self.clock, lambda call: self.clock.callLater(0, call), most=100, patience=1e9
        )
        self.plain = Plain()
        self.fed: list[tuple[Media, int]] = []  # with the number of their publisher
        self.publisher = 0
        self.shown = False
        self.pictured = 0.0
        self.watching: dict[int, Watcher] = {}
        self.steady: set[Watcher] = set()
        self.everybody: list[Watcher] = []

    def feed(self, kind: Kind, head: bytes) -> None:
        """A message like no other."""
        self.give(media(kind, round(self.clock.seconds() * 1000), head + len(self.fed).to_bytes(4, "big")))

    def give(self, message: Media) -> None:
        if message.kind is Kind.VIDEO and not message.header:
            self.shown |= message.key
            self.pictured = self.clock.seconds()
        if self.shown or message.header or message.kind is not Kind.VIDEO:
            self.fed.append((message, self.publisher))
        self.broadcast.feed(message)

    def step(self, what: str, argument: float = 0) -> None:
        """One thing happens."""
        match what:
            case "inter" if self.clock.seconds() - self.pictured < STILL - 1:
                self.feed(Kind.VIDEO, b"\x27\x01\x00\x00\x00")
            case "key" | "inter":
                self.feed(Kind.VIDEO, b"\x17\x01\x00\x00\x00")
            case "sound":
                self.feed(Kind.AUDIO, b"\xaf\x01")
            case "avc":
                self.feed(Kind.VIDEO, b"\x17\x00\x00\x00\x00")
            case "aac":
                self.feed(Kind.AUDIO, b"\xaf\x00")
            case "metadata":
                self.feed(Kind.DATA, METADATA.payload)
            case "again":
                headers = [one for one, publisher in self.fed if one.header and publisher == self.publisher]
                if headers:
                    now = round(self.clock.seconds() * 1000)
                    self.give(media(headers[-1].kind, now, headers[-1].payload))
            case "wait":
                self.clock.advance(argument)
            case "restart":
                self.publisher += 1
                self.shown = False
                self.broadcast.restart()
            case _:
                self.player(what, int(argument))

    def player(self, what: str, number: int) -> None:
        """One thing happens to a player."""
        watcher = self.watching.get(number)
        if what == "join" and watcher is None:
            watcher = self.watching[number] = Watcher(self.plain)
            self.everybody.append(watcher)
            self.steady.add(watcher)
            self.broadcast.join(watcher)
        elif watcher is None:
            return
        elif what == "leave":
            self.broadcast.leave(self.watching.pop(number))
            self.steady.discard(watcher)
        elif what == "choke":
            watcher.room = 0
            self.steady.discard(watcher)
        elif what == "hold":
            watcher.paused = True
            self.steady.discard(watcher)
            self.broadcast.hold(watcher)
        elif what in ("free", "go on"):
            self.free(watcher)

    def free(self, watcher: Watcher) -> None:
        watcher.paused, watcher.room, watcher.unsent = False, 1 << 40, 0
        self.broadcast.resume(watcher)

    def end(self) -> None:
        """Everybody has room again, and a key frame comes: all of them see it."""
        for watcher in self.watching.values():
            self.free(watcher)
        self.step("key")
        self.clock.advance(SOUND)
        for watcher in self.watching.values():
            self.test.assertEqual(watcher.seen[-1].payload, self.fed[-1][0].payload)
        for watcher in self.everybody:
            self.check(watcher)

    def check(self, watcher: Watcher) -> None:
        """What a player has seen is in order, can be decoded, and lacks nothing if it was never slow."""
        numbers = {one.payload: number for number, (one, _) in enumerate(self.fed) if not one.header}
        seen: list[int] = []
        known: dict[Kind, bytes] = {}
        for message in watcher.seen:
            if message.header:
                known[message.kind] = message.payload
                continue
            number = numbers[message.payload]
            self.test.assertTrue(not seen or number > seen[-1], "something came twice, or out of order")
            self.decodes(number, set(seen), known)
            seen.append(number)
        if watcher in self.steady and seen:
            expected = [number for number in numbers.values() if number >= seen[0]]
            self.test.assertEqual(seen, expected, "one that was never slow has missed something")

    def decodes(self, number: int, seen: set[int], known: dict[Kind, bytes]) -> None:
        """A picture comes behind all others of its group, and everything behind the header that was then."""
        message, publisher = self.fed[number]
        before = [
            (at, one)
            for at, (one, whose) in enumerate(self.fed[:number])
            if whose == publisher and one.kind is message.kind
        ]
        headers = [one.payload for _, one in before if one.header]
        if headers:
            self.test.assertEqual(known.get(message.kind), headers[-1], "it has another header")
        if message.kind is Kind.VIDEO and not message.key:
            key = max(at for at, one in before if one.key)
            missing = {at for at, one in before if at >= key and not one.header} - seen
            self.test.assertFalse(missing, "it needs pictures that were not seen")


class AnythingTests(SynchronousTestCase):
    def test_anything(self) -> None:
        """See the module."""
        for seed in range(150):
            chance = random.Random(seed)
            story = Story(self)
            try:
                for what in chance.choices(list(_STEPS), list(_STEPS.values()), k=150):
                    story.step(
                        what,
                        chance.choice((0.0, 0.01, 0.5, 3.0)) if what == "wait" else chance.randrange(PLAYERS),
                    )
                story.end()
            except AssertionError as error:
                raise AssertionError(f"with seed {seed}: {error}") from error
