"""A cluster of processes on MariaDB and Redis, with TLS everywhere: what users see when a chat server dies."""

from __future__ import annotations

import dataclasses
import re
import signal
from pathlib import Path
from typing import Any

import grpc
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import connectProtocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.cluster.stubs import message_pb2, message_pb2_grpc
from imsys.ctl.sample import render
from imsys.errors import Refused
from imsys.sdk.gateway import Gateway, Login
from imsys.sdk.trust import Trust, endpoint
from imsys.services.first_start import prepare_database
from tests.chat.features.test_conversation import text_request
from tests.support.chat import RawClient
from tests.support.children import folder, free_port
from tests.support.daemons import Process, start
from tests.support.servers import certificates, cluster_certificates, mariadb, redis_server

LEASE, INTERVAL = 3.0, 0.5


class ClusterCase(TestCase):
    """Two chat servers, one of each of the others."""

    timeout = 120.0

    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.home = folder("cluster")
        self.database = database = mariadb(self, tcp=True)
        prepare_database(database, create=False)
        trust = cluster_certificates()
        self.ports = {
            name: free_port()
            for name in ("gateway", "balance", "captcha", "one", "two", "one_grpc", "two_grpc")
        }
        self.settings = {
            "HOME": str(self.home),
            "GATEWAY_PORT": str(self.ports["gateway"]),
            "BALANCE_GRPC_PORT": str(self.ports["balance"]),
            "BALANCE_ADDRESSES": f"127.0.0.1:{self.ports['balance']}",
            "BALANCE_LEASE": str(LEASE),
            "BALANCE_INTERVAL": str(INTERVAL),
            "CAPTCHA_GRPC_PORT": str(self.ports["captcha"]),
            "CAPTCHA_ADDRESSES": f"127.0.0.1:{self.ports['captcha']}",
            "LIMITS_CODE_EMAIL_MINUTE": "0",
            "CHAT_DRAIN": "600",
        }
        for name, section in (
            ("database", database),
            ("redis", redis_server(tcp=True)),
            ("tls", certificates()),
            ("cluster", trust),
        ):
            self.settings |= {
                f"{name}_{f.name}".upper(): render(getattr(section, f.name))
                for f in dataclasses.fields(section)
            }
        self.nodes: dict[int, Process] = {}
        await start(self, "imsys-balance", self.settings)
        one, two, *_ = await gatherResults(
            [
                Deferred.fromCoroutine(self.chat_server("one")),
                Deferred.fromCoroutine(self.chat_server("two")),
                Deferred.fromCoroutine(start(self, "imsys-captcha", self.settings)),
                Deferred.fromCoroutine(start(self, "imsys-gateway", self.settings)),
            ]
        )
        self.nodes = {self.ports["one"]: one, self.ports["two"]: two}
        await one.says("the stream to chat server two is open")
        await two.says("the stream to chat server one is open")
        self.gateway = Gateway(reactor, f"https://127.0.0.1:{self.ports['gateway']}", certificates().ca)

    async def chat_server(self, name: str) -> Process:
        own = {
            "CHAT_NAME": name,
            "CHAT_PORT": str(self.ports[name]),
            "CHAT_GRPC_PORT": str(self.ports[f"{name}_grpc"]),
        }
        return await start(self, "imsys-chat", self.settings | own)

    async def register(self, name: str) -> Login:
        email = f"{name}@example.com"
        await self.gateway.request_code(email)
        (code,) = {
            code
            for mail in (self.home / "mail" / "new").iterdir()
            if email in mail.read_text()
            for code in re.findall(r"\b\d{6}\b", mail.read_text().partition("\n\n")[2])
        }
        await self.gateway.register(name, "a good password", email, code)
        return await self.gateway.login(name, "a good password")

    async def connect(self, login: Login) -> RawClient:
        """A session at the server that the gateway named."""
        to = endpoint(self.reactor, login.host, login.port, Trust(certificates().ca), 5.0)
        client: RawClient = await connectProtocol(to, RawClient(self.reactor))
        self.addCleanup(client.abort)
        response = await client.ask(5, uuid=str(login.uuid), token=login.token)
        self.assertEqual(response["error"], 0, response)
        return client

    async def pair(self) -> tuple[Login, RawClient, Login, RawClient, str]:
        """Two friends on the two servers."""
        anna, bert = await self.register("anna"), await self.register("bert")
        self.assertEqual({anna.port, bert.port}, set(self.nodes), "logins are spread")
        a, b = await self.connect(anna), await self.connect(bert)
        await a.ask(17, src_uuid=str(anna.uuid), dst_uuid=str(bert.uuid), message="hi", nickname="")
        await b.next(19)
        await b.ask(20, src_uuid=str(anna.uuid), dst_uuid=str(bert.uuid), alternative_name="")
        thread = (await a.next(22))["thread_id"]
        await b.next(22)
        return anna, a, bert, b, thread

    async def history(self, client: RawClient, thread: str) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        cursor = "0"
        while True:
            page = await client.ask(13, thread_id=thread, msg_id=cursor, limit=100)
            self.assertEqual(page["error"], 0)
            records += page["chat_messages"]
            if page["is_complete"]:
                return records
            cursor = page["next_msg_id"]


