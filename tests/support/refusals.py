"""Situations in which services of conversations are refused, and the group in which they are tried."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from imsys.config import ChatConfig, LimitsConfig
from imsys.errors import Status
from imsys.store import groups, membership, scheduled, thread_settings
from imsys.store.database import Transaction
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase, ChatServer, RawClient
from tests.support.groups import CREATE, MUTE, REMOVE, ROLE

TEXT, RECALL, BLOCK, HEARTBEAT = 23, 194, 98, 32
OK = 0

WHO = ("stranger", "removed", "muted", "member", "admin", "owner", "blocked")
"""Who asks. Who is blocked asks about the private thread with who blocks them, all others about the group."""

WHAT = ("another thread's message", "a recalled one", "one that is not there")
"""What the owner asks about."""

TABLES = (
    *("threads", "members", "messages", "entries", "reactions", "pins", "hidden", "mentions", "expiring"),
    *("thread_settings", "scheduled", "invitations", "group_links", "join_requests", "devices", "sign_ins"),
    *("profiles", "files", "file_usage", "live_streams"),
)


def _everything(tx: Transaction) -> dict[str, set[str]]:
    return {table: set(map(repr, tx.rows(f"SELECT * FROM {table}"))) for table in TABLES}


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request: by whom, in which thread, about which message of theirs."""

    scene: Scene
    user: int
    thread: str
    own: str


Keys = Callable[[Asked], dict[str, Any]]
Prepare = Callable[["Scene"], Awaitable[Any]]


def plain(asked: Asked) -> dict[str, Any]:
    """It has no keys beside ``thread_id`` and ``unique_id``, which all requests have here."""
    return {}


async def nothing(scene: Scene) -> None:
    """Nothing has to be there."""


@dataclasses.dataclass(frozen=True)
class Limit:
    """What is just allowed to the owner, if anything is, and what is refused with ``status``."""

    status: int
    over: Keys
    most: Keys | None = None
    prepare: Prepare = nothing
    by: str = "owner"


@dataclasses.dataclass(frozen=True)
class Situations:
    """What a service answers in each of them, or why there are none."""

    who: tuple[int, ...] | str
    what: tuple[int, ...] | str
    limits: Sequence[Limit] | str
    keys: Keys = plain
    prepare: Prepare = nothing


