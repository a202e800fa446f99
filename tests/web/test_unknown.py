"""Paths of the HTTPS port that nothing is behind, over TLS."""

from __future__ import annotations

import json
import ssl
import time
from http.client import HTTPSConnection
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.config import ResourcesConfig
from imsys.protocols.crowd import Crowd
from imsys.resources.web.routes import http_settings
from imsys.services.common import ListenService
from imsys.services.tls import public_context
from imsys.web.routing import Router
from imsys.web.server import HttpServer
from tests.support.servers import certificates


class WebTests(TestCase):
    async def test_nothing(self) -> None:
        """Every path is answered with 404 and a JSON object, whatever the method and the body."""
        from twisted.internet import reactor

        server = HttpServer(
            reactor, http_settings(ResourcesConfig()), Router([]).answer, time.time, Crowd(reactor, 100)
        )
        port = ListenService(reactor, server, "127.0.0.1", 0, public_context(certificates()), "port")
        port.startService()
        self.addCleanup(port.stopService)

        def ask(method: str, path: str, body: bytes) -> tuple[int, str | None, Any]:
            connection = HTTPSConnection(
                "127.0.0.1",
                port.port,
                context=ssl.create_default_context(cafile=certificates().ca),
                timeout=10,
            )
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = response.status, response.getheader("Content-Type"), json.loads(response.read())
            connection.close()
            return answer

        for method, path, body in (
            ("GET", "/", b""),
            ("POST", "/files/", b"x" * 300_000),
            ("DELETE", "/files/%2e%2e/x", b""),
        ):
            self.assertEqual(
                await deferToThread(ask, method, path, body),
                (404, "application/json", {"error": 1, "message": "There is no such path."}),
            )
