"""Groups by mouse and keys, over an account in memory."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QPushButton

from client.core import notices
from client.core.groups import ADMIN, MEMBER, OWNER, Member
from client.core.lifelike.conversations import CHANNEL, GROUP
from client.core.memory import NOW_MS
from client.core.notices import Notice
from client.views.groups.pane import GroupPane
from client.widgets.button import IconButton
from client.widgets.messages.words import content, spoken
from client.widgets.times import HOUR, lasting
from tests.client.views.scene import ViewCase

Key = Qt.Key


class GroupViewCase(ViewCase):
    def details(self, conversation: int) -> GroupPane:
        """The details of a group, in a window that has room for them."""
        view = self.open(1440, 900)
        view.open(conversation)
        view.show_details(True)
        self.turn()
        return view.details.group

    def type(self, text: str) -> None:
        """Where the keys go."""
        widget = self.application.focusWidget()
        assert widget is not None
        self.keys(widget, text)

    def act(self, pane: GroupPane, uuid: int, words: str, answer: str = "") -> None:
        """Choose something in the menu of a member, and answer where it asks once more."""
        button = pane.cards[uuid].findChild(IconButton)
        assert button is not None
        self.click(button)
        menu = button.findChild(QMenu)
        assert menu is not None
        self.assertTrue(menu.isVisible())
        action = next(one for one in menu.actions() if one.text() == words)
        self.click(menu, menu.actionGeometry(action).center())
        self.turn()
        if answer:
            assert pane.question is not None
            self.click(next(one for one in pane.question.findChildren(QPushButton) if one.text() == answer))
            self.turn()


class MakingTests(GroupViewCase):
    def test_make(self) -> None:
        """From the list of friends: a name, some friends by mouse and keys, and its conversation is open."""
        view = self.open()
        view.go("contacts")
        self.click(view.friends.new_group)
        page = view.groups.create
        self.assertTrue(page.isVisible())
        self.assertFalse(page.button.isEnabled())
        self.type("Harbour walk")
        page.picking.search.setFocus()
        self.type("anna")
        self.keys(page.picking.search, Key.Key_Return)
        self.keys(page.picking.search, Key.Key_Down)
        self.keys(page.picking.rows, Key.Key_Space)
        page.picking.search.clear()
        self.turn()
        rows = page.picking.rows
        item = next(rows.item(row) for row in range(rows.count()) if rows.item(row).text() == "Jonas Weber")
        rows.scrollToItem(item)
        self.click(rows.viewport(), rows.visualItemRect(item).center())
        self.assertEqual(page.picking.chosen, [10002, 10003])
        page.writers.setCurrentIndex(1)
        self.click(page.button)
        self.turn()
        self.assertIn(
            ("create_group", "Harbour walk", (10002, 10003), None, True, True), self.account.commands
        )
        about = self.account.conversation(view.current)
        assert about is not None
        self.assertEqual((about.title, about.members, about.role), ("Harbour walk", 3, OWNER))
        self.assertTrue(view.conversation.isVisible())

    def test_refused(self) -> None:
        """What is wrong is said on the page, and what was written stays."""
        view = self.open()
        view.groups.new()
        page = view.groups.create
        page.name.setText("X")
        self.account.refusal = "There are as many as there may be."
        self.click(page.button)
        self.turn()
        self.assertTrue(page.isVisible())
        self.assertEqual((page.problem.text(), page.name.text()), (self.account.refusal, "X"))

    def test_blocked_and_members_are_not_offered(self) -> None:
        """Who is blocked is not offered, and who is in the group is not offered again."""
        pane = self.details(GROUP)
        self.click(pane.add_button)
        picking = self.view.groups.add.picking
        offered = {picking.rows.item(row).text() for row in range(picking.rows.count())}
        self.assertFalse(offered & {"Max", "Anna Berg", "Tom Ellis"})
        self.assertFalse(self.view.groups.add.button.isEnabled())
        self.click(picking.rows.viewport(), picking.rows.visualItemRect(picking.rows.item(0)).center())
        self.click(self.view.groups.add.button)
        self.turn()
        about = self.account.conversation(GROUP)
        assert about is not None
        self.assertEqual(about.members, 7)
        self.assertEqual(len(pane.cards), 7)


class MembersTests(GroupViewCase):
    def test_roles(self) -> None:
        """The owner mutes, makes admins, hands over; what my role does not let me is not offered."""
        pane = self.details(GROUP)
        self.assertEqual([one.role for one in pane.members][:2], [OWNER, ADMIN])
        self.assertIsNone(pane.cards[10001].findChild(IconButton))
        self.act(pane, 10030, f"Mute for {lasting(HOUR)}")
        self.assertIn(("mute_member", GROUP, 10030, 3600), self.account.commands)
        self.assertEqual(pane.cards[10030].accessibleDescription(), "muted")
        self.act(pane, 10030, "Let write again")
        self.act(pane, 10030, "Make an admin")
        self.assertEqual(pane.cards[10030].accessibleDescription(), "admin")
        self.act(pane, 10006, "Remove from the group …", "Remove")
        self.assertNotIn(10006, pane.cards)
        self.act(pane, 10002, "Hand the group over …", "Hand over")
        self.assertIsNone(pane.cards[10002].findChild(IconButton))
        self.assertIsNone(pane.cards[10030].findChild(IconButton))
        self.assertIsNotNone(pane.cards[10032].findChild(IconButton))

    def test_search(self) -> None:
        """Of many members one is found by a part of the name."""
        view = self.open(1440, 900)
        people = tuple(range(10002, 10020))
        self.account._members[GROUP] = [Member(10001, OWNER), *(Member(uuid) for uuid in people)]
        view.open(GROUP)
        view.show_details(True)
        self.turn()
        pane = view.details.group
        self.assertTrue(pane.search.isVisible())
        self.keys(pane.search, "anna")
        pane.search._tell()
        self.turn()
        self.assertEqual(list(pane.cards), [10002])

    def test_let_in_and_leave(self) -> None:
        """Who asks is let in; the owner hands over first, and leaves then; a member leaves, and writes no more."""
        pane = self.details(GROUP)
        (card,) = pane.waiting.values()
        self.click(next(one for one in card.findChildren(QPushButton) if one.text() == "Let in"))
        self.turn()
        self.assertFalse(pane.waiting)
        self.assertIn(10041, pane.cards)
        self.assertNotIn("let in", self.view.conversation.header._about.text())
        self.account.asked_in(GROUP, 10042)
        self.turn()
        self.assertEqual(list(pane.waiting), [10042])
        self.assertIn("let in", self.view.conversation.header._about.text())
        self.click(pane.leave)
        heir = pane.heir
        assert heir is not None
        self.assertFalse(heir.button.isEnabled())
        self.assertEqual(heir.rows.item(0).text(), "Anna Berg · admin")
        self.keys(heir.search, "han")
        heir.search._tell()
        self.assertEqual([heir.rows.item(row).text() for row in range(heir.rows.count())], ["Hanna"])
        self.keys(heir.search, Key.Key_Down)
        self.keys(heir.rows, Key.Key_Down)
        self.click(heir.button)
        self.turn()
        self.assertIn(("set_role", GROUP, 10030, OWNER), self.account.commands)
        about = self.account.conversation(GROUP)
        assert about is not None
        self.assertTrue(about.gone)
        self.view.open(CHANNEL)
        self.turn()
        self.assertFalse(pane.add_button.isVisible())
        self.assertFalse(self.view.conversation.composer.edit.isVisible())
        self.click(pane.leave)
        self.click(pane.sure.yes_button)
        self.turn()
        about = self.account.conversation(CHANNEL)
        assert about is not None
        self.assertTrue(about.gone)
        self.assertFalse(pane.leave.isVisible())


class SettingsTests(GroupViewCase):
    def test_change(self) -> None:
        """Only what is different is changed."""
        pane = self.details(GROUP)
        self.click(pane.settings_button)
        page = self.view.groups.settings
        self.assertIs(self.application.focusWidget(), page.name)
        page.name.selectAll()
        self.type("Monday cake")
        self.click(page.save)
        self.turn()
        self.assertIn(("change_group", GROUP, "Monday cake", None, None, None, None), self.account.commands)
        self.assertEqual(page.save.text(), "Saved")
        page.description.setPlainText("x" * 501)
        self.assertFalse(page.save.isEnabled())
        self.assertTrue(page.problem.isVisible())

    def test_links(self) -> None:
        """One is made as it was wanted, copied, and ended."""
        pane = self.details(GROUP)
        self.click(pane.settings_button)
        links = self.view.groups.settings.links
        links.life.setCurrentIndex(1)
        links.uses.setCurrentIndex(2)
        links.approval.setChecked(True)
        links.button.setFocus()
        self.keys(links.button, Key.Key_Space)
        self.turn()
        self.assertIn(("create_link", GROUP, 3600, 10, True), self.account.commands)
        (row,) = links.rows.values()
        row.copy.click()
        self.assertEqual(QGuiApplication.clipboard().text(), row.link.code)
        row.revoke.click()
        self.turn()
        self.assertFalse(links.rows)


class WaysInTests(GroupViewCase):
    def test_invitation(self) -> None:
        """It is counted, and accepted with a click: then its conversation is open."""
        view = self.open()
        self.assertEqual(view.contacts.waiting, len(self.account.requests()) + 1)
        view.show_requests()
        (card,) = view.groups.invitations.cards.values()
        self.click(card.accept)
        self.turn()
        self.assertEqual(view.current, 40)
        self.assertFalse(view.groups.invitations.cards)

    def test_link(self) -> None:
        """It says where it leads before one goes there."""
        view = self.open()
        view.find_people()
        join = view.groups.join
        join.field.setFocus()
        self.type("too short")
        self.assertFalse(join.button.isEnabled())
        join.field.setText("k3Zx9_mQp2LrT7-vYw1a10")
        self.keys(join.field, Key.Key_Return)
        self.turn()
        assert join.card is not None
        self.assertEqual(join.card.accessibleName(), "Harbour rowers")
        join.join.click()
        self.turn()
        self.assertTrue(join.told.isVisible())
        self.assertFalse(join.join.isEnabled())


class NoticeTests(GroupViewCase):
    def test_words(self) -> None:
        """Each is a sentence with the names of now; of what is not known, nothing."""
        person = self.account.person
        for who, notice, words in (
            (10001, Notice("created", (10001, 10002), "Sunday cake"), "You created the group “Sunday cake”"),
            (10001, Notice("joined", (10002, 10006)), "You added Anna Berg, Tom Ellis"),
            (10002, Notice("joined", (10002,)), "Anna Berg joined the group"),
            (10002, Notice("joined", tuple(range(10003, 10010))), "and 4 others"),
            (10002, Notice("admin", (10003,)), "Anna Berg made Jonas Weber an admin"),
            (10002, Notice("title", (), "<b>x</b>"), "Anna Berg named the group “<b>x</b>”"),
            (10002, Notice("muted", (10003,), str(NOW_MS)), "Anna Berg muted Jonas Weber until "),
            (10002, Notice("heir", (10003,)), "Jonas Weber has the group now"),
            (10001, Notice("timer", (), "3600"), f"You set messages to disappear after {lasting(HOUR)}"),
            (10002, Notice("timer", (), "0"), "Anna Berg set messages to stay"),
            (10002, Notice("of a later version", (10003,)), ""),
        ):
            message = self.account.happened(GROUP, who, notice)
            self.assertIn(words, content(message, person))
            self.assertEqual(spoken(message, person), content(message, person))
        self.assertEqual(notices.read("no JSON"), [])

    def test_in_the_list(self) -> None:
        """The row of the conversation says it."""
        self.account.happened(GROUP, 10002, Notice("left", (10002,)))
        view = self.open()
        index = view.conversations.index(view.conversations.row_of(GROUP))
        self.assertIn("Anna Berg left the group", str(index.data(Qt.ItemDataRole.AccessibleTextRole)))
        self.assertEqual(MEMBER, 0)
