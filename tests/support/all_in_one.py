"""All servers in one process, and users who have accounts there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from imsys.sdk import Client, ConnectionState, Credentials, Gateway
from tests.support.children import folder, free_port
from tests.support.daemons import Process, run

PASSWORD = "a good password"
LEASE = 2.0
"""Seconds, as few as may be."""


class AllInOne:
    """``twistd imsys`` with short leases, on ports of its own."""

    def __init__(self, test: TestCase, reactor: Any) -> None:
        self._test = test
        self._reactor = reactor
        self.home = folder("alone")
        self.settings = {
            f"{name}_PORT": str(free_port()) for name in ("GATEWAY", "CHAT", "RESOURCES", "RESOURCES_HTTP")
        }
        for part in ("BALANCE", "CAPTCHA", "CHAT", "RESOURCES"):
            self.settings[f"{part}_GRPC_PORT"] = port = str(free_port())
            if part in ("BALANCE", "CAPTCHA"):
                self.settings[f"{part}_ADDRESSES"] = f"127.0.0.1:{port}"
        self.settings |= {
            "HOME": str(self.home),
            "BALANCE_LEASE": str(LEASE),
            "BALANCE_INTERVAL": str(LEASE / 4),
        }
        self.settings |= {"LIMITS_CODE_EMAIL_MINUTE": "0"}
        self.states: dict[str, list[ConnectionState]] = {}
        """What became of the sessions of each user."""

    async def start(self, settings: Mapping[str, str], extra: Mapping[str, str] | None = None) -> Process:
        """Start it; see :func:`tests.support.daemons.run`."""
        self.daemon = run(
            self._test,
            "--nodaemon",
            "--pidfile=",
            "imsys",
            settings=self.settings | dict(settings),
            extra=extra,
        )
        await self.daemon.says("imsys is running")
        self.gateway = Gateway(
            self._reactor,
            f"https://127.0.0.1:{self.settings['GATEWAY_PORT']}",
            self.home / "certs" / "ca.pem",
        )
        return self.daemon

    async def user(self, name: str) -> Client:
        """Register somebody, who is online until the test is over."""
        email = f"{name}@example.org"
        await self.gateway.request_code(email)
        mails = [mail.read_text() for mail in (self.home / "mail" / "new").iterdir()]
        (code,) = [
            code
            for mail in mails
            if email in mail
            for code in re.findall(r"\b[0-9]{6}\b", mail.partition("\n\n")[2])
        ]
        await self.gateway.register(name, PASSWORD, email, code)
        client = Client(self._reactor, self.gateway, Credentials(username=name, password=PASSWORD))
        states = self.states[name] = []
        client.on_connection_state.subscribe(lambda change: states.append(change.state))
        await client.start()
        self._test.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        return client
