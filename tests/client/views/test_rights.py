"""What is offered to whom: in private conversations, in groups, in channels, to those who are muted or removed."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QPushButton

from client.core.groups import ADMIN, MEMBER
from client.core.living import CHANGED_MS
from client.core.model import ConversationKind
from tests.client.views.test_living import ANNA, GROUP, LivingCase, given


class RightsTests(LivingCase):
    def become(self, role: int, **more: object) -> None:
        about = given(self.account.conversation(GROUP))
        self.account._set(replace(about, role=role, **more))  # type: ignore[arg-type]
        self.settle()

    def delete_words(self, message: object) -> list[str]:
        self.action(message, "Delete …").trigger()  # type: ignore[arg-type]
        box = given(self.conversation.living.menu.question)
        words = [one.text() for one in box.findChildren(QPushButton)]
        box.reject()
        return words

    def test_admins(self) -> None:
        """In a group admins pin, and delete what others wrote; members do neither."""
        view = self.enter(GROUP)
        self.become(ADMIN)
        self.assertIn("Pin", self.words(self.theirs))
        self.assertIn("Delete for everybody", self.delete_words(self.theirs))
        self.action(self.theirs, "Pin").trigger()
        self.settle()
        self.assertTrue(view.living.pins.unpin_button.isVisible())
        self.become(MEMBER)
        self.assertFalse({"Pin", "Unpin"} & self.words(self.now(self.theirs)))
        self.assertNotIn("Delete for everybody", self.delete_words(self.now(self.theirs)))
        self.assertIn("Delete for everybody", self.delete_words(self.mine))
        self.assertFalse(view.living.pins.unpin_button.isVisible())

    def test_private(self) -> None:
        """Between two both pin."""
        self.enter(ANNA)
        self.assertIn("Pin", self.words(self.theirs))

    def test_too_late(self) -> None:
        """What is older than the servers let one change is neither edited nor deleted for everybody."""
        view = self.enter()
        old = replace(self.mine, at_ms=self.mine.at_ms - CHANGED_MS)
        self.account._put(old)
        self.settle()
        self.assertNotIn("Edit", self.words(old))
        self.assertNotIn("Delete for everybody", self.delete_words(old))
        own = given(view.presenter).last_own
        self.assertTrue(own is None or own.key != old.key)

    def test_channel(self) -> None:
        """Where only admins write, others read and react."""
        view = self.enter(GROUP)
        self.become(MEMBER, kind=ConversationKind.CHANNEL)
        self.assertFalse(self.edit.isVisible())
        self.assertEqual(view.composer._blocked_why.text(), "Only admins write in this channel.")
        self.assertTrue(view.messages.reacts)
        self.assertNotIn("Reply", self.words(self.theirs))
        self.become(ADMIN, kind=ConversationKind.CHANNEL)
        self.assertTrue(self.edit.isVisible())

    async def test_muted(self) -> None:
        """Who is muted sees until when, and writes again then by itself."""
        view = self.enter(GROUP)
        presenter = given(view.presenter)
        self.become(MEMBER, silent_until_ms=self.account.now_ms + 3_600_000)
        self.assertFalse(self.edit.isVisible())
        self.assertIn("An admin has muted you here until", view.composer._blocked_why.text())
        self.assertFalse(view.messages.reacts)
        presenter.now = lambda: self.account.now_ms + 3_599_990
        view._about()
        presenter.now = lambda: self.account.now_ms + 3_600_001
        await self.until(self.edit.isVisible)

    def test_removed(self) -> None:
        """Who was removed is told so, and nothing is offered but what they have."""
        view = self.enter(GROUP)
        self.account.lose(GROUP)
        self.settle()
        self.assertEqual(view.composer._blocked_why.text(), "You are not in this group any more.")
        offered = self.words(self.mine)
        self.assertFalse({"Edit", "Pin", "Reply"} & offered)
        self.assertNotIn("Delete for everybody", self.delete_words(self.mine))


class ForMeTests(LivingCase):
    def test_highlight(self) -> None:
        """What mentions me, or all, stands out; what I wrote, or mentions others, does not."""
        view = self.enter(GROUP)
        people = given(view.presenter).about.people
        other = self.account.person(people[0]).username
        me, somebody, everybody = (
            self.account.receive(GROUP, text, people[1])
            for text in (f"@lena and @{other}, bring plates", f"@{other} too", "@all: at four")
        )
        for message, whom in (
            (me, (self.account.me.uuid, people[0])),
            (somebody, (people[0],)),
            (everybody, (0,)),
        ):
            self.account._put(replace(message, mentions=whom))
        self.settle()
        rows = view.messages.rows
        row = {one.key: rows.row(rows.index[one.key]) for one in (me, somebody, everybody)}
        self.assertEqual([row[one.key].mentions_me for one in (me, somebody, everybody)], [True, False, True])
        image = self.grab(view.messages.viewport())
        ratio = image.devicePixelRatio()

        def ground(message: object) -> str:
            rect = view.messages.rect_of(message.key)  # type: ignore[attr-defined]
            bubble = row[message.key].bubble  # type: ignore[attr-defined]
            y = (rect.top() + bubble.center().y()) * ratio
            return image.pixelColor(round((rect.width() - 30) * ratio), round(y)).name()

        colours = self.theme.colours
        self.assertEqual(ground(me), colours.mention_row.name())
        self.assertEqual(ground(everybody), colours.mention_row.name())
        self.assertEqual(ground(somebody), colours.conversation.name())
        text = given(row[me.key].text)
        self.assertEqual([link.person for link in text.links()], [people[0]])
        self.assertEqual(given(row[everybody.key].text).links(), [])

    def test_to_the_next(self) -> None:
        """While one is further up, a button leads to what mentions me below, one after the other."""
        view = self.enter(GROUP)
        list_ = view.messages
        list_.scroll_by(-3000)
        other = given(view.presenter).about.people[1]
        for number in range(40):
            message = self.account.receive(
                GROUP, f"@lena {number}" if number % 20 == 0 else f"{number}", other
            )
            if number % 20 == 0:
                self.account._put(replace(message, mentions=(self.account.me.uuid,)))
        self.settle()
        self.assertTrue(list_.mention.isVisible())
        self.assertEqual(len(list_._unseen()), 2)
        for number in (0, 20):
            self.click(list_.mention)
            self.settle()
            flashed = given(list_.message(list_.canvas.flash_key))
            self.assertEqual(flashed.text, f"@lena {number}")
        self.assertFalse(list_.mention.isVisible())

    def test_to_their_profile(self) -> None:
        """The name of somebody who is mentioned leads to them, by a click and by Enter."""
        view = self.enter(GROUP)
        people = given(view.presenter).about.people
        name = self.account.person(people[0]).username
        message = self.account.receive(GROUP, f"@{name} knows", people[1])
        self.account._put(replace(message, mentions=(people[0],)))
        self.settle()
        row = view.messages.rows.row(view.messages.rows.index[message.key])
        place = row.text_at + view.messages.rect_of(message.key).topLeft()
        self.click(view.messages.viewport(), (place + type(place)(20, 8)).toPoint())
        self.assertEqual(self.view.profile_page.profile.uuid, people[0])
        self.assertTrue(self.view.profile_page.isVisible())
