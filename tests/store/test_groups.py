"""Groups in the store: who may do what to whom, and that a list is the same however it came to be known."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.json import decode
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.python.threadable import isInIOThread

from imsys.errors import Refused, Status
from imsys.store import Stores
from imsys.store.appending import Appended, Draft, Submission
from imsys.store.changes import Change, Edit, Effect, Pin, React, Recall, Scene
from imsys.store.database import Transaction
from imsys.store.groups import LINKS, NewGroup
from imsys.store.ids import MessageIds
from imsys.store.members import ADMIN, MEMBER, OWNER, MemberList, read
from imsys.store.membership import (
    ADMINS,
    FRIENDS,
    INVITATIONS,
    NOBODY,
    Accept,
    Add,
    Added,
    Asked,
    JoinByLink,
    Leave,
    LetIn,
    Mute,
    Picture,
    Remove,
    SetRole,
    Settings,
)
from imsys.store.waiting import wait_for
from tests.support.stores import OnMariaDb, OnMariaDbPool, OnSqlite, StoreCase, text

MOST = 6
NOWHERE = 1 << 40
NONE = Picture(b"", "")


class Held:
    """A change that, when it is to be decided, waits until a transaction of another server waits for this one."""

    def __init__(
        self, change: Change, reactor: Any, deciding: Deferred[None], second: threading.Event
    ) -> None:
        self._change = change
        self._reactor = reactor
        self._deciding = deciding
        self._second = second
        self.kind, self.unique_id = change.kind, change.unique_id
        self.waited: list[bool] = []

    def apply(self, tx: Transaction, scene: Scene) -> Effect:
        """See :class:`Change`."""
        if not self.waited:
            self._reactor.callFromThread(self._deciding.callback, None)
            self.waited.append(self._until(self._second.is_set) and self._until(lambda: self._blocked(tx)))
        return self._change.apply(tx, scene)

    @staticmethod
    def _blocked(tx: Transaction) -> bool:
        return tx.dialect.name == "sqlite" or bool(
            tx.rows_literal(
                "SELECT 1 FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE '%FOR UPDATE%'"
            )
        )

    def _until(self, true: Callable[[], bool]) -> bool:
        for _ in range(500):
            if true():
                return True
            if isInIOThread():
                wait_for(deferLater(self._reactor, 0.02))
            else:
                time.sleep(0.02)
        return False


class Grouping(StoreCase):
    """A group of Anna's, with Bert as an admin and Carl; Dora is Anna's friend, Emil is not."""

    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert, self.carl, self.dora, self.emil = await self.people(
            "anna", "bert", "carl", "dora", "emil"
        )
        for friend in (self.bert, self.carl, self.dora):
            await self.befriend(self.anna, friend)
        self.number = 0
        self.group = await self.make(self.anna, self.bert, self.carl)
        await self.do(self.anna, SetRole(self.unique(), self.bert, ADMIN))

    def unique(self) -> str:
        self.number += 1
        return f"u{self.number}"

    def new(self, *users: int, **more: Any) -> NewGroup:
        fields: dict[str, Any] = {
            "title": "Group",
            "description": "",
            "avatar": NONE,
            "channel": False,
            "from_joining": False,
        } | more
        return NewGroup(self.unique(), users=list(users), **fields)

    async def make(self, owner: int, *users: int, **more: Any) -> int:
        made = await self.stores.groups.create(self.ids, owner, self.new(*users, **more), MOST)
        return made.messages[0].thread_id

    async def try_(self, actor: int, change: Change, thread: int = 0, stores: Stores | None = None) -> Any:
        (result,) = await (stores or self.stores).messages.append(
            self.ids, [Submission(actor, 0, thread or self.group, (), change)]
        )
        return result

    async def do(self, actor: int, change: Change, thread: int = 0) -> Appended:
        """Carry out what must be allowed."""
        result = await self.try_(actor, change, thread)
        assert isinstance(result, Appended), result
        return result

    async def refused(self, actor: int, change: Change, thread: int = 0) -> Status:
        before = await self.state()
        result = await self.try_(actor, change, thread)
        assert isinstance(result, Refused), result
        self.assertEqual(await self.state(), before, "nothing has changed")
        return result.status

    async def fails(self, work: Awaitable[Any]) -> Status:
        try:
            await work
        except Refused as refused:
            return refused.status
        raise AssertionError("it was not refused")

    async def stored(self, thread: int = 0) -> MemberList:
        """The list of a group, read from its rows."""
        return await self.database.read(self._stored, thread or self.group)

    @staticmethod
    def _stored(tx: Any, thread: int) -> MemberList:
        version, rules = tx.row("SELECT members_version, rules FROM threads WHERE thread_id = ?", thread)
        return read(tx, thread, version, rules)

    async def state(self) -> Any:
        return await self.stored(), await self.database.read(
            lambda tx: (
                tx.rows("SELECT * FROM threads ORDER BY thread_id"),
                tx.rows("SELECT * FROM invitations"),
                tx.rows("SELECT link, used FROM group_links"),
                tx.rows("SELECT * FROM join_requests"),
                tx.rows("SELECT COUNT(*) FROM entries"),
            )
        )

    async def roles(self, thread: int = 0) -> dict[int, int]:
        return (await self.stored(thread)).roles

    async def say(self, sender: int, content: str, thread: int = 0) -> Any:
        (result,) = await self.stores.messages.append(
            self.ids, [text(sender, 0, thread or self.group, content)]
        )
        return result if isinstance(result, Refused) else result.messages[0].msg_id

    async def page(self, user: int, thread: int = 0) -> list[str]:
        records = await self.stores.messages.page(user, thread or self.group, 0, 100)
        return [record.content for record in records]

    # -- making

    async def test_made(self) -> None:
        """Friends are in a new group, others are invited, who does not want to be is left out; its log begins."""
        fritz, gerd, hans = await self.people("fritz", "gerd", "hans")
        await self.befriend(self.anna, fritz)
        await self.stores.groups.added_by(fritz, NOBODY)
        await self.stores.groups.added_by(gerd, FRIENDS)
        await self.stores.contacts.block(hans, self.anna, True)
        new = self.new(self.bert, self.emil, fritz, gerd, hans, title="New", description="What", channel=True)
        made = await self.stores.groups.create(self.ids, self.anna, new, MOST)
        (entry,) = made.messages
        self.assertEqual(made.answer, Added("New", [self.bert], [self.emil], [fritz, gerd, hans]))
        self.assertEqual((entry.kind, entry.prev_id, entry.sender), (20, 0, self.anna))
        self.assertEqual(await self.roles(entry.thread_id), {self.anna: OWNER, self.bert: MEMBER})
        group = await self.stores.groups.get(self.bert, entry.thread_id)
        self.assertEqual(
            (group.title, group.description, group.rules, group.members, group.role, group.last_id),
            ("New", "What", 1, 2, MEMBER, entry.msg_id),
        )
        (invitation,) = await self.stores.groups.invitations(self.emil, 0, 10)
        self.assertEqual(
            (invitation.thread_id, invitation.title, invitation.inviter), (entry.thread_id, "New", self.anna)
        )
        again = await self.stores.groups.create(self.ids, self.anna, new, MOST)
        self.assertEqual(
            [(one.thread_id, one.msg_id, one.resent) for one in again.messages],
            [(entry.thread_id, entry.msg_id, True)],
        )
        threads = await self.stores.threads.of_user(self.bert, 0, 10)
        self.assertEqual(
            [(row.kind, row.low, row.high) for row in threads if row.thread_id == entry.thread_id],
            [(1, None, None)],
        )

    async def test_not_made(self) -> None:
        """What cannot be made leaves nothing."""
        fritz, gerd = await self.people("fritz", "gerd")
        for friend in (fritz, gerd):
            await self.befriend(self.anna, friend)
        before = await self.state()
        for new, status in (
            (self.new(NOWHERE), Status.CREATE_GROUP_CHAT_USER_NOT_EXIST),
            (
                self.new(self.bert, self.carl, self.dora, fritz, gerd, gerd + 1),
                Status.CREATE_GROUP_CHAT_USER_NOT_EXIST,
            ),
            (self.new(avatar=Picture(b"x" * 16, "x")), Status.INVALID_FIELD),
        ):
            self.assertEqual(
                await self.fails(self.stores.groups.create(self.ids, self.anna, new, MOST)), status
            )
        full = self.new(self.bert, self.carl, self.dora, fritz, gerd)
        self.assertEqual(
            await self.fails(self.stores.groups.create(self.ids, self.anna, full, MOST - 1)),
            Status.GROUP_FULL,
        )
        self.assertEqual(await self.state(), before)

    # -- who may

    async def test_who_may(self) -> None:
        """Every change, for everybody who asks for it."""
        who = {
            "owner": self.anna,
            "admin": self.bert,
            "member": self.carl,
            "stranger": self.emil,
            "removed": self.dora,
        }
        await self.do(self.anna, Add("add dora", [self.dora], MOST))
        await self.do(self.anna, Remove("remove dora", [self.dora]))
        denied = Status.PERMISSION_DENIED
        everybody = dict.fromkeys(who, denied)
        only_admins = {name: denied for name in who if name not in ("owner", "admin")}
        target = await self.say(self.anna, "one")
        link = await self.stores.groups.new_link(self.anna, self.group, 0, 0, approval=True)
        (fritz,) = await self.people("fritz")
        for make, refused in (
            (lambda: Add(self.unique(), [self.emil], MOST), only_admins),
            (lambda: Remove(self.unique(), [self.carl]), only_admins),
            (lambda: Remove(self.unique(), [self.bert]), {**only_admins, "admin": denied}),
            (lambda: Remove(self.unique(), [self.anna]), everybody),
            (lambda: SetRole(self.unique(), self.carl, ADMIN), {**everybody, "owner": None}),
            (lambda: SetRole(self.unique(), self.anna, MEMBER), everybody),
            (lambda: Mute(self.unique(), self.carl, 60), only_admins),
            (lambda: Mute(self.unique(), self.bert, 60), everybody),
            (lambda: Settings(self.unique(), title="T"), only_admins),
            (lambda: LetIn(self.unique(), fritz, True, MOST), only_admins),
            (lambda: Pin(self.unique(), target, True), only_admins),
            (lambda: Recall(self.unique(), [target], 9e9), {**only_admins}),
            (lambda: Edit(self.unique(), target, "x", None, 9e9), {**everybody, "owner": None}),
            (lambda: Leave(self.unique()), {"owner": denied, "stranger": denied, "removed": denied}),
            (lambda: Accept(self.unique(), MOST), {"stranger": denied, "removed": denied}),
            (lambda: JoinByLink(self.unique(), link.link, MOST), {}),
        ):
            for name, user in who.items():
                status = refused.get(name)
                if status is not None:
                    self.assertEqual(await self.refused(user, make()), status, (name, make()))
        # in a thread that is no group, and where there is none
        private = await self.befriend(self.dora, self.emil)
        for make in (
            lambda: Add(self.unique(), [self.emil], MOST),
            lambda: Remove(self.unique(), [self.emil]),
            lambda: Leave(self.unique()),
            lambda: SetRole(self.unique(), self.emil, ADMIN),
            lambda: Mute(self.unique(), self.emil, 1),
            lambda: Settings(self.unique(), title="T"),
            lambda: Accept(self.unique(), MOST),
            lambda: LetIn(self.unique(), self.emil, True, MOST),
        ):
            for thread in (private, NOWHERE):
                self.assertEqual(await self.refused(self.dora, make(), thread), denied, make())
        self.assertEqual(
            await self.refused(self.dora, JoinByLink(self.unique(), link.link, MOST), private),
            Status.LINK_INVALID,
        )

    async def test_about_whom(self) -> None:
        """Users who are not in the group, or do not exist."""
        missing = Status.CREATE_GROUP_CHAT_USER_NOT_EXIST
        for change in (
            Add("1", [NOWHERE], MOST),
            SetRole("2", self.emil, ADMIN),
            Mute("3", self.emil, 9),
            LetIn("4", self.emil, True, MOST),
        ):
            self.assertEqual(await self.refused(self.anna, change), missing, change)
        self.assertEqual((await self.do(self.anna, Remove("5", [self.emil]))).messages, ())
        self.assertEqual((await self.do(self.anna, Add("6", [self.carl], MOST))).messages, ())

    async def test_roles(self) -> None:
        """The owner appoints, and hands over; one owner is there at every time."""
        await self.do(self.anna, SetRole("1", self.carl, ADMIN))
        await self.do(self.anna, SetRole("2", self.bert, MEMBER))
        self.assertEqual(await self.roles(), {self.anna: OWNER, self.bert: MEMBER, self.carl: ADMIN})
        self.assertEqual(await self.refused(self.anna, Leave("3")), Status.PERMISSION_DENIED)
        await self.do(self.anna, SetRole("4", self.bert, OWNER))
        self.assertEqual(await self.roles(), {self.anna: ADMIN, self.bert: OWNER, self.carl: ADMIN})
        self.assertEqual(
            await self.refused(self.anna, SetRole("5", self.carl, MEMBER)), Status.PERMISSION_DENIED
        )
        await self.do(self.anna, Leave("6"))
        await self.do(self.bert, Remove("7", [self.carl]))
        link = await self.stores.groups.new_link(self.bert, self.group, 0, 0, approval=False)
        await self.do(self.bert, Leave("8"))  # the last one may always
        self.assertEqual(await self.roles(), {})
        self.assertEqual(await self.refused(self.anna, JoinByLink("9", link.link, MOST)), Status.LINK_INVALID)

    async def test_handed_over(self) -> None:
        """Whose account goes is followed by the admin who has been there for longest, else the member."""
        await self.do(self.anna, SetRole("1", self.carl, ADMIN))
        await self.database.write(
            lambda tx: [
                tx.execute("UPDATE members SET joined_at = ? WHERE user_id = ?", at, user)
                for at, user in ((5, self.bert), (4, self.carl))
            ]
        )
        gone = await self.do(self.anna, Leave("2", hand_over=True))
        self.assertEqual(await self.roles(), {self.bert: ADMIN, self.carl: OWNER})
        assert gone.group is not None
        self.assertEqual(gone.group.roles, await self.roles())
        await self.do(self.carl, SetRole("3", self.bert, MEMBER))
        await self.do(self.carl, Leave("4", hand_over=True))
        self.assertEqual(await self.roles(), {self.bert: OWNER})
        await self.do(self.bert, Leave("5", hand_over=True))
        self.assertEqual(await self.roles(), {})

    # -- what they may then

    async def test_muted(self) -> None:
        """Who is muted reads and does not write, until it is over; a channel is for admins alone."""
        await self.do(self.anna, Mute("1", self.carl, 60))
        self.assertEqual((await self.say(self.carl, "no")).status, Status.MUTED)
        await self.say(self.bert, "yes")
        self.assertEqual(await self.page(self.carl), ["yes"])
        await self.do(self.bert, Mute("2", self.carl, 0))
        await self.say(self.carl, "now")
        await self.do(self.bert, Settings("3", channel=True))
        self.assertEqual((await self.say(self.carl, "no")).status, Status.READ_ONLY)
        still = await self.say(self.bert, "still")
        await self.do(self.carl, React("react", still, "👍", True))  # this is for all
        await self.do(self.bert, Mute("muted", self.carl, 60))
        self.assertEqual(await self.refused(self.carl, React("more", still, "❤", True)), Status.MUTED)
        await self.do(self.bert, Settings("4", channel=False))
        await self.do(self.bert, Mute("5", self.carl, 1))
        later = MessageIds(lambda: time.time() + 3, 2)
        (result,) = await self.stores.messages.append(later, [text(self.carl, 0, self.group, "over")])
        self.assertIsInstance(result, Appended)

    async def test_receiver(self) -> None:
        """What is said in a group has no receiver."""
        (result,) = await self.stores.messages.append(
            self.ids, [text(self.anna, self.bert, self.group, "one")]
        )
        assert isinstance(result, Refused)
        self.assertEqual(result.status, Status.PERMISSION_DENIED)

    async def test_history(self) -> None:
        """A newcomer reads all, or what is said after they came, as the group wants it."""
        before = await self.say(self.anna, "before")
        await self.do(self.anna, Add("1", [self.dora], MOST))
        self.assertEqual(await self.page(self.dora), ["before"])
        await self.do(self.anna, Remove("2", [self.dora]))
        self.assertEqual(await self.fails(self.page(self.dora)), Status.PERMISSION_DENIED)
        await self.do(self.anna, Settings("3", history="joined"))
        await self.do(self.anna, Add("4", [self.dora], MOST))
        target = await self.say(self.anna, "after")
        self.assertEqual(await self.page(self.dora), ["after"])
        self.assertEqual(await self.page(self.carl), ["before", "after"])
        log = await self.stores.messages.page(self.dora, self.group, 0, 100, entries=True)
        self.assertEqual([record.kind for record in log], [20, 1])
        readers = await self.stores.groups.readers(self.dora, self.group, target, 0, 10)
        self.assertEqual((readers.delivered, readers.read, readers.users), (0, 0, []))
        groups, conversations = self.stores.groups, self.stores.conversations
        for work in (
            groups.readers(self.dora, self.group, before, 0, 10),
            conversations.reactors(self.dora, self.group, before, ("", 0), 10),
        ):
            self.assertEqual(await self.fails(work), Status.CHATRECORD_NOT_EXIST)
        for user, refused in ((self.dora, True), (self.carl, False)):
            draft = Draft(f"answer {user}", "x", extra="{}", reply_to=before)
            (result,) = await self.stores.messages.append(
                self.ids, [Submission(user, 0, self.group, (draft,), answers=True)]
            )
            self.assertEqual(isinstance(result, Refused), refused)

    async def test_full(self) -> None:
        """A group takes as many as it may have, however they come."""
        fritz, gerd, hans = await self.people("fritz", "gerd", "hans")
        for friend in (fritz, gerd):
            await self.befriend(self.anna, friend)
        await self.do(self.anna, Add("1", [hans], MOST))
        link = await self.stores.groups.new_link(self.anna, self.group, 0, 0, approval=False)
        self.assertEqual(
            await self.refused(self.anna, Add("2", [fritz, gerd, self.dora], 5)), Status.GROUP_FULL
        )
        await self.do(self.anna, Add("3", [fritz, gerd], 5))
        for actor, change in (
            (self.anna, Add("4", [self.dora], 5)),
            (hans, Accept("5", 5)),
            (self.emil, JoinByLink("6", link.link, 5)),
        ):
            self.assertEqual(await self.refused(actor, change), Status.GROUP_FULL)
        await self.do(hans, Accept("7", 6))
        group = await self.stores.groups.get(hans, self.group)
        self.assertEqual(group.members, 6)

    # -- invitations and links

    async def test_invited(self) -> None:
        """Who is invited accepts or declines; removal takes the invitation back; nobody drowns in them."""
        invited = await self.do(self.anna, Add("1", [self.emil], MOST))
        self.assertEqual((invited.messages, invited.answer), ((), Added("Group", [], [self.emil], [])))
        await self.stores.groups.decline(self.emil, self.group)
        self.assertEqual(await self.refused(self.emil, Accept("2", MOST)), Status.PERMISSION_DENIED)
        await self.do(self.anna, Add("3", [self.emil], MOST))
        await self.do(self.bert, Remove("4", [self.emil]))
        self.assertEqual(await self.refused(self.emil, Accept("5", MOST)), Status.PERMISSION_DENIED)
        await self.do(self.anna, Add("6", [self.emil], MOST))
        await self.do(self.emil, Accept("7", MOST))
        self.assertEqual((await self.roles())[self.emil], MEMBER)
        self.assertEqual(await self.stores.groups.invitations(self.emil, 0, 10), [])
        (fritz,) = await self.people("fritz")
        await self.database.write(
            lambda tx: tx.execute_many(
                "INSERT INTO invitations (thread_id, user_id, inviter_id, created_at) VALUES (?, ?, 1, 0)",
                [(NOWHERE + number, fritz) for number in range(INVITATIONS)],
            )
        )
        self.assertEqual(await self.refused(self.anna, Add("8", [fritz], MOST)), Status.PERMISSION_DENIED)

    async def test_links(self) -> None:
        """A link is for its time and its uses, until it is revoked; admins alone see it."""
        groups = self.stores.groups
        once = await groups.new_link(self.bert, self.group, 0, 1, approval=False)
        short = await groups.new_link(self.anna, self.group, 60.0, 0, approval=False)
        self.assertEqual(
            {link.link for link in await groups.links(self.bert, self.group)}, {once.link, short.link}
        )
        for work in (
            groups.links(self.carl, self.group),
            groups.new_link(self.carl, self.group, 0, 0, approval=False),
            groups.revoke(self.carl, self.group, once.link),
            groups.asking(self.carl, self.group, 0, 10),
        ):
            self.assertEqual(await self.fails(work), Status.PERMISSION_DENIED)
        link, group = await groups.behind(once.link)
        self.assertEqual((link.thread_id, group.title, group.members), (self.group, "Group", 3))
        joined = await self.do(self.emil, JoinByLink("1", once.link, MOST))
        self.assertIn('"link"', joined.messages[0].content)
        self.assertEqual((await self.do(self.emil, JoinByLink("2", short.link, MOST))).messages, ())
        self.assertEqual(await self.refused(self.dora, JoinByLink("3", once.link, MOST)), Status.LINK_INVALID)
        self.assertEqual(await self.fails(groups.behind(once.link)), Status.LINK_INVALID)
        late = Stores.on(self.database, lambda: time.time() + 61).groups
        self.assertEqual(await self.fails(late.behind(short.link)), Status.LINK_INVALID)
        self.assertEqual(await late.links(self.anna, self.group), [])
        await groups.revoke(self.bert, self.group, short.link)
        for bad in (short.link, bytes(16)):
            self.assertEqual(await self.refused(self.dora, JoinByLink("4", bad, MOST)), Status.LINK_INVALID)
        for _ in range(LINKS):
            await groups.new_link(self.anna, self.group, 0, 0, approval=False)
        self.assertEqual(
            await self.fails(groups.new_link(self.anna, self.group, 0, 0, approval=False)), Status.TOO_MANY
        )

    async def test_approval(self) -> None:
        """Who comes by a link that needs it waits for an admin."""
        link = await self.stores.groups.new_link(self.anna, self.group, 0, 0, approval=True)
        asked = await self.do(self.emil, JoinByLink("1", link.link, MOST))
        self.assertEqual(asked.answer, Asked("Group", [self.anna, self.bert]))
        await self.do(self.emil, JoinByLink("2", link.link, MOST))
        await self.do(self.dora, JoinByLink("3", link.link, MOST))
        asking = await self.stores.groups.asking(self.bert, self.group, 0, 10)
        self.assertEqual([user for user, _ in asking], sorted([self.dora, self.emil]))
        await self.do(self.bert, LetIn("4", self.emil, True, MOST))
        await self.do(self.anna, LetIn("5", self.dora, False, MOST))
        self.assertEqual(await self.stores.groups.asking(self.bert, self.group, 0, 10), [])
        self.assertEqual(set(await self.roles()), {self.anna, self.bert, self.carl, self.emil})

    async def test_admins(self) -> None:
        """A group has only so many admins."""
        names = [f"user{number}" for number in range(ADMINS)]
        users = await self.people(*names)
        await self.database.write(
            lambda tx: tx.execute_many(
                "INSERT INTO members (thread_id, user_id, role) VALUES (?, ?, ?)",
                [(self.group, user, ADMIN) for user in users[1:]],
            )
        )
        stores = Stores.on(self.database, time.time)  # one that knows nothing
        result = await self.try_(self.anna, SetRole("1", self.carl, ADMIN), stores=stores)
        self.assertEqual(result.status, Status.TOO_MANY)

    # -- one list

    async def test_known_elsewhere(self) -> None:
        """A server that follows the log has the list that one has that reads it anew."""
        chance = random.Random(5)
        other = Stores.on(self.database, time.time)
        known = (await other.groups.lists_of([self.group]))[self.group]
        users = [self.anna, self.bert, self.carl, self.dora, self.emil]
        link = await self.stores.groups.new_link(self.anna, self.group, 0, 0, approval=False)
        for number in range(120):
            user = chance.choice(users)
            changes: list[Change] = [
                Add(f"{number}", [user, self.dora], MOST),
                Remove(f"{number}", [user]),
                SetRole(f"{number}", user, chance.choice([MEMBER, ADMIN, OWNER])),
                Mute(f"{number}", user, chance.choice([0, 60])),
                Settings(f"{number}", title=f"{number}"),
                Settings(f"{number}", history=chance.choice(["all", "joined"])),
                Leave(f"{number}", hand_over=True),
                JoinByLink(f"{number}", link.link, MOST),
            ]
            change = chance.choice(changes)
            result = await self.try_(chance.choice(users), change)
            if isinstance(result, Appended):
                self.assertEqual(result.group, await self.stored(), change)
            if chance.random() < 0.3:
                known = (await other.groups.lists_of([self.group]))[self.group]
                self.assertEqual(known, await self.stored())
        count = await self.database.read(
            lambda tx: tx.row("SELECT member_count FROM threads WHERE thread_id = ?", self.group)
        )
        assert count is not None
        self.assertEqual(count[0], len(await self.roles()))

    async def test_at_once(self) -> None:
        """Two admins at two servers who change a group at once end in one state, which both servers know."""
        other = Stores.on(self.open_database(), time.time)
        ids = MessageIds(time.time, 2)

        def ask(stores: Stores, ids: MessageIds, actor: int, change: Change) -> Deferred[Any]:
            return Deferred.fromCoroutine(
                stores.messages.append(ids, [Submission(actor, 0, self.group, (), change)])
            )

        await self.befriend(self.bert, self.dora)
        for number in range(20):
            await gatherResults(
                [
                    ask(self.stores, self.ids, self.anna, Add(f"a{number}", [self.dora], MOST)),
                    ask(other, ids, self.bert, Remove(f"b{number}", [self.dora])),
                    ask(self.stores, self.ids, self.anna, Settings(f"c{number}", title=f"Anna's {number}")),
                    ask(
                        other, ids, self.bert, Settings(f"d{number}", title=f"Bert's {number}", channel=True)
                    ),
                ]
            )
            stored = await self.stored()
            for stores in (self.stores, other):
                self.assertEqual((await stores.groups.lists_of([self.group]))[self.group], stored)
        records = await self.stores.messages.page(self.anna, self.group, 0, 1000, entries=True)
        replayed = MemberList(self.group, 0, 0, {self.anna: OWNER}, {}, {})
        for record in records:
            replayed = replayed.after(
                record.msg_id, record.sender, record.kind, decode(record.content.encode())
            )
        self.assertEqual(({**replayed.roles, self.anna: OWNER}, replayed.rules), (stored.roles, stored.rules))

    async def test_overlapping(self) -> None:
        """Two changes of which the second begins while the first is being decided: it is decided by what that one did."""
        other = Stores.on(self.open_database(self.began), time.time)
        await self.befriend(self.bert, self.dora)
        both: list[tuple[tuple[int, Change], tuple[int, Change], list[str], bool]] = [
            (
                (self.anna, Add("a1", [self.dora], MOST)),
                (self.bert, Remove("b1", [self.dora])),
                ["joined", "removed"],
                False,
            ),
            (
                (self.bert, Remove("b2", [self.dora])),
                (self.anna, Add("a2", [self.dora], MOST)),
                ["joined"],
                True,
            ),
            (
                (self.bert, Remove("b3", [self.dora])),
                (self.anna, Remove("a3", [self.dora])),
                ["removed"],
                False,
            ),
            (
                (self.anna, Add("a4", [self.dora], MOST)),
                (self.bert, Add("b4", [self.dora], MOST)),
                ["joined"],
                True,
            ),
        ]
        for first, second, actions, there in both:
            entries = await self.overlap(other, first, second)
            self.assertEqual([body["action"] for body in entries], actions)
            self.assertEqual(self.dora in (await self.roles()), there)
        entries = await self.overlap(
            other,
            (self.anna, Settings("a5", title="Anna's")),
            (self.bert, Settings("b5", title="Bert's", channel=True)),
        )
        self.assertEqual([body["title"] for body in entries], ["Anna's", "Bert's"])
        self.assertEqual((await self.stores.groups.get(self.carl, self.group)).title, "Bert's")
        removed = (self.anna, Remove("a6", [self.bert])), (self.bert, Remove("b6", [self.carl]))
        self.assertEqual(
            len(await self.overlap(other, *removed)), 1
        )  # who is no admin any more removes nobody
        self.assertEqual(set(await self.roles()), {self.anna, self.carl, self.dora})

    def began(self, sql: str, parameters: Any) -> None:
        """The second transaction sends a statement."""
        self.second.set()

    async def overlap(
        self, other: Stores, first: tuple[int, Change], second: tuple[int, Change]
    ) -> list[dict[str, Any]]:
        """Have the first change, at this server, wait until the second, at another one, waits for its locks; both servers
        have one list then. Gives back the bodies of their entries.
        """
        before = (await self.stores.groups.get(self.anna, self.group)).last_id
        deciding, self.second = Deferred[None](), threading.Event()
        held = Held(first[1], self.reactor, deciding, self.second)
        one = Deferred.fromCoroutine(
            self.stores.messages.append(self.ids, [Submission(first[0], 0, self.group, (), held)])
        )
        await deciding
        if self.database.dialect.name == "sqlite":  # it waits before its first statement
            self.second.set()
        two = other.messages.append(
            MessageIds(time.time, 2), [Submission(second[0], 0, self.group, (), second[1])]
        )
        await gatherResults([one, Deferred.fromCoroutine(two)])
        self.assertEqual(held.waited, [True])
        stored = await self.stored()
        for stores in (self.stores, other):
            self.assertEqual((await stores.groups.lists_of([self.group]))[self.group], stored)
        records = await self.stores.messages.page(self.anna, self.group, before, 1000, entries=True)
        return [decode(record.content.encode()) for record in records]

    async def test_large(self) -> None:
        """Ten thousand members: a change costs neither a server that knows the list, nor one that follows, a
        list's length in rows.
        """
        users = range(1 << 20, (1 << 20) + 10_000)

        def fill(tx: Any) -> None:
            tx.execute_rows(
                "INSERT INTO members (thread_id, user_id) VALUES ", [(self.group, user) for user in users]
            )
            tx.execute(
                "UPDATE threads SET members_version = members_version + 1 WHERE thread_id = ?", self.group
            )

        await self.database.write(fill)
        seen: list[str] = []
        watched = self.open_database(lambda sql, parameters: seen.append(sql))
        one, two = (Stores.on(watched, time.time) for _ in range(2))
        for stores in (one, two):
            await stores.groups.lists_of([self.group])
        await self.try_(self.anna, Mute("1", self.carl, 60), stores=one)
        seen.clear()
        await self.try_(self.anna, Mute("2", self.carl, 0), stores=one)
        await self.try_(self.anna, Mute("3", self.carl, 9), stores=two)
        self.assertEqual([sql for sql in seen if sql.startswith("SELECT user_id, role")], [])
        await self.do(self.anna, Leave("4", hand_over=True))
        self.assertEqual(sum(role == OWNER for role in (await self.roles()).values()), 1)


class SqliteGroupingTests(Grouping, OnSqlite):
    """On SQLite."""


class MariaDbGroupingTests(Grouping, OnMariaDb):
    """On MariaDB."""


class MariaDbPoolGroupingTests(Grouping, OnMariaDbPool):
    """On MariaDB, in a thread."""


del Grouping
