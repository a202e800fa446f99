"""Live streams as messages come, without a server."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

from client.video.commands import Pixels
from client.video.live_player import AGAIN_MOST, LivePlayer
from client.video.player import State
from client.video.problems import Problem
from imsys.protocols.flv import FlvReader
from imsys.protocols.media import Kind, Media, media
from tests.client.video.films import bars
from tests.client.video.scene import PlayerCase, children

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-bf", "0")


def messages(path: Path) -> list[Media]:
    """Those of a film."""
    return FlvReader(1 << 22).receive(path.read_bytes())


class LivePlayerTests(PlayerCase):
    def setUp(self) -> None:
        super().setUp()
        self.media = messages(bars("live.flv", (560, 320), 8, *H264))
        self.player = LivePlayer(self.around, Pixels.YUV)
        self.times = self.watch(self.player)

    def send(self, media: list[Media], *, pace: float = 0.0) -> None:
        """Let these come, at once or at their own pace."""
        for one in media:
            if pace:
                self.calls.append(
                    self.reactor.callLater(one.timestamp / 1000 * pace, self.player.receive, one)
                )
            else:
                self.player.receive(one)

    async def test_comes_as_it_goes(self) -> None:
        """A stream that comes steadily is shown steadily, with its sound, and not far behind."""
        self.calls: list[object] = []
        self.send(self.media, pace=1.0)
        await self.until(lambda: len(self.times) > 60)
        for call in self.calls:
            if call.active():  # type: ignore[attr-defined]
                call.cancel()  # type: ignore[attr-defined]
        self.assertEqual(self.times, sorted(self.times))
        self.assertLess(self.player.behind(), 4)
        self.assertGreater(len(self.speaker.heard), 48_000)
        assert self.player.film is not None
        self.assertEqual(
            (self.player.film.width, self.player.film.height, round(self.player.film.rate)), (560, 320, 25)
        )

    async def test_late(self) -> None:
        """Who comes late gets much at once, and is soon shown the newest."""
        begin = self.player.now
        self.send(self.media)
        await self.until(lambda: self.times and self.times[-1] > 7.5)
        self.assertLess(self.player.now - begin, 7.5)

    async def test_begins_with_a_key_frame(self) -> None:
        """What cannot be decoded alone is not waited with: it begins with the first key frame."""
        pictures = [one for one in self.media if one.kind is Kind.VIDEO and not one.header]
        headers = [one for one in self.media if one.header and one.kind is Kind.VIDEO]
        self.send([*headers, *pictures[1:49]])
        await self.until(lambda: self.times)
        self.assertGreaterEqual(round(self.times[0] * 25), 24)

    async def test_hostile_times(self) -> None:
        """Times that jump by weeks make neither a flood of pictures nor a wait without end."""
        jumping = [
            replace(one, timestamp=one.timestamp + (number // 30) * 700_000_000 & 0xFFFFFFFF)
            for number, one in enumerate(self.media)
        ]
        self.send(jumping)
        await self.until(lambda: len(self.times) > 3)
        self.assertLess(self.times[-1], 60)

    async def test_garbage(self) -> None:
        """Pictures that are none end in a reason, not in a loop."""
        self.send([media(Kind.VIDEO, 0, b"\x17\x00\x00\x00\x00" + b"\x01" * 40)])
        self.send(
            [
                media(Kind.VIDEO, 40 * number, b"\x17\x01\x00\x00\x00" + b"garbage" * 50)
                for number in range(30)
            ]
        )
        await self.until(lambda: self.player.state is State.FAILED)
        assert self.player.problem is not None
        self.assertEqual(self.player.problem.problem, Problem.UNREADABLE)

    async def test_a_codec_that_is_too_new(self) -> None:
        """HEVC by enhanced RTMP, which an old ffmpeg cannot read, is said to be that."""
        self.send([media(Kind.VIDEO, 0, b"\x90hvc1" + b"\x01" * 40)])
        self.send([media(Kind.VIDEO, 40 * number, b"\x93hvc1" + b"picture" * 50) for number in range(30)])
        await self.until(lambda: self.player.state is State.FAILED)
        assert self.player.problem is not None
        self.assertIn(self.player.problem.problem, (Problem.NEW_CODEC, Problem.UNREADABLE))

    async def test_another_picture(self) -> None:
        """When the publisher comes back with another size, it is shown anew.

        One who changes for ever is given up.
        """
        self.send(self.media[:60])
        await self.until(lambda: self.times)
        other = messages(bars("other.flv", (280, 240), 2, *H264))
        self.send(other)
        await self.until(
            lambda: self.player.film and self.player.film.width == 280 and self.player.state is State.PLAYING
        )
        for _ in range(AGAIN_MOST + 2):
            for some in (self.media[:60], other):
                if self.player.state is not State.FAILED:
                    self.send(some)
                    await self.until(lambda: self.player.state is not State.OPENING)
        self.assertIs(self.player.state, State.FAILED)

    async def test_killed(self) -> None:
        """When ffmpeg is killed, it goes on with the next key frame."""
        self.send(self.media[:100])
        await self.until(lambda: self.times)
        for child in children():
            os.kill(child, signal.SIGKILL)
        await self.until(lambda: self.player.state is State.OPENING)
        shown = self.player.counts.shown
        self.send(self.media[100:])
        await self.until(lambda: self.player.counts.shown > shown)
        self.assertIs(self.player.state, State.PLAYING)

    async def test_stopped(self) -> None:
        """While ffmpeg stands still, what comes is dropped beyond a bound; it goes on with a key frame."""
        self.send(self.media[:60])
        await self.until(lambda: self.times)
        for child in children():
            os.kill(child, signal.SIGSTOP)
        big = [
            replace(one, timestamp=one.timestamp + 8000 * turn)
            for turn in range(1, 4)
            for one in self.media
            if one.coded
        ]
        self.send(big)
        self.assertGreater(self.player.skipped, 100)
        for child in children():
            os.kill(child, signal.SIGCONT)
        last = self.times[-1]
        self.send([replace(one, timestamp=one.timestamp + 32000) for one in self.media if one.coded])
        await self.until(lambda: self.times[-1] > last)
