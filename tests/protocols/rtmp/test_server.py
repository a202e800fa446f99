"""A connection as its server sees it: what a publisher and a player say, and what they hear."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import PeerFault
from imsys.protocols import flv
from imsys.protocols.media import Kind, media
from imsys.protocols.rtmp import amf0, chunks, messages
from imsys.protocols.rtmp.amf0 import Value
from imsys.protocols.rtmp.chunks import ChunkReader, Message, encode
from imsys.protocols.rtmp.messages import Event, MetadataCleared, Type
from imsys.protocols.rtmp.server import (
    BEFORE,
    ConnectRequested,
    KindsWanted,
    MediaReceived,
    Paused,
    PlayRequested,
    PublishRequested,
    Resumed,
    ServerConnection,
    ServerEvent,
    State,
    StreamClosed,
)
from tests.protocols.rtmp.sender import heard, pieces

LONGEST = 1_000_000
HELLO = b"\x03" + bytes(3072)
SECRET = "tickettickettick"
METADATA = amf0.encode("onMetaData", {"width": 640})


def command(name: str, *arguments: Value, transaction: float = 7, stream: int = 1) -> bytes:
    return encode(messages.command(stream, name, transaction, *arguments), 3, 128)


def picture(size: int = 100, time: int = 0, kind: int = Type.VIDEO) -> bytes:
    return encode(Message(kind, time, 1, b"\x27\x01".ljust(size, b"v")), 6, 128)


CONNECT = HELLO + command(
    "connect", {"app": "live", "tcUrl": f"rtmp://host/live?key={SECRET}"}, transaction=1, stream=0
)
CREATE = command("createStream", None, transaction=2, stream=0)
PUBLISH = command("publish", None, f"abc?key={SECRET}", "live")
PLAY = command("play", None, f"abc?x=1&key={SECRET}", -2000)


class Peer:
    """Somebody at the other end of a connection, and a server that grants what is asked for."""

    def __init__(self) -> None:
        self.connection = ServerConnection(LONGEST)
        self.grants: dict[type, Callable[[], None]] = {
            ConnectRequested: self.connection.accept_connect,
            PublishRequested: self.connection.accept_publish,
            PlayRequested: self.connection.accept_play,
        }
        self._reader = ChunkReader(LONGEST)
        self._shaken = False

    def say(self, data: bytes) -> list[ServerEvent]:
        """Send, and grant; gives back what the server makes of it."""
        events: list[ServerEvent] = []
        for event in self.connection.receive(data):
            events.append(event)
            if type(event) in self.grants:
                self.grants[type(event)]()
        return events

    def hear(self) -> list[Message]:
        """What the server has sent since the last time."""
        data = self.connection.take()
        if not self._shaken and data:
            data, self._shaken = data[len(HELLO) :], True
        return heard(self._reader, data)

    def told(self) -> list[tuple[str, float, list[Value]]]:
        """The commands of it."""
        return [messages.read_command(message) for message in self.hear() if message.type == Type.COMMAND]

    def codes(self) -> list[object]:
        """The codes of the statuses and errors of it."""
        arguments = [values[-1] for _, _, values in self.told()]
        return [value["code"] for value in arguments if isinstance(value, dict) and "code" in value]


def publisher() -> Peer:
    peer = Peer()
    peer.say(CONNECT + CREATE + PUBLISH)
    peer.hear()
    return peer


def player() -> Peer:
    peer = Peer()
    peer.say(CONNECT + CREATE + PLAY)
    peer.hear()
    return peer


class ConnectTests(SynchronousTestCase):
    def test_connect(self) -> None:
        """Who connects is told the window, the bandwidth and the chunk size, and that it is welcome."""
        peer = Peer()
        self.assertEqual(peer.say(CONNECT), [ConnectRequested("live")])
        *control, answer = peer.hear()
        self.assertEqual([message.type for message in control], [Type.WINDOW, Type.PEER_BANDWIDTH])
        name, transaction, (_, information) = messages.read_command(answer)
        self.assertEqual((name, transaction), ("_result", 1.0))
        assert isinstance(information, dict)
        self.assertEqual(information["code"], "NetConnection.Connect.Success")
        self.assertEqual(information["objectEncoding"], 0)
        self.assertEqual(peer._reader.chunk_size, chunks.OUR_CHUNK)

    def test_key_in_the_application(self) -> None:
        """A key may be behind the application's name, which may end with a slash."""
        peer = Peer()
        (event,) = peer.say(HELLO + command("connect", {"app": f"live/?key={SECRET}"}))
        self.assertEqual(event, ConnectRequested("live", SECRET))
        self.assertNotIn(SECRET, repr(event))

    def test_refused(self) -> None:
        """An application that there is not is an error, and nothing more is looked at."""
        peer = Peer()
        peer.grants[ConnectRequested] = lambda: peer.connection.refuse_connect(
            "There is no such application."
        )
        peer.say(CONNECT + b"\x00" * 100)
        self.assertEqual(peer.codes(), ["NetConnection.Connect.Rejected"])
        self.assertEqual(peer.say(b"\x00" * 10_000), [])

    def test_enhanced(self) -> None:
        """Of enhanced RTMP, the peer's codecs are echoed and those capabilities that pass through.

        Nonsense is left out.
        """
        request: dict[str, Value] = {
            "app": "live",
            "fourCcList": ["hvc1", "av01", 5.0, "too long"],
            "videoFourCcInfoMap": {"*": 4.0, "nonsense": 1.0},
            "audioFourCcInfoMap": "x",
            "capsEx": 15.0,
        }
        peer = Peer()
        peer.say(HELLO + command("connect", request))
        information = peer.told()[0][2][1]
        assert isinstance(information, dict)
        self.assertEqual(information["fourCcList"], ["hvc1", "av01"])
        self.assertEqual(information["videoFourCcInfoMap"], {"*": 4.0})
        self.assertNotIn("audioFourCcInfoMap", information)
        self.assertEqual(information["capsEx"], 14.0)

    def test_answer_later(self) -> None:
        """Until a request is answered, what follows is held; then it goes on from there."""
        peer = Peer()
        peer.grants.clear()
        self.assertEqual(peer.say(CONNECT + CREATE), [ConnectRequested("live")])
        self.assertEqual(peer.say(PUBLISH), [])
        self.assertTrue(peer.connection.waiting)
        self.assertGreater(peer.connection.pending, 0)
        peer.connection.accept_connect()
        self.assertEqual(peer.say(b""), [PublishRequested("live", "abc", SECRET)])
        self.assertEqual(peer.say(picture()), [])
        peer.connection.accept_publish()
        self.assertEqual(len(peer.say(b"")), 1)
        self.assertEqual((peer.connection.waiting, peer.connection.pending), (False, 0))
        self.assertRaises(RuntimeError, peer.connection.accept_publish)

    def test_too_much_while_waiting(self) -> None:
        """Who goes on sending while its request waits is not held for ever."""
        peer = Peer()
        del peer.grants[PublishRequested]
        peer.say(CONNECT + CREATE + PUBLISH)
        with self.assertRaises(PeerFault):
            for _ in range(100):
                peer.say(picture(50_000))
        self.assertLess(peer.connection.pending, 400_000)


