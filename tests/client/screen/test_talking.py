"""Two people, each with the desktop client in a window of its own, from registration on: every step is a
click or a key.
"""

from __future__ import annotations

import os
import secrets
import signal
from functools import partial
from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QGuiApplication, QImage

from client.core.model import Kind, Link, Mark, Stage
from client.sync.account import AccountSync
from tests.cli.running import PASSWORD, server
from tests.client.screen.clients import ENTER, ClientsCase, Desktop
from tests.support.all_in_one import PASSWORD as PASSWORD_ALONE
from tests.support.all_in_one import AllInOne

BRICK = QColor(200, 80, 40)


class RegistrationTests(ClientsCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = server()

    def start(self, name: str) -> Desktop:
        """Somebody's client, which finds the server of ``make run`` by itself."""
        port = self.server.url.rpartition(":")[2]
        return Desktop(self, name, {"IMSYS_GATEWAY_PORT": port, "IMSYS_HOME": str(self.server.home)})

    async def register(self, desktop: Desktop) -> None:
        """Make an account by what is on the screen."""
        view = await desktop.way_in()
        desktop.press("Make an account")
        page: Any = view.pages["register"]
        email = f"{desktop.name}@example.org"
        desktop.fill(page.fields["username"].edit, desktop.name)
        desktop.fill(page.fields["email"].edit, email)
        self.click(page.code)
        await self.until(
            lambda: (self.server.home / "mail" / "new").exists() and self.server.codes(email), "no code came"
        )
        desktop.fill(page.fields["code"].edit, self.server.codes(email)[0])
        desktop.fill(page.fields["password"].edit, PASSWORD)
        desktop.fill(page.fields["repeated"].edit, PASSWORD)
        await self.until(page.button.isEnabled)
        self.click(page.button)
        await desktop.online()

    async def test_from_registration_to_a_picture(self) -> None:
        """Two people register, one finds the other and is accepted, they talk, and a picture that one pastes
        is on the other's screen.
        """
        run = secrets.token_hex(3)
        anna, ben = self.start(f"anna-{run}"), self.start(f"ben-{run}")
        await self.register(anna)
        await self.register(ben)
        find = anna.view.find_page
        anna.press("Find people")
        anna.fill(find.field, ben.name)
        self.keys(find.field, ENTER)
        await self.until(lambda: hasattr(find, "ask_button") and find.ask_button.isVisible())
        self.click(find.ask_button)
        requests = ben.view.requests_page
        self.click(ben.view.rail.buttons["contacts"])
        await self.until(lambda: requests.cards, "the request did not come")
        self.click(ben.view.friends.new_friends)
        await self.until(requests.isVisible)
        (card,) = requests.cards.values()
        self.click(card.accept)
        await anna.open()
        await self.until(lambda: ben.view.conversations.rowCount())
        self.click(ben.view.rail.buttons["conversations"])
        await ben.open()
        anna.write("Hello Ben, *how* are you?")
        await self.until(lambda: "Hello Ben, *how* are you?" in ben.texts)
        ben.write("Fine!")
        await self.until(lambda: "Fine!" in anna.texts)
        await self.until(
            lambda: (
                next(one.mark for one in anna.messages if one.text.startswith("Hello Ben")) >= Mark.DELIVERED
            )
        )

        image = QImage(320, 240, QImage.Format.Format_RGB32)
        image.fill(BRICK)
        QGuiApplication.clipboard().setImage(image)
        sent = await anna.send_pasted()
        await self.until(
            lambda: anna.message(anna.messages[-1].key).mark >= Mark.STORED, "the picture was not sent"
        )
        self.assertIs(sent.kind, Kind.IMAGE)
        await self.until(
            lambda: any(one.kind is Kind.IMAGE for one in ben.messages), "the picture did not come"
        )
        for one in (anna, ben):
            await self.until(partial(self.shows_picture, one), f"it is not on the screen of {one.name}")

    def shows_picture(self, desktop: Desktop) -> bool:
        """Whether the last picture is on the screen: a quarter into it is its colour, as near as JPEG comes."""
        messages = desktop.view.conversation.messages
        picture = next((one for one in reversed(desktop.messages) if one.kind is Kind.IMAGE), None)
        if picture is None:
            return False
        index = messages.rows.index[picture.key]
        part = messages.rows.row(index).part
        assert part is not None
        rect = part.rect.translated(0, messages.scroller.y(index))
        place = QPoint(round(rect.x() + rect.width() / 4), round(rect.y() + rect.height() / 4))
        found = self.grab(messages.viewport()).pixelColor(place)
        channels = zip(
            (found.red(), found.green(), found.blue()),
            (BRICK.red(), BRICK.green(), BRICK.blue()),
            strict=True,
        )
        return all(abs(one - other) <= 3 for one, other in channels)

    async def test_signed_out_elsewhere(self) -> None:
        """Who is signed out from another device reads why, and comes back by a press and the password; the
        other device stays signed in.
        """
        anna = self.start(f"anna-{secrets.token_hex(3)}")
        await self.register(anna)
        first = anna.view
        elsewhere = self.start(anna.name)
        await elsewhere.sign_in(PASSWORD)
        account = elsewhere.view.account
        assert isinstance(account, AccountSync)
        await account.parts.client.devices.revoke_others()
        await self.until(lambda: first.account.connection().link is Link.SIGNED_OUT, "nobody was signed out")
        await self.until(first.banner.isVisible)
        self.assertIn("signed in somewhere else", first.banner.words()[0])
        anna.press("Sign in", first.banner)
        view = await anna.way_in()
        self.assertEqual(view.pages["sign in"].fields["username"].text(), anna.name)
        await anna.sign_in(PASSWORD)
        await self.until(lambda: anna.view.account.connection().link is Link.ONLINE)
        self.assertIs(elsewhere.view.account.connection().link, Link.ONLINE)


class KilledServerTests(ClientsCase):
    async def test_a_file_and_texts_across_a_killed_server(self) -> None:
        """A file is paused; the server is killed, texts are written meanwhile.

        It comes back, the file goes on, and all is there once.
        """
        alone = AllInOne(self, self.reactor)
        daemon = await alone.start({})
        people = [await alone.user(name) for name in ("anna", "ben")]
        requests: list[Any] = []
        people[1].on_friend_request.subscribe(requests.append)
        await people[0].contacts.add(people[1].me.uuid, "Hello?")
        await self.until(lambda: requests)
        await people[1].contacts.accept(people[0].me.uuid)
        for one in people:
            await one.stop()
        environ = {"IMSYS_GATEWAY_PORT": alone.settings["GATEWAY_PORT"], "IMSYS_HOME": str(alone.home)}
        anna, ben = (Desktop(self, name, environ) for name in ("anna", "ben"))
        for desktop in (anna, ben):
            await desktop.sign_in(PASSWORD_ALONE)
            await desktop.open()
        data = os.urandom(60_000_000)
        path = anna.home / "film.bin"
        path.write_bytes(data)
        sent = await anna.send_dropped(path)
        account = anna.view.account

        def stage() -> Stage | None:
            return next((one.stage for one in account.transfers() if one.key == sent.key), None)

        await self.until(lambda: stage() is Stage.MOVING, "it does not move")
        anna.click_part(sent.key, "file")
        await self.until(lambda: stage() is Stage.PAUSED, "it is not paused")
        done = next(one.done for one in account.transfers() if one.key == sent.key)
        self.assertLess(done, len(data))

        await daemon.stop(signal.SIGKILL)
        await self.until(
            lambda: account.connection().link is Link.WAITING and anna.view.banner.isVisible(),
            "nothing is said",
        )
        self.assertIn("Retry now", anna.view.banner.words())
        written = ("written", "while it", "was away")
        for text in written:
            anna.write(text)
        await self.until(lambda: tuple(anna.texts[-3:]) == written)
        self.assertEqual({one.mark for one in anna.messages if one.text == "was away"}, {Mark.WAITING})
        await alone.start({})
        for desktop in (anna, ben):
            if desktop.view.banner.isVisible() and "Retry now" in desktop.view.banner.words():
                desktop.press("Retry now", desktop.view.banner)
            await desktop.online()
        self.assertIs(stage(), Stage.PAUSED)
        anna.click_part(sent.key, "file")
        await self.until(lambda: tuple(ben.texts[-3:]) == written, "the texts did not come")
        await self.until(lambda: any(one.kind is Kind.FILE for one in ben.messages), "the file did not come")
        came = next(one for one in ben.messages if one.kind is Kind.FILE)
        ben.click_part(came.key, "file")
        await self.until(lambda: ben.message(came.key).attachment.path, "it was not fetched")  # type: ignore[union-attr]
        attachment = ben.message(came.key).attachment
        assert attachment is not None
        with open(attachment.path, "rb") as file:
            self.assertTrue(file.read() == data)
        await self.until(lambda: self.opener.opened == [attachment.path])
        for desktop in (anna, ben):
            self.assertEqual([text for text in desktop.texts if text in written], list(written))
            self.assertEqual(len([one for one in desktop.messages if one.kind is Kind.FILE]), 1)
