"""A balance server for one test: real Redis, real gRPC, called with plain stubs."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import grpc
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.config import BalanceConfig, ClusterConfig, Config, DatabaseConfig, RedisConfig
from imsys.redis.client import Redis, RedisService
from imsys.services.balance import build
from tests.redis.real import RealRedis
from tests.support.children import folder
from tests.support.servers import PLAINTEXT

EXPIRE = "for _, key in ipairs(redis.call('KEYS', '*')) do if redis.call('PTTL', key) > 0 then redis.call('DEL', key) end end"
"""What Redis does when its clock is set forward."""


class Balance:
    """One balance server and a channel to it."""

    def __init__(
        self,
        test: TestCase,
        redis: RedisConfig,
        *,
        cluster: ClusterConfig | None = None,
        port: int = 0,
        database: DatabaseConfig | None = None,
        **balance: Any,
    ) -> None:
        from twisted.internet import reactor

        self.config = Config(
            database=database or DatabaseConfig(),
            redis=redis,
            balance=BalanceConfig(grpc_port=port, **balance),
            cluster=cluster or PLAINTEXT,
        )
        service: Any = build(reactor, self.config)
        service.startService()
        self.service = service
        self.port = int(list(service)[-1].port)
        reached = dataclasses.replace(self.config.balance, addresses=(("127.0.0.1", self.port),))
        self.config = dataclasses.replace(self.config, balance=reached)
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        test.addCleanup(self.stop)

    def stop(self) -> Deferred[Any]:
        self._channel.close()
        return (
            maybeDeferred(self.service.stopService) if self.service.running else maybeDeferred(lambda: None)
        )

    async def call(self, stub: Any, method: str, request: Any) -> Any:
        return await deferToThread(getattr(stub(self._channel), method), request, timeout=10)

    async def register(
        self, name: str, port: int | str = 8000, *, kind: str = "chat", host: str = "127.0.0.1", **more: Any
    ) -> Any:
        """``imsys.v1.Registry.Register``."""

        fields: dict[str, Any] = {"incarnation": f"{name}1", "clock_ms": round(time.time() * 1000), **more}
        info = message_pb2.ServerInfo(name=name, host=host, port=str(port))
        return await self.call(
            imsys_v1_pb2_grpc.RegistryStub,
            "Register",
            imsys_v1_pb2.RegisterRequest(info=info, kind=kind, **fields),
        )

    async def allocate(self, **fields: Any) -> Any:
        """``imsys.v1.Balance.Allocate``."""
        return await self.call(
            imsys_v1_pb2_grpc.BalanceStub, "Allocate", imsys_v1_pb2.AllocateRequest(**{"uuid": 7, **fields})
        )

    async def servers(self, kind: str = "") -> dict[str, Any]:
        """``imsys.v1.Registry.List``, by name."""
        response = await self.call(
            imsys_v1_pb2_grpc.RegistryStub, "List", imsys_v1_pb2.ListRequest(kind=kind)
        )
        return {server.name: server for server in response.servers}

    async def plain(
        self, method: str, name: str, port: int | str = 9000, *, kind: str = "chat", host: str = "127.0.0.1"
    ) -> Any:
        """One of the original's six register calls."""
        stub = (
            message_pb2_grpc.ChattingRegisterServiceStub
            if kind == "chat"
            else message_pb2_grpc.ResourcesRegisterServiceStub
        )
        if method.startswith("Register"):
            request: Any = message_pb2.RegisterRequest(
                info=message_pb2.ServerInfo(name=name, host=host, port=str(port))
            )
        elif method.startswith("Shutdown"):
            request = message_pb2.ShutdownRequest(cur_server=name)
        else:
            request = message_pb2.PeerRequest(cur_server=name)
        return await self.call(stub, method, request)


class BalanceCase(TestCase):
    """A test with a Redis of its own and a balance server on it."""

    lease = 15.0

    def setUp(self) -> None:
        self.redis = RealRedis().start()
        self.addCleanup(self.redis.remove)
        self.database = DatabaseConfig(engine="sqlite", path=str(folder("balance") / "imsys.db"))
        self.balance = Balance(self, self.redis.config(), database=self.database, lease=self.lease)

    def turn(self, name: str) -> None:
        """Let as much time pass for a chat server as lies between two turns of its reports."""
        self.redis.command("HSET", f"t:server:chat:{name}", "turned", "0")

    def direct(self) -> Redis:
        """Redis, past balance."""
        from twisted.internet import reactor

        service = RedisService(reactor, self.redis.config())
        service.startService()
        self.addCleanup(service.stopService)
        return service.redis