class PublishTests(SynchronousTestCase):
    def test_publish(self) -> None:
        """A publisher gets its stream, is told that it is live, and what it sends arrives."""
        peer = Peer()
        self.assertEqual(
            peer.say(CONNECT + CREATE + PUBLISH),
            [ConnectRequested("live"), PublishRequested("live", "abc", SECRET)],
        )
        said = peer.hear()
        self.assertEqual(messages.read_command(said[3]), ("_result", 2.0, [None, 1.0]))
        self.assertEqual(messages.read_event(said[4]), (Event.STREAM_BEGIN, 1))
        name, transaction, (_, information) = messages.read_command(said[5])
        assert isinstance(information, dict)
        self.assertEqual(
            (name, transaction, information["code"], said[5].stream),
            ("onStatus", 0.0, "NetStream.Publish.Start", 1),
        )
        data = Message(Type.DATA, 0, 1, messages.SET_DATA_FRAME + METADATA)
        self.assertEqual(
            peer.say(encode(data, 4, 128) + picture(time=40) + picture(time=30, kind=8)),
            [
                MediaReceived(media(Kind.DATA, 0, METADATA)),
                MediaReceived(media(Kind.VIDEO, 40, b"\x27\x01".ljust(100, b"v"))),
                MediaReceived(media(Kind.AUDIO, 30, b"\x27\x01".ljust(100, b"v"))),
            ],
        )

    def test_names(self) -> None:
        """Names are pasted with blanks around, and URLs with a slash too many."""
        for name in (f" abc?key={SECRET}\n", f"/abc?key={SECRET}", f"abc?x=1&key={SECRET}&y=2"):
            events = Peer().say(CONNECT + CREATE + command("play", None, name))
            self.assertEqual(events[-1], PlayRequested("live", "abc", SECRET))

    def test_a_rest(self) -> None:
        """What was on its way when the publisher stopped is nothing."""
        peer = publisher()
        self.assertEqual(peer.say(command("FCUnpublish", None, "abc") + picture()), [StreamClosed()])

    def test_wishes(self) -> None:
        """A player that wants no pictures, or no sound, gets none; what is no wish changes nothing."""
        peer = player()
        for what, wanted, kinds in (
            ("receiveVideo", False, {Kind.AUDIO, Kind.DATA}),
            ("receiveAudio", False, {Kind.DATA}),
            ("receiveVideo", True, {Kind.VIDEO, Kind.DATA}),
        ):
            self.assertEqual(peer.say(command(what, None, wanted)), [KindsWanted(frozenset(kinds))])
        self.assertEqual(
            peer.say(
                command("receiveVideo", None, True)
                + command("receiveAudio", None, 1.0)
                + command("receiveAudio")
            ),
            [],
        )

    def test_as_encoders_do(self) -> None:
        """The calls of Flash Media Encoder, which others repeat, are answered."""
        peer = Peer()
        peer.say(
            CONNECT
            + command("releaseStream", None, "abc", transaction=2)
            + command("FCPublish", None, "abc", transaction=3)
        )
        peer.say(command("_checkbw", None, transaction=4))
        names = [(name, transaction) for name, transaction, _ in peer.told()]
        self.assertEqual(
            names,
            [("_result", 1.0), ("_result", 2.0), ("onFCPublish", 0.0), ("_result", 3.0), ("_result", 4.0)],
        )

    def test_aggregate(self) -> None:
        """An aggregate is the messages within it."""
        tags = b"".join(flv.encode_tag(media(Kind.AUDIO, time, b"ab")) for time in (10, 33))
        events = publisher().say(encode(Message(22, 500, 1, tags), 6, 128))
        self.assertEqual(events, [MediaReceived(media(Kind.AUDIO, time, b"ab")) for time in (500, 523)])

    def test_before_a_bad_aggregate(self) -> None:
        """What came before a message that is refused has arrived."""
        peer = publisher()
        events = []
        with self.assertRaises(PeerFault):
            for event in peer.connection.receive(
                picture() + encode(Message(22, 0, 1, b"xx"), 6, 128) + picture()
            ):
                events.append(event)
        self.assertEqual(len(events), 1)

    def test_cleared(self) -> None:
        """Metadata can be taken back."""
        data = Message(Type.DATA, 0, 1, amf0.encode("@clearDataFrame", "onMetaData"))
        self.assertEqual(publisher().say(encode(data, 4, 128)), [MetadataCleared()])

    def test_long_messages(self) -> None:
        """Only who publishes may send long messages, and not longer than the limit."""
        peer = publisher()
        (event,) = peer.say(picture(LONGEST))
        assert isinstance(event, MediaReceived)
        self.assertEqual(len(event.media.payload), LONGEST)
        self.assertRaises(PeerFault, peer.say, picture(LONGEST + 1))
        self.assertRaises(PeerFault, player().say, picture(BEFORE + 1)[:200])

    def test_refused(self) -> None:
        """A publisher that is refused is told why, and may ask again."""
        peer = Peer()
        peer.grants[PublishRequested] = lambda: peer.connection.refuse_publish("Somebody else sends it.")
        peer.say(CONNECT + CREATE + PUBLISH)
        self.assertEqual(peer.codes()[-1], "NetStream.Publish.BadName")
        self.assertEqual(peer.say(PUBLISH), [PublishRequested("live", "abc", SECRET)])

    def test_ends(self) -> None:
        """A publisher ends by any of three calls, once, and may publish again."""
        for end in (
            command("FCUnpublish", None, "abc"),
            command("closeStream", None),
            command("deleteStream", None, 1),
        ):
            peer = publisher()
            self.assertEqual(peer.say(end + end), [StreamClosed()])
            self.assertEqual(peer.codes()[0], "NetStream.Unpublish.Success")
            self.assertEqual(peer.say(CREATE + PUBLISH), [PublishRequested("live", "abc", SECRET)])

    def test_told_to_go(self) -> None:
        """A publisher that breaks a limit is told so, and not heard any more."""
        peer = publisher()
        peer.connection.fail("More bits per second than are allowed.")
        self.assertEqual(peer.codes(), ["NetStream.Publish.Failed"])
        self.assertEqual(peer.say(picture() + b"\x00" * 1000), [])


