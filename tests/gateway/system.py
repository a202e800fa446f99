"""A gateway as it runs, with what stands behind it: balance, captcha, Redis, a database, a mailbox."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, TypeVar

from treq.client import HTTPClient
from twisted.application.service import IService, IServiceCollection
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, readBody

from imsys.cluster.client import GrpcClient
from imsys.cluster.server import GrpcServer
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.config import (
    BalanceConfig,
    CaptchaConfig,
    Config,
    DatabaseConfig,
    GatewayConfig,
    LimitsConfig,
    MailConfig,
)
from imsys.security.passwords import Passwords
from imsys.services import balance, captcha, gateway
from imsys.services.common import ListenService
from imsys.store.migrations import migrate
from tests.redis.shared import redis_for
from tests.support.children import free_port
from tests.support.servers import PLAINTEXT, certificates, redis_server
from tests.support.tokens import tokens_for

PASSWORD = "correct horse battery"
QUICK = GatewayConfig(port=0, hash_memory=64, hash_time=1, hash_workers=2)
S = TypeVar("S")


@dataclass
class Answer:
    """One response."""

    status: int
    json: Any
    retry_after: int | None

    @property
    def error(self) -> int:
        error: int = self.json["error"]
        return error


def parts(service: IService) -> Iterator[IService]:
    """A service and all that it consists of."""
    yield service
    if IServiceCollection.providedBy(service):
        for child in service:
            yield from parts(child)


def part(service: IService, kind: type[S]) -> S:
    """The first part of a kind."""
    return next(found for found in parts(service) if isinstance(found, kind))


class FakeChat:
    """What a chat server answers when it is asked to sign somebody out."""

    def __init__(self) -> None:
        self.kicked: list[int] = []
        self.hang = False

    async def ForceTerminateLoginedUser(self, request: Any) -> Any:
        self.kicked.append(request.kick_uuid)
        if self.hang:
            await Deferred()
        return message_pb2.TerminationResponse(kick_uuid=request.kick_uuid)


class SystemCase(TestCase):
    """Starts everything; subclasses change what is configured."""

    limits = LimitsConfig()
    settings = QUICK
    mail = MailConfig(timeout=5.0)
    captcha_config = CaptchaConfig()

    async def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.mails = folder / "mail"
        self.redis_config = self.redis_server()
        self.redis = redis_for(self, self.redis_config)
        self.config = Config(
            database=self.database(folder),
            redis=self.redis_config,
            tls=certificates(),
            balance=BalanceConfig(grpc_port=0),
            captcha=dataclasses.replace(self.captcha_config, grpc_port=0),
            mail=dataclasses.replace(self.mail, maildir=str(self.mails)),
            gateway=dataclasses.replace(self.settings, plain_port=free_port()),
            limits=self.limits,
            cluster=PLAINTEXT,
        )
        await deferToThread(migrate, self.config.database)
        self.tokens = tokens_for(self, self.redis, self.config.database)
        self.balance = self.run_service(balance.build(self.reactor, self.config))
        self.captcha = self.run_service(captcha.build(self.reactor, self.config))
        self.config = dataclasses.replace(
            self.config,
            balance=dataclasses.replace(
                self.config.balance, addresses=(("127.0.0.1", part(self.balance, GrpcServer).port),)
            ),
            captcha=dataclasses.replace(
                self.config.captcha, addresses=(("127.0.0.1", part(self.captcha, GrpcServer).port),)
            ),
        )
        self.gateway = self.run_service(gateway.build(self.reactor, self.config))
        self.passwords = part(self.gateway, Passwords)
        self.url = f"https://127.0.0.1:{self.port_of(self.gateway)}"
        self.plain_url = f"http://127.0.0.1:{self.config.gateway.plain_port}"
        trusted = Certificate.loadPEM(Path(self.config.tls.ca).read_bytes())
        pool = HTTPConnectionPool(self.reactor)
        pool.maxPersistentPerHost = 200
        policy = BrowserLikePolicyForHTTPS(trustRootFromCertificates([trusted]))
        self.http = HTTPClient(Agent(self.reactor, policy, pool=pool))
        self.addCleanup(pool.closeCachedConnections)
        self.balance_client = GrpcClient(
            self.reactor, Trust(self.config.cluster), self.config.balance.addresses
        )
        self.run_service(self.balance_client)
        await self.register_server("chat1", plain=9001)

    def redis_server(self) -> Any:
        """Which Redis is used."""
        return redis_server()

    def database(self, folder: Path) -> DatabaseConfig:
        """Which database is used."""
        return DatabaseConfig(engine="sqlite", path=str(folder / "imsys.db"))

    def run_service(self, service: Any) -> Any:
        """Run a service until the end of the test."""
        service.startService()
        self.addCleanup(lambda: service.stopService() if service.running else None)
        return service

    async def stop(self, service: Any) -> None:
        """Stop one before the end."""
        await maybeDeferred(service.stopService)

    @staticmethod
    def port_of(service: IService) -> int:
        """The TLS port of a gateway."""
        return part(service, ListenService).port

    async def post(self, path: str, url: str | None = None, /, **fields: Any) -> Answer:
        """One request with a JSON object."""
        return await self.post_body(path, json.dumps(fields, ensure_ascii=False).encode(), url)

    async def post_body(self, path: str, body: bytes, url: str | None = None, **headers: str) -> Answer:
        """One request with any body; ``x_y="z"`` is the header ``X-Y: z``."""
        named: dict[str | bytes, str | bytes] = {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        response: Any = await self.http.post(
            (url or self.url) + path, data=body, headers=named, unbuffered=True
        )
        text = await readBody(response.original)
        after = response.headers.getRawHeaders("retry-after")
        return Answer(response.code, json.loads(text), int(after[0]) if after else None)

    async def register_server(
        self, name: str, *, kind: str = "chat", plain: int = 0, http: int = 0, grpc: int = 0
    ) -> None:
        """Register a server at balance, which need not exist."""
        request = imsys_v1_pb2.RegisterRequest(
            info=message_pb2.ServerInfo(name=name, host=f"{name}.example.org", port="9000"),
            kind=kind,
            incarnation="a1",
            clock_ms=round(time.time() * 1000),
            ports=imsys_v1_pb2.Ports(tls=9000, plain=plain, http=http, grpc=grpc),
            grpc_host="127.0.0.1",
        )
        answer = await self.balance_client.call(imsys_v1_pb2_grpc.RegistryStub, "Register", request)
        self.assertEqual(answer.error, 0, answer.message)

    async def chat_server(self, name: str) -> FakeChat:
        """A registered chat server that listens to its peers."""
        chat = FakeChat()
        calls = [(message_pb2_grpc.add_DistributedChattingServiceServicer_to_server, chat)]
        server = self.run_service(GrpcServer(self.reactor, Trust(self.config.cluster), "127.0.0.1", 0, calls))
        await self.register_server(name, grpc=server.port)
        return chat

    def mails_to(self, email: str) -> list[str]:
        """The texts of the mails to one address, oldest first."""
        files = sorted((self.mails / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        mails: list[Any] = [message_from_bytes(path.read_bytes(), policy=default) for path in files]
        return [mail.get_content() for mail in mails if mail["To"] == email]

    async def code(self, email: str) -> str:
        """A fresh code for an address, without the limits on mails."""
        for name in ("code-email-minute", "code-email-day", "code-source", "code-all", "code-wrong-source"):
            await self.forget_limit(name)
        answer = await self.post("/get_verification", email=email)
        self.assertEqual((answer.status, answer.error), (200, 0), answer.json)
        code: str = re.findall(r"code is (\S+)", self.mails_to(email)[-1])[0]
        return code

    @staticmethod
    def codes_in(text: str) -> list[str]:
        """Every run of four or more digits."""
        return re.findall(r"[0-9]{4,}", text)

    async def forget_limit(self, name: str) -> None:
        """Make a limit's windows pass for all."""
        keys = await self.redis.call("KEYS", self.redis.key("rate", name, "*"))
        if keys:
            await self.redis.call("DEL", *keys)

    async def register(self, name: str, password: str = PASSWORD) -> int:
        """An account made by HTTP; its address is ``<name>@example.org``."""
        email = f"{name}@example.org"
        answer = await self.post(
            "/post_registration",
            username=name,
            password=password,
            email=email,
            cpatcha=await self.code(email),
        )
        self.assertEqual((answer.status, answer.error), (200, 0), answer.json)
        return int(answer.json["uuid"])

    async def login(self, name: str, password: str = PASSWORD, url: str | None = None) -> Answer:
        """A login by password."""
        return await self.post("/trylogin_server", url, username=name, password=password)

    async def at_once(self, *calls: Any) -> list[Any]:
        """The results of several coroutines that run together."""
        results: list[Any] = await gatherResults([Deferred.fromCoroutine(call) for call in calls])
        return results

    def another_gateway(self, **more: Any) -> str:
        """A second gateway on the same Redis and database, with other sections of configuration; its URL."""
        config = dataclasses.replace(
            self.config, **{"gateway": dataclasses.replace(self.config.gateway, plain_port=0), **more}
        )
        return f"https://127.0.0.1:{self.port_of(self.run_service(gateway.build(self.reactor, config)))}"
