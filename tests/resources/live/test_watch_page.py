"""The page that plays a stream, in a browser that people have.

Its pictures are kept in the folder that the tests run in.
"""

from __future__ import annotations

import gzip
import json
import re
import time
from pathlib import Path
from typing import Any

from imsys.config import LiveConfig
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.resources.live import viewing, watch_page
from imsys.security.tickets import Right
from imsys.store.live import LiveState, LiveStream
from tests.resources.live.programs import film, imageio_ffmpeg, publishing
from tests.resources.live.web_scene import WebLiveCase
from tests.support.browser import Browser, Page, browser

PAGE, STATE = "/watch/{}", "/watch/{}/state"
PLAYING = "document.body.dataset.state == 'live' && video.currentTime > 0.5"


class WatchPageTests(WebLiveCase):
    """What the server sends."""

    async def test_page(self) -> None:
        """The page has the title, as text whatever is in it.

        It loads only what is ours, and its address is told to nobody.
        """
        stream = await self.stream(title='<b>Cats</b> & "dogs" $title')
        reply = await self.ask("GET", self.path(stream, PAGE))
        self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        text = reply.body.decode()
        self.assertEqual(text.count("&lt;b&gt;Cats&lt;/b&gt; &amp; &quot;dogs&quot; $title"), 2)
        self.assertNotIn("<b>", text)
        self.assertNotIn("key=", text)
        policy = reply.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertNotRegex(text, r"<script(?! src=)|<style| style=| on\w+=")
        self.assertEqual(
            (reply.headers["Referrer-Policy"], reply.headers["X-Content-Type-Options"]),
            ("no-referrer", "nosniff"),
        )
        self.assertEqual(reply.headers["Cache-Control"], "no-store")

    async def test_assets(self) -> None:
        """What the page loads may be kept for a year, and comes compressed to those who take that."""
        text = (await self.ask("GET", self.path(await self.stream(), PAGE))).body.decode()
        paths = re.findall(r'"(/watch/assets/[^"]+)"', text)
        self.assertEqual(len(paths), 3)
        for path in paths:
            plain = await self.ask("GET", path)
            self.assertEqual((plain.status, plain.headers["Content-Encoding"]), (200, None))
            self.assertIn("max-age=31536000, immutable", plain.headers["Cache-Control"])
            packed = await self.ask("GET", path, {"Accept-Encoding": "br, gzip"})
            self.assertEqual(packed.headers["Content-Encoding"], "gzip")
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            refused = await self.ask("GET", path, {"Accept-Encoding": "gzip;q=0"})
            self.assertEqual(refused.headers["Content-Encoding"], None)
        self.assertEqual((await self.ask("GET", "/watch/assets/passwd")).status, 404)

    async def test_refused(self) -> None:
        """Without a key that is right the title stays unknown; the page comes all the same, to say so."""
        stream, other = await self.stream(title="Secret"), await self.stream()
        unknown = self.tickets.issue(new_file_id(), self.bert, Right.PLAY)
        for key, status in (
            ("", 401),
            (self.watch_key(stream, life=-1), 401),
            (self.watch_key(other), 403),
            (unknown, 403),
        ):
            page = await self.ask("GET", self.path(stream, PAGE, key))
            self.assertEqual(page.status, status)
            self.assertIn(b"<title>Live video</title>", page.body)
            self.assertNotIn(b"Secret", page.body)
            self.assertEqual((await self.ask("GET", self.path(stream, STATE, key))).status, status)

    async def test_state(self) -> None:
        """The page is told how the stream is, and gets a new key before the old one is over.

        One that is over gives none.
        """
        self.patch(viewing, "FRESH", 0.0)
        stream = await self.stream()
        self.assertEqual(await self.state(stream), {"state": "waiting", "title": "Cats", "watchers": 0})
        await self.publishing(stream)
        told = await self.state(stream, self.watch_key(stream, life=200))
        self.assertEqual(told["state"], "live")
        ticket = self.tickets.read(told["key"])
        self.assertEqual(
            (ticket.file_id, ticket.user, ticket.right), (stream.stream_id, self.bert, Right.PLAY)
        )
        self.assertGreater(ticket.expires, time.time() + 500)
        await self.stores.live.end(stream.stream_id)
        self.assertEqual(
            await self.state(stream, self.watch_key(stream, life=200)),
            {"state": "ended", "title": "Cats", "watchers": 0},
        )

    async def test_no_key_for_who_may_not(self) -> None:
        """Who was blocked gets no new key: the old one is good for as long as it was."""
        self.patch(viewing, "FRESH", 0.0)
        stream = await self.stream()
        self.assertIn("key", await self.state(stream, self.watch_key(stream, life=200)))
        await self.stores.contacts.block(self.anna, self.bert, True)
        self.assertNotIn("key", await self.state(stream, self.watch_key(stream, life=200)))

    async def test_asked_by_many(self) -> None:
        """However many ask for the state of a stream, the database is asked once in a while."""
        stream, found = await self.stream(), []

        async def find(stream_id: bytes) -> LiveStream | None:
            found.append(stream_id)
            return await self.stores.live.find(stream_id)

        streams = viewing.Streams(self.reactor, find)
        asked = [self.later(streams.find(stream.stream_id)) for _ in range(50)]
        for one in asked:
            self.assertEqual((await one).title, "Cats")
        await streams.find(stream.stream_id)
        self.assertEqual(len(found), 1)

    async def state(self, stream: LiveStream, key: str | None = None) -> dict[str, Any]:
        reply = await self.ask(
            "GET", self.path(stream, STATE, self.watch_key(stream, life=3600) if key is None else key)
        )
        self.assertEqual((reply.status, reply.headers["Cache-Control"]), (200, "no-store"))
        return dict(json.loads(reply.body))


