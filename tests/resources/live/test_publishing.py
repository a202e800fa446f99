"""Who publishes, and who may not."""

from __future__ import annotations

import itertools
import signal
from typing import Any

from twisted.internet.defer import Deferred

from imsys.config import LiveConfig
from imsys.errors import Status, Unavailable
from imsys.protocols.identifiers import encode_id, new_file_id
from imsys.protocols.media import Kind, Media, media
from imsys.protocols.rtmp.client import Purpose
from imsys.resources.live.rtmp_connection import RtmpSettings
from imsys.security.tickets import Right
from imsys.store.live import LiveState
from tests.resources.live.programs import film, publishing
from tests.resources.live.scene import SERVER, LiveCase
from tests.resources.live.watching import AAC, AVC, METADATA, inter, key, sound

BAD_NAME = "NetStream.Publish.BadName"


class KeyTests(LiveCase):
    async def test_bad_keys(self) -> None:
        """Forged, foreign and expired keys, keys for something else, and none at all: told so, closed, and
        never in the log.
        """
        stream, other = await self.stream(), await self.stream()
        good = self.key(stream, Right.PUBLISH)
        expired = self.tickets.issue(stream.stream_id, self.anna, Right.PUBLISH, life=-1)
        keys = {
            "forged": good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"),
            "foreign": self.key(other, Right.PUBLISH),
            "to play": self.key(stream, Right.PLAY),
            "to write": self.key(stream, Right.WRITE),
            "expired": expired,
            "nonsense": "hunter2",
            "none": "",
            "of another": self.key(stream, Right.PUBLISH, self.bert),
        }
        for what, bad in keys.items():
            url = self.url(stream, Right.PUBLISH).partition("?")[0] + f"?key={bad}"
            failure = await self.refused(url, Purpose.PUBLISH, BAD_NAME)
            self.assertNotIn(bad or "?key=", failure.description, what)
            self.assertNotIn("ticket", failure.description, what)  # it is a key for who has it
        self.assertEqual(self.closed("it may not publish"), len(keys))
        said = "\n".join(self.lines)
        for what, bad in keys.items():
            self.assertFalse(bad and bad in said, what)
        found = await self.stores.live.find(stream.stream_id)
        self.assertEqual((found and found.state, len(self.streams)), (LiveState.WAITING, 0))

    async def test_signed_out(self) -> None:
        """Keys end with the sign-in by which they were had: nobody begins with one, and who publishes or
        plays by one is closed.
        """
        stream = await self.stream()
        key_of = {
            (right, sign_in): self.tickets.issue(stream.stream_id, user, right, 43200, sign_in=sign_in * 32)
            for right, user in ((Right.PUBLISH, self.anna), (Right.PLAY, self.bert))
            for sign_in in ("aa", "bb")
        }
        publisher = await self.peer(
            self.url(stream, Right.PUBLISH, key=key_of[Right.PUBLISH, "aa"]), Purpose.PUBLISH
        )
        players = [
            await self.peer(self.url(stream, Right.PLAY, key=key_of[Right.PLAY, sign_in]), Purpose.PLAY)
            for sign_in in ("aa", "bb")
        ]
        await self.until(
            lambda: publisher.started and all(player.started for player in players), "all have begun"
        )
        self.over.add("aa" * 32)
        await self.granted.look()
        await self.until(lambda: publisher.gone and players[0].gone, "both are closed")
        self.assertFalse(players[1].gone)
        self.assertEqual(len(self.granted), 1)
        await self.refused(
            self.url(stream, Right.PUBLISH, key=key_of[Right.PUBLISH, "aa"]), Purpose.PUBLISH, BAD_NAME
        )
        await self.refused(
            self.url(stream, Right.PLAY, key=key_of[Right.PLAY, "aa"]), Purpose.PLAY, "NetStream.Play.Failed"
        )
        again = await self.peer(
            self.url(stream, Right.PUBLISH, key=key_of[Right.PUBLISH, "bb"]), Purpose.PUBLISH
        )
        await self.until(lambda: again.started, "who signed in again goes on")

    async def test_no_such_stream(self) -> None:
        """A stream that is over, or never was, cannot be published."""
        stream = await self.stream()
        await self.stores.live.end(stream.stream_id)
        await self.refused(self.url(stream, Right.PUBLISH), Purpose.PUBLISH, BAD_NAME)
        never = new_file_id()
        url = f"rtmp://127.0.0.1:{self.plain.port}/live/{encode_id(never)}?key={self.tickets.issue(never, self.anna, Right.PUBLISH)}"
        await self.refused(url, Purpose.PUBLISH, BAD_NAME)
        await self.refused(f"rtmp://127.0.0.1:{self.plain.port}/live/cats?key=x", Purpose.PUBLISH, BAD_NAME)
        await self.refused(
            f"rtmp://127.0.0.1:{self.plain.port}/vod/cats?key=x",
            Purpose.PUBLISH,
            "NetConnection.Connect.Rejected",
        )
        self.assertEqual(len(self.streams), 0)

    async def test_key_of_the_application(self) -> None:
        """Some programs write the key behind the application."""
        stream = await self.stream()
        name = encode_id(stream.stream_id)
        url = f"rtmp://127.0.0.1:{self.plain.port}/live?key={self.key(stream, Right.PUBLISH)}"
        peer = await self.peer(url, Purpose.PUBLISH, greets=False)
        peer.rtmp = type(peer.rtmp)(f"live?key={self.key(stream, Right.PUBLISH)}", name, Purpose.PUBLISH)
        peer.greets = True
        peer.flush()
        await self.until(lambda: peer.started, "the publisher may begin")


