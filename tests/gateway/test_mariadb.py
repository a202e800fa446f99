"""The whole way on MariaDB."""

from __future__ import annotations

from pathlib import Path

from imsys.config import DatabaseConfig
from tests.gateway.system import PASSWORD, SystemCase
from tests.support.servers import mariadb


class MariaDbTests(SystemCase):
    def database(self, folder: Path) -> DatabaseConfig:
        return mariadb(self)

    async def test_from_registration_to_reset(self) -> None:
        """Accounts are made, found, refused and changed on MariaDB as on SQLite."""
        code = await self.code("zoe@example.org")
        answer = await self.post(
            "/post_registration",
            username="Zo\u00eb",
            password=PASSWORD,
            email="zoe@example.org",
            cpatcha=code,
        )
        uuid = answer.json["uuid"]
        code = await self.code("otto@example.org")
        fields = {"username": "zo\u00eb", "password": PASSWORD, "email": "otto@example.org", "cpatcha": code}
        self.assertEqual((await self.post("/post_registration", **fields)).error, 71)
        self.assertEqual((await self.post("/post_registration", **{**fields, "username": "zoe"})).error, 0)
        self.assertEqual((await self.login("ZO\u00cb")).json["uuid"], uuid)
        for name in ("a\0b", "' OR 1=1 --", "\U0001f600", "x" * 1024, "zo\u00eb "):
            self.assertEqual((await self.login(name)).error, 17)
        code = await self.code("otto@example.org")
        fields = {
            "username": "zoe",
            "email": "otto@example.org",
            "password": "staple battery horse",
            "cpatcha": code,
        }
        self.assertEqual((await self.post("/reset_password", **fields)).error, 0)
        self.assertEqual((await self.login("zoe")).error, 17)
        self.assertEqual((await self.login("zoe", "staple battery horse")).error, 0)
