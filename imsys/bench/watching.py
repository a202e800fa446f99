"""Players: a few that read and time everything, and a crowd of which only the bytes are counted.

A player of the crowd costs as little as can be: now and then what has arrived is thrown away within the
kernel (``MSG_TRUNC``, see tcp(7)), and counted. Since every player gets the same bytes, one that misses
something has fewer.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from array import array
from typing import Any

from imsys.bench.film import stamp
from imsys.bench.rtmp_clients import Joined, join
from imsys.bench.tasks import Result, Watch
from imsys.errors import PeerFault
from imsys.protocols.media import Kind
from imsys.protocols.rtmp.client import ClientConnection, Purpose
from imsys.protocols.rtmp.server import MediaReceived

_QUIET = 0.7
"""Seconds without a byte after which everything has come; pictures are 0.03 s apart."""
_TURN = 0.04
"""Seconds between two looks at the crowd."""
_KEPT = 1 << 20
"""Bytes that the system may keep for one of the crowd meanwhile: a key frame has a tenth of that."""
_SPACE = bytearray(1 << 20)


class WatchLoad:
    """The players of one process."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._players: list[Joined] = []
        self._delays = array("I")
        self._lost = self._closed = 0
        self._numbers: dict[tuple[int, Kind], int] = {}
        self._begin = 0.0

    def arrive(self) -> None:
        """Let all of them begin to play.

        :raises RuntimeError: one is refused.
        :raises OSError: no server answers.
        """
        if not self._watch.read:
            os.nice(10)  # those that take the time come first
        self._players = join(
            self._watch.stream, Purpose.PLAY, self._watch.players, 0 if self._watch.read else _KEPT
        )
        for sock, _ in self._players:
            sock.setblocking(False)

    def work(self) -> Result:
        """Play until the stream has been quiet for a while."""
        return self._read() if self._watch.read else self._count()

    def _count(self) -> Result:
        """Count the crowd's bytes, without those before the beginning."""
        got = dict.fromkeys((sock for sock, _ in self._players), 0)
        last = time.monotonic()
        while time.monotonic() < last + _QUIET:
            last = max(last, self._look(got) or 0.0)
            time.sleep(_TURN)
        got = dict.fromkeys(got, 0)
        print("measuring", flush=True)
        begin, cpu = last, last_cpu = time.monotonic(), time.process_time()
        due = begin
        while (now := time.monotonic()) < begin + self._watch.time or (
            now < last + _QUIET and now < begin + self._watch.time + self._watch.drain
        ):
            if moment := self._look(got):
                last, last_cpu = moment, time.process_time()
            due = max(due + _TURN, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
        print("measured", flush=True)
        whole = max(got.values(), default=0)
        short = [count for count in got.values() if count < whole]
        counts = {
            "players": len(self._players),
            "short": len(short) + self._closed,
            "bytes": whole,
            "missing": sum(whole - one for one in short),
        }
        return Result(
            seconds=last - begin, counts={**counts, "last, us": round(last * 1e6)}, cpu_seconds=last_cpu - cpu
        )

    def _look(self, got: dict[socket.socket, int]) -> float | None:
        """Throw away what has come; when that was, if anything was there."""
        anything, space, flags = False, _SPACE, socket.MSG_TRUNC
        for sock in list(got):
            try:
                count = sock.recv_into(space, 0, flags)
            except BlockingIOError:
                continue
            except OSError:
                count = 0
            if count:
                got[sock] += count
                anything = True
            else:
                self._closed += 1
                del got[sock]
        return time.monotonic() if anything else None

    def _read(self) -> Result:
        """Run the players that read everything."""
        print("measuring", flush=True)
        self._begin = last = time.monotonic()
        cpu = time.process_time()
        watch = self._watch
        with selectors.DefaultSelector() as selector:
            for player in self._players:
                selector.register(player[0], selectors.EVENT_READ, player)
            while selector.get_map():
                now = time.monotonic()
                if now > self._begin + watch.time + watch.drain or (
                    now > self._begin + watch.time and now > last + _QUIET
                ):
                    break
                for key, _ in selector.select(0.1):
                    last = time.monotonic()
                    if not self._take(*key.data):
                        selector.unregister(key.fileobj)
                        self._closed += 1
        print("measured", flush=True)
        counts = {"lost": self._lost, "closed": self._closed, "received": sum(self._numbers.values())}
        delays = {"publish to play": self._delays.tobytes()}
        return Result(
            seconds=last - self._begin, counts=counts, latencies=delays, cpu_seconds=time.process_time() - cpu
        )

    def _take(self, sock: socket.socket, connection: ClientConnection) -> bool:
        """Read the bytes that have arrived; false: the stream has ended."""
        try:
            data = sock.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError:
            return False
        now = time.monotonic_ns()
        try:
            for event in connection.receive(data):
                self._time(id(connection), event, now)
        except PeerFault:
            return False
        return bool(data)

    def _time(self, player: int, event: Any, now: int) -> None:
        found = stamp(event.media) if isinstance(event, MediaReceived) else None
        if found is None:
            return
        expected = self._numbers.get((player, event.media.kind), 0)
        self._lost += abs(found.number - expected)
        self._numbers[player, event.media.kind] = found.number + 1
        if event.media.timestamp >= 1000 + self._watch.warmup * 1000:
            self._delays.append(min((now - found.sent) // 1000, 0xFFFFFFFF))