class OnlyOneTests(LiveCase):
    async def test_second_is_refused(self) -> None:
        """A second publisher is refused while the first one sends."""
        stream = await self.stream()
        first, player = await self.publisher(stream), await self.player(stream)
        first.publish([AVC, key(0)])
        await self.sees(player, [AVC.payload, key(0).payload])
        await self.refused(self.url(stream, Right.PUBLISH), Purpose.PUBLISH, BAD_NAME)
        first.publish([inter(40)])
        await self.sees(player, [AVC.payload, key(0).payload, inter(0).payload])

    async def test_takes_over(self) -> None:
        """When the first one has sent nothing for five seconds the second takes over.

        Players go on, in time.
        """
        stream = await self.stream()
        first, player = await self.publisher(stream), await self.player(stream)
        first.publish([METADATA, AVC, key(0), inter(40)])
        await self.sees(player, [one.payload for one in (METADATA, AVC, key(0), inter(0))])
        self.broadcast(stream).fed_at -= 5.1  # five seconds pass
        second = await self.publisher(stream)
        await self.until(lambda: first.gone, "the first is closed")
        self.assertEqual(first.failure and first.failure.code, "NetStream.Publish.Failed")
        second.publish([AVC, key(0)])
        await self.until(lambda: len(player.seen) == 6, "the player goes on")
        self.assertGreater(player.seen[-1].timestamp, 40)
        header, picture = player.seen[-2:]
        self.assertLessEqual(header.timestamp, picture.timestamp)
        self.assertFalse(player.gone)
        self.assertEqual(self.told.count((stream.stream_id, LiveState.WAITING)), 0)

    async def test_while_the_database_is_asked(self) -> None:
        """Who comes back after a long time is neither silent nor dead while the database takes its time."""
        stream = await self.stream()
        await self.player(stream)
        self.broadcast(stream).fed_at -= 100  # it was away
        asked, answered = Deferred[None](), Deferred[None]()
        self.addCleanup(answered.addErrback, lambda _: None)
        self.addCleanup(answered.cancel)
        began = self.stores.live.mark_live

        async def slowly(*arguments: Any, **more: Any) -> Any:
            asked.callback(None)
            await answered
            return await began(*arguments, **more)

        self.patch(self.stores.live, "mark_live", slowly)
        first = await self.peer(self.url(stream, Right.PUBLISH), Purpose.PUBLISH)
        await asked
        self.streams._look()
        await self.refused(self.url(stream, Right.PUBLISH), Purpose.PUBLISH, BAD_NAME)
        answered.callback(None)
        await self.until(lambda: first.started or first.failure or first.gone, "it may begin")
        self.assertTrue(first.started)


