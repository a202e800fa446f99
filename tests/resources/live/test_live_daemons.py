"""Resources servers as processes: killed while one records.

And two, of which one has what is watched at the other.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from imsys.protocols.identifiers import encode_id
from imsys.resources.engine import trial
from imsys.security.tickets import Right
from imsys.store.files import File, Purpose, State
from imsys.store.live import LiveState
from tests.resources.live.daemon_scene import DaemonCase
from tests.resources.live.programs import FFMPEG, HASHES, film, hashes, publishing
from tests.support.children import folder
from tests.support.servers import certificates

ONE, TWO = "resources1", "resources2"


class KilledTests(DaemonCase):
    async def test_killed(self) -> None:
        """What had been made durable of a stream when the server was killed is a whole file after its
        restart, and nothing else is left.
        """
        server = await self.server(ONE)
        stream = await self.stream(ONE, record=True)
        publisher = self.programs.run(publishing(self.rtmp(ONE, stream, Right.PUBLISH), film(), speed=2))

        async def live() -> bool:
            return bool((await self.state(ONE, stream))["state"] == "live")

        await self.until(live, "it is live")
        self.assertIn(b"<title>Cats</title>", await self.get(ONE, self.path(stream, "/watch/{}")))
        recordings = self.recordings(ONE)

        async def enough() -> bool:
            return sum(path.stat().st_size for path in recordings.glob("*.part")) > 150_000

        await self.until(enough, "some of it is on the disk")
        self.assertEqual(await server.stop(signal.SIGKILL), -signal.SIGKILL)
        publisher.kill()
        self.assertTrue(list(recordings.glob("*.json")))
        found = await self.stores.live.find(stream.stream_id)
        assert found is not None
        self.assertEqual(found.state, LiveState.LIVE)
        server = await self.server(ONE)

        async def whole() -> File | None:
            page = await self.files.page(b"", 10, user=self.anna)
            return next(
                (file for file in page if file.state is State.WHOLE and file.purpose is Purpose.MESSAGE), None
            )

        file: File = await self.until(whole, "it is a file")

        async def tidy() -> bool:
            spool = self.home / "files" / ONE / "spool"
            return not list(recordings.iterdir()) and not {path.name for path in spool.iterdir()} - {
                trial.NAME
            }

        await self.until(tidy, "nothing is left")
        ticket = self.tickets.issue(file.file_id, self.bert, Right.READ)
        data = await self.get(ONE, f"/files/{encode_id(file.file_id)}?ticket={ticket}")
        self.assertEqual(len(data), file.size)
        path = Path(folder("recorded")) / "recording.flv"
        path.write_bytes(data)
        sent, kept = hashes(film()), hashes(path)
        self.assertEqual(kept.extradata, sent.extradata)
        for kind in (0, 1):
            self.assertEqual(kept.of(kind), sent.of(kind)[: len(kept.of(kind))])
        self.assertGreater(len(kept.of(0)), 50)
        self.assertEqual(await server.stop(), -signal.SIGTERM)


class TwoTests(DaemonCase):
    async def test_watched_at_the_other(self) -> None:
        """What is published at one server plays from the other, by both protocols, and that one finds the
        first by balance. When the first is killed, and its publisher comes back to it, the players of the
        other go on."""
        first = await self.server(ONE)
        second = await self.server(TWO)
        stream = await self.stream(ONE)
        publisher = self.programs.run(publishing(self.rtmp(ONE, stream, Right.PUBLISH), film(), loop=True))

        async def live() -> bool:
            return bool((await self.state(TWO, stream))["state"] == "live")

        await self.until(live, "it is live")
        flv = self.https(TWO, self.path(stream, "/live/{}.flv"))
        commands = (
            [*FFMPEG, "-i", self.rtmp(TWO, stream, Right.PLAY), "-t", "2", *HASHES, "-"],
            [*FFMPEG, "-ca_file", certificates().ca, "-i", flv, "-t", "2", *HASHES, "-"],
        )
        sent = hashes(film()).of(0)
        for player in [self.programs.run(command) for command in commands]:
            self.assertEqual(await player.ended(), 0, player.errors)
            came = hashes(player.text).of(0)
            self.assertGreater(len(came), 40)
            at = sent.index(came[0])
            self.assertEqual(came, (sent * 2)[at : at + len(came)])
        staying = self.programs.run([*FFMPEG, "-i", self.rtmp(TWO, stream, Right.PLAY), *HASHES, "-"])

        async def played(more: int = 0) -> Any:
            return len(hashes(staying.text).of(0)) > more and len(hashes(staying.text).of(0))

        before = await self.until(played, "it plays")
        self.assertEqual(await first.stop(signal.SIGKILL), -signal.SIGKILL)
        publisher.kill()
        first = await self.server(ONE)
        self.programs.run(publishing(self.rtmp(ONE, stream, Right.PUBLISH), film(), loop=True))

        async def goes_on() -> Any:
            return await played(before + 100)

        await self.until(goes_on, "it plays on")
        self.assertTrue(staying.running)
        self.assertNotIn(self.key(stream, Right.PLAY)[:20], first.text + second.text)
        self.assertNotIn("key=", first.text + second.text)
        self.assertEqual([await server.stop() for server in (second, first)], [-signal.SIGTERM] * 2)
