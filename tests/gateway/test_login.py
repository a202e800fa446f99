"""Login, through a real gateway."""

from __future__ import annotations

import dataclasses
import re
import time

from argon2 import PasswordHasher
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import LogLevel, capturedLogs, formatEvent

from imsys.config import LimitsConfig
from imsys.security.passwords import Passwords
from imsys.services import gateway
from imsys.store import Database, Stores
from imsys.util.logs import format_line
from tests.gateway.system import PASSWORD, QUICK, Answer, SystemCase, part
from tests.support.daemons import ROOT


class LoginTests(SystemCase):
    async def test_login(self) -> None:
        """Name and password give the chat server, the resources server, and a token that opens them.

        Ports are strings.
        """
        uuid = await self.register("anna")
        await self.register_server("files1", kind="resources", http=9002)
        answer = await self.login("anna")
        token = answer.json.pop("token")
        self.assertEqual(answer.status, 200)
        self.assertEqual(
            answer.json,
            {
                "error": 0,
                "uuid": str(uuid),
                "host": "chat1.example.org",
                "port": "9000",
                "others": [],
                "resources": {"host": "files1.example.org", "port": "9000", "http_port": "9002"},
            },
        )
        self.assertTrue(await self.tokens.check(uuid, token))
        self.assertFalse(await self.tokens.check(uuid + 1, token))
        self.assertNotEqual(token, (await self.login("anna")).json["token"])

    async def test_any_spelling(self) -> None:
        """A name logs in in any case and width; a password only as it is."""
        await self.register("anna")
        for name in ("ANNA", "\uff41nna"):
            self.assertEqual((await self.login(name)).error, 0)
        self.assertEqual((await self.login("anna", PASSWORD.upper())).error, 17)

    async def test_no_resources_server(self) -> None:
        """Without a resources server there is a login, and its host is empty."""
        await self.register("anna")
        self.assertEqual(
            (await self.login("anna")).json["resources"], {"host": "", "port": "0", "http_port": "0"}
        )

    async def test_plaintext(self) -> None:
        """Over plaintext HTTP the chat server's plaintext port is given.

        Where none is open, there is no server: 10.
        """
        await self.register("anna")
        self.assertEqual((await self.login("anna", url=self.plain_url)).json["port"], "9001")
        await self.register_server("chat1", plain=0)
        answer = await self.login("anna", url=self.plain_url)
        self.assertEqual((answer.status, answer.error), (200, 10))
        self.assertEqual((await self.login("anna")).json["port"], "9000")

    async def test_unknown_and_wrong_look_the_same(self) -> None:
        """An unknown name, an impossible one and a wrong password get the same answer, for the same number of
        hashes.
        """
        await self.register("anna")
        answers = []
        for name in (
            "anna",
            "nobody",
            "",
            "a b",
            "x" * 60_000,
            "a\0b",
            "' OR 1=1 --",
            "\u202e",
            "\ufdfa" * 20_000,
        ):
            before = self.passwords.computed
            answer = await self.login(name, "wrong horse battery")
            self.assertEqual(self.passwords.computed, before + 1, name[:20])
            answers.append((answer.status, answer.json))
        self.assertEqual(answers, [answers[0]] * len(answers))
        self.assertEqual((answers[0][0], answers[0][1]["error"]), (200, 17))

    async def test_wrong_password_is_logged(self) -> None:
        """A wrong password is one line at level info with the address, and no name or password.

        A right one is none.
        """
        await self.register("anna")
        with capturedLogs() as events:
            for name in ("anna", "nobody"):
                await self.login(name, "wrong horse battery")
            await self.login("anna")
        said = [
            (event["log_level"], event["log_namespace"], formatEvent(event))
            for event in events
            if "wrong" in formatEvent(event)
        ]
        self.assertEqual(said, [(LogLevel.info, "imsys.gateway.login", "wrong password from 127.0.0.1")] * 2)
        self.assertNotIn("horse", repr(events))
        (documented,) = re.findall(
            r"failregex = (.*)", (ROOT / "docs" / "operations" / "reference.md").read_text("utf-8")
        )
        lines = [format_line(event).partition(" ")[2] for event in events]  # fail2ban takes the time away
        found = [
            match["ip"]
            for line in lines
            if (match := re.search(documented.replace("<ADDR>", r"(?P<ip>[0-9a-f.:]+)"), line))
        ]
        self.assertEqual(found, ["127.0.0.1"] * 2)

    async def test_any_password(self) -> None:
        """No password is more than wrong, whatever it is made of and however long it is, and each costs one
        hash.
        """
        await self.register("anna")
        for password in ("", "x" * 1025, "x" * 60_000, "\0", "\U0001f600" * 5000, "correct horse battery "):
            before = self.passwords.computed
            self.assertEqual((await self.login("anna", password)).error, 17)
            self.assertEqual(self.passwords.computed, before + 1)

    async def test_mistyped(self) -> None:
        """Half a login, or one of wrong types, is error 1."""
        for fields in (
            {}, {"username": "anna"}, {"password": "x"}, {"uuid": "1"}, {"token": "x"}, {"username": "anna", "token": "x"},
            {"username": 1, "password": "x"}, {"username": "anna", "password": None}, {"uuid": 1, "token": "x"},
            {"username": ["anna"], "password": {"$ne": ""}},
        ):  # fmt: skip
            answer = await self.post("/trylogin_server", **fields)
            self.assertEqual((answer.status, answer.error), (200, 1), fields)

    async def test_come_back(self) -> None:
        """With uuid and token one comes back for no hash at all, keeping the token."""
        uuid = await self.register("anna")
        token = (await self.login("anna")).json["token"]
        before = self.passwords.computed
        answer = await self.post("/trylogin_server", uuid=str(uuid), token=token)
        self.assertEqual((answer.error, answer.json["token"], answer.json["port"]), (0, token, "9000"))
        self.assertEqual(
            (await self.post("/trylogin_server", self.plain_url, uuid=str(uuid), token=token)).json["port"],
            "9001",
        )
        self.assertEqual(self.passwords.computed, before)

    async def test_wrong_token(self) -> None:
        """A token that is wrong, foreign, revoked or empty opens nothing: 18."""
        anna, otto = await self.register("anna"), await self.register("otto")
        token = (await self.login("anna")).json["token"]
        for uuid, tried in (
            (str(anna), ""), (str(anna), "x"), (str(anna), token + "x"), (str(otto), token), ("0", token), ("-1", token), ("", token),
            ("abc", token), (f" {anna}", token), ("9" * 40, token), (str(1 << 63), token), ("\u0661", token), (str(anna), "x" * 60_000),
            (str(anna), token.upper()), ("999999", ""),
        ):  # fmt: skip
            answer = await self.post("/trylogin_server", uuid=uuid, token=tried)
            self.assertEqual((answer.status, answer.error), (200, 18), (uuid[:20], tried[:20]))
            self.assertNotIn("token", answer.json)
        await self.tokens.revoke(anna, token)
        self.assertEqual((await self.post("/trylogin_server", uuid=str(anna), token=token)).error, 18)

    async def test_no_chat_server(self) -> None:
        """Without any chat server a login is refused with 10."""
        await self.register("anna")
        await self.redis.call("DEL", self.redis.key("server", "chat", "chat1"))
        answer = await self.login("anna")
        self.assertEqual((answer.status, answer.error), (200, 10))

    async def test_many_at_once(self) -> None:
        """Right logins of one account at once all succeed."""
        await self.register("anna")
        answers = await self.at_once(*(self.login("anna") for _ in range(30)))
        self.assertEqual([answer.error for answer in answers], [0] * 30)