class Scene(ChatCase):
    """A group of Anna's: Bert is an admin, Carl a member, Dora muted, Emil was removed; Fay, a friend, is not in it.

    Gwen has a private thread with Anna, who blocks her.
    """

    chat_config = ChatConfig(group_members=7)
    group = private = link = scheduled = ""
    anna = bert = carl = dora = emil = fay = gwen = hana = 0

    async def setUp(self) -> None:
        self.patch(ChatServer, "allowed", LimitsConfig(profile_minute=0, thread_minute=0, offer_minute=0))
        self.patch(membership, "ADMINS", 2)
        self.patch(groups, "LINKS", 5)
        self.patch(thread_settings, "PINNED", 1)
        self.patch(scheduled, "SCHEDULED", 5)
        await super().setUp()
        self.number = 0
        self.wrong: list[Any] = []
        names = ("anna", "bert", "carl", "dora", "emil", "fay", "gwen", "hana")
        users = await self.users(*names)
        self.anna, self.bert, self.carl, self.dora, self.emil, self.fay, self.gwen, self.hana = (
            uuid for uuid, _ in users
        )
        who = ("owner", "admin", "member", "muted", "removed", "stranger", "blocked", "late")
        self.asking = {name: uuid for name, (uuid, _) in zip(who, users, strict=True)}
        self.clients = {name: client for name, (_, client) in zip(who, users, strict=True)}
        self.a, self.b = self.clients["owner"], self.clients["admin"]
        self.more = await self.people("ines", "jane")
        for friend in (self.carl, self.dora, self.emil, self.fay, *self.more):
            await self.befriend(self.anna, friend)
        elsewhere = str(await self.befriend(self.anna, self.bert))
        self.private = str(await self.befriend(self.anna, self.gwen))
        self.theirs = await self.say("blocked", self.private, self.anna)
        self.elsewhere = await self.say("owner", elsewhere, self.bert)
        await self.allowed(self.a, BLOCK, uuid=str(self.gwen), blocked=True)

    def friends(self, count: int) -> list[str]:
        """So many friends of Anna's."""
        all_ = (self.bert, self.carl, self.dora, self.emil, self.fay, *self.more)
        return [str(user) for user in all_[:count]]

    def unique(self) -> str:
        self.number += 1
        return f"u{self.number}"

    async def allowed(self, client: RawClient, service: int, **fields: Any) -> dict[str, Any]:
        """Ask for something that must be allowed."""
        answer: dict[str, Any] = await client.ask(
            service, **({"thread_id": self.group, "unique_id": self.unique()} | fields)
        )
        self.assertEqual(answer["error"], OK, (service, answer))
        return answer

    async def say(self, who: str, thread: str, receiver: int = 0) -> str:
        request = text_request(self.asking[who], receiver, thread, self.unique())
        answer = await self.allowed(self.clients[who], TEXT, **request)
        found: str = answer["verified_msg"][0]["msg_id"]
        return found

    async def stage(self) -> None:
        """A new group, in which everybody has said something."""
        await self.database.write(lambda tx: tx.execute("DELETE FROM scheduled"))
        users = [str(user) for user in (self.bert, self.carl, self.dora, self.emil)]
        self.group = (await self.allowed(self.a, CREATE, title="Group", members=users))["thread_id"]
        self.said: dict[str, Any] = {
            who: await self.say(who, self.group) for who in ("owner", "admin", "member", "muted", "removed")
        }
        self.said |= {"stranger": self.said["owner"], "blocked": self.theirs, "late": self.said["owner"]}
        await self.allowed(self.a, ROLE, uuid=str(self.bert), role=2)
        await self.allowed(self.a, MUTE, uuid=str(self.dora), seconds=3600)
        await self.allowed(self.a, REMOVE, members=[str(self.emil)])
        self.recalled = await self.say("owner", self.group)
        await self.allowed(self.a, RECALL, targets=[self.recalled])

    async def fill(
        self, table: str, first: Sequence[str], count: int, make: Callable[[int], tuple[Any, ...]]
    ) -> None:
        """Put rows into a table."""
        columns = {"reactions": "thread_id, msg_id, emoji, user_id", "pins": "thread_id, msg_id, entry_id"}[
            table
        ]
        rows = [(*map(int, first), *make(number + 1)) for number in range(count)]
        await self.database.write(
            lambda tx: tx.execute_rows(f"INSERT INTO {table} ({columns}) VALUES ", rows)
        )

    async def quiet(self) -> None:
        """Take all frames that were sent until now."""
        for client in self.clients.values():
            await client.ask(HEARTBEAT)
            client.taken()

    async def check(
        self, name: str, client: RawClient, service: int, keys: dict[str, Any], status: int
    ) -> None:
        answer = await client.ask(service, **keys)
        if answer["error"] != status or (status and not answer["message"]):
            self.wrong.append((service, name, keys, status, answer))

    def keys(self, row: Situations, who: str, own: str = "", more: Keys = plain) -> dict[str, Any]:
        """The keys of a request."""
        thread = self.private if who == "blocked" else self.group
        asked = Asked(self, self.asking[who], thread, own or self.said[who])
        return {"thread_id": thread, "unique_id": self.unique()} | row.keys(asked) | more(asked)

    async def refused(self, service: int, row: Situations) -> None:
        """All that is refused, without what is at a limit."""
        anonymous = await self.server.connect()
        await self.check("nobody", anonymous, service, {}, Status.LOGIN_UNSUCCESSFUL)
        await anonymous.abort()
        for who, status in _each(WHO, row.who):
            if status:
                await self.check(who, self.clients[who], service, self.keys(row, who), status)
        for (what, status), own in zip(
            _each(WHAT, row.what), (self.elsewhere, self.recalled, str(1 << 60)), strict=False
        ):
            if status:
                await self.check(what, self.a, service, self.keys(row, "owner", own), status)

    async def granted(self, service: int, row: Situations) -> None:
        """All that is allowed."""
        for (what, status), own in zip(
            _each(WHAT, row.what), (self.elsewhere, self.recalled, str(1 << 60)), strict=False
        ):
            if not status:
                await self.check(what, self.a, service, self.keys(row, "owner", own), OK)
        for who, status in _each(WHO, row.who) or [("owner", OK)]:
            if not status:
                await self.check(who, self.clients[who], service, self.keys(row, who), OK)

    async def nothing_comes_of(self, service: int, work: Awaitable[None]) -> None:
        await self.quiet()
        before = await self.database.read(_everything)
        await work
        after = await self.database.read(_everything)
        self.wrong += [
            (service, table, rows) for table, found in after.items() if (rows := found ^ before[table])
        ]
        for name, client in self.clients.items():
            await client.ask(HEARTBEAT)
            if told := client.taken():
                self.wrong.append((service, name, told))


def _each(names: Sequence[str], given: tuple[int, ...] | str) -> list[tuple[str, int]]:
    return [] if isinstance(given, str) else list(zip(names, given, strict=True))
