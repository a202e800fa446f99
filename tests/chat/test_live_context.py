"""Where a live stream is sent and watched, as its users are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.chat.live_context import LiveContext
from imsys.cluster.resources_directory import ResourcesServer
from imsys.config import LiveConfig
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.security.tickets import TicketKeys, Tickets
from imsys.store.live import LiveStream
from tests.support.servers import keys_of_files


class UrlTests(SynchronousTestCase):
    def setUp(self) -> None:
        clock = Clock()
        clock.advance(1_700_000_000)
        self.tickets = Tickets(TicketKeys(Path(keys_of_files().ticket_keys)), clock.seconds, 3600)
        nobody: Any = None
        self.desk = LiveContext(LiveConfig(play_key=30), self.tickets, nobody, nobody, clock.seconds)
        self.stream = LiveStream(
            stream_id=new_file_id(), owner=7, thread_id=1, title="x", server="r", latest_ms=1_700_000_050_000
        )

    def where(self, place: ResourcesServer, *, plaintext: bool) -> str:
        """Up to the stream's name, which is the same to publish and to play."""
        urls = self.desk.watch_urls(self.stream, 8, place, plaintext=plaintext, sign_in=SIGN_IN)
        found = {
            url.partition(encode_id(self.stream.stream_id))[0]
            for url in (urls.play_url, self.publish(place, plaintext=plaintext))
        }
        (where,) = found
        return where

    def publish(self, place: ResourcesServer, *, plaintext: bool = False) -> str:
        return self.desk.publish_url(self.stream, place, plaintext=plaintext, sign_in=SIGN_IN)

    def test_ports(self) -> None:
        """With TLS where that is open; without for who has none, where that is."""
        both, plain, tls = [
            ResourcesServer("r", "h.example", 1, 2, rtmp, rtmps) for rtmp, rtmps in ((5, 6), (5, 0), (0, 6))
        ]
        self.assertEqual(
            [self.where(place, plaintext=False) for place in (both, plain, tls)], [RTMPS, RTMP, RTMPS]
        )
        self.assertEqual(
            [self.where(place, plaintext=True) for place in (both, plain, tls)], [RTMP, RTMP, RTMPS]
        )

    def test_address(self) -> None:
        """An IPv6 address has brackets."""
        place = ResourcesServer("r", "2001:db8::1", 1, 2, 5, 6)
        self.assertEqual(self.where(place, plaintext=False), "rtmps://[2001:db8::1]:6/live/")
        urls = self.desk.watch_urls(self.stream, 8, place, plaintext=False, sign_in=SIGN_IN)
        self.assertTrue(urls.flv_url.startswith("https://[2001:db8::1]:2/live/"), urls)

    def test_lives(self) -> None:
        """The key to publish lives as long as the stream may, that to watch as is configured."""
        place = ResourcesServer("r", "h", 1, 2, 5, 6)
        urls = self.desk.watch_urls(self.stream, 8, place, plaintext=False, sign_in=SIGN_IN)
        tickets = [
            self.tickets.read(url.partition("?key=")[2])
            for url in (self.publish(place), urls.play_url, urls.flv_url, urls.watch_url)
        ]
        self.assertEqual([ticket.expires - 1_700_000_000 for ticket in tickets], [50, 30, 30, 30])
        self.assertEqual({ticket.sign_in for ticket in tickets}, {SIGN_IN})
        self.assertEqual(
            (urls.key_expires, [ticket.user for ticket in tickets]), (1_700_000_030, [7, 8, 8, 8])
        )


RTMP, RTMPS = "rtmp://h.example:5/live/", "rtmps://h.example:6/live/"
SIGN_IN = "5e" * 32
