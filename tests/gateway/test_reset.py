"""Resetting a password, through a real gateway."""

from __future__ import annotations

import socket
import time
from functools import partial
from typing import Any

from twisted.logger import capturedLogs

from imsys.redis.routes import Route
from imsys.redis.tokens import Tokens
from imsys.store import Database, Stores
from imsys.store.sign_ins import Kept
from tests.gateway.system import PASSWORD, SystemCase

NEW = "staple battery horse"


class ResetTests(SystemCase):
    async def reset(self, **more: str) -> tuple[int, int]:
        """Status and error of a reset of anna's password."""
        fields = {"username": "anna", "email": "anna@example.org", "password": NEW, **more}
        answer = await self.post("/reset_password", **fields)
        if not answer.error:
            self.assertEqual(answer.json, {"error": 0})
        return answer.status, answer.error

    async def route(self, uuid: int, node: str) -> None:
        await self.redis.call("SET", self.redis.key("route", uuid), str(Route(node, "a1", "s1", 1)))

    async def test_reset(self) -> None:
        """With the mailed code the account has the new password, the old one is wrong, and every token is
        dead.
        """
        uuid = await self.register("anna")
        tokens = [(await self.login("anna")).json["token"] for _ in range(3)]
        self.assertEqual(await self.reset(cpatcha=await self.code("anna@example.org")), (200, 0))
        self.assertEqual((await self.login("anna")).error, 17)
        self.assertEqual((await self.login("anna", NEW)).error, 0)
        for token in tokens:
            self.assertFalse(await self.tokens.check(uuid, token))
            self.assertEqual((await self.post("/trylogin_server", uuid=str(uuid), token=token)).error, 18)

    async def test_code_is_needed(self) -> None:
        """Without the code of this address nothing happens: 13; after five tries from here it is dead here.

        A used one is none.
        """
        await self.register("anna")
        await self.register("otto")
        other = await self.code("otto@example.org")
        self.assertEqual(await self.reset(cpatcha=other), (200, 13))
        self.assertEqual(
            (
                await self.post("/reset_password", username="anna", email="anna@example.org", password=NEW)
            ).error,
            1,
        )
        code = await self.code("anna@example.org")
        for _ in range(5):
            self.assertEqual(await self.reset(cpatcha="000"), (200, 13))
        self.assertEqual(await self.reset(cpatcha=code), (200, 13))
        code = await self.code("anna@example.org")
        self.assertEqual(await self.reset(cpatcha=code), (200, 0))
        self.assertEqual(await self.reset(cpatcha=code), (200, 13))

    async def test_code_that_nobody_guesses(self) -> None:
        """The code for an address that has an account has at least 50 bits, and is read however it is typed.

        Nobody else is told.
        """
        await self.register("anna")
        first, second = await self.at_once(
            *(self.post("/get_verification", email=f"{name}@example.org") for name in ("otto", "bert"))
        )
        await self.forget_limit("code-email-minute")
        known = await self.post("/get_verification", email="anna@example.org")
        self.assertEqual(
            (known.status, known.json | {"email": ""}), (first.status, first.json | {"email": ""})
        )
        self.assertEqual(second.error, 0)
        for name in ("otto", "bert"):
            self.assertRegex(self.mails_to(f"{name}@example.org")[-1], r"code is [0-9]{6}\n")
        code = await self.code("anna@example.org")
        self.assertRegex(code, r"^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$")
        self.assertEqual(await self.reset(cpatcha=f" {code.lower().replace('-', ' ')}"), (200, 0))

    async def test_belong_together(self) -> None:
        """A name and an address that do not belong together are 16, and the code lives on."""
        await self.register("anna")
        await self.register("otto")
        code = await self.code("anna@example.org")
        for name in ("otto", "nobody", "", "a b", "x" * 60_000):
            self.assertEqual(await self.reset(username=name, cpatcha=code), (200, 16))
        self.assertEqual(await self.reset(username="ANNA", email="Anna@Example.org", cpatcha=code), (200, 0))

    async def test_bad_password(self) -> None:
        """A password that is too short or too long is 70, and the code lives on."""
        await self.register("anna")
        code = await self.code("anna@example.org")
        for password in ("", "1234567", "x" * 1025):
            self.assertEqual(await self.reset(password=password, cpatcha=code), (200, 70))
        self.assertEqual(await self.reset(email="anna", cpatcha=code), (200, 70))
        self.assertEqual(await self.reset(cpatcha=code), (200, 0))

    async def test_one_code_twice_at_once(self) -> None:
        """Of resets that race with one code, exactly one sets its password."""
        await self.register("anna")
        code = await self.code("anna@example.org")
        passwords = [f"new password {n}" for n in range(6)]
        results = await self.at_once(*(self.reset(password=password, cpatcha=code) for password in passwords))
        self.assertEqual(sorted(error for _, error in results), [0] + [13] * 5)
        works = [(await self.login("anna", password)).error for password in passwords]
        self.assertEqual(works, [0 if error == 0 else 17 for _, error in results])

    async def test_session_is_ended(self) -> None:
        """The chat server that has the session is asked to end it, no other."""
        uuid = await self.register("anna")
        here, there = await self.chat_server("chat2"), await self.chat_server("chat3")
        await self.route(uuid, "chat3")
        self.assertEqual(await self.reset(cpatcha=await self.code("anna@example.org")), (200, 0))
        self.assertEqual((here.kicked, there.kicked), ([], [uuid]))

    async def test_route_is_lost(self) -> None:
        """Where Redis knows no route every chat server is asked, since it may have forgotten."""
        uuid = await self.register("anna")
        here, there = await self.chat_server("chat2"), await self.chat_server("chat3")
        self.assertEqual(await self.reset(cpatcha=await self.code("anna@example.org")), (200, 0))
        self.assertEqual((here.kicked, there.kicked), ([uuid], [uuid]))

    async def test_server_is_gone(self) -> None:
        """A chat server that cannot be reached, or is not registered, is logged, and the reset succeeds."""
        uuid = await self.register("anna")
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            await self.register_server("chat2", grpc=closed.getsockname()[1])
            for node in ("chat2", "chat99"):
                await self.route(uuid, node)
                with capturedLogs() as events:
                    self.assertEqual(await self.reset(cpatcha=await self.code("anna@example.org")), (200, 0))
                self.assertEqual(
                    any("chat server chat2" in str(event.get("reason")) for event in events), node == "chat2"
                )

    async def test_balance_is_gone(self) -> None:
        """Without balance nobody can be asked; the reset succeeds all the same."""
        await self.register("anna")
        code = await self.code("anna@example.org")
        await self.stop(self.balance)
        self.assertEqual(await self.reset(cpatcha=code), (200, 0))