class ParameterTests(SystemCase):
    limits = LimitsConfig(password_account_source=1000)

    async def setUp(self) -> None:
        await super().setUp()
        self.database_again = Database(self.reactor, self.config.database)
        self.database_again.open()
        self.addCleanup(self.database_again.close)
        self.accounts = Stores.on(self.database_again, time.time).accounts

    async def test_rehash(self) -> None:
        """A right login replaces a hash of other parameters, once; a wrong one leaves it."""
        old = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash(PASSWORD)
        await self.accounts.create("anna", "anna@example.org", old)
        self.assertEqual((await self.login("anna", "wrong horse")).error, 17)
        self.assertEqual(await self.stored(), old)
        self.assertEqual((await self.login("anna")).error, 0)
        new = await self.stored()
        self.assertTrue(new.startswith("$argon2id$v=19$m=64,t=1,p=1$"))
        self.assertEqual((await self.login("anna")).error, 0)
        self.assertEqual(await self.stored(), new)

    async def test_kinds(self) -> None:
        """A gateway knows the kinds of hashes that there are: a wrong password costs the same, whichever kind
        an account has, or none.
        """
        old = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash(PASSWORD)
        await self.accounts.create("anna", "anna@example.org", old)
        await self.register("otto")
        await self.accounts.create("bert", "bert@example.org", "-")
        config = dataclasses.replace(
            self.config, gateway=dataclasses.replace(self.config.gateway, plain_port=0)
        )
        other = self.run_service(gateway.build(self.reactor, config))
        url, passwords = f"https://127.0.0.1:{self.port_of(other)}", part(other, Passwords)
        while len(passwords._nobodies) < 2:
            await deferLater(self.reactor, 0.01)
        for name in ("anna", "otto", "nobody"):
            before = passwords.computed
            self.assertEqual((await self.login(name, "wrong horse", url)).error, 17)
            self.assertEqual(passwords.computed - before, 2, name)

    async def test_rehash_at_once(self) -> None:
        """Many logins that all find an old hash all succeed."""
        old = PasswordHasher(time_cost=2, memory_cost=32, parallelism=1).hash(PASSWORD)
        await self.accounts.create("anna", "anna@example.org", old)
        answers = await self.at_once(*(self.login("anna") for _ in range(12)))
        self.assertEqual([answer.error for answer in answers], [0] * 12)

    async def test_broken_hash(self) -> None:
        """An account whose stored hash is none cannot log in, and nothing breaks."""
        await self.accounts.create("anna", "anna@example.org", "-")
        answer = await self.login("anna")
        self.assertEqual((answer.status, answer.error), (200, 17))

    async def test_defaults(self) -> None:
        """An account is made with the configured parameters."""
        await self.register("anna")
        self.assertTrue((await self.stored()).startswith("$argon2id$v=19$m=64,t=1,p=1$"))

    async def stored(self) -> str:
        found = await self.accounts.credentials("anna")
        assert found is not None
        return found.password_hash