class BrowserTests(WebLiveCase):
    """What people see of it."""

    live = LiveConfig(away=60.0, streams=1000)

    async def setUp(self) -> None:
        await super().setUp()
        self.patch(viewing, "FRESH", 0.0)
        self.patch(watch_page, "POLL", 0.5)
        self.browser: Browser = await browser(self)
        self.violations: list[str] = []
        self.browser.events = self.event

    def event(self, message: dict[str, object]) -> None:
        text = json.dumps(message)
        if "Content Security Policy" in text or message.get("method") == "Runtime.exceptionThrown":
            self.violations.append(text)

    async def shot(self, page: Page, name: str) -> None:
        await page.screenshot(Path(f"watch-{name}.png").absolute())

    async def test_plays(self) -> None:
        """It plays: time advances, the sound can be turned on, it says who watches; when the publisher is
        back it goes on by itself; and in the end it says that it is over."""
        stream = await self.stream(title="Cats, the third evening")
        page = await self.browser.page(width=1280, height=800)
        await page.go(self.link(stream, PAGE))
        await page.until("document.body.dataset.state == 'waiting'")
        await self.shot(page, "waiting")
        publisher = await self.publishing(stream)
        await page.until(PLAYING)
        before = await page.run("video.currentTime")
        await page.until(f"video.currentTime > {before} + 1")
        self.assertEqual(await page.run("video.videoWidth"), 320)
        await page.until("document.getElementById('watchers').textContent == '1 person watching'")
        self.assertEqual(await page.run("document.title"), "Cats, the third evening")
        await self.shot(page, "playing")
        await page.ask(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}]
        )
        await self.shot(page, "playing-dark")
        publisher.kill()
        await self.until_state(stream, LiveState.WAITING)
        await page.until("document.body.dataset.state == 'waiting'")
        await self.publishing(stream)
        await page.until(PLAYING)
        self.streams.end(stream.stream_id)
        await self.stores.live.end(stream.stream_id)
        await page.until("document.body.dataset.state == 'ended'")
        await self.shot(page, "ended")
        self.assertEqual(self.violations, [])

    async def test_narrow(self) -> None:
        """On a phone nothing is cut off, and the keyboard reaches what can be done."""
        stream = await self.stream(
            title="A title that is somewhat longer than the screen of a phone is wide, and then some"
        )
        await self.publishing(stream)
        page = await self.browser.page(width=375, height=720, dark=True, touch=True)
        await page.go(self.link(stream, PAGE))
        await page.until(PLAYING)
        self.assertLessEqual(await page.run("document.documentElement.scrollWidth"), 375)
        await self.shot(page, "narrow-dark")
        await page.ask(
            "Emulation.setDeviceMetricsOverride", width=720, height=375, deviceScaleFactor=1, mobile=True
        )
        await self.shot(page, "landscape")
        await page.press("Tab", 9)
        self.assertIn(await page.run("document.activeElement.id"), ("video", "sound"))
        self.assertEqual(self.violations, [])

    async def test_pauses(self) -> None:
        """Who pauses for long gets nothing meanwhile, and goes on by a key press, with what is sent by then."""
        self.patch(watch_page, "REST", 0.5)
        stream = await self.stream()
        await self.publishing(stream)
        page = await self.browser.page(width=900, height=640)
        await page.go(self.link(stream, PAGE))
        await page.until(PLAYING)
        await page.run("video.pause()")
        await page.until("document.body.dataset.state == 'paused'")
        await self.until(lambda: not self.broadcast(stream).players, "nothing is fetched")
        await self.shot(page, "paused")
        await page.run("document.getElementById('again').focus()")
        await page.press(" ", 32)
        await page.until(PLAYING)
        self.assertEqual(self.violations, [])

    async def test_codec(self) -> None:
        """A stream whose pictures the browser cannot play is said to be one."""
        stream = await self.stream(title="In HEVC")
        ffmpeg = imageio_ffmpeg()
        path = film(ffmpeg, "libx265")
        self.run_program(*publishing(self.url(stream, Right.PUBLISH), path, ffmpeg=ffmpeg, loop=True))
        await self.until_begun(stream)
        page = await self.browser.page(width=900, height=640)
        await page.go(self.link(stream, PAGE))
        await page.until("document.body.dataset.state == 'codec'")
        await self.shot(page, "codec")

    async def test_av1(self) -> None:
        """AV1 is shown, over one key frame after the other, though its publisher tells of its colours as
        well.
        """
        stream = await self.stream(title="In AV1")
        ffmpeg = imageio_ffmpeg()
        path = film(ffmpeg, "libsvtav1")
        self.run_program(*publishing(self.url(stream, Right.PUBLISH), path, ffmpeg=ffmpeg, loop=True))
        await self.until_begun(stream)
        page = await self.browser.page(width=900, height=640)
        await page.go(self.link(stream, PAGE))
        await page.until(PLAYING)
        await page.until("video.currentTime > 3.5")
        self.assertEqual(await page.run("video.videoWidth"), 320)

    async def test_sounds(self) -> None:
        """Pictures whose sound the browser cannot play are shown without it, and it says so.

        FLAC is heard.
        """
        ffmpeg = imageio_ffmpeg()
        silent = "!document.getElementById('silent').hidden"
        for sound, heard in ((("pcm_alaw", "-ar", "8000", "-ac", "1"), False), (("flac",), True)):
            stream = await self.stream(title=f"With {sound[0]}")
            path = film(ffmpeg, sound=sound)
            self.run_program(*publishing(self.url(stream, Right.PUBLISH), path, ffmpeg=ffmpeg, loop=True))
            await self.until_begun(stream)
            page = await self.browser.page(width=900, height=640)
            await page.go(self.link(stream, PAGE))
            await page.until(PLAYING)
            self.assertEqual(await page.run(f"[video.videoWidth, {silent}]"), [320, not heard])
            await page.until(f"(video.webkitAudioDecodedByteCount > 0) == {str(heard).lower()}")
            await self.shot(page, f"sound-{sound[0]}")
        self.assertEqual([one for one in self.violations if "Content Security" in one], [])

    async def test_errors(self) -> None:
        """Who cannot watch is told why."""
        stream, other = await self.stream(), await self.stream()
        await self.publishing(other)
        ended = await self.stream(title="Yesterday's")
        await self.stores.live.end(ended.stream_id)
        for name, link, state in (
            ("refused", self.link(stream, PAGE, "nonsense"), "refused"),
            ("expired", self.link(stream, PAGE, self.watch_key(stream, life=-1)), "expired"),
            ("over", self.link(ended, PAGE), "ended"),
            (
                "missing",
                f"https://127.0.0.1:{self.https_port.port}/watch/{encode_id(new_file_id())[:-1]}?key=x",
                "missing",
            ),
        ):
            page = await self.browser.page(width=900, height=640)
            await page.go(link)
            await page.until(f"document.body.dataset.state == '{state}'")
            await self.shot(page, name)
        page = await self.browser.page(width=375, height=640)
        await page.ask(
            "Page.addScriptToEvaluateOnNewDocument",
            source="delete window.MediaSource; delete window.ManagedMediaSource;",
        )
        await page.go(self.link(other, PAGE))
        await page.until("document.body.dataset.state == 'incapable'")
        await self.shot(page, "incapable")
        self.assertEqual(self.violations, [])

    async def test_server_away(self) -> None:
        """When the server is gone the page says so, and goes on when it is back."""
        stream = await self.stream()
        page = await self.browser.page(width=900, height=640)
        await page.go(self.link(stream, PAGE))
        await page.until("document.body.dataset.state == 'waiting'")
        port = self.https_port.port
        await self.halt(self.https_port, self.http)
        await page.until("document.body.dataset.state == 'lost'")
        await self.shot(page, "lost")
        self.https_port._wanted = port
        self.http.startService()
        self.https_port.startService()
        self.parts[:0] = [self.http, self.https_port]
        await page.until("document.body.dataset.state == 'waiting'")
        self.assertEqual([one for one in self.violations if "Content Security" in one], [])
