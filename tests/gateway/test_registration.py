"""Codes and registration, through a real gateway."""

from __future__ import annotations

from tests.gateway.system import PASSWORD, SystemCase


class CodeTests(SystemCase):
    async def test_mail(self) -> None:
        """A code is asked for by HTTPS and comes by mail: six digits, and no other number of four or more."""
        answer = await self.post("/get_verification", email="anna@example.org")
        self.assertEqual((answer.status, answer.json), (200, {"error": 0, "email": "anna@example.org"}))
        (mail,) = self.mails_to("anna@example.org")
        (code,) = self.codes_in(mail)
        self.assertRegex(code, "^[0-9]{6}$")

    async def test_no_address(self) -> None:
        """What is no e-mail address is refused with 70, and nothing is mailed or counted."""
        for email in (
            "",
            "anna",
            "anna@",
            "@example.org",
            "a b@c.org",
            "anna@example.org\nBcc: otto@example.org",
            "a@b,c@d",
            "x" * 300,
        ):
            answer = await self.post("/get_verification", email=email)
            self.assertEqual((answer.status, answer.error), (200, 70), email)
        self.assertFalse(self.mails.exists())
        self.assertEqual(await self.redis.call("KEYS", self.redis.key("*code*")), [])

    async def test_mistyped(self) -> None:
        """A request without an address, or with one that is no string, gets 200 and error 1."""
        for body in (b"{}", b'{"email": 1}', b'{"email": null}', b'{"Email": "anna@example.org"}'):
            answer = await self.post_body("/get_verification", body)
            self.assertEqual((answer.status, answer.error), (200, 1))
        self.assertEqual((await self.post_body("/get_verification", b"[]")).status, 400)


