"""What the other devices of a user have to learn: by numbers, in pages, each change once."""

from __future__ import annotations

from imsys.errors import Refused, Status
from imsys.store import own_changes
from imsys.store.appending import Submission
from imsys.store.groups import NewGroup
from imsys.store.membership import Add, Leave, Picture, Remove
from imsys.store.own_changes import OwnChange, Parted
from imsys.store.thread_settings import SettingsChange, ThreadSettings
from tests.support.stores import OnMariaDb, OnSqlite, StoreCase, text

FAR = (1 << 63) - 1


class Own(StoreCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.anna, self.bert = await self.people("anna", "bert")
        self.thread = await self.befriend(self.anna, self.bert)

    async def said(self, count: int) -> list[int]:
        contents = [f"text {number}" for number in range(count)]
        (result,) = await self.stores.messages.append(
            self.ids, [text(self.anna, self.bert, self.thread, *contents)]
        )
        assert not isinstance(result, Refused)
        return [message.msg_id for message in result.messages]

    async def after(self, number: int) -> list[OwnChange]:
        found: list[OwnChange] = []
        whole = False
        while not whole:
            page, number, whole = await self.stores.own_changes.after(self.anna, number)
            found += page
        self.assertEqual(number, (await self.stores.own_changes.look(self.anna, FAR)).number)
        return found

    async def hide(self, msg_ids: list[int], up_to: int) -> int:
        return (await self.stores.conversations.hide(self.anna, self.thread, msg_ids, up_to))[1]

    async def test_numbers(self) -> None:
        """Each change has the next number; of settings only the last counts, of what is hidden all that still says something."""
        ids = await self.said(6)
        settings = self.stores.thread_settings
        self.assertEqual(await self.after(0), [])
        numbers = [
            await self.hide(ids[:2], 0),
            (await settings.change(self.anna, self.thread, SettingsChange(draft="x")))[1],
            await self.hide(ids[:1], 0),  # it is already
            await self.hide([ids[5]], 0),
            (await settings.change(self.anna, self.thread, SettingsChange(draft="")))[1],
        ]
        self.assertEqual(numbers, [1, 2, 2, 3, 4])
        first = OwnChange(1, self.thread, None, tuple(ids[:2]))
        third, fourth = (
            OwnChange(3, self.thread, None, (ids[5],)),
            OwnChange(4, self.thread, ThreadSettings()),
        )
        self.assertEqual(await self.after(0), [first, third, fourth])
        self.assertEqual(await self.after(1), [third, fourth])
        self.assertEqual(await self.hide([ids[4]], ids[1]), 5)
        fifth = OwnChange(5, self.thread, None, (ids[4],), ids[1])
        self.assertEqual(await self.after(0), [third, fourth, fifth])
        self.assertEqual(await self.hide([], FAR), 6)
        self.assertEqual(await self.after(0), [fourth, OwnChange(6, self.thread, None, (), ids[5])])
        self.assertEqual(await self.hide([], 5), 6)  # they are
        self.assertEqual((await self.stores.own_changes.look(self.bert, 0)).number, 0)

    async def test_pages(self) -> None:
        """A page has whole changes, and none is missed between two."""
        self.patch(own_changes, "ROWS", 5)
        ids = await self.said(24)
        groups = [ids[start : start + 4] for start in range(0, 24, 4)]
        for some in groups:
            await self.stores.conversations.hide(self.anna, self.thread, some, 0)
            await self.stores.thread_settings.change(
                self.anna, self.thread, SettingsChange(draft=str(some[0]))
            )
        found = await self.after(0)
        self.assertEqual(
            [one.hidden for one in found if one.settings is None], [tuple(some) for some in groups]
        )
        self.assertEqual([one.number for one in found if one.settings is not None], [12])

    async def test_parted(self) -> None:
        """Who left a group or was removed is told by the last time, also when they are in it again."""
        new = NewGroup("g", "Group", "", Picture(b"", ""), False, False, [self.bert])
        group = (await self.stores.groups.create(self.ids, self.anna, new, 9)).messages[0].thread_id

        async def do(actor: int, change: Add | Remove | Leave) -> int:
            (result,) = await self.stores.messages.append(self.ids, [Submission(actor, 0, group, (), change)])
            assert not isinstance(result, Refused), result
            return result.messages[0].msg_id

        async def parted(since: int = 0) -> list[Parted]:
            return (await self.stores.own_changes.look(self.bert, since)).parted

        self.assertEqual(await parted(), [])
        removed = await do(self.anna, Remove("1", [self.bert]))
        self.assertEqual(await parted(), [Parted(group, removed, self.anna)])
        await do(self.anna, Add("2", [self.bert], 9))
        self.assertEqual(await parted(), [Parted(group, removed, self.anna)])
        left = await do(self.bert, Leave("3"))
        self.assertEqual(await parted(removed), [Parted(group, left, self.bert)])
        self.assertEqual(await parted(left), [])
        with self.assertRaises(Refused) as caught:
            await self.stores.conversations.hide(self.bert, group, [1], 0)
        self.assertIs(caught.exception.status, Status.PERMISSION_DENIED)


class SqliteOwnTests(Own, OnSqlite):
    """On SQLite."""


class MariaDbOwnTests(Own, OnMariaDb):
    """On MariaDB."""


del Own