class ComingAndGoingTests(LiveCase):
    async def test_comes_back(self) -> None:
        """A publisher that was killed, and comes back in time, finds its players there."""
        stream = await self.stream()
        player = await self.player(stream)
        publisher = self.run_program(*publishing(self.url(stream, Right.PUBLISH), film(), loop=True))
        await self.until(lambda: len(player.seen) > 60, "the player sees something")
        publisher.send(signal.SIGKILL)
        await self.until_state(stream, LiveState.WAITING)
        self.assertFalse(player.gone)
        before = len(player.seen)
        self.run_program(*publishing(self.url(stream, Right.PUBLISH), film(), loop=True))
        await self.until(lambda: len(player.seen) > before + 60, "the player goes on")
        stamps = [one.timestamp for one in player.seen if not one.header]
        self.assertTrue(all(after - earlier > -200 for earlier, after in itertools.pairwise(stamps)), stamps)
        self.assertEqual(
            [state for _, state in self.told], [LiveState.LIVE, LiveState.WAITING, LiveState.LIVE]
        )

    async def test_published_by_one_connection_twice(self) -> None:
        """A connection may stop, and then publish again."""
        stream = await self.stream()
        peer, player = await self.publisher(stream), await self.player(stream)
        peer.publish([AVC, key(0)])
        await self.sees(player, [AVC.payload, key(0).payload])
        peer.rtmp.close()
        peer.flush()
        await self.until_state(stream, LiveState.WAITING)
        self.assertFalse(peer.gone or player.gone)

    async def test_pause_in_doubt(self) -> None:
        """That the publisher has gone is told although the database did not say that it has it, whether it
        has it or not.
        """
        paused = self.stores.live.mark_waiting
        for number, stored in enumerate((True, False), 1):
            stream = await self.stream()
            publisher = await self.publisher(stream)
            lost = [True]

            async def lossy(
                *arguments: Any, stored: bool = stored, lost: list[bool] = lost, **more: Any
            ) -> Any:
                if not lost:
                    return await paused(*arguments, **more)
                lost.clear()
                if stored:
                    await paused(*arguments, **more)
                raise Unavailable(Status.MYSQL_INTERNAL_ERROR, "The database did not answer.")

            self.patch(self.stores.live, "mark_waiting", lossy)
            publisher.close()
            await self.until(lambda: (stream.stream_id, LiveState.WAITING) in self.told, "the thread is told")  # noqa: B023
            self.assertEqual(len(self.told), 2 * number)