class RaceTests(SystemCase):
    async def setUp(self) -> None:
        await super().setUp()
        self.database_again = Database(self.reactor, self.config.database)
        self.database_again.open()
        self.addCleanup(self.database_again.close)

    async def test_login_with_the_old_password(self) -> None:
        """A login whose password is replaced while it is worked on is refused, and its token is dead."""
        uuid = await self.register("anna")
        hashed = await self.passwords.hash(NEW)
        keep = Tokens.keep

        async def meanwhile(tokens: Tokens, asked: int, token: str, *rest: Any) -> Kept:
            # The login has its token by now, which is about to be stored.
            self.patch(Tokens, "keep", keep)
            accounts = Stores.on(self.database_again, time.time).accounts
            await self.tokens.revoke_all(asked, partial(accounts.reset_password, hashed))
            return await keep(tokens, asked, token, *rest)

        self.patch(Tokens, "keep", meanwhile)
        answer = await self.login("anna")
        self.assertEqual((answer.status, answer.error), (200, 17))
        keys: list[Any] = await self.redis.call("KEYS", self.redis.key("token", "*"))
        values = [await self.redis.call("GET", key) for key in keys]
        self.assertFalse([value for value in values if value.startswith(b"%d:" % uuid)])
        self.assertEqual((await self.login("anna", NEW)).error, 0)

    async def test_same_password_again(self) -> None:
        """A login is not disturbed when meanwhile the same password was hashed anew."""
        uuid = await self.register("anna")
        hashed = await self.passwords.hash(PASSWORD)
        keep = Tokens.keep

        async def meanwhile(tokens: Tokens, asked: int, token: str, *rest: Any) -> Kept:
            await Stores.on(self.database_again, time.time).accounts.set_password(uuid, hashed)
            return await keep(tokens, asked, token, *rest)

        self.patch(Tokens, "keep", meanwhile)
        self.assertEqual((await self.login("anna")).error, 0)
