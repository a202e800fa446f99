"""Coming in, and the accounts of a computer, on a real server."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from client.core.model import Link
from client.core.ports import Failure
from client.sync.account import AccountSync
from client.sync.accounts import Accounts, Server
from client.sync.entering import Entering, Step, find_local, problem_with
from client.sync.secrets import FILE, KEYRING, Secrets
from imsys.sdk import SignedIn
from tests.cli.running import PASSWORD
from tests.client.sync.scene import QUICK, AccountCase
from tests.support.children import folder, free_port


class Keyring:
    """A keyring in memory, which may be locked."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def _open(self) -> None:
        if self.locked:
            raise RuntimeError("locked")

    def get_password(self, service: str, username: str) -> str | None:
        self._open()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._open()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._open()
        del self.kept[service, username]


class EnteringCase(AccountCase):
    def setUp(self) -> None:
        super().setUp()
        self.data = folder("data")
        self.keyring = Keyring()
        self.accounts = self.new_accounts()
        self.entering = Entering(self.reactor, self.accounts)
        self.steps: list[Step] = []
        self.entering.changed.subscribe(self.steps.append)

    def new_accounts(self, backend: Any = None, *, file: bool = False) -> Accounts:
        kept = Secrets(
            self.reactor, self.data / "secrets.json", None if file else backend or self.keyring, system=False
        )
        return Accounts(self.reactor, self.data, kept)

    async def online(self, accounts: Accounts, number: int = 0) -> AccountSync:
        account = await accounts.open(accounts.entries[number], timing=QUICK)
        self.addCleanup(lambda: Deferred.fromCoroutine(account.close()))
        account.start()
        await self.until(lambda: account.connection().link is Link.ONLINE)
        return account


class ComingInTests(EnteringCase):
    async def test_from_nothing_to_online(self) -> None:
        """The server is found, a code is mailed, the fields are checked, and the account is there.

        The next start needs no password.
        """
        port = self.server.url.rpartition(":")[2]
        self.assertTrue(
            await self.entering.find_server(
                {"IMSYS_HOME": str(self.server.home), "IMSYS_GATEWAY_PORT": port}, Path("/")
            )
        )
        self.assertEqual(self.entering.step.server, Server(self.server.url, self.server.ca))
        name = f"zoe-{secrets.token_hex(3)}"
        email = f"{name}@example.org"
        self.assertFalse(await self.entering.send_code("nonsense"))
        self.assertEqual(self.entering.step.field, "email")
        self.assertTrue(await self.entering.send_code(email))
        self.assertGreater(self.entering.code_wait(), 50)
        code = self.server.codes(email)[0]
        for values, field in (
            (("z", PASSWORD, PASSWORD, email, code), "username"),
            ((name, "short", "short", email, code), "password"),
            ((name, PASSWORD, "another one", email, code), "repeated"),
            ((name, PASSWORD, PASSWORD, email, "000000"), "code"),
        ):
            self.assertIsNone(await self.entering.register(*values))
            self.assertEqual(
                (self.entering.step.field, self.entering.step.problem != "", self.entering.step.busy),
                (field, True, False),
            )
        entry = await self.entering.register(name, PASSWORD, PASSWORD, email, f" {code} ")
        assert entry is not None
        self.assertTrue(any(step.busy for step in self.steps))
        account = await self.online(self.accounts)
        self.assertEqual((account.me.username, account.me.uuid), (name, entry.uuid))
        self.assertNotIn("token", (self.data / "accounts.json").read_text())
        await account.close()
        later = self.new_accounts()
        self.assertEqual(await later.load(), "")
        account = await self.online(later)
        self.assertEqual(account.me.username, name)

    async def test_a_wrong_password_and_a_new_one(self) -> None:
        """Is one sentence at its field; a mailed code sets a new one."""
        (name,) = await self.register("yan")
        email = f"{name}@example.org"
        await self.entering.choose(self.server.url, self.server.ca)
        self.assertIsNone(await self.entering.sign_in(name, "not the password"))
        self.assertEqual(
            (self.entering.step.field, self.entering.step.problem),
            ("password", "The name or the password is wrong."),
        )
        self.assertFalse(await self.entering.find_account(name, "other@example.org"))
        self.assertTrue(await self.entering.find_account(name, email))
        await self.entering.send_code(email)
        await self.until(lambda: len(self.server.codes(email)) == 2)
        code = self.server.codes(email)[1]
        self.assertFalse(
            await self.entering.reset_password(name, email, "new password", "newer password", code)
        )
        self.assertTrue(await self.entering.reset_password(name, email, "new password", "new password", code))
        self.assertIsNotNone(await self.entering.sign_in(name, "new password"))

    async def test_a_certificate_that_nobody_signed(self) -> None:
        """Is shown, and trusted once somebody says so; it is remembered."""
        (name,) = await self.register("xia")
        self.assertFalse(await self.entering.choose(self.server.url.removeprefix("https://")))
        presented = self.entering.step.presented
        assert presented is not None
        self.assertIn("not signed", presented.problem)
        self.assertIsNone(await self.entering.sign_in(name, PASSWORD))
        self.entering.trust()
        entry = await self.entering.sign_in(name, PASSWORD)
        assert entry is not None
        self.assertEqual(entry.server, Server(self.server.url, "", presented.fingerprint))
        account = await self.online(self.accounts)
        await account.close()
        changed = await self.accounts.trust(entry, "AB:" * 31 + "AB")
        account = await self.accounts.prepare(changed, timing=QUICK)
        alarms: list[str] = []
        account.changes.certificate.subscribe(alarms.append)
        await account.open()
        self.addCleanup(lambda: Deferred.fromCoroutine(account.close()))
        account.start()
        await self.until(lambda: account.connection().link is Link.WAITING)
        self.assertEqual(alarms, [presented.fingerprint])
        self.assertIn("not the one that is trusted", account.connection().reason)
        self.assertGreater(account.connection().retry_at_ms, 0)

    async def test_servers_that_are_none(self) -> None:
        """Each is a sentence."""
        for url, ca, words in (
            (f"https://127.0.0.1:{free_port()}", "", "running"),
            ("ftp://x", "", "no address"),
            ("", "", "no address"),
            (self.server.url, "/nowhere/ca.pem", "nowhere"),
        ):
            self.assertFalse(await self.entering.choose(url, ca))
            self.assertIn(words, self.entering.step.problem)
        self.assertEqual(
            await find_local(self.reactor, {"IMSYS_GATEWAY_PORT": str(free_port())}, self.data), (None, None)
        )
        port = self.server.url.rpartition(":")[2]
        found, presented = await find_local(self.reactor, {"IMSYS_GATEWAY_PORT": port}, self.data)
        self.assertEqual(found, Server(self.server.url))
        assert presented is not None

    def test_fields(self) -> None:
        """By the server's rules, as somebody types."""
        for field, value, good in (
            ("username", "anna", True), ("username", "a b", False), ("email", "a@b.c", True), ("email", "a", False),
            ("password", "12345678", True), ("password", "1", False), ("server", "https://x:1", True), ("server", "x", False),
            ("code", " ", False), ("code", "123456", True),
        ):  # fmt: skip
            self.assertEqual(problem_with(field, value) == "", good, (field, value))
        self.assertEqual(problem_with("repeated", "a", "a"), "")