class RegistrationTests(SystemCase):
    async def fields(self, name: str = "anna", **more: str) -> dict[str, str]:
        email = f"{name}@example.org"
        return {
            "username": name,
            "password": PASSWORD,
            "email": email,
            "cpatcha": await self.code(email),
            **more,
        }

    async def test_registration(self) -> None:
        """With the mailed code there is an account, and the answer has everything but the password."""
        answer = await self.post("/post_registration", **await self.fields())
        self.assertEqual(answer.status, 200)
        uuid = answer.json.pop("uuid")
        self.assertRegex(uuid, "^[1-9][0-9]*$")
        self.assertEqual(answer.json, {"error": 0, "username": "anna", "email": "anna@example.org"})
        self.assertEqual((await self.login("anna")).json["uuid"], uuid)

    async def test_name_as_stored(self) -> None:
        """A name is answered in the form that it is stored in."""
        answer = await self.post("/post_registration", **await self.fields(username="Zo\u0065\u0308"))
        self.assertEqual(answer.json["username"], "Zo\u00eb")

    async def test_wrong_code(self) -> None:
        """A wrong code, no code, and another address's code are all 13.

        The right one still works after four of them.
        """
        fields = await self.fields()
        other = await self.code("otto@example.org")
        wrong = f"{(int(fields['cpatcha']) + 1) % 1_000_000:06}"
        for code in (wrong, "", other if other != fields["cpatcha"] else wrong, " " + fields["cpatcha"]):
            self.assertEqual((await self.post("/post_registration", **{**fields, "cpatcha": code})).error, 13)
        self.assertEqual((await self.post("/post_registration", **fields)).error, 0)

    async def test_five_wrong_tries(self) -> None:
        """After five wrong tries the right code is wrong too."""
        fields = await self.fields()
        for _ in range(5):
            self.assertEqual((await self.post("/post_registration", **{**fields, "cpatcha": "x"})).error, 13)
        self.assertEqual((await self.post("/post_registration", **fields)).error, 13)

    async def test_expired_code(self) -> None:
        """A code that has lived its 180 seconds is 13."""
        fields = await self.fields()
        key = self.redis.key("captcha", "anna@example.org")
        self.assertTrue(170_000 < await self.redis.call("PTTL", key) <= 180_000)
        await self.redis.call("PEXPIRE", key, 0)
        self.assertEqual((await self.post("/post_registration", **fields)).error, 13)

    async def test_used_code(self) -> None:
        """A registration uses its code up."""
        fields = await self.fields()
        await self.post("/post_registration", **fields)
        self.assertEqual((await self.post("/post_registration", **{**fields, "username": "other"})).error, 13)

    async def test_taken(self) -> None:
        """A taken name is 71 in any spelling, a taken address 72 in any case; neither uses the code up."""
        await self.register("anna")
        fields = await self.fields("otto")
        for name in ("anna", "ANNA", "\uff21nna"):
            self.assertEqual(
                (await self.post("/post_registration", **{**fields, "username": name})).error, 71
            )
        again = await self.fields("anna")
        for email in ("anna@example.org", "Anna@Example.org"):
            answer = await self.post("/post_registration", **{**again, "username": "anna2", "email": email})
            self.assertEqual(answer.error, 72)
        self.assertEqual((await self.post("/post_registration", **fields)).error, 0)

    async def test_bad_fields(self) -> None:
        """A bad name, address or password is 70 before anything else, and neither uses the code up nor counts
        as a try.
        """
        fields = await self.fields()
        bad: list[dict[str, str]] = (
            [{"username": name} for name in ("", "ab", "a b c", "x" * 51, "a\0bc", "a/b", "<b>hi</b>")]
            + [{"password": password} for password in ("", "1234567", "x" * 1025)]
            + [{"email": email} for email in ("", "anna", "anna@@example.org")]
        )
        for change in bad:
            answer = await self.post("/post_registration", **{**fields, **change, "cpatcha": "wrong"})
            self.assertEqual((answer.status, answer.error), (200, 70), change)
            self.assertTrue(answer.json["message"])
        self.assertEqual((await self.post("/post_registration", **fields)).error, 0)

    async def test_mistyped(self) -> None:
        """A lacking or mistyped key is error 1."""
        fields = await self.fields()
        for key in fields:
            self.assertEqual(
                (
                    await self.post("/post_registration", **{k: v for k, v in fields.items() if k != key})
                ).error,
                1,
            )
            self.assertEqual((await self.post("/post_registration", **{**fields, key: 123456})).error, 1)

    async def test_longest_password(self) -> None:
        """A password of 1,024 characters of any kind is one to log in with; one more is too long."""
        password = "\U0001f600" * 1024
        await self.register("anna", password)
        self.assertEqual((await self.login("anna", password)).error, 0)
        self.assertEqual((await self.login("anna", password + "x")).error, 17)

    async def test_two_at_once(self) -> None:
        """Of two registrations that race with one code, and of two for one name, exactly one wins."""
        fields = await self.fields()
        two = await self.at_once(
            *(
                self.post("/post_registration", **{**fields, "username": name})
                for name in ("anna", "anna-too")
            )
        )
        self.assertEqual(sorted(answer.error for answer in two)[0], 0)
        self.assertIn(sorted(answer.error for answer in two)[1], (13, 72))
        first, second = await self.fields("bert", username="same"), await self.fields("carl", username="same")
        errors = sorted(
            answer.error
            for answer in await self.at_once(*(self.post("/post_registration", **f) for f in (first, second)))
        )
        self.assertEqual(errors, [0, 71])

    async def test_check_account(self) -> None:
        """Whether a name and an address belong to one account: both echoed, or 16, whatever they look like."""
        await self.register("anna")
        await self.register("otto")
        answer = await self.post("/check_accountexists", username="Anna", email="ANNA@example.org")
        self.assertEqual(
            (answer.status, answer.json), (200, {"error": 0, "username": "Anna", "email": "ANNA@example.org"})
        )
        for name, email in (
            ("anna", "otto@example.org"),
            ("nobody", "anna@example.org"),
            ("", ""),
            ("x" * 60_000, "y"),
            ("a\0b", "'--"),
        ):
            answer = await self.post("/check_accountexists", username=name, email=email)
            self.assertEqual((answer.status, answer.error), (200, 16))
