"""Presenters without a window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import TestCase

from client.core.memory import NOW_MS, MemoryAccount
from client.core.memory_entering import CODE, PASSWORD, MemoryEntering, check
from client.core.model import Mark, Message
from client.core.preferences import Preferences, read, written
from client.viewmodels.contacts import Contacts
from client.viewmodels.conversation import ConversationPresenter
from client.viewmodels.own_profile import OwnProfile
from client.viewmodels.sign_in import SignIn
from client.viewmodels.spool import Spool
from client.viewmodels.telling import telling


def at_once(work: Any) -> Deferred[Any]:
    """Threads, for tests."""
    return succeed(work())


class Case(TestCase):
    def setUp(self) -> None:
        self.account = MemoryAccount(longest=300)
        self.said: list[Any] = []


class ConversationTests(Case):
    def open(self, conversation: int = 1) -> ConversationPresenter:
        presenter = ConversationPresenter(self.account, conversation, Spool(Path(self.mktemp()), at_once))
        self.addCleanup(presenter.close)
        presenter.failed.subscribe(self.said.append)
        presenter.open()
        return presenter

    def test_send(self) -> None:
        """What is written is in the window at once, and the draft is gone."""
        presenter = self.open()
        presenter.set_draft("Hel")
        presenter.send("Hello")
        self.assertEqual(presenter.window.messages[-1].text, "Hello")
        self.assertEqual(presenter.about.draft, "")

    def test_refused(self) -> None:
        """A text that is not taken comes back with the reason."""
        presenter = self.open()
        refused: list[tuple[str, str]] = []
        presenter.refused.subscribe(refused.append)
        self.account.refusal = "The disk is full."
        presenter.send("Hello")
        self.assertEqual(refused, [("Hello", "The disk is full.")])

    def test_several(self) -> None:
        """A long text as several, in order."""
        presenter = self.open()
        presenter.send_several("word " * 2000)
        sent = [command[2] for command in self.account.commands if command[0] == "send_text"]
        self.assertEqual(len(sent), 3)
        self.assertEqual("".join(str(part) for part in sent).replace(" ", ""), "word" * 2000)

    def test_made_files(self) -> None:
        """A text becomes a file, with a name that is free."""
        presenter = self.open()
        for text in ("one", "two"):
            presenter.send_made("Text", ".txt", lambda path, text=text: path.write_text(text))  # type: ignore[misc]
        paths = [command[2] for command in self.account.commands if command[0] == "send_file"]
        self.assertEqual(
            [(path.name, path.read_text()) for path in paths],  # type: ignore[attr-defined]
            [("Text.txt", "one"), ("Text 2.txt", "two")],
        )
        presenter.send_made("Text", ".txt", lambda path: (path.parent / "no" / "such").write_text(""))
        self.assertIn("could not be made", self.said[0])

    def test_scroll_is_remembered(self) -> None:
        """Left in the middle, it begins there; left at the end, it begins at the end."""
        presenter = self.open()
        there = presenter.window.messages[10].id
        presenter.window.follows = False
        presenter.close(seen=there)
        again = self.open()
        self.assertIn(there, [message.id for message in again.window.messages])
        self.assertFalse(again.window.at_end)
        again.window.follows = True
        again.close(seen=there)
        self.assertEqual(self.account.remembered("scroll.1"), "")

    def test_find(self) -> None:
        """The newest first; an empty text finds nothing."""
        presenter = self.open()
        found: list[list[Message]] = []
        presenter.found.subscribe(found.append)
        presenter.find("the")
        presenter.find("")
        self.assertGreater(len(found[0]), 1)
        self.assertGreater(found[0][0].id, found[0][1].id)
        self.assertEqual(found[1], [])

    def test_read(self) -> None:
        """Reading is told once."""
        presenter = self.open(3)
        last = presenter.about.last
        assert last is not None
        presenter.mark_read(last.id)
        presenter.mark_read(last.id)
        self.assertEqual([command[0] for command in self.account.commands].count("mark_read"), 1)
        self.assertEqual(presenter.about.unread, 0)


class ContactsTests(Case):
    def test_accept(self) -> None:
        """A request is accepted with a name of my own, and the conversation opens."""
        contacts = Contacts(self.account)
        opened: list[int] = []
        contacts.opened.subscribe(opened.append)
        who = contacts.requests()[0].person
        contacts.accept(who.uuid, "Carlchen")
        self.assertEqual(self.account.person(who.uuid).name, "Carlchen")
        self.assertEqual(len(opened), 1)
        self.assertNotIn(who.uuid, [request.person.uuid for request in contacts.requests()])

    def test_refused(self) -> None:
        """What is not possible is told with whom, and nobody stays busy."""
        contacts = Contacts(self.account)
        contacts.failed.subscribe(self.said.append)
        self.account.refusal = "The server cannot be reached."
        contacts.block(10002, True)
        self.assertEqual(self.said, [(10002, "The server cannot be reached.")])
        self.assertEqual(contacts.busy, set())

    def test_search(self) -> None:
        """Somebody is found by their name, or it is said that nobody is."""
        contacts = Contacts(self.account)
        contacts.found.subscribe(self.said.append)
        contacts.search("anna")
        contacts.search("nobody")
        self.assertEqual([(name, person and person.username, problem) for name, person, problem in self.said],
                         [("anna", "anna", ""), ("nobody", None, "There is nobody of this name.")])  # fmt: skip

    def test_names(self) -> None:
        """My own name for somebody, and none."""
        contacts = Contacts(self.account)
        contacts.rename(10002, "Annchen")
        self.assertEqual(self.account.person(10002).name, "Annchen")
        contacts.rename(10002, "")
        self.assertEqual(self.account.person(10002).alias, "")


class SignInTests(Case):
    def test_register(self) -> None:
        """The code is asked for, the account is made, and somebody is in."""
        entering = MemoryEntering()
        presenter = SignIn(entering, check)
        presenter.entered.subscribe(self.said.append)
        presenter.send_code("lena@example.org")
        self.assertEqual(presenter.code_wait(), 60)
        presenter.register("lena", PASSWORD, PASSWORD, "lena@example.org", "000000")
        self.assertEqual((presenter.step.field, self.said), ("code", []))
        presenter.register("lena", PASSWORD, PASSWORD, "lena@example.org", CODE)
        self.assertEqual(self.said[0].username, "lena")

    def test_forgotten(self) -> None:
        """An account is found, and gets a new password."""
        entering = MemoryEntering()
        entering.registered["lena"] = ("old password", "lena@example.org")
        presenter = SignIn(entering, check)
        presenter.found.subscribe(self.said.append)
        presenter.find_account("lena", "other@example.org")
        presenter.find_account("lena", "lena@example.org")
        self.assertEqual(self.said, [False, True])
        presenter.reset_password("lena", "lena@example.org", "new password", "new password", CODE)
        self.assertEqual(entering.registered["lena"][0], "new password")


class OwnProfileTests(Case):
    def test_saved(self) -> None:
        """Only what is different is sent."""
        own = OwnProfile(self.account)
        own.save(own.me.nickname, "New words", own.me.sex)
        self.assertEqual(self.account.commands, [("update_profile", None, "New words", None)])

    def test_cache(self) -> None:
        """It is measured, and emptied."""
        own = OwnProfile(self.account)
        own.cached.subscribe(self.said.append)
        own.measure()
        own.clear()
        self.assertEqual(self.said, [48_300_000, 0])


class TellingTests(Case):
    def tell(self, **preferences: Any) -> Any:
        message = replace(self.account.receive(2, "Look!"), mark=Mark.STORED)
        return telling(
            self.account,
            [message],
            Preferences(**preferences),
            NOW_MS,
            lambda one: one.text,
            hidden="New message",
        )

    def test_told(self) -> None:
        """Who wrote, and what; without the text where that is not to be shown."""
        told = self.tell()
        self.assertEqual((told.title, told.text, told.conversation), ("Jonas Weber", "Look!", 2))
        self.assertEqual(self.tell(show_text=False).text, "New message")

    def test_not_told(self) -> None:
        """Nothing is told while one is not to be disturbed, of what is muted, and of what is seen."""
        self.assertIsNone(self.tell(quiet=True))
        self.assertIsNone(self.tell(quiet_until_ms=NOW_MS + 1))
        self.assertIsNone(self.tell(notify=False))
        message = self.account.receive(8, "muted")
        self.assertIsNone(telling(self.account, [message], Preferences(), NOW_MS, lambda one: one.text))
        message = self.account.receive(2, "seen")
        self.assertIsNone(
            telling(self.account, [message], Preferences(), NOW_MS, lambda one: one.text, seen=2)
        )

    def test_mentioned(self) -> None:
        """What mentions me is told of a muted group as well, and before what else came."""
        self.account._set(replace(self.account._conversations[30], muted_until_ms=-1))
        others = [self.account.receive(30, text, 10002) for text in ("One", "@lena, two", "Three")]
        for_me = [others[0], replace(others[1], mentions=(10001,)), others[2]]
        for messages, text in ((others, None), (for_me, "Anna Berg: @lena, two")):
            told = telling(self.account, messages, Preferences(), NOW_MS, lambda one: one.text)
            self.assertEqual(told and told.text, text)

    def test_in_a_group(self) -> None:
        """It is said who wrote."""
        message = self.account.receive(30, "Cake!", 10002)
        told = telling(self.account, [message], Preferences(), NOW_MS, lambda one: one.text)
        assert told is not None
        self.assertEqual((told.title, told.text), ("Sunday cake", "Anna Berg: Cake!"))


class PreferencesTests(TestCase):
    def test_by_hand(self) -> None:
        """What somebody broke in the file is as it was made; the rest stays."""
        value = Preferences(scale=125, last={"a": 3}, emoji=["😀"])
        self.assertEqual(read(written(value)), value)
        found = read(
            {**written(value), "scale": "big", "last": {"a": "x"}, "emoji": 3, "nonsense": 1, "notify": 1}
        )
        self.assertEqual(found, Preferences())
        self.assertEqual(read([]), Preferences())
