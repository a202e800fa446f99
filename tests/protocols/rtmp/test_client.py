"""Our client and our server, byte by byte and in one go."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import PeerFault
from imsys.protocols.media import Kind, Media, media
from imsys.protocols.rtmp import amf0, messages
from imsys.protocols.rtmp.chunks import encode, encode_media
from imsys.protocols.rtmp.client import ClientConnection, ClientEvent, Failed, Over, Purpose, Started
from imsys.protocols.rtmp.server import (
    ConnectRequested,
    MediaReceived,
    PlayRequested,
    PublishRequested,
    ServerConnection,
    ServerEvent,
    StreamClosed,
)

SENT = [
    media(Kind.DATA, 0, amf0.encode("onMetaData", {"width": 1.0})),
    media(Kind.VIDEO, 0, b"\x17\x00" + bytes(40)),
    media(Kind.VIDEO, 0xFFFFFF, b"\x17\x01" + bytes(200_000)),
    media(Kind.AUDIO, 0x1000020, b"\xaf\x01" + bytes(300)),
]


class Pair:
    """A client and a server, and the wire between them."""

    def __init__(self, purpose: Purpose, *, step: int = 1 << 20, refuse: str = "") -> None:
        self.client = ClientConnection("live", "abc?key=secret", purpose)
        self.server = ServerConnection(1 << 20)
        self.heard: list[ClientEvent] = []
        self.events: list[ServerEvent] = []
        self._step = step
        self._refuse = refuse

    def exchange(self, *, more: bytes = b"") -> None:
        """Until nobody has anything to say."""
        while (up := self.client.take()) + (down := self.server.take() + more):
            more = b""
            for start in range(0, len(up), self._step):
                for event in self.server.receive(up[start : start + self._step]):
                    self.events.append(event)
                    self._answer(event)
            for start in range(0, len(down), self._step):
                self.heard.extend(self.client.receive(down[start : start + self._step]))

    def _answer(self, event: ServerEvent) -> None:
        if isinstance(event, ConnectRequested):
            self.server.refuse_connect("No.") if self._refuse == "connect" else self.server.accept_connect()
        elif isinstance(event, PublishRequested):
            self.server.refuse_publish("No.") if self._refuse == "publish" else self.server.accept_publish()
        elif isinstance(event, PlayRequested):
            self.server.refuse_play("No.") if self._refuse == "play" else self.server.accept_play()


class ClientTests(SynchronousTestCase):
    def test_publish(self) -> None:
        """What a client publishes arrives as it was, however the bytes are cut."""
        for step in (1, 1000, 1 << 20):
            pair = Pair(Purpose.PUBLISH, step=step)
            pair.exchange()
            self.assertEqual(pair.heard, [Started()])
            for message in SENT:
                pair.client.send(message)
            pair.exchange()
            pair.client.close()
            pair.exchange()
            self.assertEqual(pair.events[1], PublishRequested("live", "abc", "secret"))
            self.assertEqual(pair.events[2:], [*(MediaReceived(message) for message in SENT), StreamClosed()])

    def test_play(self) -> None:
        """What a client plays arrives as it was."""
        for step in (1, 1000, 1 << 20):
            pair = Pair(Purpose.PLAY, step=step)
            pair.exchange()
            pair.exchange(more=b"".join(encode_media(message) for message in SENT))
            pair.client.pause(True)
            pair.client.ping(5)
            pair.exchange()
            pair.server.over()
            pair.exchange()
            self.assertEqual(pair.heard, [Started(), *(MediaReceived(message) for message in SENT), Over()])
            self.assertEqual(pair.events[1], PlayRequested("live", "abc", "secret"))

    def test_refused(self) -> None:
        """A client is told why it is refused."""
        for purpose, what, code in (
            (Purpose.PUBLISH, "connect", "NetConnection.Connect.Rejected"),
            (Purpose.PUBLISH, "publish", "NetStream.Publish.BadName"),
            (Purpose.PLAY, "play", "NetStream.Play.StreamNotFound"),
        ):
            pair = Pair(purpose, refuse=what)
            pair.exchange()
            self.assertEqual(pair.heard, [Failed(code, "No.")])
            self.assertRaises(RuntimeError, pair.client.send, Media(Kind.AUDIO, 0, b"xx"))

    def test_bad_server(self) -> None:
        """A server that speaks something else is a fault, and so is one with other streams."""
        self.assertRaises(
            PeerFault, list, ClientConnection("live", "abc", Purpose.PLAY).receive(b"HTTP/1.1 400")
        )
        client = ClientConnection("live", "abc", Purpose.PLAY)
        answer = encode(messages.command(0, "_result", 2, None, 5), 3, 128)
        self.assertRaises(PeerFault, list, client.receive(b"\x03" + bytes(3072) + answer))
