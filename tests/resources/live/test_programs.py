"""Programs that nobody here wrote publish and play."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from twisted.internet.threads import deferToThread

from imsys.security.tickets import Right
from imsys.store.live import LiveState
from tests.resources.live.programs import (
    FFMPEG,
    GROUP,
    HASHES,
    Hashes,
    film,
    hashes,
    imageio_ffmpeg,
    publishing,
)
from tests.resources.live.scene import LiveCase


class FfmpegTests(LiveCase):
    async def plays_all(self, *, tls: bool, ffmpeg: str = "ffmpeg", path: Path | None = None) -> Hashes:
        """Have one player wait, publish a film, and compare what has come with what was sent."""
        path = path or film()
        stream = await self.stream()
        player = self.run_program(
            ffmpeg, *FFMPEG[1:], "-i", self.url(stream, Right.PLAY, tls=tls), *HASHES, "-"
        )
        await self.until(lambda: self.streams.find(stream.stream_id), "somebody waits")
        await self.until(lambda: self.broadcast(stream).players, "somebody waits")
        publisher = self.run_program(
            *publishing(self.url(stream, Right.PUBLISH, tls=tls), path, speed=6, ffmpeg=ffmpeg)
        )
        self.assertEqual(await publisher.ended(), 0, publisher.errors)
        await self.until_state(stream, LiveState.WAITING)
        self.nobody_comes()
        self.assertEqual(await player.ended(), 0, player.errors)
        sent, seen = hashes(path, ffmpeg=ffmpeg), Hashes(player.text)
        self.assertEqual(seen.extradata, sent.extradata)
        self.assertEqual(seen.of(0), sent.of(0))
        self.assertEqual(seen.of(1), sent.of(1))
        await self.until(lambda: len(self.told) == 2, "the thread was told of it all")
        self.assertEqual([state for _, state in self.told], [LiveState.LIVE, LiveState.WAITING])
        return seen

    async def test_plays_all(self) -> None:
        """A player that was there first gets all that was sent, untouched; when it ends, the player ends."""
        await self.plays_all(tls=False)

    async def test_plays_all_over_tls(self) -> None:
        """The same over TLS."""
        await self.plays_all(tls=True)

    async def test_hevc(self) -> None:
        """HEVC by enhanced RTMP comes as it was sent."""
        newer = await deferToThread(imageio_ffmpeg)
        path = await deferToThread(film, newer, "libx265")
        seen = await self.plays_all(tls=False, ffmpeg=newer, path=path)
        self.assertEqual(len(seen.of(0)), 12 * GROUP)

    async def test_joins_late(self) -> None:
        """Who comes late begins at once, with a key frame of the newest group of pictures.

        Twenty times in a row.
        """
        stream = await self.stream()
        publisher = self.run_program(*publishing(self.url(stream, Right.PUBLISH), film(), loop=True))
        await self.until_begun(stream)
        sent, watcher = hashes(film()), await self.player(stream)

        def groups() -> list[str]:
            """The key frames that were sent since somebody watches, without the header of FLV."""
            return [hashlib.md5(media.payload[5:]).hexdigest() for media in watcher.seen if media.key]

        await self.until(groups, "something is sent")
        for _ in range(20):
            before = len(groups())
            player = self.run_program(
                *FFMPEG,
                "-analyzeduration",
                "100000",
                "-i",
                self.url(stream, Right.PLAY),
                *HASHES,
                "-t",
                "0.2",
                "-",
            )
            self.assertEqual(await player.ended(), 0, player.errors)
            seen = Hashes(player.text)
            self.assertEqual(seen.extradata, sent.extradata)
            self.assertIn("#media_type 0: video", player.text)  # nothing else has become a stream
            first = sent.of(0).index(seen.of(0)[0])
            self.assertEqual(first % GROUP, 0, "it did not begin with a key frame")
            self.assertIn(seen.of(0)[0], groups()[before - 1 :], "it began with an old one")
            self.assertEqual(seen.of(0)[:5], sent.of(0)[first : first + 5])
        self.assertTrue(publisher.running)

    async def test_ffprobe(self) -> None:
        """ffprobe sees the codecs, and that the first picture is a key frame."""
        stream = await self.stream()
        self.run_program(*publishing(self.url(stream, Right.PUBLISH), film(), loop=True))
        await self.until_begun(stream)
        arguments = (
            "-loglevel",
            "error",
            "-of",
            "json",
            "-show_streams",
            "-show_packets",
            "-read_intervals",
            "%+1",
        )
        probe = self.run_program("ffprobe", *arguments, self.url(stream, Right.PLAY, tls=True))
        self.assertEqual(await probe.ended(), 0, probe.errors)
        found = json.loads(probe.text)
        self.assertEqual([one["codec_name"] for one in found["streams"]], ["h264", "aac"])
        pictures = [packet for packet in found["packets"] if packet["codec_type"] == "video"]
        self.assertIn("K", pictures[0]["flags"])


class OtherProgramsTests(LiveCase):
    async def librtmp_plays(self, *, tls: bool) -> None:
        """Have rtmpdump wait, publish a film, and compare."""
        stream = await self.stream()
        saved = self.folder / "saved.flv"
        player = self.run_program(
            "rtmpdump", "--quiet", "--live", "-r", self.url(stream, Right.PLAY, tls=tls), "-o", str(saved)
        )
        await self.until(lambda: self.streams.find(stream.stream_id), "somebody waits")
        await self.until(lambda: self.broadcast(stream).players, "somebody waits")
        publisher = self.run_program(*publishing(self.url(stream, Right.PUBLISH), film(), speed=6))
        self.assertEqual(await publisher.ended(), 0, publisher.errors)
        await self.until_state(stream, LiveState.WAITING)
        self.nobody_comes()
        await player.ended()
        sent, seen = hashes(film()), hashes(saved)
        self.assertEqual((seen.extradata, seen.of(0), seen.of(1)), (sent.extradata, sent.of(0), sent.of(1)))

    async def test_librtmp_plays(self) -> None:
        """rtmpdump saves what is sent, and ends well when the stream does."""
        await self.librtmp_plays(tls=False)

    async def test_librtmp_plays_over_tls(self) -> None:
        """The same over TLS, whose tickets to resume with librtmp does not survive."""
        await self.librtmp_plays(tls=True)

    async def test_gstreamer_publishes(self) -> None:
        """GStreamer's rtmpsink publishes a file."""
        stream = await self.stream()
        player = self.run_program(*FFMPEG, "-i", self.url(stream, Right.PLAY), *HASHES, "-")
        await self.until(lambda: self.streams.find(stream.stream_id), "somebody waits")
        await self.until(lambda: self.broadcast(stream).players, "somebody waits")
        pipeline = [
            "filesrc",
            f"location={film()}",
            f"blocksize={film().stat().st_size}",
            "!",
            "rtmpsink",
            f"location={self.url(stream, Right.PUBLISH)} live=1",
        ]
        publisher = self.run_program("gst-launch-1.0", "--quiet", *pipeline)
        self.assertEqual(await publisher.ended(), 0, publisher.errors)
        await self.until_state(stream, LiveState.WAITING)
        self.nobody_comes()
        self.assertEqual(await player.ended(), 0, player.errors)
        sent, seen = hashes(film()), Hashes(player.text)
        self.assertEqual((seen.extradata, seen.of(0), seen.of(1)), (sent.extradata, sent.of(0), sent.of(1)))