class BusyTests(SystemCase):
    settings = dataclasses.replace(QUICK, hash_workers=1, hash_queue=2)

    async def test_too_many_hashes(self) -> None:
        """When more passwords wait than may, the answer is 503 with 73 at once; then it goes on."""
        await self.register("anna")
        async with self.passwords.slot():
            before = self.passwords.computed
            busy = [Deferred.fromCoroutine(self.login("anna")) for _ in range(5)]
            answers: list[Answer] = []
            while len(answers) < 3:  # two wait for the slot that is held here, the others come back
                answers += [await call for call in busy if call.called]
                busy = [call for call in busy if not call.called]
                await deferLater(self.reactor, 0.002)
            self.assertEqual([(answer.status, answer.error) for answer in answers], [(503, 73)] * 3)
            self.assertEqual(self.passwords.computed, before)
        self.assertEqual([(await call).error for call in busy], [0, 0])


class StopTests(SystemCase):
    async def test_answers_first(self) -> None:
        """A gateway that is stopped while it works answers first."""
        await self.register("anna")
        before = self.passwords.computed
        call = Deferred.fromCoroutine(self.login("anna"))
        while self.passwords.computed == before:
            await deferLater(self.reactor, 0.0005)
        await self.stop(self.gateway)
        self.assertEqual((await call).error, 0)
