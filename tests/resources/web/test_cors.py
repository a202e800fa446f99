"""Pages of other origins."""

from __future__ import annotations

import dataclasses

from imsys.config import ResourcesConfig, load
from imsys.errors import ConfigError
from imsys.security.tickets import Right
from tests.resources.web.scene import TUS, WebCase

HERE, THERE = "https://chat.example.org", "https://evil.example.org"
PREFLIGHT = {
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,tus-resumable,upload-offset",
}


class NoOriginTests(WebCase):
    async def test_none(self) -> None:
        """Without a configured origin no page of another one may do anything, and nothing is said of it."""
        for method, headers in (("OPTIONS", PREFLIGHT), ("GET", {})):
            reply = await self.ask(method, self.path(bytes(16)), {**headers, "Origin": HERE})
            self.assertFalse(
                [name for name in reply.headers if name.lower().startswith(("access-control", "vary"))]
            )

    def test_configuration(self) -> None:
        """Origins are a list, or a star; anything else is refused with what is allowed."""
        for text, expected in (
            ("", ()),
            ("*", ("*",)),
            ("https://A.example, http://b:80", ("https://a.example", "http://b:80")),
        ):
            self.assertEqual(
                load(None, {"IMSYS_RESOURCES_CORS_ORIGINS": text}).resources.cors_origins, expected
            )
        for text in ("example.org", "https://a/path", "https://a, *", "null"):
            self.assertRaises(ConfigError, load, None, {"IMSYS_RESOURCES_CORS_ORIGINS": text})


class OriginTests(WebCase):
    config = ResourcesConfig(disk_workers=1, cors_origins=(HERE,))

    async def test_preflight(self) -> None:
        """The allowed origin may send what tus and downloads need, without a ticket so far.

        Another one may not.
        """
        for path, method in (("/files/", "POST"), (self.path(bytes(16)), "PATCH")):
            reply = await self.ask("OPTIONS", path, {**PREFLIGHT, "Origin": HERE})
            self.assertEqual(
                (reply.status, reply.headers["Access-Control-Allow-Origin"], reply.headers["Vary"]),
                (204, HERE, "Origin"),
            )
            self.assertIn(method, reply.headers["Access-Control-Allow-Methods"].split(", "))
            allowed = reply.headers["Access-Control-Allow-Headers"].lower().split(", ")
            needed = "authorization tus-resumable upload-offset upload-length upload-metadata upload-checksum content-type range if-range"
            self.assertLessEqual(set(needed.split()), set(allowed))
            other = await self.ask("OPTIONS", path, {**PREFLIGHT, "Origin": THERE})
            self.assertNotIn("Access-Control-Allow-Origin", other.headers)
            self.assertEqual(other.headers["Vary"], "Origin")
        self.assertEqual((await self.ask("OPTIONS", "/nothing", {**PREFLIGHT, "Origin": HERE})).status, 404)

    async def test_responses(self) -> None:
        """A page of the allowed origin sees what tus and downloads say, in refusals as well."""
        file_id = await self.send(b"abc")
        for method, headers, status in (
            ("GET", self.bearer(file_id, Right.READ), 200),
            ("HEAD", {**TUS, **self.bearer(file_id)}, 200),
            ("GET", {}, 401),
            ("PUT", {}, 405),
            ("GET", self.bearer(bytes(16), Right.READ), 404),
        ):
            path = self.path(bytes(16) if status == 404 else file_id)
            reply = await self.ask(method, path, {**headers, "Origin": HERE})
            self.assertEqual((reply.status, reply.headers["Access-Control-Allow-Origin"]), (status, HERE))
            seen = reply.headers["Access-Control-Expose-Headers"].split(", ")
            self.assertLessEqual(
                {"Location", "Upload-Offset", "Upload-Length", "Tus-Resumable", "ETag", "Content-Range"},
                set(seen),
            )
            reply = await self.ask(method, path, {**headers, "Origin": THERE})
            self.assertEqual((reply.status, reply.headers["Access-Control-Allow-Origin"]), (status, None))


class AnyOriginTests(WebCase):
    config = dataclasses.replace(OriginTests.config, cors_origins=("*",))

    async def test_star(self) -> None:
        """With a star every origin may, and caches need not tell them apart."""
        reply = await self.ask("OPTIONS", "/files/", {**PREFLIGHT, "Origin": THERE})
        self.assertEqual((reply.headers["Access-Control-Allow-Origin"], reply.headers["Vary"]), ("*", None))
