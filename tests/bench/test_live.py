"""The scene of live streams: what is sent, how the most players are found, and that it runs."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imsys.bench import live, nginx_rtmp
from imsys.bench.film import PICTURES, frames, opening, stamp
from imsys.bench.live import Trial
from imsys.bench.nginx import found
from imsys.errors import ConfigError
from imsys.protocols.media import Kind
from tests.bench.test_bench import Bench

SHORT = ("--time", "1", "--players", "12")


class FilmTests(SynchronousTestCase):
    def test_shape(self) -> None:
        """There are as many bits a second as wanted, sound and pictures in their order, and a key frame each
        two seconds.
        """
        sent = list(frames(4_000_000, 4.0))
        self.assertLess(abs(sum(len(frame.payload) for frame in sent) * 8 - 16_000_000), 160_000)
        self.assertEqual([frame.at for frame in sent], sorted(frame.at for frame in sent))
        made = [frame.stamped(1) for frame in sent]
        pictures = [message for message in made if message.kind is Kind.VIDEO]
        self.assertEqual([index for index, message in enumerate(pictures) if message.key], [0, 2 * PICTURES])
        self.assertFalse([message for message in made if message.header])

    def test_stamps(self) -> None:
        """A message says when it was sent, and which it is; those of the opening say nothing."""
        self.assertEqual([stamp(message) for message in opening()], [None] * 4)
        numbers: dict[Kind, int] = dict.fromkeys(Kind, 0)
        for moment, frame in enumerate(frames(1_000_000, 1.0)):
            message = frame.stamped(moment)
            self.assertEqual(stamp(message), (moment, numbers[message.kind]))
            self.assertEqual(len(message.payload), len(frame.payload))
            numbers[message.kind] += 1


class SearchTests(SynchronousTestCase):
    def most(self, capacity: int, cpu: float) -> list[Trial]:
        """The trials with a server that can have so many players, each of which costs it so much.

        The best is the first.
        """
        trials = []

        def attempt(players: int) -> Trial:
            short = max(0, players - capacity)
            trial = Trial(
                players=players,
                delays=(),
                short=short,
                lag=0.1,
                cpu=min(1, players * cpu),
                generator=0.1,
                memory=0,
                received=0,
            )
            trials.append(trial)
            return trial

        return [live._most(attempt), *trials]

    def test_found(self) -> None:
        """Whatever a server needs and can do, the most players are found with few trials, and are no more
        than it can do.
        """
        for capacity in (160, 900, 2000, 3500):
            for cpu in (0.8 / capacity, 1 / capacity, 2 / capacity):
                with self.subTest(capacity=capacity, cpu=cpu):
                    best, *trials = self.most(capacity, cpu)
                    self.assertLessEqual(best.players, capacity)
                    self.assertGreater(best.players, capacity * 0.85)
                    self.assertLess(len(trials), 11)

    def test_none(self) -> None:
        """A server that cannot serve the first few is a problem, and no figure."""
        self.assertRaises(ConfigError, self.most, 100, 0.01)


class RunTests(Bench):
    timeout = 180

    async def test_ours(self) -> None:
        """Our server shows a stream to some players, who miss nothing."""
        found = await self.run_bench("live", "--only", "imsys", *SHORT)
        self.assertEqual(
            (found["scene"], found["counts"]["failed"], found["counts"]["players with delay"]),
            ("live", 0, 12),
        )
        self.assertEqual(found["counts"]["received"], 8 * len(list(frames(4_000_000, 1.0))))
        self.assertGreater(found["latency"]["publish to play"]["p50"], 0)
        self.assertGreater(found["figures"]["CPU, s per stream-minute"], 0)

    async def test_beside_nginx(self) -> None:
        """nginx shows the same to as many."""
        theirs, ours = await self.run_bench("live", *SHORT, "--chunks", "4096")
        names = [report["setting"]["what"] for report in (theirs, ours)]
        self.assertEqual(names, ["nginx-rtmp, chunks of 4,096 bytes", "imsys"])
        self.assertEqual([report["counts"]["failed"] for report in (theirs, ours)], [0, 0])
        self.assertEqual(theirs["counts"]["received"], ours["counts"]["received"])

    if found() is None or not Path(nginx_rtmp.MODULE).exists():
        test_beside_nginx.skip = "needs Debian's nginx-light and libnginx-mod-rtmp"  # type: ignore[attr-defined]
