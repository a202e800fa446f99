"""One stream, and players of every kind."""

from __future__ import annotations

import dataclasses

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused
from imsys.protocols.media import Kind, Media, media
from imsys.resources.budget import Budget
from imsys.resources.live.broadcast import SOUND, Broadcast
from imsys.resources.live.cache import LATE, STILL, TRACKS, Cache
from tests.resources.live.watching import AAC, AVC, METADATA, Plain, Watcher, inter, key, sound

PATIENCE = 10.0


class Stage(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.plain = Plain()
        self.budget = Budget(150_000)
        self.cache = Cache(100_000, 1000, self.clock.seconds, self.budget)
        self.broadcast = Broadcast(
            self.cache, self.clock, lambda call: self.clock.callLater(0, call), most=100, patience=PATIENCE
        )

    def feed(self, *messages: Media) -> None:
        for message in messages:
            self.broadcast.feed(message)

    def turn(self, *messages: Media) -> None:
        """All of these come in one turn of the reactor."""
        self.feed(*messages)
        self.clock.advance(SOUND)

    def watcher(self, room: int = 1 << 40, encoding: Plain | None = None) -> Watcher:
        watcher = Watcher(encoding or self.plain, room)
        self.broadcast.join(watcher)
        return watcher


class JoiningTests(Stage):
    def test_before_the_publisher(self) -> None:
        """Who is there before the first message gets all of them, untouched."""
        watcher = self.watcher()
        stream = [METADATA, AVC, AAC, sound(0), key(0), inter(40), sound(23)]
        self.turn(*stream)
        self.assertEqual(watcher.seen, stream)

    def test_starts_at_once(self) -> None:
        """Who comes late gets the metadata, the headers at the time of what follows, and the newest group of
        pictures, at once.
        """
        self.turn(
            dataclasses.replace(METADATA, timestamp=30),
            AVC,
            AAC,
            key(0),
            inter(40),
            key(1000),
            sound(1010),
            inter(1040),
        )
        watcher = self.watcher()
        expected = [(0, METADATA.payload), (1000, AVC.payload), (1000, AAC.payload)]
        self.assertEqual([(one.timestamp, one.payload) for one in watcher.seen[:3]], expected)
        self.assertEqual(watcher.seen[3:], [key(1000), sound(1010), inter(1040)])
        self.turn(inter(1080))
        self.assertEqual(watcher.seen[6:], [inter(1080)])

    def test_in_the_middle_of_a_turn(self) -> None:
        """Who comes while others wait for the end of the turn gets nothing twice, and they miss nothing."""
        first = self.watcher()
        self.feed(AVC, key(0), inter(40))
        second = self.watcher()
        self.turn(inter(80))
        self.assertEqual(first.seen, [AVC, key(0), inter(40), inter(80)])
        self.assertEqual(second.seen, first.seen)

    def test_changed_headers(self) -> None:
        """A header that changes in the middle of a group is where it was.

        The next group begins with the new one alone.
        """
        changed = media(Kind.VIDEO, 60, b"\x17\x00\x00\x00\x00other")
        self.turn(AVC, AAC, key(0), inter(40), changed, inter(80))
        self.assertEqual(self.watcher().seen, [AVC, AAC, key(0), inter(40), changed, inter(80)])
        self.turn(key(1000))
        seen = self.watcher().seen
        self.assertEqual([one.payload for one in seen], [changed.payload, AAC.payload, key(0).payload])

    def test_tracks(self) -> None:
        """Each track of enhanced RTMP has its header, up to a bound.

        What is more is passed on, and not kept.
        """

        def track(number: int, note: bytes = b"hvcC") -> Media:
            return media(Kind.VIDEO, 0, b"\x96\x00hvc1" + bytes((number,)) + note)

        self.turn(*(track(number) for number in range(TRACKS + 5)), track(1, b"other"), key(0))
        seen = self.watcher().seen
        expected = [track(0), track(1, b"other"), *(track(number) for number in range(2, TRACKS)), key(0)]
        self.assertEqual([one.payload for one in seen], [one.payload for one in expected])

    def test_key_frames_of_other_tracks(self) -> None:
        """One begins with a key frame of the first track: those of others come behind it."""
        other = media(Kind.VIDEO, 0, b"\x96\x01hvc1\x01picture")
        self.assertTrue(other.key)
        self.turn(AVC, key(0), other, inter(40))
        self.assertEqual(self.watcher().seen, [AVC, key(0), other, inter(40)])

    def test_colours(self) -> None:
        """What describes the colours of a high dynamic range is kept as a header is."""
        colours = media(Kind.VIDEO, 0, b"\xd4hvc1colorInfo")
        self.turn(AVC, colours, key(0))
        self.turn(key(1000))
        self.assertEqual(
            [one.payload for one in self.watcher().seen], [AVC.payload, colours.payload, key(0).payload]
        )

    def test_pictures_that_need_others(self) -> None:
        """What a publisher sends before its first key frame is of use to nobody."""
        watcher = self.watcher()
        self.turn(AVC, inter(0), sound(0), key(40), inter(80))
        self.broadcast.restart()
        self.turn(inter(0), key(40))
        kinds = [(one.kind, one.key) for one in watcher.seen if not one.header]
        video, audio = Kind.VIDEO, Kind.AUDIO
        self.assertEqual(kinds, [(audio, False), (video, True), (video, False), (video, True)])

    def test_sound_alone(self) -> None:
        """Where there are no pictures one begins with any message, and nothing old is kept."""
        self.turn(METADATA, AAC, sound(0), sound(23))
        watcher = self.watcher()
        self.turn(sound(46))
        self.assertEqual(
            [one.payload for one in watcher.seen], [METADATA.payload, AAC.payload, sound(46).payload]
        )
        self.clock.advance(LATE + 1)
        self.turn(sound(69))
        self.assertEqual(self.cache.held, len(sound(69).payload))

    def test_pictures_that_cease(self) -> None:
        """A stream whose pictures have ceased is one of sound."""
        self.turn(AVC, AAC, key(0))
        for second in range(int(STILL) + 1):
            self.clock.advance(1)
            self.turn(sound(1000 * second))
        watcher = self.watcher()
        self.turn(sound(20000))
        self.assertEqual(watcher.seen[-1], sound(20000))
        self.assertNotIn(Kind.VIDEO, [one.kind for one in watcher.seen if not one.header])

    def test_pictures_that_come_again(self) -> None:
        """Who began with sound alone gets no picture before a key frame.

        Who comes before that has nothing to begin with.
        """
        self.turn(AVC, AAC, key(0))
        for second in range(int(STILL) + 1):
            self.clock.advance(1)
            self.turn(sound(1000 * second))
        deaf, blind = Watcher(self.plain), self.watcher()
        self.turn(inter(12000), sound(12010))
        self.broadcast.join(deaf)
        self.turn(inter(12040), key(12080), inter(12120))
        for watcher in (blind, deaf):
            pictures = [one for one in watcher.seen if one.kind is Kind.VIDEO and not one.header]
            self.assertEqual(pictures, [key(12080), inter(12120)])

    def test_pictures_that_come_again_for_who_has_all(self) -> None:
        """Who has seen all of them goes on.

        Others wait for a key frame, since that of these pictures is kept no more.
        """
        early = self.watcher()
        self.turn(AVC, key(0))
        for second in range(int(STILL) + 1):
            self.clock.advance(1)
            self.turn(sound(1000 * second))
        self.turn(inter(12000), sound(12010))
        late = self.watcher()
        self.turn(inter(12040), key(12080), inter(12120))
        self.assertEqual(
            early.seen[-5:], [inter(12000), sound(12010), inter(12040), key(12080), inter(12120)]
        )
        self.assertEqual([one.payload for one in late.seen], [AVC.payload, key(0).payload, inter(0).payload])

    def test_metadata_of_no_time(self) -> None:
        """A publisher that comes back, and whose metadata say 0 as always, goes on where the stream is.

        New ones are no fault of its.
        """
        watcher = self.watcher()
        self.turn(METADATA, AVC, key(0), inter(3_600_000), METADATA)
        self.broadcast.restart()
        self.turn(METADATA, dataclasses.replace(AVC, timestamp=3_601_000), key(3_601_000))
        self.assertLess(max(one.timestamp for one in watcher.seen), 3_601_000)

    def test_too_large_a_group(self) -> None:
        """A group of pictures that is more than the cache may hold is forgotten: who comes then waits for the
        next.
        """
        early = self.watcher()
        self.turn(AVC, key(0, 50_000), inter(40, 50_000), inter(80))
        self.assertEqual(self.cache.held, 0)
        late = self.watcher()
        self.turn(inter(120))
        self.assertEqual(late.seen, [])
        self.turn(key(1000))
        self.assertEqual(
            early.seen, [AVC, key(0, 50_000), inter(40, 50_000), inter(80), inter(120), key(1000)]
        )
        self.assertEqual([one.payload for one in late.seen], [AVC.payload, key(1000).payload])

    def test_too_much_of_all(self) -> None:
        """All streams together keep no more than they may.

        Who has nothing to begin with waits, and whoever is in step goes on.
        """
        early = self.watcher()
        self.budget.take(100_000)  # another stream's
        self.turn(AVC, key(0), inter(40, 49_000), inter(80, 5_000), inter(120))
        self.assertEqual((len(early.seen), self.cache.start), (5, None))
        self.assertLessEqual(self.budget.taken, 150_000)
        late = self.watcher()
        self.assertEqual(late.seen, [])
        self.turn(key(160), inter(200))
        self.assertEqual(
            [one.payload for one in late.seen], [AVC.payload, key(160).payload, inter(200).payload]
        )
        self.assertEqual(self.budget.taken, 100_000 + self.cache.held)
        self.broadcast.over("done")
        self.assertEqual((self.budget.taken, self.cache.held), (100_000, 0))

    def test_too_many_messages(self) -> None:
        """The cache is bounded in messages as well."""
        self.turn(key(0), *(inter(stamp, 5) for stamp in range(1, 1001)))
        self.assertIsNone(self.cache.start)

    def test_too_many_players(self) -> None:
        """So many may watch, and no more; what only passes the stream on does not count."""
        watchers = [self.watcher() for _ in range(100)]
        self.assertEqual(self.assertRaises(Refused, self.watcher).status, 73)
        self.broadcast.join(Watcher(self.plain), watches=False)
        self.assertEqual(self.broadcast.players, 100)
        self.broadcast.leave(watchers[0])
        self.watcher()

    def test_encoded_once(self) -> None:
        """A message is encoded once, however many watch.

        And a turn's messages are one write of the same bytes.
        """
        watchers = [self.watcher() for _ in range(50)]
        self.turn(AVC, key(0), inter(40))
        self.assertEqual(self.plain.made, 3)
        for watcher in watchers:
            self.assertEqual(len(watcher.writes), 1)
            self.assertIs(watcher.writes[0], watchers[0].writes[0])

    def test_sound_waits_for_pictures(self) -> None:
        """Sound is written with the picture that follows; if there is none soon, alone.

        And without pictures at once.
        """
        watcher = self.watcher()
        self.feed(AAC, sound(0))
        self.clock.advance(0)
        self.assertEqual(len(watcher.writes), 1)
        self.turn(AVC, key(20))
        self.feed(sound(23))
        self.clock.advance(SOUND / 2)
        self.feed(sound(46))
        self.assertEqual(len(watcher.writes), 2)
        self.feed(inter(60))
        self.clock.advance(0)
        self.assertEqual((len(watcher.writes), self.clock.getDelayedCalls()), (3, []))
        self.feed(sound(69))
        self.clock.advance(SOUND)
        self.assertEqual(len(watcher.writes), 4)
        self.assertEqual(watcher.seen[4:], [sound(23), sound(46), inter(60), sound(69)])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_two_encodings(self) -> None:
        """Players of two kinds watch the same."""
        other = Plain()
        first, second = self.watcher(), self.watcher(encoding=other)
        self.turn(AVC, key(0))
        self.assertEqual(first.seen, second.seen)
        self.assertEqual(other.made, 2)


class SlowTests(Stage):
    def test_goes_on_where_it_was(self) -> None:
        """Who is only a little behind misses nothing."""
        slow, quick = self.watcher(room=50), self.watcher()
        self.turn(AVC, key(0), inter(40))
        self.turn(inter(80), inter(120))
        self.clock.advance(1)
        self.turn(key(1000), inter(1040))
        self.assertNotEqual(slow.seen, quick.seen)
        while slow.behind:
            slow.unsent = 0
            self.broadcast.resume(slow)
        self.turn(inter(1080))
        self.assertEqual(slow.seen, quick.seen)

    def test_drops_whole_groups(self) -> None:
        """Who is further behind goes on with the newest key frame, after the headers that have changed
        meanwhile, and no others.
        """
        slow, quick = self.watcher(room=50), self.watcher()
        changed = media(Kind.VIDEO, 2000, b"\x17\x00\x00\x00\x00other")
        self.turn(METADATA, AVC, AAC, key(0), inter(40))
        begun = list(slow.seen)
        self.assertEqual(begun, quick.seen)
        for second in (1, 2, 3, 4, 5):
            self.clock.advance(1)
            self.turn(
                *([changed] if second == 2 else [dataclasses.replace(AAC, timestamp=second * 1000)]),
                key(second * 1000),
                inter(second * 1000 + 40),
                sound(second * 1000 + 50),
            )
        slow.room, slow.unsent = 1 << 40, 0
        self.broadcast.resume(slow)
        after = slow.seen[len(begun) :]
        self.assertEqual([one.payload for one in after[:2]], [changed.payload, key(5000).payload])
        self.assertEqual(after[2:], [inter(5040), sound(5050)])
        self.turn(inter(5080))
        self.assertEqual(slow.seen[-1], inter(5080))
        self.assertEqual(len(quick.seen), 26)

    def test_no_room_for_headers(self) -> None:
        """Who has no room for more than the headers gets them, and the rest when there is room."""
        self.turn(AVC, key(0))
        slow = self.watcher(room=5)
        self.assertEqual(slow.seen, [AVC])
        slow.unsent = 0
        self.broadcast.resume(slow)
        self.assertEqual(slow.seen, [AVC, key(0)])

    def test_waits_for_nobody(self) -> None:
        """What waits for a slow player is bounded, whatever comes; and the others get everything."""
        slow, quick = self.watcher(room=1000), self.watcher()
        self.turn(AVC, key(0, 500))
        for number in range(500):
            self.turn(inter(number, 400))
        self.assertLess(slow.most_unsent, 2000)
        self.assertEqual(len(quick.seen), 502)

    def test_closed_past_the_limit(self) -> None:
        """Who has no room for too long is closed; the others stay."""
        slow, quick = self.watcher(room=50), self.watcher()
        self.turn(AVC, key(0, 100))
        self.turn(inter(40))
        self.clock.advance(PATIENCE - 1)
        self.broadcast.look()
        self.assertIsNone(slow.ended)
        self.clock.advance(2)
        self.broadcast.look()
        self.assertIn("behind", slow.ended or "")
        self.assertIsNone(quick.ended)
        self.assertEqual(self.broadcast.players, 1)

    def test_waiting_for_a_key_frame_is_not_being_slow(self) -> None:
        """Who waits for something to begin with is not closed for it."""
        self.turn(AVC, key(0, 50_000), inter(40, 60_000))
        late = self.watcher()
        self.clock.advance(PATIENCE + 1)
        self.turn(inter(80))
        self.broadcast.look()
        self.assertIsNone(late.ended)

    def test_pause(self) -> None:
        """Who pauses gets nothing until it goes on, and then begins with a key frame."""
        watcher = self.watcher()
        self.turn(AVC, key(0))
        watcher.paused = True
        self.broadcast.hold(watcher)
        for second in range(1, int(PATIENCE) + 3):
            self.clock.advance(1)
            self.turn(key(second * 1000), inter(second * 1000 + 40))
            self.broadcast.look()
        self.assertEqual((len(watcher.seen), watcher.ended), (2, None))
        watcher.paused = False
        self.broadcast.resume(watcher)
        self.assertEqual(watcher.seen[2:], [key(12000), inter(12040)])

    def test_a_player_that_fails(self) -> None:
        """A player that cannot be written to is let go of; the others get everything."""

        class Broken(Watcher):
            def write(self, data: bytes) -> None:
                raise OSError("no more")

        broken, whole = Broken(self.plain), Watcher(self.plain)
        self.broadcast.join(broken)
        self.broadcast.join(whole)
        self.turn(AVC, key(0))
        self.turn(inter(40))
        self.assertEqual(len(whole.seen), 3)
        self.assertIsNotNone(broken.ended)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)