class EndTests(LiveCase):
    async def test_stays_away(self) -> None:
        """When the publisher does not come back players are told.

        The stream is left to those who tell its thread, and is due.
        """
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        publisher.publish([AVC, key(0)])
        await self.sees(player, [AVC.payload, key(0).payload])
        publisher.close()
        await self.until_state(stream, LiveState.WAITING)
        self.nobody_comes()
        await self.until(lambda: player.gone, "the player is closed")
        self.assertTrue(player.over)
        self.assertEqual(
            ([state for _, state in self.told], len(self.streams)), ([LiveState.LIVE, LiveState.WAITING], 0)
        )
        await self.database.write(
            lambda tx: tx.execute("UPDATE live_streams SET due_at = due_at - ?", round(self.live.away * 1000))
        )
        self.assertEqual(await self.stores.live.due(), [stream.stream_id])

    async def test_stopped(self) -> None:
        """LIVE_STOP, which a chat server passes on, closes everybody at once."""
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        await self.stores.live.end(stream.stream_id, self.anna)
        self.streams.end(stream.stream_id)
        self.streams.end(stream.stream_id)
        await self.until(lambda: player.gone and publisher.gone, "both are closed")
        self.assertTrue(player.over)
        assert publisher.failure is not None
        self.assertIn("over", publisher.failure.description)
        await self.refused(self.url(stream, Right.PUBLISH), Purpose.PUBLISH, BAD_NAME)

    async def test_stopped_elsewhere(self) -> None:
        """If nobody passes it on, it is seen in the database with the next beat."""
        stream, waited = await self.stream(), await self.stream()
        publisher, player, early = (
            await self.publisher(stream),
            await self.player(stream),
            await self.player(waited),
        )
        publisher.publish([AVC, key(0)])
        await self.stores.live.end(stream.stream_id)
        await self.until(lambda: player.gone and publisher.gone, "both are closed")
        self.assertTrue(player.over)
        await self.stores.live.end(waited.stream_id)
        await self.until(lambda: early.gone, "nobody will come")

    async def test_blocked(self) -> None:
        """Who was blocked sends no more, and those who watched see no more of it.

        The same if they are the ones who were blocked.
        """
        for blocker, blocked in ((self.bert, self.anna), (self.anna, self.bert)):
            stream = await self.stream()
            publisher, player = await self.publisher(stream), await self.player(stream)
            await self.stores.contacts.block(blocker, blocked, True)
            await self.until(
                lambda here=(player, publisher): all(one.gone for one in here),  # type: ignore[misc]
                "both are closed",
            )
            await self.refused(self.url(stream, Right.PUBLISH), Purpose.PUBLISH, BAD_NAME)
            await self.stores.contacts.block(blocker, blocked, False)

    async def test_back_before_the_beat_is_answered(self) -> None:
        """What the database said of a stream before its publisher came back is no reason to close them."""
        stream = await self.stream()
        first = await self.publisher(stream)
        first.close()
        await self.until_state(stream, LiveState.WAITING)
        beat, answered, slow = self.stores.live.beat, Deferred[None](), [True]
        self.addCleanup(answered.addErrback, lambda _: None)
        self.addCleanup(answered.cancel)

        async def slowly(*arguments: Any, **more: Any) -> set[bytes]:
            if not slow:
                return await beat(*arguments, **more)
            slow.clear()
            await answered
            return {stream.stream_id}

        self.patch(self.stores.live, "beat", slowly)
        beating = Deferred.fromCoroutine(self.streams._beat())
        second = await self.publisher(stream)
        answered.callback(None)
        await beating
        self.assertIs(self.streams.own(stream.stream_id), self.broadcast(stream))
        second.publish([AVC, key(0)])
        await self.until_begun(stream)

    async def test_moved(self) -> None:
        """A stream that another server has by now is let go of."""
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        move = "UPDATE live_streams SET server = 'resources2' WHERE stream_id = ?"
        await self.database.write(lambda tx: tx.execute(move, stream.stream_id))
        await self.until(lambda: player.gone and publisher.gone, "both are closed")
        found = await self.stores.live.find(stream.stream_id)
        self.assertEqual((found and found.server, found and found.state), ("resources2", LiveState.LIVE))

    async def test_server_stops(self) -> None:
        """When the server stops everybody is told, and the stream waits for its publisher."""
        stream = await self.stream()
        publisher, player, tls = (
            await self.publisher(stream),
            await self.player(stream),
            await self.player(stream, tls=True),
        )
        publisher.publish([AVC, key(0)])
        await self.sees(tls, [AVC.payload, key(0).payload])
        await self.stop()
        await self.until(lambda: player.gone and publisher.gone and tls.gone, "all are closed")
        self.assertTrue(player.over and tls.over)
        found = await self.stores.live.find(stream.stream_id)
        self.assertEqual((found and found.state, found and found.server), (LiveState.WAITING, SERVER))
        self.assertEqual(len(self.rtmp.connections), 0)