class ClusterScenes(ClusterCase):
    """Whoever dies or stops."""

    async def test_a_server_is_killed(self) -> None:
        """Friends on two servers talk; one server is killed in a burst; its user comes back by token, lands
        on the other server, and both find every acknowledged message, in one order, once."""
        anna, a, bert, b, thread = await self.pair()
        acknowledged: dict[str, str] = {}
        number = 0

        async def write(client: RawClient, me: Login, other: Login, count: int) -> None:
            nonlocal number
            for _ in range(count):
                number += 1
                unique = f"{me.uuid}.{number}"
                ack = await client.ask(23, **text_request(me.uuid, other.uuid, thread, unique))
                if ack["error"] == 0:
                    acknowledged[unique] = ack["verified_msg"][0]["msg_id"]

        await gatherResults(
            [
                Deferred.fromCoroutine(write(a, anna, bert, 30)),
                Deferred.fromCoroutine(write(b, bert, anna, 30)),
            ]
        )
        self.assertEqual(len(acknowledged), 60)
        while len(b.pending(25)) < 30 or len(a.pending(25)) < 30:
            await deferLater(self.reactor, 0.02)
        burst = [
            Deferred.fromCoroutine(write(b, bert, anna, 1000)),
            Deferred.fromCoroutine(write(a, anna, bert, 100)),
        ]
        while len(acknowledged) < 80:
            await deferLater(self.reactor, 0.01)
        self.nodes[bert.port].send(signal.SIGKILL)
        await b.until_closed()
        with self.assertRaises(ConnectionError):
            await burst[0]
        await burst[1]
        # at once, and until it works, as clients do: balance may still believe in the dead server for the
        # rest of its lease
        while True:
            try:
                again = await self.gateway.resume(bert.uuid, bert.token)
            except Refused:
                again = bert
            if again.port == anna.port:
                break
            await deferLater(self.reactor, 0.1)
        b = await self.connect(again)
        stored = {record["msg_content"]: record["msg_id"] for record in await self.history(b, thread)}
        self.assertEqual({unique: stored.get(unique) for unique in acknowledged}, acknowledged)
        ids = [int(record["msg_id"]) for record in await self.history(a, thread)]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(await self.history(a, thread), await self.history(b, thread))
        await a.ask(23, **text_request(anna.uuid, bert.uuid, thread, "welcome back"))
        while (await b.next(25))["text_msg"][0]["msg_content"] != "welcome back":
            pass

    async def test_restart_and_kick(self) -> None:
        """A login on the other server signs the session on the first out; a server that is stopped in good
        order flushes and leaves, and its users are allocated to the other at once; a session kicked by the
        original's plain call hears why."""
        anna, a, bert, b, thread = await self.pair()
        newer = await self.connect(dataclasses.replace(bert, port=anna.port, host=anna.host))
        await b.next(8)
        await b.until_closed()
        for count in range(10):
            a.send(23, **text_request(anna.uuid, bert.uuid, thread, f"{count}"))
        self.assertEqual(await self.nodes[anna.port].stop(), -signal.SIGTERM)
        got = [m["msg_content"] for push in newer.pending(25) for m in push["text_msg"]]
        self.assertEqual([ack["error"] for ack in a.pending(24)], [0] * len(got))
        again = await self.gateway.resume(bert.uuid, bert.token)
        self.assertEqual(again.port, next(port for port in self.nodes if port != anna.port))
        b = await self.connect(again)
        self.assertEqual(len(await self.history(b, thread)), 2 + len(got))
        name = "one" if again.port == self.ports["one"] else "two"
        await deferToThread(self.kick, self.ports[f"{name}_grpc"], bert.uuid)
        self.assertTrue((await b.next(8))["message"])
        await b.until_closed()

    async def test_a_user_flaps(self) -> None:
        """A user comes and goes, now on the one server and now on the other, while a friend writes: from each
        login on they get every text, live or by catching up when asked to."""
        anna, a, bert, b, thread = await self.pair()
        written: list[str] = []
        done = False

        async def write() -> None:
            while not done:
                text = f"text {len(written)}"
                ack = await a.ask(23, **text_request(anna.uuid, bert.uuid, thread, text))
                self.assertEqual(ack["error"], 0)
                written.append(text)

        writing = Deferred.fromCoroutine(write())
        for turn in range(12):
            if turn % 3 == 0:
                await b.abort()  # is offline for a moment
                await deferLater(self.reactor, 0.05)
            b = await self.connect(dataclasses.replace(bert, port=list(self.nodes)[turn % 2]))
            known = {record["msg_content"] for record in await self.history(b, thread)}
            since = len(written)
            await deferLater(self.reactor, 0.1)
            expected = written[:-1] if turn < 11 else written
            if turn == 11:
                done = True
                await writing
            missing: set[str] = set()
            for _ in range(500):
                for push in b.pending(25):
                    known |= {item["msg_content"] for item in push["text_msg"]}
                if b.pending(128):
                    await b.next(128)
                    known |= {record["msg_content"] for record in await self.history(b, thread)}
                missing = set(expected) - known
                if not missing:
                    break
                await deferLater(self.reactor, 0.02)
            self.assertEqual(missing, set(), f"turn {turn}, since {since}")
        self.assertGreater(len(written), 24)

    def kick(self, port: int, uuid: int) -> None:
        """Call ForceTerminateLoginedUser with a plain stub, over mutual TLS."""
        trust = cluster_certificates()
        read = [Path(path).read_bytes() for path in (trust.ca, trust.key, trust.certificate)]
        with grpc.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(*read)) as channel:
            stub = message_pb2_grpc.DistributedChattingServiceStub(channel)
            response = stub.ForceTerminateLoginedUser(
                message_pb2.TerminationRequest(kick_uuid=uuid), timeout=5
            )
            self.assertEqual((response.error, response.kick_uuid), (0, uuid))

    async def test_drained(self) -> None:
        """A server that drains takes nobody new, serves those it has, and ends by itself when the last one
        has gone.
        """
        anna, a, bert, b, thread = await self.pair()
        draining = self.nodes[anna.port]
        draining.send(signal.SIGUSR2)
        await draining.says(" drains")
        for _ in range(3):
            while (again := await self.gateway.login("anna", "a good password")).port == anna.port:
                await deferLater(self.reactor, 0.05)
        await a.ask(23, **text_request(anna.uuid, bert.uuid, thread, "still here"))
        self.assertEqual((await b.next(25))["text_msg"][0]["msg_content"], "still here")
        await b.ask(23, **text_request(bert.uuid, anna.uuid, thread, "so I see"))
        self.assertEqual((await a.next(25))["text_msg"][0]["msg_content"], "so I see")
        await self.connect(again)  # signs the other session out
        await a.next(8)
        await a.until_closed()
        self.assertEqual(await draining.end(), 0)

    async def test_password_reset_ends_sessions(self) -> None:
        """A new password revokes every token and ends the live session, on whichever server it is."""
        anna = await self.register("anna")
        a = await self.connect(anna)
        await self.gateway.request_code("anna@example.com")
        mails = sorted((self.home / "mail" / "new").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        (code,) = re.findall(r"code is (\S+)", mails[-1].read_text())
        await self.gateway.reset_password("anna", "anna@example.com", "another password", code)
        await a.next(8)
        await a.until_closed()
        for attempt in (
            self.gateway.resume(anna.uuid, anna.token),
            self.gateway.login("anna", "a good password"),
        ):
            with self.assertRaises(Refused):
                await attempt
        await self.connect(await self.gateway.login("anna", "another password"))
