"""A gateway that more is asked of than it can do, or than what stands behind it can."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent

from imsys.cluster.client import GrpcClient, NotOffered
from imsys.config import DatabaseConfig, LimitsConfig
from imsys.errors import Status, Unavailable
from imsys.gateway import admission, endpoints
from imsys.server.health import Health
from imsys.web.server import HttpServer
from tests.gateway.raw_http import RawHttp, post
from tests.gateway.system import PASSWORD, Answer, SystemCase, part
from tests.support.proxies import SilentProxy
from tests.support.servers import mariadb


class StormCase(SystemCase):
    """Calls of balance can be held, and are counted."""

    async def setUp(self) -> None:
        await super().setUp()
        self.uuid = await self.register("anna")
        self.token = (await self.login("anna")).json["token"]
        client: Any = part(self.gateway, GrpcClient)
        self.call = client.call
        self.calls: list[tuple[str, int]] = []
        self.held: Deferred[None] | None = None
        client.call = self.counted

    async def counted(self, stub: Any, method: str, request: Any, **more: Any) -> Any:
        self.calls.append((method, len(getattr(request, "requests", (request,)))))
        if self.held is not None:
            await self.held
        return await self.call(stub, method, request, **more)

    def resume(self, **more: Any) -> Deferred[Answer]:
        return Deferred.fromCoroutine(
            self.post("/trylogin_server", uuid=str(self.uuid), **({"token": self.token} | more))
        )

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            await deferLater(self.reactor, 0.005)

    async def arrived(self, count: int) -> None:
        """Return when so many requests are here."""
        connections = part(self.gateway, HttpServer).connections
        await self.until(lambda: sum(connection._request is not None for connection in connections) == count)

    def release(self) -> None:
        held, self.held = self.held, None
        assert held is not None
        held.callback(None)


class TogetherTests(StormCase):
    async def test_together(self) -> None:
        """Logins that come while balance is asked go together in the next call.

        One that is wrong is refused alone.
        """
        self.held = Deferred()
        first = self.resume()
        await self.until(lambda: self.calls)
        rest, wrong = [self.resume() for _ in range(20)], self.resume(token="none")
        await self.arrived(22)
        self.release()
        self.assertEqual([(await answer).error for answer in (first, *rest)], [0] * 21)
        self.assertEqual((await wrong).error, Status.LOGIN_UNSUCCESSFUL)
        self.assertEqual(self.calls, [("AllocateAll", 1), ("AllocateAll", 21)])

    async def test_balance_fails(self) -> None:
        """When balance cannot be reached, those who gathered meanwhile are told so, too, and the next ones
        are served.
        """
        self.held = Deferred()
        answers = [self.resume() for _ in range(10)]
        await self.arrived(10)
        with capturedLogs() as events:
            held, self.held = self.held, None
            held.errback(Unavailable(Status.GRPC_ERROR, "AllocateAll was not answered."))
            self.assertEqual(
                {((await answer).status, (await answer).error) for answer in answers}, {(503, 73)}
            )
        said = [
            formatEvent(event) for event in events if "Answering /trylogin_server fails" in formatEvent(event)
        ]
        self.assertEqual(len(said), 1, said)
        self.assertEqual((await self.resume()).error, 0)

    async def test_older_balance(self) -> None:
        """A balance server of an older release is asked for one user at a time."""
        call = self.call

        async def older(stub: Any, method: str, request: Any, **more: Any) -> Any:
            if method == "AllocateAll":
                raise NotOffered(Status.GRPC_ERROR, "AllocateAll is not offered there.")
            return await call(stub, method, request, **more)

        self.call = older
        self.assertEqual([(await answer).error for answer in [self.resume() for _ in range(5)]], [0] * 5)
        self.assertEqual(sum(count for method, count in self.calls if method == "Allocate"), 5)


class BoundTests(StormCase):
    async def setUp(self) -> None:
        self.patch(endpoints, "TOKENS", 2)
        await super().setUp()

    async def test_patience(self) -> None:
        """So many are worked on; who has waited for too long gets 503 with a time to come back, and the
        others are served.
        """
        self.patch(admission, "PATIENCE", 0.2)
        self.held = Deferred()
        answers = [self.resume() for _ in range(5)]
        refused: list[Answer] = []
        while len(refused) < 3:
            refused += [await answer for answer in answers if answer.called]
            answers = [answer for answer in answers if not answer.called]
            await deferLater(self.reactor, 0.01)
        self.assertEqual(
            {(answer.status, answer.error, answer.retry_after) for answer in refused}, {(503, 73, 2)}
        )
        self.release()
        self.assertEqual([(await answer).error for answer in answers], [0, 0])
        self.assertEqual((await self.resume()).error, 0)

    async def test_gone(self) -> None:
        """For a client that has gone before its turn nothing is done."""
        self.held = Deferred()
        working = [self.resume() for _ in range(2)]
        await self.arrived(2)
        client = await RawHttp.connect(self.config.gateway.plain_port)
        client.send(
            post("/trylogin_server", json.dumps({"uuid": str(self.uuid), "token": self.token}).encode())
        )
        await self.arrived(3)
        client.close()
        await self.arrived(2)
        self.release()
        self.assertEqual([(await answer).error for answer in working], [0, 0])
        self.assertEqual(sum(count for _, count in self.calls), 2)

    async def test_passwords_wait_for_themselves(self) -> None:
        """Who comes back by token does not wait behind passwords."""
        async with self.passwords.slot(), self.passwords.slot():
            busy = [Deferred.fromCoroutine(self.login("anna")) for _ in range(25)]
            await self.arrived(25)
            self.assertEqual((await self.resume()).error, 0)
        self.assertEqual({(await answer).error for answer in busy}, {0})


class TurnsTests(SystemCase):
    limits = dataclasses.replace(LimitsConfig(), login_account=0)

    def working(self) -> int:
        """Requests that are not answered yet."""
        return sum(
            connection._request is not None for connection in part(self.gateway, HttpServer).connections
        )

    async def test_one_account_with_many_connections(self) -> None:
        """However many connections one account logs in by, the login of another comes right after those that
        are being hashed.
        """
        await self.register("anna")
        await self.register("otto")
        before: list[Answer] = []

        async def log_in() -> Answer:
            before.append(await self.login("anna"))
            return before[-1]

        async with self.passwords.slot(), self.passwords.slot():
            many = [Deferred.fromCoroutine(log_in()) for _ in range(100)]
            while self.working() < 100:
                await deferLater(self.reactor, 0.005)
            other = Deferred.fromCoroutine(self.login("otto"))
            while self.working() < 101:
                await deferLater(self.reactor, 0.005)
        self.assertEqual((await other).error, 0)
        self.assertLess(len(before), 50)  # those under way already, and who was quick meanwhile
        self.assertEqual({(await login).error for login in many}, {0})


class PlaceTests(SystemCase):
    async def test_elsewhere(self) -> None:
        """A login names other servers to go to, and who names a server that could not be used is sent to
        another.
        """
        await self.register("anna")
        await self.register_server("chat2", plain=9002)
        await self.register_server("files1", kind="resources", http=9003)
        answer = (await self.login("anna")).json
        self.assertEqual(len(answer["others"]), 1)
        both = {f"chat{number}.example.org" for number in (1, 2)}
        self.assertEqual({answer["host"], answer["others"][0]["host"]}, both)
        self.assertEqual(answer["others"][0]["port"], "9000")
        coming_back = {"uuid": answer["uuid"], "token": answer["token"]}
        for host in both:
            failed = [*("nonsense", "x" * 1000), f"{host}:9000"]
            for again in (
                await self.post("/trylogin_server", **coming_back, failed=failed),
                await self.fails("anna", failed),
            ):
                self.assertEqual(
                    (again.error, [again.json["host"]], again.json["others"]), (0, [*both - {host}], [])
                )
        again = await self.post("/trylogin_server", self.plain_url, **coming_back)
        self.assertEqual({again.json["port"], again.json["others"][0]["port"]}, {"9001", "9002"})
        self.assertEqual(
            (await self.post("/trylogin_server", **coming_back, failed="chat1")).error, Status.JSONPARSE_ERROR
        )

    async def fails(self, name: str, failed: list[str]) -> Answer:
        return await self.post("/trylogin_server", username=name, password=PASSWORD, failed=failed)


class CutOffTests(SystemCase):
    def database(self, folder: Path) -> DatabaseConfig:
        database = mariadb(self, tcp=True)
        self.network = SilentProxy(self, database.port)
        return dataclasses.replace(database, port=self.network.port)

    async def until(self, unfit: str) -> None:
        while part(self.gateway, Health).unfit != unfit:
            await deferLater(self.reactor, 0.01)

    async def test_database(self) -> None:
        """Without the database a login by password is refused at once, with the reason, and one by token
        works; then all goes on.
        """
        uuid = await self.register("anna")
        token = (await self.login("anna")).json["token"]
        self.network.cut()
        await self.until("The database does not answer.")
        since = time.monotonic()
        answer = await self.login("anna")
        self.assertLess(time.monotonic() - since, 3.0)
        self.assertEqual((answer.status, answer.error, answer.retry_after), (503, 73, 1))
        self.assertIn("The database does not answer.", answer.json["message"])
        self.assertEqual((await self.post("/trylogin_server", uuid=str(uuid), token=token)).error, 0)
        self.network.heal()
        await self.until("")
        self.assertEqual((await self.login("anna")).error, 0)


del StormCase