class PlayTests(SynchronousTestCase):
    def test_play(self) -> None:
        """A player is told that its stream begins, is reset, and starts; only then come media."""
        peer = Peer()
        self.assertEqual(
            peer.say(CONNECT + CREATE + PLAY),
            [ConnectRequested("live"), PlayRequested("live", "abc", SECRET)],
        )
        said = peer.hear()[4:]
        self.assertEqual(messages.read_event(said[0]), (Event.STREAM_BEGIN, 1))
        statuses = [messages.read_command(message).arguments[1] for message in said[1:3]]
        codes = [status["code"] for status in statuses if isinstance(status, dict)]
        self.assertEqual(codes, ["NetStream.Play.Reset", "NetStream.Play.Start"])
        self.assertEqual(amf0.decode(said[3].payload), ["|RtmpSampleAccess", True, True])

    def test_pause(self) -> None:
        """A player pauses and goes on, and is told so."""
        peer = player()
        self.assertEqual(
            peer.say(command("pause", None, True, 100) + command("pause", None, False, 100)),
            [Paused(), Resumed()],
        )
        self.assertEqual(peer.codes(), ["NetStream.Pause.Notify", "NetStream.Unpause.Notify"])

    def test_polite(self) -> None:
        """What a live stream cannot do is refused, and what may be asked is answered; the player goes on."""
        peer = player()
        peer.say(
            command("seek", None, 1000)
            + command("play2", None, {})
            + command("nonsense", None)
            + command("getStreamLength", None, "abc")
        )
        told = peer.told()
        self.assertEqual([name for name, _, _ in told], ["onStatus", "onStatus", "_error", "_result"])
        self.assertEqual(told[3][2], [None, 0.0])
        self.assertIs(peer.connection.state, State.PLAYING)

    def test_refused(self) -> None:
        """A player that is refused is told why."""
        peer = Peer()
        peer.grants[PlayRequested] = lambda: peer.connection.refuse_play("There is no such stream.")
        peer.say(CONNECT + CREATE + PLAY)
        self.assertEqual(peer.codes()[-1], "NetStream.Play.StreamNotFound")

    def test_over(self) -> None:
        """A player is told when the stream is over."""
        peer = player()
        peer.connection.over()
        said = peer.hear()
        self.assertEqual(messages.read_event(said[1]), (Event.STREAM_EOF, 1))
        codes = [messages.read_command(said[index]).arguments[1] for index in (0, 2)]
        self.assertEqual(
            [status["code"] for status in codes if isinstance(status, dict)],
            ["NetStream.Play.UnpublishNotify", "NetStream.Play.Stop"],
        )
        self.assertEqual(peer.say(command("deleteStream", None, 1)), [])

    def test_leaves(self) -> None:
        """A player leaves."""
        peer = player()
        self.assertEqual(peer.say(command("deleteStream", None, 1)), [StreamClosed()])


