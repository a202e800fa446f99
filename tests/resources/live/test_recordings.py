"""Recordings: what is published becomes a file of the thread, whatever comes between."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from imsys.config import ChatConfig, FilesConfig, LiveConfig, ResourcesConfig
from imsys.protocols.flv import HEADER, FlvReader
from imsys.protocols.identifiers import encode_id
from imsys.protocols.media import Kind
from imsys.protocols.rtmp.amf0 import decode
from imsys.redis.client import RedisService
from imsys.resources.default_inspector import configured_inspector
from imsys.resources.live import recording
from imsys.resources.live.flv_index import MOST_PREFIX
from imsys.resources.live.recording import Tape
from imsys.resources.live.recordings import RecordingLimits, Recordings, filename
from imsys.security.tickets import Right
from imsys.store.files import File, Purpose, State
from imsys.store.live import LiveState, LiveStream
from tests.resources.live.programs import film, hashes, publishing
from tests.resources.live.scene import SERVER, LiveCase
from tests.resources.live.watching import AAC, AVC, METADATA, inter, key, sound
from tests.resources.parts import Parts
from tests.support.chat import ChatServer
from tests.support.programs import program
from tests.support.servers import redis_server


class TapeTests(SynchronousTestCase):
    def test_begins_at_zero(self) -> None:
        """The first picture or sound is at 0, whatever its publisher counts from, and whatever is said before
        it.
        """
        tape, hour = Tape(), 3_600_000
        data = b"".join(
            tape.encode(one) for one in (METADATA, AVC, AAC, key(hour), sound(hour + 10), inter(hour + 40))
        )
        self.assertEqual(
            [one.timestamp for one in FlvReader(1000).receive(HEADER + data)], [0, 0, 0, 0, 10, 40]
        )


class RecordingCase(LiveCase):
    """A test with one server that has files, and records."""

    live = LiveConfig(away=60.0, streams=1000)
    quota = 0
    most = 1 << 30

    async def setUp(self) -> None:
        await super().setUp()
        self.home = self.folder / "files"
        self.begin()

    def begin(self) -> None:
        """Start the engine and the recordings on what is there."""
        inspector = configured_inspector(FilesConfig(), self.home / "spool")
        self.engine = Parts(
            self.reactor, ResourcesConfig(name=SERVER), self.config, self.home, inspector=inspector
        )
        self.engine.start()
        self.recordings = Recordings(
            self.reactor,
            SERVER,
            self.home / "recordings",
            self.engine.storage,
            self.engine.uploads,
            time.time,
            RecordingLimits(most=self.most, life=3600, quota=self.quota),
        )
        self.recordings.startService()
        self.streams.record = self.recordings.begin
        self.addCleanup(lambda: Deferred.fromCoroutine(self.halt()))

    async def halt(self) -> None:
        """Stop both, in good order (idempotent)."""
        if self.recordings.running:
            await self.recordings.stopService()
        await self.engine.stop()

    def left(self) -> list[str]:
        """What lies in the folder of the recordings."""
        return sorted(path.name for path in (self.home / "recordings").iterdir())

    async def whole(self, count: int = 1) -> list[File]:
        """The files of Anna's, as soon as there are so many that are whole, and nothing is left of their
        recordings.
        """
        found: list[File] = []

        async def look() -> None:
            page = await self.engine.files.page(b"", 100, user=self.anna)
            found[:] = [
                file for file in page if file.state is State.WHOLE and file.purpose is Purpose.MESSAGE
            ]

        for _ in range(3000):
            await look()
            if len(found) >= count and not self.left():
                break
            await self.soon()
        self.assertEqual(len(found), count)
        return sorted(found, key=lambda file: file.created_ms)

    async def soon(self) -> None:
        waiter: Deferred[None] = Deferred()
        self.reactor.callLater(0.02, waiter.callback, None)
        await waiter

    async def download(self, file: File) -> Path:
        """Its bytes."""
        assert file.content is not None
        opened, found = await self.engine.downloads.open(file.file_id), []
        offset = 0
        while part := await opened.read(offset, 200_000):
            found.append(part)
            offset += len(part)
        path = self.folder / f"{file.file_id.hex()}.flv"
        path.write_bytes(b"".join(found))
        self.assertEqual(path.stat().st_size, file.size)
        return path

    async def published(self, stream: LiveStream, path: Path | None = None) -> None:
        """The whole film was published, and all of it is here."""
        publisher = self.run_program(*publishing(self.url(stream, Right.PUBLISH), path or film(), speed=10))
        self.assertEqual(await publisher.ended(), 0, publisher.errors)
        await self.until_state(stream, LiveState.WAITING)


class RecordingTests(RecordingCase):
    async def test_becomes_a_message(self) -> None:
        """The film that was published is a file of the thread when the stream is over: the same packets, a
        duration, an index that can be sought with, a poster, and a name that says what it is."""
        stream = await self.stream(title="Cats / dogs", record=True)
        await self.published(stream)
        self.streams.end(stream.stream_id)
        (file,) = await self.whole()
        self.assertEqual((file.owner, file.thread_id, file.mime), (self.anna, self.thread, "video/x-flv"))
        self.assertRegex(file.filename, r"\ACats - dogs \d{4}-\d\d-\d\d \d\d\.\d\d UTC\.flv\Z")
        self.assertIsNotNone(file.thumbnail_id)
        path = await self.download(file)
        sent, kept = hashes(film()), hashes(path)
        self.assertEqual(kept.extradata, sent.extradata)
        for kind in (0, 1):
            self.assertEqual(kept.of(kind), sent.of(kind))
        metadata, places = self.described(path)
        self.assertLess(abs(metadata["duration"] - 12), 0.2)
        self.assertEqual(
            (metadata["width"], metadata["height"], metadata["filesize"]), (320, 180, path.stat().st_size)
        )
        self.assertEqual(metadata["keyframes"]["filepositions"], places)
        self.assertEqual(metadata["keyframes"]["times"], [float(second) for second in range(12)])
        seek = [program("ffprobe"), "-v", "error", "-read_intervals", "9.5%+#1", "-select_streams", "v"]
        seek += ["-show_entries", "packet=pts_time,flags"]
        found = await deferToThread(
            subprocess.run, [*seek, "-of", "json", str(path)], capture_output=True, check=True, timeout=60
        )
        (packet,) = json.loads(found.stdout)["packets"]
        self.assertIn("K", packet["flags"])
        self.assertLess(abs(float(packet["pts_time"]) - 9), 0.2)
        self.assertEqual(
            [one.file.file_id for one in await self.engine.files.due(SERVER, 10)], [file.file_id]
        )

    async def test_in_the_thread(self) -> None:
        """A chat server that is told of the file makes a message of type video of it, which the other one
        reads.
        """
        stream = await self.stream(record=True)
        await self.published(stream)
        self.streams.end(stream.stream_id)
        (file,) = await self.whole()
        redis = RedisService(self.reactor, redis_server())
        redis.startService()
        self.addCleanup(redis.stopService)
        server = ChatServer(self, ChatConfig(), redis.redis)
        await server.start()
        await server.announcer.announce(file.file_id)
        (record,) = [
            one for one in await self.stores.messages.page(self.bert, self.thread, 0, 10) if one.kind == 5
        ]
        content = json.loads(record.content)
        self.assertEqual((record.sender, content["file_id"]), (self.anna, encode_id(file.file_id)))
        self.assertEqual((content["mime"], content["size"]), ("video/x-flv", file.size))
        self.assertIn("thumbnail", content)

    def described(self, path: Path) -> tuple[dict[str, Any], list[int]]:
        """What a file says of itself, and where its key frames really are."""
        data = path.read_bytes()
        messages = FlvReader(1 << 24).receive(data)
        described = [one for one in messages if one.kind is Kind.DATA]
        self.assertEqual(len(described), 1)
        place, places = 13, []
        for one in messages:
            if one.key:
                places.append(place)
            place += 15 + len(one.payload)
        self.assertEqual(place, len(data))
        _, metadata = decode(described[0].payload)
        return dict(metadata), places  # type: ignore[arg-type]

    async def test_not_wanted(self) -> None:
        """A stream that is not to be recorded leaves nothing."""
        stream = await self.stream()
        await self.published(stream)
        self.streams.end(stream.stream_id)
        self.assertEqual((len(self.recordings), self.left()), (0, []))

    async def test_publisher_returns(self) -> None:
        """A publisher who comes back goes on in the same file: its time goes on, too."""
        stream = await self.stream(record=True)
        await self.published(stream)
        await self.published(stream)
        self.streams.end(stream.stream_id)
        (file,) = await self.whole()
        messages = FlvReader(1 << 24).receive((await self.download(file)).read_bytes())
        times = [one.timestamp for one in messages if one.kind is Kind.VIDEO]
        self.assertEqual(times, sorted(times))
        self.assertEqual(len([one for one in messages if one.key]), 24)
        self.assertGreater(times[-1], 23_000)

    async def test_stopped(self) -> None:
        """What was recorded when the server stops becomes a file when it is there again."""
        stream = await self.stream(record=True)
        await self.published(stream)
        await self.halt()
        self.assertNotEqual(self.left(), [])
        self.begin()
        (file,) = await self.whole()
        self.assertEqual(hashes(await self.download(file)).of(0), hashes(film()).of(0))

    async def test_sealed(self) -> None:
        """On the disk there is nothing of it that could be read."""
        stream = await self.stream(record=True, title="Secret title")
        await self.published(stream)
        await self.halt()
        picture = max(
            FlvReader(1 << 24).receive(film().read_bytes()), key=lambda one: len(one.payload)
        ).payload[100:140]
        names = [path for path in (self.home / "recordings").iterdir() if path.suffix != ".json"]
        self.assertTrue(names)
        self.assertFalse(any(picture in path.read_bytes() for path in names))

    async def test_too_long(self) -> None:
        """One that has as many bytes as it may have ends there.

        The stream goes on, and what there is becomes a file.
        """
        self.recordings._limits = RecordingLimits(most=300_000 + MOST_PREFIX, life=3600, quota=self.quota)
        stream = await self.stream(record=True)
        await self.published(stream)
        (file,) = await self.whole()
        self.assertLess(file.size, 310_000)
        self.assertGreater(file.size, 200_000)
        self.assertIsNotNone(self.streams.find(stream.stream_id))

    async def test_slow_disk(self) -> None:
        """A disk that does not take it in time ends the recording, and never the stream."""
        self.patch(recording, "PENDING", 100_000)
        stuck: Deferred[None] = Deferred()
        run = self.engine.disk.run

        async def slow(work: Any, *args: Any, **kwargs: Any) -> Any:
            if getattr(work, "__name__", "") == "write":
                await stuck
            return await run(work, *args, **kwargs)

        self.engine.disk.run = slow  # type: ignore[method-assign]
        stream = await self.stream(record=True)
        await self.published(stream)
        self.assertIsNotNone(self.streams.find(stream.stream_id))
        stuck.callback(None)
        (file,) = await self.whole()
        self.assertLess(file.size, 120_000)
        self.assertEqual(self.recordings._budget.taken, 0)

    async def test_no_quota(self) -> None:
        """Where there is no room in the quota of its owner, nothing is left of it."""
        await self.halt()
        self.quota = 1000
        self.begin()
        stream = await self.stream(record=True)
        await self.published(stream)
        self.streams.end(stream.stream_id)
        await self.until(lambda: not self.left() and not len(self.recordings), "it is removed")
        self.assertEqual(await self.engine.files.page(b"", 10, user=self.anna), [])

    async def test_nothing(self) -> None:
        """A publisher who sends nothing leaves no file."""
        stream = await self.stream(record=True)

        class Silent:
            def dropped(self, reason: str) -> None:
                """Nothing to do."""

        await self.streams.publish(stream.stream_id, self.anna, Silent())
        await self.until(lambda: len(self.recordings) and self.left(), "it has begun")
        self.streams.end(stream.stream_id)
        await self.until(lambda: not self.left(), "it is removed")

    async def test_crash(self) -> None:
        """Whatever was durable when the server was killed becomes a file, up to the last whole message; and
        only one, whenever it is killed again while it is made."""
        stream = await self.stream(record=True)
        await self.published(stream)
        await self.until(
            lambda: not any(one._pending for one in self.recordings._running.values()), "it is durable"
        )
        (part,) = (self.home / "recordings").glob("*.part")
        await self.engine.stop()  # without a word to the recordings
        self.recordings.running = False
        with part.open("r+b") as file:
            file.truncate(part.stat().st_size - 1000)  # a segment that was being written
        first = True
        for broken in ("offer", "find", "none"):
            self.begin()
            if broken != "none":
                await self.broken(broken)
                self.recordings.running = False
                await self.engine.stop()
                first = False
        self.assertFalse(first)
        (whole,) = await self.whole()
        sent, kept = hashes(film()), hashes(await self.download(whole))
        self.assertEqual(kept.of(0), sent.of(0)[: len(kept.of(0))])
        self.assertGreater(len(kept.of(0)), 100)

    async def test_damaged(self) -> None:
        """One whose key is not what it was is left where it is, and is no hindrance to others."""
        for damaged in (True, False):
            stream = await self.stream(record=True)
            await self.published(stream)
            await self.halt()
            if damaged:
                (about,) = (self.home / "recordings").glob("*.json")
                about.write_text(about.read_text().replace('"wrapped_key":"', '"wrapped_key":"AAAA'))
            self.begin()
            if damaged:
                await self.until(lambda: self.recordings._complained, "it is noticed")
        for _ in range(1000):
            page = [
                file
                for file in await self.engine.files.page(b"", 10, user=self.anna)
                if file.purpose is Purpose.MESSAGE
            ]
            if [file.state for file in page] == [State.WHOLE]:
                break
            await self.soon()
        self.assertEqual([file.state for file in page], [State.WHOLE])
        await self.until(
            lambda: len([name for name in self.left() if name.endswith(".json")]) == 1,
            "the other is done with",
        )
        self.assertEqual(len([name for name in self.left() if name.endswith(".part")]), 1)

    async def broken(self, step: str) -> None:
        """The server is killed at this step: nothing after it happens."""
        killed: Deferred[None] = Deferred()
        never: Deferred[Any] = Deferred()
        files = self.engine.files
        real = getattr(files, step)

        async def once(*args: Any, **kwargs: Any) -> Any:
            result = await real(*args, **kwargs)
            killed.callback(None)
            await never
            return result

        setattr(files, step, once)
        await killed


class NameTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Whatever a title is, the name is one that files may have."""
        for title, name in (
            ("Cats", "Cats"),
            ("", "Live"),
            ("..", "Live"),
            ("../../etc/passwd", "-.-etc-passwd"),
            ("a\nb\x00c", "abc"),
            ("Ä" * 300, "Ä" * 115),
            ("  two   words  ", "two words"),
        ):
            self.assertEqual(filename(title, 1_700_000_000.0), f"{name} 2023-11-14 22.13 UTC.flv")
