"""Make a store as the version before conversations did: run with that version's code, by its own stores.

``python fill_store.py`` with the configuration in the environment. It makes the tables and fills them, and prints
a JSON object: ``users`` by name, ``threads`` by the names of both.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from imsys.config import load
from imsys.store import Database, Stores
from imsys.store.appending import Draft, Submission
from imsys.store.files import Content, Offer, Purpose
from imsys.store.ids import MessageIds
from imsys.store.migrations import migrate
from imsys.store.sign_ins import SignIn, keep_sign_ins

NAMES = ("anna", "bert", "carl", "dora", "emil", "fred")
PAIRS = ("anna bert", "anna carl", "anna dora", "bert carl", "bert emil", "carl dora", "dora emil")
"""Friends; the first one asked. In the first thread there are thousands of texts."""

MANY, FEW = 3000, 37
DAY = 86_400_000


class Filling:
    """What is made."""

    def __init__(self, stores: Stores, ids: MessageIds) -> None:
        self.stores = stores
        self.ids = ids
        self.users: dict[str, int] = {}
        self.threads: dict[str, int] = {}

    async def people(self) -> None:
        """Accounts, friends, one who waits for an answer."""
        for name in NAMES:
            self.users[name] = await self.stores.accounts.create(name, f"{name}@example.com", "-")
        for pair in PAIRS:
            asker, asked = (self.users[name] for name in pair.split())
            await self.stores.contacts.ask(self.ids, asker, asked, "", f"Hello from {pair}")
            friends = await self.stores.contacts.confirm(self.ids, asker, asked, f"the {pair.split()[0]}")
            self.threads[pair] = friends.thread_id
        await self.stores.contacts.ask(self.ids, self.users["fred"], self.users["anna"], "A.", "May I?")

    async def say(self, sender: str, pair: str, *drafts: Draft) -> list[int]:
        """Texts in one request; their ids."""
        one, other = pair.split()
        receiver = self.users[other if sender == one else one]
        request = Submission(self.users[sender], receiver, self.threads[pair], drafts)
        (stored,) = await self.stores.messages.append(self.ids, [request])
        return [message.msg_id for message in stored.messages]  # type: ignore[union-attr]

    async def texts(self) -> None:
        """Texts in turns, some of them in one request, and how far the members have read."""
        for pair in PAIRS[:-1]:  # of the last one nobody writes
            one, other = pair.split()
            count, made = MANY if pair == PAIRS[0] else FEW, []
            for number in range(0, count, 10):
                sender = (one, other)[number // 30 % 2]
                texts = [f"{pair} {index} äöü😀" for index in range(number, min(number + 10, count))]
                made += await self.say(sender, pair, *(Draft(secrets.token_hex(8), text) for text in texts))
            thread = self.threads[pair]
            await self.stores.threads.move_marks(self.users[one], thread, made[-3], made[count // 2])
            if pair != PAIRS[3]:  # of that one a member has read nothing
                await self.stores.threads.move_marks(self.users[other], thread, made[-1], made[-12])

    async def files(self) -> None:
        """An image in the second thread."""
        file_id = secrets.token_bytes(16)
        thread = self.threads[PAIRS[1]]
        offer = Offer(
            file_id=file_id,
            owner=self.users["carl"],
            purpose=Purpose.MESSAGE,
            thread_id=thread,
            server="resources1",
            filename="cat.png",
            size=100,
            mime="image/png",
        )
        await self.stores.files.offer(offer, life=60, quota=1000)
        content = Content(0, "resources1", b"%032d" % 1, 100, file_id.hex(), "k", b"k")
        await self.stores.files.finish(file_id, content, mime="image/png", announce=True)
        said = json.dumps({"file_id": file_id.hex(), "filename": "cat.png", "size": 100, "mime": "image/png"})
        await self.say("carl", PAIRS[1], Draft(f"file:{file_id.hex()}", said, 2))
        await self.stores.files.told(file_id)

    async def endings(self) -> None:
        """Some are friends no more, or block each other."""
        users = self.users
        await self.stores.contacts.unfriend(users["bert"], users["carl"])
        await self.stores.contacts.block(users["dora"], users["anna"], True)


def token(name: str) -> str:
    """What a user is signed in with."""
    return f"the token of {name}"


async def _main(reactor: Any) -> None:
    config = load(None, os.environ).database
    migrate(config)
    database = Database(reactor, config)
    database.open()
    stores = Stores.on(database, time.time)
    term = await stores.nodes.acquire(secrets.token_hex(16))
    filling = Filling(stores, MessageIds(time.time, term.number, term.floor_id))
    await filling.people()
    await filling.texts()
    await filling.files()
    await filling.endings()
    now = round(time.time() * 1000)
    digests = {user: hashlib.sha256(token(name).encode()).digest() for name, user in filling.users.items()}
    sign_ins = [SignIn(digest, user, None, now, now + DAY) for user, digest in digests.items()]
    await database.write(keep_sign_ins, sign_ins, DAY)
    database.close()
    sys.stdout.write(json.dumps({"users": filling.users, "threads": filling.threads}))


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(_main(reactor)))