class FlowTests(SynchronousTestCase):
    def test_acknowledgements(self) -> None:
        """We acknowledge what comes as often as the peer wants it, and remember what it acknowledges."""
        peer = publisher()
        peer.say(
            encode(messages.control(Type.WINDOW, 10_000), 2)
            + encode(messages.control(Type.ACKNOWLEDGEMENT, 4242), 2)
        )
        self.assertEqual(peer.connection.acknowledged, 4242)
        for _ in range(5):
            peer.say(picture(5000))
        said = [message for message in peer.hear() if message.type == Type.ACKNOWLEDGEMENT]
        self.assertEqual(len(said), 2)
        self.assertGreater(messages.read_number(said[1]) - messages.read_number(said[0]), 9_999)

    def test_tiny_window(self) -> None:
        """A window of one byte does not make us talk after each."""
        peer = publisher()
        peer.say(encode(messages.control(Type.WINDOW, 0), 2) + encode(messages.control(Type.WINDOW, 1), 2))
        peer.hear()
        for _ in range(100):
            peer.say(picture(20))
        self.assertLess(len(peer.hear()), 3)

    def test_pings(self) -> None:
        """A ping comes back with its time; ours go out."""
        peer = player()
        peer.say(
            encode(messages.user_control(Event.PING, 77), 2) + encode(messages.user_control(Event.PONG, 1), 2)
        )
        peer.say(encode(messages.set_buffer_length(1, 3000), 2))
        peer.connection.ping(0x100000005)
        self.assertEqual(
            [messages.read_event(message) for message in peer.hear()], [(Event.PONG, 77), (Event.PING, 5)]
        )


