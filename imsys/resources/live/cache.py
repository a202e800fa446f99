"""What is kept of a stream: for those who come late, and for those who are a little behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from imsys.protocols.media import Kind, Media, packet
from imsys.resources.budget import Budget
from imsys.resources.live.players import Encoding

LATE = 2.0
"""Seconds of the groups of pictures before the newest that are kept, for players that are no further behind
than that.
"""

STILL = 10.0
"""Seconds without a picture after which a stream is one of sound alone: whoever comes then need not wait for
a key frame.
"""

TRACKS = 16
"""Codec headers that are kept at most (enhanced RTMP may have several tracks).

What would be one more is only passed on.
"""

_COLOURS = 0x84
"""Of the first byte of a video payload: enhanced RTMP's metadata, which describe the colours of a high
dynamic range.
"""


class Entry:
    """One message, and what it looks like in each encoding that somebody has asked for."""

    __slots__ = ("_encoded", "media", "moment")

    def __init__(self, media: Media, moment: float) -> None:
        self.media = media
        self.moment = moment
        self._encoded: dict[Encoding, bytes] = {}

    def encoded(self, encoding: Encoding) -> bytes:
        """The message in an encoding, made once."""
        data = self._encoded.get(encoding)
        if data is None:
            data = self._encoded[encoding] = encoding.encode(self.media)
        return data


class Cache:
    """The newest messages, numbered from 1 on, and what players have to have before the first of them.

    It holds the newest group of pictures and :data:`LATE` seconds of those
    before it. What would be more than its bounds is let go of: first the older
    groups, then everything, and nobody can begin until the next key frame.

    :param most_bytes: of payloads; what they are encoded to comes on top, once for each encoding in use.
    :param budget: the same of all streams together: what it has no room for is too much, too.
    """

    def __init__(
        self, most_bytes: int, most_messages: int, seconds: Callable[[], float], budget: Budget
    ) -> None:
        self._most_bytes = most_bytes
        self._most_messages = most_messages
        self._seconds = seconds
        self._budget = budget
        self._taken = 0  # of the budget
        self._entries: list[Entry] = []
        self._first = 1
        self._bytes = 0
        self._key: int | None = None
        self._pictures: float | None = None
        # with the number of the message that brought it
        self._headers: dict[tuple[Kind, int], tuple[int, Media]] = {}
        self._headers_at_key: Sequence[tuple[int, Media]] = ()
        self.kinds: set[Kind] = set()
        """Kinds of messages that the publisher has sent."""
        self.settled = False
        """Whether there was sound or a picture, and so all headers before them."""

    @property
    def end(self) -> int:
        """The number that the next message will have."""
        return self._first + len(self._entries)

    @property
    def held(self) -> int:
        """Bytes of the payloads that are kept."""
        return self._bytes

    @property
    def start(self) -> int | None:
        """The number of the message with which somebody can begin; ``None``: nobody can now."""
        return self._key if self.has_pictures else self.end

    @property
    def has_pictures(self) -> bool:
        """Whether there are any, and have been of late."""
        return self._pictures is not None and self._seconds() - self._pictures < STILL

    def __contains__(self, number: int) -> bool:
        """Whether a message is here, or is the next that will be."""
        return self._first <= number <= self.end

    def add(self, media: Media) -> Entry:
        """Keep a message."""
        entry = Entry(media, self._seconds())
        self.kinds.add(media.kind)
        if media.kind is Kind.VIDEO:
            self._pictures = entry.moment
        slot = _slot(media)
        if slot is not None:
            self._remember(slot, media)
        elif media.kind is not Kind.DATA:
            self.settled = True
        if media.key and not _track(media):
            self._key = self.end
            self._headers_at_key = self._in_order()
        self._entries.append(entry)
        self._bytes += len(media.payload)
        self._trim(entry.moment)
        return entry

    def restart(self) -> None:
        """Another publisher begins: nobody can begin with what there is, and its headers are not those of
        what comes.

        What was kept stays for those who are behind.
        """
        self._key = None
        self._pictures = None
        self._headers.clear()
        self.kinds.clear()
        self.settled = False

    def clear(self) -> None:
        """Let go of every message."""
        self._bytes = 0
        self._drop(len(self._entries))
        self._afford()

    def pieces(self, start: int, encoding: Encoding, size: int) -> list[bytes]:
        """Messages from a number on in an encoding: at least one, if there is one, then as many as fit into
        so many bytes.
        """
        found: list[bytes] = []
        for at in range(start - self._first, len(self._entries)):
            data = self._entries[at].encoded(encoding)
            if found and size < len(data):
                break
            size -= len(data)
            found.append(data)
        return found

    def headers(self, since: int, start: int) -> Iterator[Media]:
        """What somebody who saw everything before ``since`` has to have before he goes on at ``start``.

        Headers have the time of what follows. Metadata have none: ffmpeg takes those of any other time than 0
        for subtitles.
        """
        known = self._headers_at_key if start == self._key else self._in_order()
        at = start - self._first
        timestamp = self._entries[at].media.timestamp if at < len(self._entries) else None
        for number, media in known:
            if since <= number < start:
                if media.kind is Kind.DATA:
                    yield dataclasses.replace(media, timestamp=0)
                else:
                    yield media if timestamp is None else dataclasses.replace(media, timestamp=timestamp)

    def _remember(self, slot: tuple[Kind, int], media: Media) -> None:
        known = self._headers.get(slot)
        if known is not None and known[1].payload == media.payload:
            return  # some send them before every key frame
        if known is not None or len(self._headers) < TRACKS:
            self._headers[slot] = (self.end, media)

    def _in_order(self) -> Sequence[tuple[int, Media]]:
        """Metadata first, then pictures, then sound."""
        return [self._headers[slot] for slot in sorted(self._headers, key=lambda slot: (-slot[0], slot[1]))]

    def _trim(self, now: float) -> None:
        keep = len(self._entries) if self._key is None or not self.has_pictures else self._key - self._first
        drop = 0
        while drop < keep and (now - self._entries[drop].moment > LATE or self._too_much(drop)):
            self._bytes -= len(self._entries[drop].media.payload)
            drop += 1
        if drop:
            self._drop(drop)
        if self._too_much(0) or not self._afford():
            self.clear()

    def _afford(self) -> bool:
        """Have the budget know how much is kept; false: it has no room for that."""
        more = self._bytes - self._taken
        if more > 0 and not self._budget.take(more):
            return False
        if more < 0:
            self._budget.give(-more)
        self._taken = self._bytes
        return True

    def _drop(self, count: int) -> None:
        del self._entries[:count]
        self._first += count
        if self._key is not None and self._key < self._first:
            self._key = None

    def _too_much(self, without: int) -> bool:
        return self._bytes > self._most_bytes or len(self._entries) - without > self._most_messages


def describes(media: Media) -> bool:
    """Whether it is no picture or sound, but what players have to have before some."""
    return _slot(media) is not None


def _slot(media: Media) -> tuple[Kind, int] | None:
    """What a message replaces when it is the newest of its kind: metadata, a codec's header, what describes
    colours.
    """
    if media.header:
        return media.kind, _track(media)
    payload = media.payload
    if media.kind is Kind.VIDEO and payload and payload[0] & 0x8F == _COLOURS:
        return media.kind, 256  # no track has that number
    return None


def _track(media: Media) -> int:
    """The track of a message: 0, unless it is enhanced RTMP's that is for another one."""
    found = packet(media.kind, media.payload)
    return 0 if found is None else found.track