class EndTests(Stage):
    def test_the_end(self) -> None:
        """When a stream ends everybody gets the rest of it, and is told once."""
        quick, slow = self.watcher(), self.watcher(room=5)
        self.turn(AVC, key(0))
        self.feed(inter(40))
        self.broadcast.over("it has ended")
        self.assertEqual(quick.seen, [AVC, key(0), inter(40)])
        self.assertEqual((quick.ended, slow.ended), ("it has ended", "it has ended"))
        self.assertEqual(self.broadcast.players, 0)

    def test_another_publisher(self) -> None:
        """When the publisher comes back, those who stayed get its headers and go on in time.

        Who comes then begins with it.
        """
        stayed = self.watcher()
        self.turn(AVC, AAC, key(0), inter(40))
        self.clock.advance(5)
        self.broadcast.restart()
        other = media(Kind.VIDEO, 0, b"\x17\x00\x00\x00\x00other")
        self.turn(other, AAC)
        came = self.watcher()
        self.turn(key(40))
        self.assertEqual(
            [one.payload for one in stayed.seen[4:]], [other.payload, AAC.payload, key(0).payload]
        )
        self.assertEqual([one.timestamp for one in stayed.seen], [0, 0, 0, 40, 5060, 5060, 5080])
        self.assertEqual([one.payload for one in came.seen], [other.payload, AAC.payload, key(5000).payload])
