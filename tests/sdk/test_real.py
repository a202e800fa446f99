"""The client library against the real servers, killed in the middle of a conversation."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from imsys.sdk import Client, ConnectionState, Credentials, Gateway, Message, Timing
from tests.support.children import folder, free_port
from tests.support.daemons import Process, run

PASSWORD = "correct horse battery"
TIMING = replace(Timing(), first_wait=0.1, longest_wait=0.5, mark=0.05, patience=0.5)


class Killed(TestCase):
    """A test with the real servers in a process that it starts, and clients."""

    timeout = 120

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.home = folder("sdk")
        names = ("GATEWAY_PORT", "CHAT_PORT", "RESOURCES_PORT", "RESOURCES_HTTP_PORT")
        grpc = ("BALANCE_GRPC_PORT", "CAPTCHA_GRPC_PORT", "CHAT_GRPC_PORT", "RESOURCES_GRPC_PORT")
        self.settings = {"HOME": str(self.home)} | {name: str(free_port()) for name in (*names, *grpc)}

    async def server(self) -> Process:
        process = run(self, "--nodaemon", "--pidfile=", "imsys", settings=self.settings)
        await process.says("imsys is running")
        return process

    def gateway(self) -> Gateway:
        url = f"https://127.0.0.1:{self.settings['GATEWAY_PORT']}"
        return Gateway(self.reactor, url, self.home / "certs" / "ca.pem")

    async def client(self, name: str) -> Client:
        gateway = self.gateway()
        email = f"{name}@example.org"
        await gateway.request_code(email)
        (code,) = [
            found[0] for path in (self.home / "mail" / "new").iterdir() if (found := self.code(path, email))
        ]
        await gateway.register(name, PASSWORD, email, code)
        client = Client(self.reactor, gateway, Credentials(username=name, password=PASSWORD), timing=TIMING)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        await client.start()
        return client

    @staticmethod
    def code(path: Path, email: str) -> re.Match[str] | None:
        mail = message_from_bytes(path.read_bytes())
        return re.search(r"\b\d{6}\b", str(mail.get_payload())) if email in str(mail["To"]) else None

    async def until(self, condition: Any) -> None:
        while not condition():
            await deferLater(self.reactor, 0.02)


class ConversationTests(Killed):
    async def test_kill_nine(self) -> None:
        """The server is killed while both write, and started again: every text is there once, for both, in
        one order.
        """
        server = await self.server()
        anna, ben = await self.client("anna"), await self.client("ben")
        made: list[int] = []
        anna.on_friendship.subscribe(lambda friendship: made.append(friendship.thread_id))
        await anna.contacts.add(ben.me.uuid, "Hello")
        await ben.contacts.accept(anna.me.uuid)
        await self.until(lambda: made)
        told: dict[str, list[Message]] = {"anna": [], "ben": []}
        for name, client in (("anna", anna), ("ben", ben)):
            client.on_message.subscribe(told[name].append)
            client.on_sent.subscribe(told[name].append)
        posted = [
            client.post(made[0], f"{client.me.username} {number}")
            for number in range(100)
            for client in (anna, ben)
        ]
        await posted[40].when_stored()
        await server.stop(signal.SIGKILL)
        posted += [
            client.post(made[0], f"{client.me.username} {number}")
            for number in range(100, 120)
            for client in (anna, ben)
        ]
        await self.until(lambda: anna.state is ConnectionState.WAITING)
        await self.server()
        for outgoing in posted:
            await outgoing.when_stored()
        await self.until(lambda: all(len(messages) >= 240 for messages in told.values()))
        history = [message async for message in anna.history.records(made[0])][2:]
        self.assertEqual(len(history), 240)
        for name, messages in told.items():
            self.assertEqual([message.id for message in messages], [message.id for message in history])
            mine = [message.text for message in history if message.text.startswith(name)]
            self.assertEqual(mine, [f"{name} {number}" for number in range(120)])
