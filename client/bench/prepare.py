"""``python -m client.bench.prepare FOLDER SERVER CA USERNAME UUID THREAD OTHER MESSAGES``, the token on
standard input: make a folder.

The long history is written into the store as if it had been read from the server: its ids are below those
that the server gives.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import apsw
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from client.core.lifelike.history import History, Recipe
from client.core.memory_reader import NOW_MS
from client.core.model import Attachment, Conversation, ConversationKind, Kind, Message, Person
from client.store import messages, tables
from client.sync.accounts import Accounts, Server
from client.sync.secrets import Secrets
from client.sync.seen import SINCE
from imsys.sdk import SignedIn

AT_ONCE = 2_000
OTHERS = 40
"""Conversations beside the long one, so that the list is one."""


async def main(reactor: Any, *words: str) -> None:
    """Make it."""
    folder, server, ca, username, uuid, thread, other, count, token = words
    accounts = Accounts(reactor, Path(folder), Secrets(reactor, Path(folder) / "secrets.json", system=False))
    signed_in = SignedIn(username=username, uuid=int(uuid), token=token)
    store = await accounts.store(await accounts.add(Server(server, ca), signed_in))
    await store.open()
    number, me, them = int(thread), int(uuid), int(other)
    said = history(number, me, them, int(count))
    while some := list(islice(said, AT_ONCE)):
        await store.write(partial(put_all, some))

    def known(db: Any) -> None:
        person = Person(them, "lena", "Lena Vogt", friend=True)
        tables.put_people(
            db, [person, *(Person(-one, f"friend{one}", f"Friend {one}") for one in range(1, OTHERS))]
        )
        conversation = Conversation(number, ConversationKind.PRIVATE, "", (them,), read=int(count))
        tables.put_conversation(db, tables.Row(conversation, told=int(count), synced=int(count)))
        tables.add_span(db, number, 0, int(count))
        for one in range(1, OTHERS):
            tables.put_conversation(
                db, tables.Row(Conversation(-one, ConversationKind.PRIVATE, "", (-one,)), synced=1)
            )
            messages.put(
                db, Message(f"#{one}", -one, -one, NOW_MS - one * 3_600_000, text=f"See you at {one}", id=1)
            )
            tables.add_span(db, -one, 0, 1)
        tables.set_setting(db, SINCE, str(int(count)))

    await store.write(known)
    await store.close()


def put_all(some: list[Message], db: apsw.Connection) -> None:
    """Messages into the store."""
    for message in some:
        messages.put(db, message)


def history(thread: int, me: int, them: int, count: int) -> Iterator[Message]:
    """Lifelike messages, from the oldest to the newest."""
    made = History(Recipe(thread, (me, them), NOW_MS), count)
    for index in range(count):
        said = made[index]
        kind = said.kind if said.kind in (Kind.TEXT, Kind.FILE, Kind.IMAGE) else Kind.TEXT
        attachment = said.attachment if kind is not Kind.TEXT else None
        text = said.text or ("" if attachment else "…")
        if isinstance(attachment, Attachment):
            attachment = replace(attachment, path="", preview="")
        yield replace(
            said, key=f"#{index + 1}", conversation=thread, id=index + 1, kind=kind, text=text, attachment=attachment, stream="",
            sender=me if said.mine else them, quote=None, reactions=(), failure="",
        )  # fmt: skip


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, *sys.argv[1:], sys.stdin.readline().strip())))
