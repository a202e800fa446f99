"""Going live from the terminal, on a whole server, with ffmpeg to send and to play."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import Any

from twisted.internet.threads import deferToThread

from tests.cli.running import CliCase, Person
from tests.support.children import folder, spawn
from tests.support.programs import program

QUIET = ("-hide_banner", "-loglevel", "error", "-nostdin")
PICTURES = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=15", "-f", "lavfi", "-i", "sine=frequency=440")
CODED = (
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-g",
    "15",
    "-c:a",
    "aac",
    "-f",
    "flv",
)


class LiveTests(CliCase):
    timeout = 180

    def publish(self, url: str) -> subprocess.Popen[bytes]:
        """Send a test picture with a tone, as fast as it would be seen, until the test is over at the latest."""
        log = folder("ffmpeg") / "log"
        child = spawn([program("ffmpeg"), *QUIET, "-re", *PICTURES, *CODED, url], log)

        def end() -> None:
            child.kill()
            child.wait()

        self.addCleanup(end)
        return child

    async def probe(self, url: str) -> set[str]:
        """The codecs of what is played there."""

        def run() -> Any:
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

        return {stream["codec_name"] for stream in (await deferToThread(run))["streams"]}

    async def leave(self, person: Person) -> None:
        """End a chat, so that commands of its account disturb nobody."""
        person.type("\x04")
        await person.ended
        self.assertEqual(person.status, 0, person.shown)

    async def fetched(self, url: str) -> str:
        """What a browser gets there."""
        command = [
            program("curl"),
            "--silent",
            "--show-error",
            "--fail",
            "--max-time",
            "20",
            "--cacert",
            self.server.ca,
            url,
        ]
        done = await deferToThread(subprocess.run, command, check=True, capture_output=True)
        return str(done.stdout.decode())

    def found(self, pattern: str, text: str) -> str:
        match = re.search(pattern, text, re.MULTILINE)
        assert match is not None, text
        return match[1]

    async def test_live(self) -> None:
        """Anna goes live for Otto, who sees it in the open chat, lists it and plays it, until she ends it."""
        anna, otto = await self.friends("anna", "otto")
        watching = self.run_cli("--as", otto, "chat", anna, terminal=True, server=False)
        await self.sees(watching, "We are friends now!")
        said = await self.process(
            "--as", anna, "live", "start", otto, "Cats \x1b[31mand dogs", status=1, server=False
        )
        self.assertIn("control characters", said)
        said = await self.process(
            "--as", anna, "live", "start", otto, "Cats and dogs", "--record", server=False
        )
        server, key = self.found(r"^  Server +(\S+)$", said), self.found(r"^  Stream Key +(\S+)$", said)
        self.assertRegex(server, r"^rtmps://127\.0\.0\.1:\d+/live$")
        line = shlex.split(self.found(r"^  (ffmpeg .*)$", said))
        self.assertEqual(line[-1], f"{server}/{key}")
        self.assertEqual(
            line[-3:-1], ["-ca_file", self.server.ca]
        )  # newer ones of ffmpeg believe the system's alone
        self.assertIn(f"so {self.server.ca} has to be among them", said)
        stream_id = key.partition("?")[0]
        self.assertIn(f"imsys-cli live stop {stream_id}", said)
        self.assertRegex(said, rf"watch  https://127\.0\.0\.1:\d+/watch/{re.escape(stream_id)}\?key=")
        await self.sees(watching, "[live Cats and dogs]")
        self.assertIn(
            "you: Cats and dogs (nothing is sent",
            await self.cli("--as", anna, "live", "list", otto, server=False),
        )

        sending = self.publish(line[-1])
        await self.sees(watching, f"{anna} is live: Cats and dogs")
        await self.leave(watching)
        listed = await self.cli("--as", otto, "live", "list", server=False)
        self.assertIn(f"{anna}: Cats and dogs", listed)
        self.assertNotIn("send  ", listed)
        self.assertEqual({"h264", "aac"}, await self.probe(self.found(r"^  play +(\S+)$", listed)))
        page = await self.fetched(self.found(r"^  watch +(\S+)$", listed))
        self.assertIn("Cats and dogs", page)
        self.assertIn("you: Cats and dogs", await self.cli("--as", anna, "live", "list", server=False))

        watching = self.run_cli("--as", otto, "chat", anna, terminal=True, server=False)
        await self.sees(watching, "[live Cats and dogs]")
        self.assertIn("It is over.", await self.cli("--as", anna, "live", "stop", server=False))
        await self.sees(watching, "Cats and dogs is over")
        await deferToThread(sending.wait, 30)
        await self.sees(watching, "[video Cats and dogs")  # the recording
        await self.leave(watching)
        self.assertIn("Nobody is live.", await self.cli("--as", otto, "live", "list", server=False))
        self.assertIn(
            "You are not live.", await self.cli("--as", anna, "live", "stop", status=1, server=False)
        )
        self.assertIn("[live Cats and dogs]", await self.cli("--as", otto, "history", anna, server=False))
        self.assertNotIn(key, (self.server.home / "log" / "imsys.log").read_text("utf-8"))

    async def test_plain_sentences(self) -> None:
        """What goes wrong is one sentence, and status 1."""
        anna, otto = await self.friends("anna", "otto")
        (carl,) = await self.accounts("carl")
        for wrong, command in (
            ("not friends", ("start", carl, "x")),
            ("1 to 100 characters", ("start", otto, "")),
            ("nobody called", ("start", "nobody-at-all", "x")),
            ("no such conversation", ("start", "#999999", "x")),
            ("no such live stream", ("stop", "A" * 22)),
            ("no such live stream", ("stop", "-" + "A" * 21)),
            ("no such live stream", ("stop", "cats")),
        ):
            self.assertIn(wrong, await self.cli("--as", anna, "live", *command, status=1, server=False))
        for _ in range(2):
            said = await self.cli("--as", anna, "live", "start", otto, "x", server=False)
        stream_id = self.found(r"live stop (\S+)$", said)
        self.assertIn(
            "Only who started",
            await self.cli("--as", otto, "live", "stop", stream_id, status=1, server=False),
        )
        self.assertIn(
            "2 live streams already",
            await self.cli("--as", anna, "live", "start", otto, "x", status=1, server=False),
        )
        self.assertIn("Say which one", await self.cli("--as", anna, "live", "stop", status=1, server=False))
