"""What a MySQL server sends in answer to statements: when it is all there, and the little that the message log asks of it.

The driver would go on at each packet, and take each apart. See "Text Protocol" in the manual of MySQL's or MariaDB's
protocol; the driver does not ask for what changed it later (``CLIENT_DEPRECATE_EOF``).
"""

from __future__ import annotations

import errno

LARGEST = 0xFFFFFF
"""Bytes of a packet that another one continues."""

_OK, _END, _ERROR, _NULL = 0x00, 0xFE, 0xFF, 0xFB
_MORE = 8
"""SERVER_MORE_RESULTS_EXISTS: the answer to the next statement follows."""

_LENGTHS = {0xFC: 2, 0xFD: 3, 0xFE: 8}
"""Bytes that follow the first one of a number above 250."""


class Reply:
    """The packets of one answer, which comes in pieces.

    :param number: that its first packet has.
    """

    __slots__ = ("_ends", "_number", "_part", "_rows", "packets")

    def __init__(self, number: int) -> None:
        self._number = number
        self._part = b""  # of a packet that is continued
        self._rows = False
        self._ends = 0
        self.packets: list[bytes] = []

    def take(self, received: bytearray) -> bool:
        """Take packets from what was received, and return whether these were the last ones.

        :raises OSError: they are not in order.
        """
        at, there = 0, len(received)
        whole = False
        while not whole and there - at >= 4:
            size = received[at] | received[at + 1] << 8 | received[at + 2] << 16
            end = at + 4 + size
            if end > there:
                break
            if received[at + 3] != self._number:
                raise OSError(errno.EPROTO, "a packet of the database is missing")
            self._number = (self._number + 1) & 0xFF
            packet = bytes(received[at + 4 : end])
            at = end
            if self._part:
                packet, self._part = self._part + packet, b""
            if size == LARGEST:
                self._part = packet
            else:
                self.packets.append(packet)
                whole = self._ended(packet)
        del received[:at]
        return whole

    def _ended(self, packet: bytes) -> bool:
        kind = packet[0]
        if kind == _ERROR:
            return True
        if self._rows:
            if kind != _END or len(packet) >= 9:
                return False
            self._ends += 1  # of the columns, and then of the rows
            if self._ends == 1:
                return False
            self._rows, self._ends = False, 0
            status = 3
        elif kind == _OK:
            status = _behind(packet, _behind(packet, 1))
        else:
            self._rows = True
            return False
        return not packet[status] & _MORE

    @property
    def error(self) -> bytes | None:
        """The packet of the error with which it ends, if there was one."""
        last = self.packets[-1]
        return last if last[0] == _ERROR else None

    @property
    def value(self) -> bytes | None:
        """The first column of the first row; ``None``: it is NULL, or there is no row."""
        columns = self.packets[0][0]
        row = self.packets[columns + 2]
        if row[0] == _NULL or (row[0] == _END and len(row) < 9):
            return None
        more = _LENGTHS.get(row[0], 0)
        start = 1 + more
        length = int.from_bytes(row[1:start], "little") if more else row[0]
        return row[start : start + length]


def _behind(packet: bytes, at: int) -> int:
    """Where a number of variable length that is there ends."""
    return at + 1 + _LENGTHS.get(packet[at], 0)
