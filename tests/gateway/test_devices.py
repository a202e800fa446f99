"""Sign-ins on devices, through a real gateway: whose a token is, and who is told of it."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import deferLater
from twisted.logger import capturedLogs

from imsys.config import MailConfig
from tests.chat.features.test_devices import WRONG_DEVICES
from tests.gateway.system import PASSWORD, SystemCase
from tests.support.chat import device_keys


class DeviceTests(SystemCase):
    async def sign_in(self, name: str, device: str) -> dict[str, Any]:
        """A login by password on a device."""
        answer = await self.post(
            "/trylogin_server", username=name, password=PASSWORD, device=device_keys(device)
        )
        self.assertEqual((answer.status, answer.error), (200, 0), answer.json)
        found: dict[str, Any] = answer.json
        return found

    async def test_token_of_a_device(self) -> None:
        """A token belongs to the device that signed in; with another, or none, it places nobody."""
        uuid = await self.register("anna")
        found = await self.sign_in("anna", "phone")
        self.assertTrue(await self.tokens.check(uuid, found["token"]))
        (device,) = await self.tokens.devices(uuid, None, 9)
        self.assertEqual(
            (device.info.id, device.info.name, device.info.kind.name), ("phone", "Phone", "DESKTOP")
        )
        again = {"uuid": found["uuid"], "token": found["token"]}
        answer = await self.post("/trylogin_server", **again, device=device_keys("phone"))
        self.assertEqual((answer.error, answer.json["token"]), (0, found["token"]))
        for keys in ({}, {"device": device_keys("laptop")}):
            self.assertEqual((await self.post("/trylogin_server", **again, **keys)).error, 18)
        plain = (await self.login("anna")).json
        answer = await self.post(
            "/trylogin_server", uuid=plain["uuid"], token=plain["token"], device=device_keys("laptop")
        )
        self.assertEqual(answer.error, 0, "a chat server binds it")

    async def test_malformed(self) -> None:
        """A device that is malformed is refused before the password is looked at."""
        await self.register("anna")
        for device, error in WRONG_DEVICES:
            for keys in ({"username": "anna", "password": PASSWORD}, {"uuid": "1", "token": "x"}):
                answer = await self.post("/trylogin_server", **keys, device=device)
                self.assertIn(answer.error, (error, 1), device)
                self.assertNotEqual(answer.error, 0)

    async def test_no_mail(self) -> None:
        """Nobody is mailed where that is not switched on."""
        await self.register("anna")
        before = len(self.mails_to("anna@example.org"))
        await self.sign_in("anna", "phone")
        self.assertEqual(len(self.mails_to("anna@example.org")), before)


class NoticeTests(SystemCase):
    mail = MailConfig(timeout=5.0, notify_sign_in=True)

    async def notices(self, count: int) -> list[str]:
        """The notices that were mailed to Anna, when there are so many."""
        for _ in range(1000):
            mails = [text.replace("\r\n", "\n") for text in self.mails_to("anna@example.org")]
            found = [text for text in mails if "new device" in text]
            if len(found) >= count:
                return found
            await deferLater(self.reactor, 0.01)
        raise AssertionError(f"only {len(found)} mails")

    async def test_mailed(self) -> None:
        """A sign-in on a new device is mailed, another one on it is not; nothing of it is a code."""
        await self.register("anna")
        for device in ("手机", "手机", "laptop", "手机"):
            answer = await self.post(
                "/trylogin_server", username="anna", password=PASSWORD, device=device_keys(device, "phone")
            )
            self.assertEqual(answer.error, 0)
        first, second = await self.notices(2)
        self.assertIn("account anna was", first)
        self.assertIn("Device: 手机 (phone)\n", first)
        self.assertIn("Address: 127.0.0.1\n", first)
        self.assertIn("Device: Laptop (phone)\n", second)
        await self.login("anna")
        self.assertIn("Device: a device that did not say what it is\n", (await self.notices(3))[2])

    async def test_captcha_away(self) -> None:
        """Without a captcha server there is no mail, and each login is answered all the same."""
        await self.register("anna")
        await self.stop(self.captcha)
        with capturedLogs() as events:
            answer = await self.post(
                "/trylogin_server", username="anna", password=PASSWORD, device=device_keys("phone")
            )
            self.assertEqual(answer.error, 0)
            while not [event for event in events if event.get("what") == "Mailing notices of sign-ins"]:
                await deferLater(self.reactor, 0.01)
        self.assertNotIn("anna@example.org", str(events))
