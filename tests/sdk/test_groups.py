"""Groups by the client library, through the real servers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

from PIL import Image

from imsys.errors import Refused, Status
from imsys.sdk import (
    AddedBy,
    Client,
    GroupEvent,
    GroupNews,
    Membership,
    Message,
    NewcomersRead,
    Role,
    SettingsChange,
)
from tests.client.sync.scene import AccountCase


class GroupCase(AccountCase):
    async def people(self, *kinds: str) -> list[Client]:
        """Clients of users of whom the first is everybody's friend."""
        clients = [await self.other(name) for name in await self.register(*kinds)]
        first = clients[0]
        for one in clients[1:]:
            await one.contacts.add(first.me.uuid, "Hello")
            await first.contacts.accept(one.me.uuid)
        return clients

    async def refused(self, work: Any) -> Status:
        try:
            await work
        except Refused as refusal:
            return refusal.status
        raise AssertionError("It was not refused.")

    @staticmethod
    def takes(log: list[Any], but: set[int]) -> Callable[[Any], None]:
        """Note what is told, but for some threads."""
        return lambda one: log.append(one) if one.thread_id not in but else None

    @staticmethod
    def has(log: list[Any], most: int) -> bool:
        return len(log) >= most


class GroupTests(GroupCase):
    async def test_a_group(self) -> None:
        """It is made with friends, everybody is told the same log, and who comes later gets no old messages anew."""
        anna, ben, carol = await self.people("anna", "ben", "carol")
        logs: dict[str, list[Any]] = {}
        news: list[GroupNews] = []
        private = {one.thread_id for one in await anna.contacts.friends().all()}
        ben.on_group.subscribe(news.append)
        for client, name in ((anna, "anna"), (ben, "ben"), (carol, "carol")):
            log = logs[name] = []
            for signal in (client.on_entry, client.on_message, client.on_sent):
                signal.subscribe(self.takes(log, private))
        made = await anna.groups.create("Sunday cake", [ben.me.uuid], description="Cake.")
        thread = made.thread_id
        self.assertEqual((made.joined, made.invited, made.refused), ((ben.me.uuid,), (), ()))
        for log in (logs["anna"], logs["ben"]):
            await self.until(log.__len__)
            self.assertEqual(
                (log[0].action, log[0].users, log[0].created),
                ("joined", (anna.me.uuid, ben.me.uuid), "Sunday cake"),
            )
        await self.until(lambda: news)
        self.assertEqual(
            [(one.thread_id, one.event, one.by, one.title) for one in news],
            [(thread, GroupEvent.ADDED, anna.me.uuid, "Sunday cake")],
        )
        for number in range(3):
            await (anna, ben)[number % 2].send(thread, f"text {number}")
        await anna.groups.add(thread, [carol.me.uuid])
        last = await ben.send(thread, "welcome")
        await self.until(lambda: any(getattr(one, "text", "") == "welcome" for one in logs["carol"]))
        self.assertEqual([type(one) for one in logs["carol"]], [Membership, Message])
        self.assertEqual(len(await carol.history.records(thread).all()), 4)
        group = await carol.groups.get(thread)
        self.assertEqual(
            (group.title, group.description, group.members, group.role, group.newcomers_read, group.channel),
            ("Sunday cake", "Cake.", 3, Role.MEMBER, NewcomersRead.ALL, False),
        )
        roles = {one.uuid: one.role for one in await ben.groups.members(thread).all()}
        self.assertEqual(
            roles, {anna.me.uuid: Role.OWNER, ben.me.uuid: Role.MEMBER, carol.me.uuid: Role.MEMBER}
        )
        kinds = [type(one) for one in (await carol.history.newest_log(thread).all())]
        self.assertEqual(kinds.count(Membership), 2)
        self.assertEqual(kinds.count(Message), 4)
        readers = await ben.groups.readers(thread, last.id)
        self.assertGreaterEqual(readers.delivered, 0)

    async def test_what_changes_it(self) -> None:
        """Roles, mutes, settings, leaving: each is in everybody's log, with what it says, in one order."""
        anna, ben, carol = await self.people("anna", "ben", "carol")
        logs: list[list[Any]] = [[], []]
        for client, log in zip((anna, ben), logs, strict=True):
            client.on_entry.subscribe(log.append)
        thread = (await anna.groups.create("A", [ben.me.uuid, carol.me.uuid])).thread_id
        await anna.groups.mute(thread, carol.me.uuid, 3600)
        self.assertIs(await self.refused(carol.send(thread, "no")), Status.MUTED)
        await anna.groups.mute(thread, carol.me.uuid, 0)
        await carol.send(thread, "yes")
        await anna.groups.set_role(thread, ben.me.uuid, Role.ADMIN)
        picture = self.home / "cake.png"
        Image.new("RGB", (300, 200), (200, 100, 50)).save(picture)
        sent = await anna.transfers.group_picture(picture).result()
        await anna.groups.change(
            thread, title="B", avatar=sent.file_id, channel=True, newcomers_read=NewcomersRead.SINCE_JOINING
        )
        self.assertEqual((await ben.groups.get(thread)).avatar, sent.file_id)
        await ben.transfers.download(sent.file_id, self.home / "got", thumbnail=True).result()
        self.assertIs(await self.refused(carol.send(thread, "no")), Status.READ_ONLY)
        await ben.groups.remove(thread, [carol.me.uuid])
        self.assertIs(await self.refused(anna.groups.leave(thread)), Status.PERMISSION_DENIED)
        await anna.groups.set_role(thread, ben.me.uuid, Role.OWNER)
        told = [
            ("joined", (anna.me.uuid, ben.me.uuid, carol.me.uuid)),
            ("muted", (carol.me.uuid,)),
            ("muted", (carol.me.uuid,)),
            ("role", (ben.me.uuid,)),
            ("removed", (carol.me.uuid,)),
            ("role", (ben.me.uuid,)),
            ("left", (anna.me.uuid,)),
        ]
        await anna.groups.leave(thread)
        for log in logs:
            await self.until(partial(self.has, log, 8))
            self.assertEqual([(one.action, one.users) for one in log if isinstance(one, Membership)], told)
            (change,) = [one for one in log if isinstance(one, SettingsChange)]
            self.assertEqual(
                (change.title, change.description, change.avatar, change.channel, change.newcomers_read),
                ("B", None, sent.file_id, True, NewcomersRead.SINCE_JOINING),
            )
            self.assertTrue(all(one.id < two.id for one, two in itertools.pairwise(log)))
        for log in logs:
            self.assertEqual([one.until is None for one in log[1:3]], [False, True])
        self.assertEqual([log[-1].mine for log in logs], [True, False])

    async def test_ways_in(self) -> None:
        """Strangers are invited; links let in, or ask an admin; who may add me is my choice."""
        anna, ben, carol, dora = await self.people("anna", "ben", "carol", "dora")
        asked: list[GroupNews] = []
        ben.on_group.subscribe(asked.append)
        thread = (await ben.groups.create("B")).thread_id
        outcome = await ben.groups.add(thread, [anna.me.uuid, carol.me.uuid])
        self.assertEqual((outcome.joined, outcome.invited), ((anna.me.uuid,), (carol.me.uuid,)))
        (invitation,) = await carol.groups.invitations().all()
        self.assertEqual(
            (invitation.thread_id, invitation.title, invitation.inviter, invitation.members),
            (thread, "B", ben.me.uuid, 2),
        )
        await carol.groups.accept(thread)
        self.assertEqual(await carol.groups.invitations().all(), [])
        await carol.groups.leave(thread)
        link = await ben.groups.create_link(thread, seconds=3600, uses=2, approval=True)
        assert link.expires is not None
        self.assertEqual((await carol.groups.look(link.link)).title, "B")
        self.assertTrue((await carol.groups.join(link.link)).waits)
        await self.until(lambda: asked)
        self.assertEqual((asked[0].event, asked[0].users), (GroupEvent.ASKED, (carol.me.uuid,)))
        self.assertEqual([one.uuid for one in await ben.groups.asking(thread).all()], [carol.me.uuid])
        await ben.groups.let_in(thread, carol.me.uuid)
        self.assertEqual((await carol.groups.get(thread)).members, 3)
        open_link = await ben.groups.create_link(thread)
        self.assertEqual({one.link for one in await ben.groups.links(thread)}, {link.link, open_link.link})
        self.assertFalse((await dora.groups.join(open_link.link)).waits)
        await ben.groups.revoke_link(thread, open_link.link)
        self.assertIs(await self.refused(dora.groups.look(open_link.link)), Status.LINK_INVALID)
        self.assertIs(await anna.groups.added_by(), AddedBy.EVERYBODY)
        await anna.groups.set_added_by(AddedBy.NOBODY)
        self.assertEqual((await dora.groups.create("D", [anna.me.uuid])).refused, (anna.me.uuid,))