class OrderTests(SynchronousTestCase):
    def test_closed(self) -> None:
        """What no peer that knows RTMP does: any of this closes its connection."""
        for data in (
            HELLO + CREATE,
            HELLO + PUBLISH,
            CONNECT + CONNECT[len(HELLO) :],
            CONNECT + picture(),
            HELLO + command("connect", None),
            HELLO + command("connect", {"app": 5.0}),
            HELLO + command("connect", {"app": "x" * 5000}),
            CONNECT + CREATE + command("publish", None, "x" * 5000, "live"),
            CONNECT + CREATE + command("publish", None),
            CONNECT + CREATE + command("play", None, None),
            CONNECT + encode(Message(Type.COMMAND, 0, 0, b"\x03" * 100), 3, 128),
            CONNECT + CREATE + PLAY + picture(),
        ):
            with self.subTest(data=data[3073:]):
                fault = self.assertRaises(PeerFault, Peer().say, data)
                self.assertNotIn("abc", str(fault))
                self.assertNotIn("xxx", str(fault))
                self.assertNotIn(SECRET, str(fault))

    def test_refused(self) -> None:
        """What is only too soon or too often is an error for the peer, and what it does goes on."""
        for data, code in (
            (CONNECT + PUBLISH, "NetStream.Publish.BadName"),
            (CONNECT + PLAY, "NetStream.Play.Failed"),
            (CONNECT + CREATE + command("publish", None, "abc", stream=0), "NetStream.Publish.BadName"),
            (CONNECT + CREATE + PUBLISH + PUBLISH, "NetStream.Publish.BadName"),
            (CONNECT + CREATE + PUBLISH + PLAY, "NetStream.Play.Failed"),
            (CONNECT + CREATE + PUBLISH + CREATE, "NetConnection.Call.Failed"),
            (CONNECT + CREATE + command("pause", None, True, 0), "NetStream.Pause.Failed"),
        ):
            peer = Peer()
            peer.say(data)
            self.assertEqual(peer.codes()[-1], code)

    def test_secrets(self) -> None:
        """Neither what is asked nor what is remembered shows a key."""
        wrong = command("publish", None, f"abc;key={SECRET}", "live")
        for peer, data in (
            (Peer(), CONNECT + CREATE + PUBLISH),
            (Peer(), CONNECT + CREATE + PLAY),
            (Peer(), CONNECT + CREATE + wrong),
        ):
            self.assertNotIn(SECRET, repr(peer.say(data)))

    @given(st.lists(st.integers(0, 10**6), max_size=20))
    def test_any_pieces(self, cuts: list[int]) -> None:
        """However the bytes are cut, the events are the same."""
        peer = Peer()
        data = CONNECT + CREATE + PUBLISH + picture(300, 5) + picture(3, 9) + command("deleteStream", None, 1)
        events = [event for piece in pieces(data, cuts) for event in peer.say(piece)]
        self.assertEqual(
            [type(event) for event in events],
            [ConnectRequested, PublishRequested, MediaReceived, MediaReceived, StreamClosed],
        )

    @given(
        st.binary(max_size=300),
        st.sampled_from([b"", HELLO, CONNECT, CONNECT + CREATE + PUBLISH, CONNECT + CREATE + PLAY]),
    )
    def test_garbage(self, garbage: bytes, before: bytes) -> None:
        """Garbage at any point is refused or ignored, and holds nothing."""
        peer = Peer()
        try:
            peer.say(before + garbage)
        except PeerFault as fault:
            self.assertNotIn(SECRET, str(fault))
        self.assertLess(peer.connection.pending, 10_000)
