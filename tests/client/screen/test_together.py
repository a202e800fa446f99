"""A group of two people on their screens, by clicks and keys alone, over a real server."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QWidget

from client.core.model import Message
from client.widgets.button import IconButton
from client.widgets.times import DAY, HOUR, lasting
from tests.cli.running import PASSWORD, CliCase, server
from tests.client.screen.clients import ENTER, ClientsCase, Desktop

T = TypeVar("T")


def given(value: T | None) -> T:
    assert value is not None
    return value


class TogetherTests(ClientsCase):
    async def people(self) -> list[Desktop]:
        """Two friends, each at a computer."""
        friends = CliCase("friends")
        friends.setUp()
        names = await friends.friends("anna", "ben")
        found = server()
        environ = {"IMSYS_GATEWAY_PORT": found.url.rpartition(":")[2], "IMSYS_HOME": str(found.home)}
        desktops = [Desktop(self, name, environ) for name in names]
        for desktop in desktops:
            await desktop.sign_in(PASSWORD)
            desktop.window.resize(1440, 900)
        return desktops

    async def said(self, desktop: Desktop, text: str) -> Message:
        """A message, once it is on the screen."""
        await self.until(
            lambda: [one for one in desktop.messages if one.text == text and one.id],
            f"{text!r} is not on the screen of {desktop.name}",
        )
        return next(one for one in desktop.messages if one.text == text)

    async def place(self, desktop: Desktop, message: Message, action: str = "") -> QPoint:
        """Where a message stands, or a part of it."""
        messages = desktop.view.conversation.messages
        await self.until(lambda: not messages.canvas.slide() and message.key in messages.rows.index)
        row = messages.rows.row(messages.rows.index[message.key])
        rect = next(one.rect for one in row.hits if one.action == action) if action else row.bubble
        return (rect.center() + QPointF(0, messages.rect_of(message.key).top())).toPoint()

    def pick(self, words: str) -> None:
        """Click what the menu that is open says."""
        menu = next(
            one for one in QApplication.topLevelWidgets() if isinstance(one, QMenu) and one.isVisible()
        )
        action = next((one for one in menu.actions() if one.text() == words), None)
        assert action is not None, [one.text() for one in menu.actions()]
        self.click(menu, menu.actionGeometry(action).center())

    async def in_menu_of(self, anna: Desktop, ben: Desktop, words: str) -> None:
        """Choose in the menu of a member."""
        pane, uuid = anna.view.details.group, ben.view.account.me.uuid

        def button() -> IconButton | None:
            card = pane.cards.get(uuid)
            found = card.findChild(IconButton) if card is not None else None
            menu = found.findChild(QMenu) if found is not None else None
            offered = menu is not None and words in [one.text() for one in menu.actions()]
            return found if offered else None

        await self.until(lambda: button() is not None, f"{words!r} is not offered")
        self.click(given(button()))
        self.pick(words)

    async def shown(self, find: QWidget | None, what: str) -> None:
        await self.until(lambda: find is not None and find.isVisible(), what)

    async def test_a_group(self) -> None:
        """It is made, one mentions the other, who reacts; a file goes there and on; one is muted, a text waits,
        messages get a time, and one is removed.
        """
        anna, ben = await self.people()
        self.click(anna.view.rail.buttons["contacts"])
        self.click(anna.view.friends.new_group)
        page = anna.view.groups.create
        self.keys(page.name, "Harbour walk")
        await self.until(page.picking.rows.count, "no friend is offered")
        self.click(
            page.picking.rows.viewport(), page.picking.rows.visualItemRect(page.picking.rows.item(0)).center()
        )
        self.click(page.button)
        await self.until(lambda: anna.view.current and anna.view.conversation.messages.isVisible())
        group = anna.view.current
        await self.until(lambda: ben.view.account.conversation(group), "the group did not come")
        # one is mentioned
        edit = anna.view.conversation.composer.edit
        await self.until(lambda: given(anna.view.conversation.presenter).members, "nobody is known by name")
        self.keys(edit, f"Plates, @{ben.name[:4]}")
        await self.until(anna.view.conversation.living.completion.isVisible, "nobody is offered")
        self.keys(edit, ENTER)
        self.keys(edit, "please")
        self.keys(edit, ENTER)
        text = f"Plates, @{ben.name} please"
        question = await self.said(anna, text)
        await self.until(lambda: (about := ben.view.account.conversation(group)) and about.mentioned)
        await ben.open(ben.view.conversations.row_of(group))
        theirs = await self.said(ben, text)
        messages = ben.view.conversation.messages
        self.assertTrue(messages.rows.row(messages.rows.index[theirs.key]).mentions_me)
        # who reacts
        self.point(messages.viewport(), await self.place(ben, theirs))
        await self.shown(messages.reaction_bar, "no reactions are offered")
        self.click(given(messages.reaction_bar.row).buttons[0])
        await self.until(lambda: anna.message(question.key).reactions, "the reaction did not come")
        viewport = anna.view.conversation.messages.viewport()
        chip = await self.place(anna, anna.message(question.key), "react")
        mouse = QContextMenuEvent.Reason.Mouse
        QApplication.sendEvent(viewport, QContextMenuEvent(mouse, chip, viewport.mapToGlobal(chip)))
        await self.until(
            lambda: anna.view.conversation.living.reactors is not None, "nobody says who reacted"
        )
        dialog = given(anna.view.conversation.living.reactors)
        self.assertEqual([dialog.names.item(0).text(), dialog.names.count()], [ben.name, 1])
        dialog.reject()
        self.click(viewport, await self.place(anna, anna.message(question.key), "react"))
        await self.until(lambda: ben.message(theirs.key).reactions[0].count == 2, "a click does not join in")
        # a file, and where it goes on to
        path = anna.home / "plan.txt"
        path.write_text("North quay, at eight.")
        await anna.send_dropped(path)
        await self.until(
            lambda: ben._of_file("plan.txt") or self.theirs(ben, "plan.txt"), "the file did not come"
        )
        sent = given(self.theirs(ben, "plan.txt"))
        place = await self.place(ben, sent)
        QApplication.sendEvent(
            messages.viewport(), QContextMenuEvent(mouse, place, messages.viewport().mapToGlobal(place))
        )
        self.pick("Forward …")
        await self.shown(ben.view.forwarding, "nobody asks where to")
        self.keys(ben.view.forwarding.field, anna.name[:4])
        self.keys(ben.view.forwarding.field, ENTER)
        await self.until(
            lambda: ben.view.current != group and ben._of_file("plan.txt"), "it was not forwarded"
        )
        await ben.open(ben.view.conversations.row_of(group))
        # who is muted
        anna.view.show_details(True)
        await self.in_menu_of(anna, ben, f"Mute for {lasting(HOUR)}")
        composer = ben.view.conversation.composer
        await self.until(lambda: "muted you here until" in composer._blocked_why.text(), "nobody is muted")
        await self.in_menu_of(anna, ben, "Let write again")
        await self.until(composer.edit.isVisible, "the other may not write again")
        # what waits
        later = anna.view.conversation.later
        self.keys(edit, "At eight, then")
        self.keys(edit, ENTER, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        self.click(given(later.when).ready)
        await self.until(
            lambda: later.when is None and anna.view.conversation.composer.waiting_button.isVisible()
        )
        self.click(anna.view.conversation.composer.waiting_button)
        (row,) = given(later.list).rows.values()
        self.click(row.button)
        self.pick("Send now")
        await self.said(ben, "At eight, then")
        given(later.list).reject()
        # how long messages stay
        self.click(anna.view.details.timer_button)
        self.pick(lasting(DAY))
        await self.until(
            ben.view.conversation.later.timer_button.isVisible, "no mark says that messages disappear"
        )
        # and the end
        await self.in_menu_of(anna, ben, "Remove from the group …")
        question_box = given(anna.view.details.group.question)
        self.click(next(one for one in question_box.findChildren(QPushButton) if one.text() == "Remove"))
        await self.until(
            lambda: composer._blocked_why.text() == "You are not in this group any more.",
            "nobody was removed",
        )

    def theirs(self, desktop: Desktop, name: str) -> Message | None:
        found = (
            one for one in desktop.messages if one.attachment is not None and name in one.attachment.filename
        )
        return next(found, None)