class ListTests(EnteringCase):
    async def two(self, accounts: Accounts) -> None:
        for name in await self.register("one", "two"):
            login = await self.gateway.login(name, PASSWORD)
            await accounts.add(
                Server(self.server.url, self.server.ca),
                SignedIn(username=name, uuid=login.uuid, token=login.token),
            )

    async def test_several_side_by_side(self) -> None:
        """Each with a folder, a key and a token of its own; one that is removed leaves nothing."""
        await self.two(self.accounts)
        one, two = await self.online(self.accounts, 0), await self.online(self.accounts, 1)
        self.assertEqual(
            [one.me.username, two.me.username], [entry.username for entry in self.accounts.entries]
        )
        assert self.accounts.current is not None
        self.assertEqual(self.accounts.current.username, two.me.username)
        self.assertEqual(len(set(self.keyring.kept.values())), 4)
        await two.close()
        await self.accounts.remove(self.accounts.entries[1])
        self.assertEqual((len(self.accounts.entries), len(self.keyring.kept)), (1, 2))
        self.assertEqual(
            [path.name for path in (self.data / "accounts").iterdir()], [self.accounts.entries[0].id]
        )

    async def test_a_keyring_that_is_locked(self) -> None:
        """Is said; nothing that is there is lost."""
        await self.two(self.accounts)
        account = await self.online(self.accounts)
        account.remember("a", "b")
        await account.close()
        self.keyring.locked = True
        with self.assertRaisesRegex(Failure, "unlock"):
            await self.accounts.open(self.accounts.entries[0])
        self.keyring.locked = False
        account = await self.accounts.open(self.accounts.entries[0])
        self.addCleanup(lambda: Deferred.fromCoroutine(account.close()))
        self.assertEqual(account.remembered("a"), "b")
        again = self.new_accounts(file=True)
        await again.load()
        with self.assertRaisesRegex(Failure, "not there"):
            await again.open(again.entries[0])

    async def test_without_a_keyring(self) -> None:
        """Secrets are in a file that only its owner can read."""
        accounts = self.new_accounts(file=True)
        await self.two(accounts)
        self.assertEqual({entry.place for entry in accounts.entries}, {FILE})
        self.assertEqual((self.data / "secrets.json").stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.data / "accounts.json").stat().st_mode & 0o777, 0o600)
        await self.online(accounts)
        self.assertEqual(await Secrets(self.reactor, self.data / "x", self.keyring).place(), KEYRING)

    async def test_a_list_that_cannot_be_read(self) -> None:
        """Is set aside, and said."""
        await self.two(self.accounts)
        whole = (self.data / "accounts.json").read_text()
        found = json.loads(whole)
        found["accounts"][0]["id"] = "../../etc"
        for text in ("{", "[]", json.dumps({"accounts": [{}]}), json.dumps(found)):
            (self.data / "accounts.json").write_text(text)
            accounts = self.new_accounts()
            self.assertIn("set aside", await accounts.load())
            self.assertEqual(accounts.entries, ())