class LimitTests(LiveCase):
    live = LiveConfig(silence=1.0, streams=1000)
    settings = RtmpSettings(begin=20.0, bitrate=100_000, longest=1 << 18)
    capacity = 5

    async def test_stalled(self) -> None:
        """A time in which the server itself did not run is nobody's fault."""
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        publisher.publish([AVC, key(0)])
        await self.sees(player, [AVC.payload, key(0).payload])
        publisher.publish([inter(40)])
        await self.until(lambda: len(player.seen) == 3, "it goes on")
        looked = self.streams._looked
        self.streams._looked -= 100  # as after a hundred seconds in which nothing was done
        self.broadcast(stream).fed_at -= 100
        await self.until(lambda: self.streams._looked >= looked + 0.5, "it has looked")
        self.assertFalse(publisher.gone)
        self.assertEqual(self.closed(""), 0)

    async def test_silent(self) -> None:
        """A publisher that sends nothing is closed, and told why."""
        stream = await self.stream()
        publisher = await self.publisher(stream)
        publisher.publish([AVC])
        await self.until(lambda: publisher.gone, "it is closed")
        assert publisher.failure is not None
        self.assertIn("nothing", publisher.failure.description)
        await self.until_state(stream, LiveState.WAITING)
        self.assertEqual(self.closed("nothing for 1 s"), 1)

    async def test_too_much(self) -> None:
        """A publisher that sends more than it may is closed; its players stay for the next."""
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        publisher.publish([AVC, key(0, 60_000), inter(40, 10_000)])
        await self.until(lambda: publisher.gone, "it is closed")
        assert publisher.failure is not None
        self.assertIn("bits", publisher.failure.description)
        self.assertEqual(self.closed("100000 bits"), 1)
        self.assertFalse(player.gone)

    async def test_too_many_connections(self) -> None:
        """Of those who have not said what they want the oldest makes room for who comes, and never one who
        publishes or plays.
        """
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        url = f"rtmp://127.0.0.1:{self.plain.port}/live/x"
        silent = [await self.peer(url, Purpose.PLAY, greets=False) for _ in range(5)]
        await self.until(
            lambda: all(peer.gone for peer in silent[:3]), "those who were here first are closed"
        )
        self.assertFalse(any(peer.gone for peer in (*silent[3:], publisher, player)))
        another = await self.player(stream)
        publisher.publish([AVC, key(0)])
        await self.sees(another, [AVC.payload, key(0).payload])


class HastyTests(LiveCase):
    settings = RtmpSettings(begin=1.0, bitrate=100_000, longest=1 << 18)

    async def test_says_nothing(self) -> None:
        """Who connects and says nothing, or does not say what it wants, is closed."""
        silent = await self.peer(f"rtmp://127.0.0.1:{self.plain.port}/live/x", Purpose.PLAY, greets=False)
        undecided = await self.peer(f"rtmps://127.0.0.1:{self.tls.port}/live/x", Purpose.PLAY, greets=False)
        undecided.transport.write(undecided.rtmp.take())
        await self.until(lambda: silent.gone and undecided.gone, "both are closed")
        self.assertEqual(self.closed("too long"), 2)


class ClockTests(LiveCase):
    async def test_back_in_time(self) -> None:
        """A publisher whose clock is set back goes on, for players as if it had not been.

        What comes beside has no time.
        """
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        publisher.publish([AVC, AAC, key(20_000), sound(19_800), inter(20_040)])
        await self.until(lambda: len(player.seen) == 5, "all is seen")
        hevc_end = media(Kind.VIDEO, 0, b"\xa2hvc1")
        publisher.publish(
            [inter(100), sound(60), media(Kind.VIDEO, 0, AVC.payload + b"2"), hevc_end, inter(140)]
        )
        await self.until(lambda: len(player.seen) == 10, "all the rest, too")
        stamps = [one.timestamp for one in player.seen[4:]]
        self.assertTrue(0 < stamps[1] - stamps[0] < 2000, stamps)
        self.assertEqual([stamp - stamps[1] for stamp in stamps[1:]], [0, -40, -100, -100, 40])
        self.assertFalse(publisher.gone)

    async def test_data(self) -> None:
        """Data that nobody can read are dropped, which is logged once; the stream goes on."""
        stream = await self.stream()
        publisher, player = await self.publisher(stream), await self.player(stream)
        broken = [Media(Kind.DATA, 0, METADATA.payload + more) for more in (b"\x11", b"\0\0\x09")]
        publisher.publish([*broken, AVC, key(0), *broken, inter(40)])
        await self.sees(player, [AVC.payload, key(0).payload, inter(40).payload])
        self.assertEqual(sum("are dropped" in line for line in self.lines), 1)
