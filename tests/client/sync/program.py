"""A program with one account of the client, which a test kills: ``program.py URL CA FOLDER NAME THREAD [TEXTS
FILE]``.

With texts and a file it writes them; without, it only goes on with what is there. It says each step on its
standard output.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from client.core.model import Link
from client.sync.account import AccountSync
from imsys.sdk import Credentials, Gateway


async def main(
    reactor: Any, url: str, ca: str, folder: str, name: str, thread: str, texts: str = "0", file: str = ""
) -> None:
    credentials = Credentials(username=name, password=os.environ["PASSWORD"])
    account = AccountSync(reactor, Gateway(reactor, url, ca), credentials, Path(folder), b"k" * 32)
    await account.open()
    account.changes.transfer.subscribe(lambda one: print("transfer", one.stage.value, one.done, flush=True))
    account.start()
    while account.connection().link is not Link.ONLINE:
        await deferLater(reactor, 0.01)
    print("online", flush=True)
    if file:
        await account.send_file(int(thread), Path(file), "the caption")
        print("filed", flush=True)
    for number in range(int(texts)):
        await account.send_text(int(thread), f"text {number}")
        print("wrote", number, flush=True)
    await Deferred()


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, *sys.argv[1:])))
