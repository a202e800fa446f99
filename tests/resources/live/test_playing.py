"""Who watches, quickly and slowly."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.task import deferLater

from imsys.config import LiveConfig
from imsys.protocols.media import Media
from imsys.protocols.rtmp import messages
from imsys.protocols.rtmp.client import Purpose
from imsys.resources.live.cache import LATE
from imsys.resources.live.rtmp_connection import RtmpSettings
from imsys.security.tickets import Right
from imsys.store.live import LiveState
from tests.resources.live.peer import Peer
from tests.resources.live.scene import LiveCase
from tests.resources.live.watching import AAC, AVC, METADATA, inter, key, sound


class PlayingTests(LiveCase):
    live = LiveConfig(streams=1000, players=3)

    async def test_bad_keys(self) -> None:
        """Without a key for the stream nobody watches: they are told, closed, and the key is not logged."""
        stream, other = await self.stream(), await self.stream()
        expired = self.tickets.issue(stream.stream_id, self.bert, Right.PLAY, life=-1)
        for bad in (self.key(other, Right.PLAY), self.key(stream, Right.PUBLISH), expired, "hunter2"):
            await self.refused(self.url(stream, Right.PLAY, key=bad), Purpose.PLAY, "NetStream.Play.Failed")
            self.assertNotIn(bad, "\n".join(self.lines))
        self.assertEqual(self.closed("it may not play"), 4)

    async def test_not_found(self) -> None:
        """A stream that is over is not found."""
        stream = await self.stream()
        await self.stores.live.end(stream.stream_id)
        await self.refused(self.url(stream, Right.PLAY), Purpose.PLAY, "NetStream.Play.StreamNotFound")
        self.assertEqual(len(self.streams), 0)

    async def test_elsewhere(self) -> None:
        """A stream of another server, where none can be fetched, is not found here."""
        stream = await self.stream(server="resources2")
        await self.stores.live.mark_live(stream.stream_id, "resources2", away=60)
        await self.refused(self.url(stream, Right.PLAY), Purpose.PLAY, "NetStream.Play.StreamNotFound")

    async def test_nobody_comes(self) -> None:
        """Who waits for a publisher that does not come is told that it is over.

        The stream itself waits on.
        """
        stream = await self.stream()
        player = await self.player(stream)
        self.nobody_comes()
        await self.until(lambda: player.gone, "it is closed")
        self.assertTrue(player.over)
        self.assertEqual(len(self.streams), 0)
        found = await self.stores.live.find(stream.stream_id)
        self.assertEqual(found and found.state, LiveState.WAITING)

    async def test_a_key_to_begin_with(self) -> None:
        """Who has begun goes on when its key has expired."""
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        publisher.publish([AVC, key(0)])
        await self.sees(player, [AVC.payload, key(0).payload])
        self.late = 1e6
        publisher.publish([inter(40)])
        await self.sees(player, [AVC.payload, key(0).payload, inter(0).payload])

    async def test_too_many(self) -> None:
        """So many may watch, and one more is told so; who leaves makes room."""
        stream = await self.stream()
        await self.publisher(stream)
        players = [await self.player(stream) for _ in range(3)]
        await self.refused(self.url(stream, Right.PLAY), Purpose.PLAY, "NetStream.Play.Failed")
        players[0].close()
        await self.until(lambda: self.broadcast(stream).players == 2, "one has left")
        await self.player(stream)

    async def test_changes(self) -> None:
        """Other metadata and another header in the middle of a stream reach who watches, and who comes later."""
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        other = Media(METADATA.kind, 60, METADATA.payload[:-3] + b"\x00\x01a\x05\x00\x00\x09")
        header = Media(AVC.kind, 60, AVC.payload + b"2", header=True)
        sent = [METADATA, AVC, AAC, key(0), sound(20), other, header, key(80)]
        publisher.publish(sent)
        await self.sees(player, [one.payload for one in sent])
        late = await self.player(stream)
        await self.sees(late, [one.payload for one in (other, header, AAC, key(80))])

    async def test_pauses(self) -> None:
        """Who pauses gets nothing until it goes on, and then begins with a key frame."""
        stream = await self.stream()
        publisher, player, other = (
            await self.publisher(stream),
            await self.player(stream),
            await self.player(stream),
        )
        publisher.publish([AVC, key(0)])
        await self.sees(player, [AVC.payload, key(0).payload])
        player.rtmp.pause(True)
        player.flush()
        await self.until(lambda: other.seen, "the other sees it")
        broadcast = self.broadcast(stream)
        await self.until(lambda: not broadcast.in_step(self.connection(player)), "it has paused")
        publisher.publish([inter(40), inter(80), key(1000, 30), inter(1040)])
        await self.until(lambda: len(other.seen) == 6, "the other sees it")
        self.assertEqual(len(player.seen), 2)
        await deferLater(self.reactor, 0.05)
        self.assertEqual(len(player.seen), 2)
        player.rtmp.pause(False)
        player.flush()
        await self.until(lambda: len(player.seen) >= 4, "it goes on")
        publisher.publish([inter(1080)])
        await self.until(lambda: player.seen[-1].timestamp == 1080, "it is in step")

    async def test_sound_alone(self) -> None:
        """Who wants no pictures gets none, and when it wants them again they begin with the next key frame.

        Sound never stops.
        """
        stream = await self.stream()
        publisher, player, other = (
            await self.publisher(stream),
            await self.player(stream),
            await self.player(stream),
        )
        publisher.publish([AVC, AAC, key(0), sound(5)])
        await self.until(lambda: len(player.seen) == len(other.seen) == 4, "both see it")
        await self.wish(player, "receiveVideo", False)
        publisher.publish([inter(40), sound(45), key(80), sound(85)])
        await self.until(lambda: len(player.seen) == 6, "it hears it")
        self.assertEqual([one.payload for one in player.seen[4:]], [sound(45).payload, sound(85).payload])
        await self.wish(player, "receiveVideo", True)
        publisher.publish([inter(120), key(160), sound(165)])
        await self.until(lambda: player.seen[-1].timestamp == 165, "it sees again")
        self.assertEqual(
            [one.payload for one in player.seen[6:]],
            [AVC.payload, AAC.payload, key(160).payload, sound(165).payload],
        )
        await self.until(lambda: len(other.seen) == 11, "the other has seen everything")

    async def wish(self, player: Peer, what: str, wanted: bool) -> None:
        before = self.connection(player).encoding
        player.rtmp._link.command(messages.command(1, what, 0, None, wanted))
        player.flush()
        await self.until(lambda: self.connection(player).encoding is not before, "its wish is known")

    async def test_stops_playing(self) -> None:
        """A connection may stop to play, and play again."""
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        publisher.publish([AVC, key(0)])
        await self.sees(player, [AVC.payload, key(0).payload])
        player.rtmp.close()
        player.flush()
        await self.until(lambda: self.broadcast(stream).players == 0, "it watches no more")
        self.assertFalse(player.gone)


class SlowTests(LiveCase):
    live = LiveConfig(streams=1000, behind=3.0, cache=4 << 20)
    settings = RtmpSettings(begin=20.0, bitrate=1 << 30, longest=1 << 22)

    async def crowd(self) -> tuple[Peer, Peer, list[Peer]]:
        """A publisher, one who does not read, and forty-nine who do."""
        stream = await self.stream()
        publisher, slow = await self.publisher(stream), await self.player(stream)
        others = [await self.player(stream, tls=number % 10 == 0) for number in range(49)]
        publisher.publish([METADATA, AVC, AAC, key(0)])
        await self.until(lambda: all(len(one.seen) == 4 for one in (slow, *others)), "all watch")
        slow.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        slow.transport.pauseProducing()
        self.shown = stream
        return publisher, slow, others

    async def show(self, publisher: Peer, others: list[Peer], second: int, size: int = 10_000) -> list[Media]:
        """A second of film, as soon as it has come to all."""
        sent = [
            key(second * 1000, size),
            *(inter(second * 1000 + number * 40, size) for number in range(1, 25)),
        ]
        before = [len(one.seen) for one in others]
        publisher.publish(sent)
        await self.until(
            lambda: all(len(one.seen) == count + 25 for one, count in zip(others, before, strict=True)),
            "all see it",
        )
        for one in others:
            self.assertEqual(one.seen[-25:], sent)
            if second % 10:
                del one.seen[4:]
        return sent

    async def test_recovers(self) -> None:
        """Who stops reading is behind, and then goes on with a key frame: neither the others nor the memory
        notice.
        """
        publisher, slow, others = await self.crowd()
        broadcast, connection = self.broadcast(self.shown), self.connection(slow)
        second, missed = 0, 0
        while missed < 5:
            self.assertLess(second, 12 + missed, "the kernel keeps too much for it")
            second += 1
            await self.show(publisher, others, second)
            missed += not broadcast.in_step(connection)
            self.assertLess(unsent(connection), 1 << 20)
        await deferLater(self.reactor, LATE)  # what it has missed is no more
        await self.show(publisher, others, second := second + 1)
        slow.transport.resumeProducing()
        await self.until(lambda: broadcast.in_step(connection), "it is in step again")
        await self.show(publisher, others, second := second + 1)
        await self.until(lambda: slow.seen[-1].timestamp == second * 1000 + 960, "it sees what they see")
        self.assertLess(len(slow.seen), 25 * second)
        self.check_groups(slow.seen[4:])

    def check_groups(self, seen: list[Media]) -> None:
        """What is missing is the rest of a group, and whole groups: each begins with its key frame, and has
        no gaps.
        """
        latest = 0
        for media in seen:
            if not media.key:
                self.assertEqual(media.timestamp - latest, 40)
            latest = media.timestamp

    async def test_closed(self) -> None:
        """Who goes on not reading is closed after a while; the others see everything."""
        publisher, slow, others = await self.crowd()
        second = 0
        for second in range(1, 400):
            await self.show(publisher, others, second)
            await deferLater(self.reactor, 0.05)
            if self.closed("behind"):
                break
        self.assertEqual(self.closed("it was behind for more than 3 s"), 1)
        self.assertEqual(self.broadcast(self.shown).players, 49)
        await self.show(publisher, others, second + 1)
        slow.transport.resumeProducing()
        await self.until(lambda: slow.gone, "it is closed")


def unsent(connection: Any) -> int:
    """Bytes that wait for a client in this process."""
    transport = connection.transport
    return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)
