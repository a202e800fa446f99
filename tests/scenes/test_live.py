"""Live streams in a cluster of processes: what friends on two chat servers see when a resources server dies."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imsys.store import Database
from imsys.store.live import LOST
from tests.resources.live.programs import Program, film, programs, publishing
from tests.scenes import test_cluster as test_cluster_scenes
from tests.support.chat import RawClient
from tests.support.children import free_port
from tests.support.daemons import Process, start
from tests.support.programs import program


class LiveScenes(test_cluster_scenes.ClusterCase):
    """Two resources servers beside the others."""

    timeout = 180.0

    async def setUp(self) -> None:
        await super().setUp()
        self.programs = programs(self)
        self.rtmps = {name: free_port() for name in ("resources1", "resources2")}
        self.resources = {name: await self.resources_server(name) for name in self.rtmps}
        self.rows = Database(self.reactor, self.database)
        self.rows.startService()
        self.addCleanup(self.rows.stopService)

    async def resources_server(self, name: str) -> Process:
        own = {f"RESOURCES_{key}": str(free_port()) for key in ("PORT", "HTTP_PORT", "GRPC_PORT")}
        own |= {"RESOURCES_NAME": name, "RESOURCES_RTMPS_PORT": str(self.rtmps[name]), "RESOURCES_PATH": name}
        return await start(self, "imsys-resources", self.settings | own)

    async def pass_time(self, seconds: float) -> None:
        """Have it all be so much longer ago."""
        ms = round(seconds * 1000)
        move = "UPDATE live_streams SET seen_at = seen_at - ?, due_at = due_at - ?"
        await self.rows.write(lambda tx: tx.execute(move, ms, ms))

    def server_of(self, url: str) -> str:
        """The resources server that a URL leads to."""
        (found,) = [
            name for name, port in self.rtmps.items() if url.startswith(f"rtmps://127.0.0.1:{port}/live/")
        ]
        return found

    def publish(self, url: str) -> Program:
        return self.programs.run(publishing(url, film(), loop=True))

    async def listed(self, client: RawClient, key: str, dead: str = "") -> str:
        """A URL of the one stream that a user sees, as soon as there is one that leads to no dead server."""
        while True:
            (item,) = (await client.ask(84))["streams"]
            # balance believes in it for the rest of its lease
            if key in item and self.server_of(item[key]) != dead:
                return str(item[key])
            await deferLater(self.reactor, 0.1)

    async def plays(self, url: str) -> None:
        def probe() -> Any:
            command = [
                program("ffprobe"),
                "-loglevel",
                "error",
                "-print_format",
                "json",
                "-show_streams",
                "-analyzeduration",
                "1000000",
            ]
            return json.loads(
                subprocess.run([*command, url], check=True, capture_output=True, timeout=60).stdout
            )

        self.assertLessEqual(
            {"h264", "aac"}, {stream["codec_name"] for stream in (await deferToThread(probe))["streams"]}
        )

    async def both(self, *clients: RawClient, after: str = "") -> str:
        """What all of them are told of the stream next; ``after`` may be said again before it, which is
        harmless.
        """
        told = set()
        for client in clients:
            while (state := (await client.next(131))["state"]) == after:
                pass
            told.add(state)
        (state,) = told
        return str(state)

    async def test_a_resources_server_dies(self) -> None:
        """Anna's stream goes on at another server when the first is killed, ends for both and its publisher
        when she stops it, and one that nobody can go on with ends by itself, once."""
        _, a, _, b, thread = await self.pair()
        started = await a.ask(80, thread_id=thread, title="Cats")
        self.assertEqual((started["error"], await self.both(a, b)), (0, "waiting"), started)
        first = self.server_of(started["publish_url"])
        publisher = self.publish(started["publish_url"])
        self.assertEqual(await self.both(a, b), "live")
        await self.plays(await self.listed(b, "play_url"))

        self.resources[first].send(signal.SIGKILL)
        await publisher.ended()
        await self.pass_time(LOST + 1)
        publisher = self.publish(await self.listed(a, "publish_url", first))
        self.assertEqual(await self.both(a, b), "live")
        await self.plays(await self.listed(b, "play_url"))

        self.assertEqual((await a.ask(82, stream_id=started["stream_id"]))["error"], 0)
        self.assertEqual(await self.both(a, b, after="live"), "ended")
        await publisher.ended()
        self.assertEqual((await b.ask(84))["streams"], [])

        started = await a.ask(80, thread_id=thread, title="Dogs")
        self.assertEqual(await self.both(a, b), "waiting")
        second = self.server_of(started["publish_url"])
        self.publish(started["publish_url"])
        self.assertEqual(await self.both(a, b), "live")
        self.resources[second].send(signal.SIGKILL)
        await self.resources[second].end()
        await self.pass_time(120)
        self.assertEqual(await self.both(a, b, after="live"), "ended")
        await a.ask(32)
        await b.ask(32)
        self.assertEqual((a.pending(131), b.pending(131)), ([], []))
        videos = [record for record in await self.history(b, thread) if record["msg_type"] == 5]
        self.assertEqual([json.loads(record["msg_content"])["title"] for record in videos], ["Cats", "Dogs"])
        log = "".join(path.read_text("utf-8", "replace") for path in (self.home / "log").iterdir())
        self.assertNotIn(started["publish_url"].partition("?key=")[2], log)
