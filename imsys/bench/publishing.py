"""Publish a live stream."""

from __future__ import annotations

import time

from imsys.bench.film import frames, opening
from imsys.bench.rtmp_clients import join
from imsys.bench.tasks import Publish, Result
from imsys.protocols.rtmp.client import Purpose


class PublishLoad:
    """One publisher."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._frames = list(frames(publish.bitrate, publish.time))

    def arrive(self) -> None:
        """Go live with the first messages."""
        ((self._sock, self._connection),) = join(self._publish.stream, Purpose.PUBLISH)
        for message in opening():
            self._connection.send(message)
        self._sock.sendall(self._connection.take())

    def work(self) -> Result:
        """Send each message when it is due."""
        print("measuring", flush=True)
        begin, cpu, late = time.monotonic(), time.process_time(), 0.0
        for frame in self._frames:
            wait = begin + frame.at - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            late = max(late, -wait)
            self._connection.send(frame.stamped(time.monotonic_ns()))
            self._sock.sendall(self._connection.take())
        end = time.monotonic()
        print("measured", flush=True)
        counts = {"sent": len(self._frames), "bytes": sum(len(frame.payload) for frame in self._frames)}
        counts |= {"ended, us": round(end * 1e6), "late, us": round(late * 1e6)}
        return Result(seconds=end - begin, counts=counts, cpu_seconds=time.process_time() - cpu)
