"""Streams over HTTP: ffmpeg publishes by RTMP, and ffmpeg, curl and raw sockets watch."""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path

from twisted.internet.threads import deferToThread

from imsys.protocols.flv import FlvReader
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.resources.live import flv_handler
from imsys.resources.live.sockets import UNSENT
from imsys.security.tickets import Right
from imsys.store.live import LiveState
from tests.resources.live.programs import FFMPEG, HASHES, SECONDS, film, hashes, publishing
from tests.resources.live.web_scene import WebLiveCase
from tests.support.children import folder
from tests.support.servers import certificates


class HttpFlvTests(WebLiveCase):
    async def test_ffmpeg(self) -> None:
        """What ffmpeg gets over TLS is what another ffmpeg has sent: the codecs' data, and every packet.

        The end is a clean one.
        """
        stream = await self.stream()
        player = self.run_program(
            *FFMPEG, "-ca_file", certificates().ca, "-i", self.link(stream), *HASHES, "-"
        )
        await self.until(lambda: self.streams.find(stream.stream_id), "the player waits")
        publisher = self.run_program(*publishing(self.url(stream, Right.PUBLISH), film(), speed=8))
        self.assertEqual(await publisher.ended(), 0, publisher.errors)
        await self.until_state(stream, LiveState.WAITING)  # all that it has sent is here
        self.streams.end(stream.stream_id)
        self.assertEqual(await player.ended(), 0, player.errors)
        sent, came = hashes(film()), hashes(player.text)
        self.assertEqual(came.extradata, sent.extradata)
        for kind in (0, 1):
            self.assertEqual(came.of(kind), sent.of(kind))
        self.assertEqual(len(sent.times(0)), SECONDS * 25)

    async def test_late(self) -> None:
        """Who joins late begins with a key frame, and has the codecs' data before it."""
        stream = await self.stream()
        await self.publishing(stream)
        for _ in range(5):
            out = folder("late") / "late.flv"
            player = self.run_program(
                *FFMPEG,
                "-ca_file",
                certificates().ca,
                "-i",
                self.link(stream),
                "-c",
                "copy",
                "-t",
                "1",
                str(out),
            )
            self.assertEqual(await player.ended(), 0, player.errors)
            messages = FlvReader(1 << 24).receive(out.read_bytes())
            pictures = [one for one in messages if one.kind == 9]
            self.assertTrue(pictures[0].header)
            self.assertTrue(pictures[1].key)

    async def test_little_in_the_kernel(self) -> None:
        """The kernel keeps little for a player, with TLS, too: it would find out late that it is behind."""
        stream = await self.stream()
        await self.publishing(stream)
        self.run_program(*FFMPEG, "-ca_file", certificates().ca, "-i", self.link(stream), "-f", "null", "-")
        level = socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT

        def kept() -> list[int]:
            return [one.transport.getHandle().getsockopt(*level) for one in self.http.connections]

        await self.until(lambda: kept() == [UNSENT], "the kernel was told")

    async def test_head(self) -> None:
        """The head says what it is, keeps the address from others, and lets pages of the configured origins
        in.
        """
        stream = await self.stream()
        reply = await self.ask("HEAD", self.path(stream), {"Origin": "https://chat.example.org"})
        self.assertEqual(
            (reply.status, reply.headers["Content-Type"], reply.headers["Transfer-Encoding"]),
            (200, "video/x-flv", "chunked"),
        )
        self.assertEqual(
            (reply.headers["Cache-Control"], reply.headers["Referrer-Policy"]), ("no-store", "no-referrer")
        )
        self.assertEqual(reply.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(reply.headers["Access-Control-Allow-Origin"], "https://chat.example.org")
        other = await self.ask("HEAD", self.path(stream), {"Origin": "https://elsewhere.example.org"})
        self.assertIsNone(other.headers["Access-Control-Allow-Origin"])

    async def test_signed_out(self) -> None:
        """Who watches by a key of a sign-in that is over is cut off, and gets no page and no state with it.

        Who has another one stays.
        """
        stream = await self.stream()
        await self.publishing(stream)
        out, mine, other = folder("signed-out"), "aa" * 32, "bb" * 32
        players = []
        for name, sign_in in (("mine", mine), ("other", other)):
            link = self.link(stream, key=self.watch_key(stream, sign_in=sign_in))
            command = (
                *FFMPEG,
                "-ca_file",
                certificates().ca,
                "-i",
                link,
                "-c",
                "copy",
                str(out / f"{name}.flv"),
            )
            players.append(self.run_program(*command))
        await self.until(lambda: self.broadcast(stream).players == 2, "both watch")
        await self.until(lambda: len(self.granted) == 2, "both are known")
        await self.until(
            lambda: all(path.stat().st_size for path in out.iterdir()) and len(list(out.iterdir())) == 2,
            "both see something",
        )
        self.over.add(mine)
        await self.granted.look()
        self.assertEqual(await players[0].ended(), 0, players[0].errors)
        self.assertEqual((self.broadcast(stream).players, len(self.granted)), (1, 1))
        for what in ("/live/{}.flv", "/watch/{}", "/watch/{}/state"):
            reply = await self.ask("GET", self.path(stream, what, self.watch_key(stream, sign_in=mine)))
            self.assertEqual(reply.status, 401, what)

    async def test_keys(self) -> None:
        """Without a key, or with one that is forged, over, or for something else, there is nothing to be
        seen.
        """
        stream, other = await self.stream(), await self.stream(title="Dogs")
        for key, status in (
            ("", 401),
            ("v1.x.y", 401),
            (self.watch_key(stream, life=-1), 401),
            (self.watch_key(other), 403),
            (self.tickets.issue(stream.stream_id, self.bert, Right.READ), 403),
            (self.key(stream, Right.PUBLISH), 403),
        ):
            reply = await self.ask("GET", self.path(stream, key=key))
            self.assertEqual((reply.status, reply.error), (status, 65), key)
            self.assertNotIn(b"ticket", reply.body, key)
        reply = await self.ask("GET", f"/live/{encode_id(stream.stream_id)}.flv")
        self.assertEqual((reply.status, reply.error), (401, 65))
        self.assertIsNone(self.streams.find(stream.stream_id))

    async def test_unknown(self) -> None:
        """A stream that is not, or is over, or is no stream at all: 404."""
        unknown = new_file_id()
        key = self.tickets.issue(unknown, self.bert, Right.PLAY)
        ended = await self.stream()
        await self.stores.live.end(ended.stream_id)
        for path in (f"/live/{encode_id(unknown)}.flv?key={key}", "/live/x.flv", "/live/x", self.path(ended)):
            reply = await self.ask("GET", path)
            self.assertEqual((reply.status, reply.error), (404, 74), path)

    async def test_nobody_sends(self) -> None:
        """A stream that nobody begins to send is waited for a while, then it is 404."""
        self.patch(flv_handler, "WAIT", 0.2)
        stream = await self.stream()
        reply = await self.ask("GET", self.path(stream))
        self.assertEqual((reply.status, reply.error), (404, 74))
        self.assertEqual(self.broadcast(stream).players if self.streams.find(stream.stream_id) else 0, 0)

    async def test_ended_while_waiting(self) -> None:
        """Who waits for a stream that ends is told at once."""
        stream = await self.stream()
        asked = self.later(self.ask("GET", self.path(stream)))
        await self.until(lambda: self.streams.find(stream.stream_id), "somebody waits")
        await self.stores.live.end(stream.stream_id)
        self.streams.end(stream.stream_id)
        reply = await asked
        self.assertEqual((reply.status, reply.error), (404, 74))

    async def test_http10(self) -> None:
        """A client of HTTP/1.0 gets the bytes as they are, and the connection ends with the stream."""
        stream = await self.stream()
        await self.publishing(stream)
        connection = socket.create_connection(("127.0.0.1", self.http_port.port), timeout=20)
        self.addCleanup(connection.close)
        connection.sendall(f"GET {self.path(stream)} HTTP/1.0\r\n\r\n".encode())
        await self.until(lambda: self.broadcast(stream).players == 1, "it watches")
        self.streams.end(stream.stream_id)
        data = await deferToThread(_all, connection)
        head, _, body = data.partition(b"\r\n\r\n")
        self.assertIn(b"200 OK", head)
        self.assertNotIn(b"chunked", head.lower())
        messages = FlvReader(1 << 24).receive(body)
        self.assertTrue(any(one.key for one in messages))

    async def test_goes_on(self) -> None:
        """After a stream that ends the connection can be used for the next request."""
        stream = await self.stream()
        await self.publishing(stream)
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port.port, timeout=20)
        self.addCleanup(connection.close)

        def ask(path: str) -> tuple[int, bytes]:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()

        watched = deferToThread(ask, self.path(stream))
        await self.until(lambda: self.broadcast(stream).players == 1, "it watches")
        self.streams.end(stream.stream_id)
        status, body = await watched
        self.assertEqual((status, body[:3]), (200, b"FLV"))
        status, body = await deferToThread(ask, self.path(stream, "/watch/{}/state"))
        self.assertEqual((status, json.loads(body)["title"]), (200, "Cats"))
        self.assertEqual(len(self.http.connections), 1)

    async def test_never_reads(self) -> None:
        """One who never reads is dropped after a while; the others miss nothing."""
        self.patch(flv_handler, "LINGER", 0.2)
        stream = await self.stream()
        await self.publishing(stream, speed=20)
        stuck = socket.create_connection(("127.0.0.1", self.http_port.port), timeout=20)
        self.addCleanup(stuck.close)
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.sendall(f"GET {self.path(stream)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await self.until(lambda: self.broadcast(stream).players == 1, "it watches")
        self.broadcast(stream)._patience = 0.5
        await self.until(lambda: self.broadcast(stream).players == 0, "it is let go of")
        await self.until(lambda: not len(self.http.connections), "its connection is closed")
        self.assertEqual(
            sum("closing the live stream over HTTP to" in line and "behind" in line for line in self.lines), 1
        )
        await self.until_state(stream, LiveState.LIVE)

    async def test_kinds(self) -> None:
        """The first bytes say what there is: players wait for sound that they are promised."""
        silent = Path(folder("silent")) / "silent.flv"
        made = self.run_program(*FFMPEG, "-i", str(film()), "-an", "-c", "copy", str(silent))
        self.assertEqual(await made.ended(), 0, made.errors)
        for path, flags in ((silent, 1), (film(), 5)):
            self.assertEqual(await self.flags(path), flags)

    async def flags(self, path: Path) -> int:
        """What somebody is promised who waits for a film."""
        stream = await self.stream()
        asked = self.later(self.ask("GET", self.path(stream)))
        await self.until(lambda: self.streams.find(stream.stream_id), "somebody waits")
        self.run_program(*publishing(self.url(stream, Right.PUBLISH), path))
        chunked = flv_handler.WHOLE.chunked
        await self.until(lambda: chunked in self.broadcast(stream)._channels, "its response has begun")
        self.streams.end(stream.stream_id)
        reply = await asked
        self.assertEqual(reply.body[:3], b"FLV")
        return int(reply.body[4])


def _all(connection: socket.socket) -> bytes:
    data = b""
    while piece := connection.recv(1 << 16):
        data += piece
    return data
