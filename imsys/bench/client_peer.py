"""Somebody who writes to a desktop client that is measured: ``client_peer.py URL CA UUID THREAD``.

The first line that it reads is the token; each one after it, ``RATE COUNT``, has it write so many, so many a
second.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from imsys.sdk import Client, Credentials, Gateway

TEXTS = (
    "Are you there?",
    "The train is late again, I shall be with you at about seven, if nothing else comes in between.",
    "Look at https://example.org/plans/2031 when you have a moment: the **second** page is the one that matters.",
    "Fine.",
    "We could meet at the station, have something to eat, and go on from there; or else tomorrow morning, before the others come.",
)
TURN_S = 0.02


async def _main(reactor: Any, *words: str) -> None:
    url, ca, uuid, thread, token = words
    client = Client(reactor, Gateway(reactor, url, ca), Credentials(uuid=int(uuid), token=token))
    await client.start()
    print("ready", flush=True)
    ended: Deferred[None] = Deferred()

    def listen() -> None:
        for line in sys.stdin:
            rate, count = line.split()
            reactor.callFromThread(
                lambda rate=float(rate), count=int(count): Deferred.fromCoroutine(write(rate, count))
            )
        reactor.callFromThread(ended.callback, None)

    async def write(rate: float, count: int) -> None:
        began, written = time.monotonic(), 0
        while written < count:
            due = min(count, int((time.monotonic() - began) * rate) + 1)
            for number in range(written, due):
                client.post(int(thread), TEXTS[number % len(TEXTS)])
            written = due
            await deferLater(reactor, TURN_S)

    threading.Thread(target=listen, daemon=True).start()
    await ended
    await client.stop()


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(_main(reactor, *sys.argv[1:], sys.stdin.readline().strip())))
