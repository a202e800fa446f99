"""One stream on this server: what its publisher sends, to everybody who watches.

Players that are in step get what came in a turn of the reactor as one write of
the same bytes. One whose transport is full gets nothing; when it has room again
it goes on where it was, if that is still in the cache, and else with the newest
key frame. So nobody waits for it, and what waits for it is little: the rest is
in the cache, which is the same for all.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Set
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imsys.errors import Refused, Status
from imsys.protocols.media import Kind, Media
from imsys.resources.live.cache import Cache, describes
from imsys.resources.live.players import START, Encoding, Player, PlayerCursor
from imsys.resources.live.timeline import Timeline

_log = Logger()

SOUND = 0.02
"""Seconds that a piece of sound waits for a picture, to be sent with it: AAC has one every 23 ms, film a
picture every 33 to 42 ms.

A write to a player costs about the same whatever its size, so that this spares a third of what a player
costs.
"""

TOLD = 20.0
"""Seconds for which it counts what another server has told."""

PIECE = 1 << 16
"""Bytes that are written at once to a player that catches up."""


class _Channel:
    """The players of one encoding that are in step, and what was not written to them yet."""

    __slots__ = ("encoding", "pending", "players")

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.players: dict[Player, None] = {}
        self.pending: list[bytes] = []


class Broadcast:
    """Sends one stream to its players.

    :param at_turn_end: calls a function once, at the end of the reactor's turn or soon after it.
    :param most: players at most.
    :param patience: seconds that a player may have no room.
    """

    def __init__(
        self,
        cache: Cache,
        clock: IReactorTime,
        at_turn_end: Callable[[Callable[[], None]], Any],
        most: int,
        patience: float,
    ) -> None:
        self._cache = cache
        self._clock = clock
        self._at_turn_end = at_turn_end
        self._most = most
        self._patience = patience
        self._timeline = Timeline(clock.seconds)
        self._channels: dict[Encoding, _Channel] = {}
        self._cursors: dict[Player, PlayerCursor] = {}  # of those that are not in step
        # those of them that have room, and wait for something to begin with
        self._waiting: dict[Player, None] = {}
        self._watchers: set[Player] = set()
        self._elsewhere: dict[str, tuple[int, float]] = {}
        self._shown = False  # a key frame has come from this publisher
        self._flushing = False  # at the end of this turn
        self._sound: IDelayedCall | None = None  # when what has gathered is written in any case
        self.fed_at = clock.seconds()
        """When the publisher last sent something."""

    @property
    def players(self) -> int:
        """How many watch, here and at the servers that fetch it from here."""
        latest = self._clock.seconds() - TOLD
        return len(self._watchers) + sum(count for count, told in self._elsewhere.values() if told > latest)

    def watched_elsewhere(self, server: str, count: int) -> None:
        """A server that fetches it says how many watch there; it is to say so again and again."""
        self._elsewhere[server] = count, self._clock.seconds()

    @property
    def begun(self) -> bool:
        """Whether who joins now gets something at once."""
        start = self._cache.start
        return start is not None and start < self._cache.end

    def in_step(self, player: Player) -> bool:
        """Whether a player gets everything as it comes."""
        channel = self._channels.get(player.encoding)
        return channel is not None and player in channel.players

    @property
    def idle(self) -> bool:
        """Whether nobody is there, not even who does not count as one that watches."""
        return not self._cursors and not any(channel.players for channel in self._channels.values())

    @property
    def kinds(self) -> Set[Kind]:
        """What the stream has, as far as anybody knows: sound, pictures, data."""
        return self._cache.kinds

    @property
    def settled(self) -> bool:
        """Whether that is all that it has, as far as one can know."""
        return self._cache.settled

    # -- the publisher's side

    def feed(self, media: Media) -> None:
        """The next message of the publisher."""
        place = self._timeline.place if media.coded else self._timeline.beside
        timestamp = place(media.kind, media.timestamp)
        if timestamp != media.timestamp:
            media = dataclasses.replace(media, timestamp=timestamp)
        self.fed_at = self._clock.seconds()
        if media.kind is Kind.VIDEO and not self._shown:
            self._shown = media.key
            if not media.key and not describes(media):
                return  # it needs pictures that nobody has
        entry = self._cache.add(media)
        given = False
        for channel in self._channels.values():
            if channel.players:
                channel.pending.append(entry.encoded(channel.encoding))
                given = True
        if given and not self._flushing:
            self._write_soon(media)
        if self._waiting and self._cache.start is not None:
            for player in list(self._waiting):
                self.resume(player)

    def restart(self) -> None:
        """Another publisher, or the same again, begins."""
        self._shown = False
        self._cache.restart()
        self._timeline.restart()

    def _write_soon(self, media: Media) -> None:
        """Have a picture written when the turn ends, and a piece of sound with the next picture, if that
        comes soon.
        """
        if media.kind is Kind.VIDEO or not self._cache.has_pictures:
            self._flushing = True
            self._at_turn_end(self._flush)
        elif self._sound is None:
            self._sound = self._clock.callLater(SOUND, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        sound, self._sound = self._sound, None
        if sound is not None and sound.active():
            sound.cancel()
        for channel in self._channels.values():
            if channel.pending:
                self._write(channel)

    def _write(self, channel: _Channel) -> None:
        """One write for each player that is in step, of everything that came since the last."""
        pieces, channel.pending = channel.pending, []
        data = channel.encoding.join(pieces)
        for player in tuple(channel.players):
            if player.behind:  # since the last write; who has had room again since then has missed nothing
                self._fall_behind(channel, player, self._cache.end - len(pieces))
                continue
            try:
                player.write(data)
            except Exception:
                _log.failure("a player could not be written to, and is closed")
                self._close(player, "it could not be written to")

    def _fall_behind(self, channel: _Channel, player: Player, at: int) -> None:
        if player in channel.players:
            del channel.players[player]
            cursor = self._cursors[player] = PlayerCursor(player, self._clock.seconds())
            cursor.at = at

    # -- the players' side

    def join(self, player: Player, *, watches: bool = True) -> None:
        """Begin to watch: with what is in the cache, or as soon as something comes that one can begin with.

        :param watches: whether it is counted; what only passes the stream on is not.
        :raises Refused: ``SERVER_BUSY``, there are too many.
        """
        if watches:
            if len(self._watchers) >= self._most:
                raise Refused(Status.SERVER_BUSY, f"At most {self._most} can watch a stream.")
            self._watchers.add(player)
        self._cursors[player] = PlayerCursor(player, self._clock.seconds())
        self.resume(player)

    def leave(self, player: Player) -> None:
        """Watch no more (idempotent)."""
        self._watchers.discard(player)
        self._waiting.pop(player, None)
        self._cursors.pop(player, None)
        channel = self._channels.get(player.encoding)
        if channel is not None:
            channel.players.pop(player, None)
            if not channel.players:
                channel.pending = []

    def hold(self, player: Player) -> None:
        """It is behind from now on, because it wants to be: it has paused. That may last."""
        channel = self._channels.get(player.encoding)
        if channel is not None:
            self._fall_behind(channel, player, self._cache.end - len(channel.pending))
        self._waiting.pop(player, None)
        cursor = self._cursors.get(player)
        if cursor is not None:
            cursor.since = math.inf

    def await_key_frame(self, player: Player) -> None:
        """Have a player that is held begin with a key frame that is still to come: it has had what it wanted
        of the rest.
        """
        cursor = self._cursors.get(player)
        if cursor is not None:
            cursor.at, cursor.earliest = START, self._cache.end

    def resume(self, player: Player) -> None:
        """It has room again: go on from where it was, or from the newest key frame if that is no more."""
        cursor = self._cursors.get(player)
        if cursor is None:
            return
        cursor.since = self._clock.seconds()
        self._waiting.pop(player, None)
        while not player.behind:
            if cursor.at not in self._cache:
                if not self._skip(cursor):
                    self._waiting[player] = None
                    return
                continue  # what it had to have first may have been all that there is room for
            if cursor.at == self._cache.end:
                self._keep_step(player)
                return
            pieces = self._cache.pieces(cursor.at, player.encoding, PIECE)
            cursor.at += len(pieces)
            player.write(player.encoding.join(pieces))

    def _skip(self, cursor: PlayerCursor) -> bool:
        """Go on where one can begin, with what one needs to begin there; false: nowhere yet."""
        start = self._cache.start
        if start is None or start < cursor.earliest:
            return False
        encoding = cursor.player.encoding
        headers = [encoding.encode(media) for media in self._cache.headers(cursor.at, start)]
        if not self._cache.has_pictures:
            self._shown = False  # should there be any again, they have to begin with a key frame for this one
        cursor.at = start
        if headers:
            cursor.player.write(encoding.join(headers))
        return True

    def _keep_step(self, player: Player) -> None:
        del self._cursors[player]
        channel = self._channels.get(player.encoding)
        if channel is None:
            channel = self._channels[player.encoding] = _Channel(player.encoding)
        if channel.pending:
            self._write(channel)  # it has these
        channel.players[player] = None

    def look(self) -> None:
        """Close the players that had no room for too long; to be called every now and then."""
        latest = self._clock.seconds() - self._patience
        for player, cursor in list(self._cursors.items()):
            if cursor.since < latest and player not in self._waiting:
                self._close(player, f"it was behind for more than {self._patience:g} s")

    def excuse(self, seconds: float) -> None:
        """Have so many seconds not count: the process was not running."""
        self.fed_at += seconds
        for cursor in self._cursors.values():
            cursor.since += seconds

    def over(self, reason: str) -> None:
        """It has ended: everybody gets the rest that they are in step with, and is told."""
        self._flush()
        everybody = [player for channel in self._channels.values() for player in channel.players] + list(
            self._cursors
        )
        self._channels.clear()
        self._cursors.clear()
        self._waiting.clear()
        self._watchers.clear()
        self._cache.clear()
        for player in everybody:
            self._close(player, reason)

    def _close(self, player: Player, reason: str) -> None:
        self.leave(player)
        try:
            player.over(reason)
        except Exception:
            _log.failure("a player could not be told that it is over")
