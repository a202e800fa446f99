"""A group of three desktop clients, with a whole server behind them."""

from __future__ import annotations

from PIL import Image

from client.core import notices
from client.core.groups import ADMIN, MEMBER, OWNER
from client.core.model import ConversationKind, Kind, Message
from client.core.ports import Account, Failure
from client.sync.account import AccountSync
from tests.client.sync.scene import AccountCase


def happened(page: list[Message]) -> list[str]:
    """What happened, in the order of the conversation."""
    return [one.what for message in page if message.kind is Kind.NOTICE for one in notices.read(message.text)]


def said(page: list[Message]) -> list[str]:
    return [message.text for message in page if message.kind is Kind.TEXT]


class GroupTests(AccountCase):
    async def three(self) -> list[AccountSync]:
        """Anna, and Ben and Carol who are her friends."""
        names = await self.register("anna", "ben", "carol")
        accounts = [await self.account(name) for name in names]
        anna = accounts[0]
        for one in accounts[1:]:
            await one.ask_friend((await one.search_person(names[0])).uuid, "Hello?")
            await self.until(anna.requests)
            await anna.accept(one.me.uuid)
        return accounts

    async def test_three_in_a_group(self) -> None:
        """It is made, talked in, changed and left; all see the same, on a new computer too."""
        anna, ben, carol = await self.three()
        typed: Account = anna
        picture = self.home / "cake.png"
        Image.new("RGB", (200, 200), (200, 100, 50)).save(picture)
        group, added = await typed.create_group("Sunday cake", [ben.me.uuid], picture=picture)
        self.assertEqual(added.joined, (ben.me.uuid,))
        await self.until(lambda: (about := ben.conversation(group)) and about.title == "Sunday cake")
        for one in (anna, ben):
            about = one.conversation(group)
            assert about is not None
            self.assertEqual((about.kind, about.members, about.unread), (ConversationKind.GROUP, 2, 0))
            self.assertTrue(about.avatar)
            self.assertIsNotNone(await one.avatar(about.avatar))
        await ben.send_text(group, "Who brings what?")
        await self.shows(anna, group, lambda page: "Who brings what?" in said(page))
        await anna.add_members(group, [carol.me.uuid])
        await self.until(lambda: (about := carol.conversation(group)) and about.members == 3)
        await self.shows(carol, group, lambda page: "Who brings what?" in said(page))
        about = carol.conversation(group)
        assert about is not None
        self.assertEqual(about.unread, 0)
        await carol.send_text(group, "Plums")
        await self.shows(anna, group, lambda page: "Plums" in said(page))
        await anna.set_role(group, ben.me.uuid, ADMIN)
        await self.until(lambda: (about := ben.conversation(group)) and about.role == ADMIN)
        await ben.change_group(group, title="Monday cake", description="At four.")
        await self.until(lambda: (about := carol.conversation(group)) and about.title == "Monday cake")
        await ben.mute_member(group, carol.me.uuid, 3600)
        roles = {one.uuid: (one.role, bool(one.muted_until_ms)) for one in await carol.members(group)}
        self.assertEqual(
            roles,
            {anna.me.uuid: (OWNER, False), ben.me.uuid: (ADMIN, False), carol.me.uuid: (MEMBER, True)},
        )
        with self.assertRaises(Failure):
            await carol.remove_member(group, ben.me.uuid)
        await ben.remove_member(group, carol.me.uuid)
        await self.until(lambda: (about := carol.conversation(group)) and about.gone)
        log = ["created", "joined", "admin", "title", "description", "muted", "removed"]
        for one in (anna, ben):
            await self.shows(one, group, lambda page: happened(page) == log)
        new = await self.account(anna.me.username, "elsewhere")
        page = await self.shows(new, group, lambda page: happened(page) == log)
        self.assertEqual(said(page), ["Who brings what?", "Plums"])
        name = ben.me.username
        await ben.close()
        again = await self.account(name, start=False)
        about = again.conversation(group)
        assert about is not None
        self.assertEqual(
            (about.title, about.role, about.members, about.description), ("Monday cake", ADMIN, 2, "At four.")
        )
        with self.assertRaises(Failure):
            await again.leave_group(group)

    async def test_ways_in(self) -> None:
        """An invitation is told, and accepted; a link asks an admin."""
        anna, ben, carol = await self.three()
        group, added = await ben.create_group("Ben's", [carol.me.uuid])
        self.assertEqual(added.invited, (carol.me.uuid,))
        await self.until(carol.invitations)
        self.assertEqual(carol.invitations()[0].title, "Ben's")
        await carol.answer_invitation(group, True)
        self.assertEqual(carol.invitations(), ())
        await self.until(lambda: (about := ben.conversation(group)) and about.members == 2)
        link = await ben.create_link(group, seconds=3600, uses=1, approval=True)
        self.assertEqual([one.code for one in await ben.links(group)], [link.code])
        self.assertEqual((await anna.look_at_link(link.code)).title, "Ben's")
        self.assertEqual(await anna.join_by_link(link.code), 0)
        await self.until(lambda: (about := ben.conversation(group)) and about.asking == 1)
        self.assertEqual(await ben.asking(group), [anna.me.uuid])
        await ben.let_in(group, anna.me.uuid, True)
        await self.until(lambda: (about := anna.conversation(group)) and about.title == "Ben's")
        self.assertEqual(await ben.asking(group), [])
        await self.until(lambda: (about := ben.conversation(group)) and about.asking == 0)
        await anna.leave_group(group)
        await self.until(lambda: (about := anna.conversation(group)) and about.gone)
        await anna.set_privacy(added_by="nobody")
        with self.assertRaisesRegex(Failure, "None of them wants to be added"):
            await ben.add_members(group, [anna.me.uuid])
