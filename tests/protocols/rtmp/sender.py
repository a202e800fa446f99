"""A sender that uses all that the chunk layer offers: what peers may do, and we do not."""

from __future__ import annotations

import itertools

from imsys.protocols.rtmp.chunks import ChunkReader, Message


class Sender:
    """Cuts messages into chunks with the shortest headers that can say it, written from the specification's
    section 5.3.
    """

    def __init__(self, chunk_size: int = 128, *, repeats: bool = True) -> None:
        self.chunk_size = chunk_size
        self._repeats = repeats
        """Whether the extended time is repeated in chunks of type 3, as most do."""
        self._last: dict[int, tuple[Message, int]] = {}

    def chunks(self, message: Message, number: int) -> list[bytes]:
        """The chunks of a message on a chunk stream, which may be interleaved with those of others."""
        form, field = self._form(message, number)
        self._last[number] = message, field
        extension = field.to_bytes(4, "big") if field >= 0xFFFFFF else b""
        body = message.payload
        head = min(field, 0xFFFFFF).to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes((message.type,))
        head += message.stream.to_bytes(4, "little")
        head = basic(form, number) + head[: (11, 7, 3, 0)[form]] + extension
        pieces = [
            body[start : start + self.chunk_size] for start in range(0, len(body), self.chunk_size)
        ] or [b""]
        again = basic(3, number) + (extension if self._repeats else b"")
        return [head + pieces[0], *(again + piece for piece in pieces[1:])]

    def send(self, message: Message, number: int) -> bytes:
        """A message that is not interleaved."""
        return b"".join(self.chunks(message, number))

    def _form(self, message: Message, number: int) -> tuple[int, int]:
        """The type of the header, and its time."""
        if number not in self._last:
            return 0, message.timestamp
        last, field = self._last[number]
        delta = message.timestamp - last.timestamp
        if delta < 0 or message.stream != last.stream:
            return 0, message.timestamp
        if (message.type, len(message.payload)) != (last.type, len(last.payload)):
            return 1, delta
        return (3 if delta == field else 2), delta


def basic(form: int, number: int) -> bytes:
    """A basic header of one, two or three bytes."""
    if number < 64:
        return bytes((form << 6 | number,))
    if number < 320:
        return bytes((form << 6, number - 64))
    return bytes((form << 6 | 1,)) + (number - 64).to_bytes(2, "little")


def heard(reader: ChunkReader, data: bytes) -> list[Message]:
    """All messages that this completes."""
    reader.feed(data)
    return list(iter(reader.next, None))


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """The data, cut at places."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]
