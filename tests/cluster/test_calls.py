"""Unary gRPC calls through the bridge, with plain grpcio on the other side where that shows more."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imsys.cluster.client import GrpcClient, NotOffered
from imsys.cluster.server import GrpcServer
from imsys.cluster.stubs import message_pb2, message_pb2_grpc
from imsys.cluster.trust import Trust
from imsys.config import ClusterConfig
from imsys.errors import ConfigError, Refused, Status, Unavailable
from tests.cluster.certs import Authority

ADD = message_pb2_grpc.add_UserServiceServicer_to_server
STUB = message_pb2_grpc.UserServiceStub


class Users:
    """Echoes the uuid in the error; some have a meaning of their own."""

    def __init__(self) -> None:
        self.calls = 0
        self.threads: set[int] = set()

    async def LoginUser(self, request: Any) -> Any:
        self.calls += 1
        self.threads.add(threading.get_ident())
        if request.uuid == 1:
            raise Refused(Status.LOGIN_UNSUCCESSFUL, "No.")
        if request.uuid == 2:
            raise ValueError("a fault of ours")
        if request.uuid == 3:
            await Deferred()
        if request.uuid == 4:
            with contextlib.suppress(CancelledError):
                await Deferred()
            await sleep(0.3)
        return message_pb2.LoginResponse(error=request.uuid)


class Bridged(TestCase):
    config = ClusterConfig(deadline=5.0, allow_plaintext=True)

    def serve(self, users: Any, config: ClusterConfig | None = None, port: int = 0) -> GrpcServer:
        from twisted.internet import reactor

        server = GrpcServer(reactor, Trust(config or self.config), "127.0.0.1", port, [(ADD, users)])
        server.startService()
        self.addCleanup(server.stopService)
        return server

    def client(self, *ports: int, config: ClusterConfig | None = None) -> GrpcClient:
        from twisted.internet import reactor

        client = GrpcClient(reactor, Trust(config or self.config), [("127.0.0.1", port) for port in ports])
        client.startService()
        self.addCleanup(client.stopService)
        return client


async def login(client: GrpcClient, uuid: int, deadline: float | None = None) -> int:
    return int(
        (await client.call(STUB, "LoginUser", message_pb2.LoginRequest(uuid=uuid), deadline=deadline)).error
    )


class Held:
    """Calls that begin when they may."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.threads: set[int] = set()
        self.begun: list[Any] = []

    def call(self, client: GrpcClient, uuid: int) -> Deferred[Any]:
        request = message_pb2.LoginRequest(uuid=uuid)
        return Deferred.fromCoroutine(client.call(self._stub, "LoginUser", request))

    def _stub(self, channel: grpc.Channel) -> Any:
        login = STUB(channel).LoginUser

        def begin(*args: Any, **kwargs: Any) -> Any:
            self.threads.add(threading.get_ident())
            self.go.wait(10)
            self.begun.append(login.future(*args, **kwargs))
            return self.begun[-1]

        return SimpleNamespace(LoginUser=SimpleNamespace(future=begin))


class CallTests(Bridged):
    async def test_on_the_reactor(self) -> None:
        """Handlers run on the reactor's thread, many calls at once, each with its own answer."""
        users = Users()
        client = self.client(self.serve(users).port)
        answers = await gatherResults(
            [Deferred.fromCoroutine(login(client, uuid)) for uuid in range(10, 110)]
        )
        self.assertEqual(answers, list(range(10, 110)))
        self.assertEqual(users.threads, {threading.get_ident()})

    async def test_refused(self) -> None:
        """A refusal is a response with its status; a fault of ours is logged and is 75."""
        client = self.client(self.serve(Users()).port)
        self.assertEqual(await login(client, 1), Status.LOGIN_UNSUCCESSFUL)
        self.assertEqual(await login(client, 2), Status.INTERNAL_ERROR)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    async def test_plain_stub(self) -> None:
        """A plain grpcio stub gets its answers, and UNIMPLEMENTED for what is not there."""
        port = self.serve(Users()).port

        def talk() -> Any:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = message_pb2_grpc.UserServiceStub(channel)
                answer = stub.LoginUser(message_pb2.LoginRequest(uuid=40), timeout=5)
                try:
                    stub.LogoutUser(message_pb2.LogoutRequest(uuid=40), timeout=5)
                except grpc.RpcError as error:
                    return answer.error, error.code()

        self.assertEqual(await deferToThread(talk), (40, grpc.StatusCode.UNIMPLEMENTED))

    async def test_not_offered(self) -> None:
        """A call that the server does not know is told apart from one that fails."""
        client = self.client(self.serve(Users()).port)
        with self.assertRaises(NotOffered):
            await client.call(STUB, "LogoutUser", message_pb2.LogoutRequest())

    async def test_server_deadline(self) -> None:
        """A handler that never ends is answered after the server's deadline, when the caller gives none."""
        port = self.serve(Users(), ClusterConfig(deadline=0.1, allow_plaintext=True)).port

        def talk() -> int:
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                return int(
                    message_pb2_grpc.UserServiceStub(channel)
                    .LoginUser(message_pb2.LoginRequest(uuid=3))
                    .error
                )

        self.assertEqual(await deferToThread(talk), Status.GRPC_ERROR)

    async def test_client_deadline(self) -> None:
        """A server that does not answer fails the call with status 3 after the deadline."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = self.client(silent.getsockname()[1])
            with self.assertRaises(Unavailable) as caught:
                await login(client, 9, deadline=0.2)
            self.assertIs(caught.exception.status, Status.GRPC_ERROR)

    async def test_fails_over(self) -> None:
        """An address where nobody listens is passed over, and the one that answered is asked first from then
        on.
        """
        users = Users()
        client = self.client(unused_port(), self.serve(users).port)
        self.assertEqual(await login(client, 9), 9)
        self.assertEqual(client._first, 1)
        self.assertEqual(await login(client, 9), 9)

    async def test_time_out_is_not_sent_twice(self) -> None:
        """A call that one server may have carried out is not sent to another; the next one is."""
        first, second = Users(), Users()
        client = self.client(self.serve(first).port, self.serve(second).port)
        with self.assertRaises(Unavailable):
            await login(client, 4, deadline=0.1)
        self.assertEqual((first.calls, second.calls), (1, 0))
        self.assertEqual(await login(client, 9), 9)
        self.assertEqual((first.calls, second.calls), (1, 1))

    async def test_server_comes_back(self) -> None:
        """A client finds a server again that was away."""
        server = self.serve(Users())
        client = self.client(server.port)
        self.assertEqual(await login(client, 9), 9)
        await server.stopService()
        with self.assertRaises(Unavailable):
            await login(client, 9)
        self.serve(Users(), port=server.port)
        self.assertEqual(await eventually(lambda: login(client, 9)), 9)

    async def test_not_started(self) -> None:
        """Without channels, calls fail at once."""
        from twisted.internet import reactor

        with self.assertRaises(Unavailable):
            await login(GrpcClient(reactor, Trust(self.config), [("127.0.0.1", 1)]), 9)

    async def test_stop_with_calls_under_way(self) -> None:
        """Stopping ends in bounded time although a call is under way, and its caller is told."""
        self.patch(__import__("imsys.cluster.server").cluster.server, "STOP_GRACE", 0.1)
        users = Users()
        server = self.serve(users)
        client = self.client(server.port)
        waiting = Deferred.fromCoroutine(login(client, 3))
        while not users.calls:
            await sleep(0.01)
        await server.stopService()
        with self.assertRaises(Unavailable):
            await waiting

    async def test_begins_beside_the_reactor(self) -> None:
        """A call begins in another thread; one that is cancelled before that is not sent."""
        users, held = Users(), Held()
        client = self.client(self.serve(users).port)
        first, second, third = (held.call(client, uuid) for uuid in (10, 11, 12))
        second.cancel()
        with self.assertRaises(CancelledError):
            await second
        held.go.set()
        self.assertEqual([(await first).error, (await third).error], [10, 12])
        self.assertEqual(users.calls, 2)
        self.assertNotIn(threading.get_ident(), held.threads)

    async def test_cancelled_while_it_begins(self) -> None:
        """A call that is cancelled while it begins is cancelled at the server, too."""
        held = Held()
        call = held.call(self.client(self.serve(Users()).port), 3)
        while not held.threads:
            await sleep(0.01)
        call.cancel()
        with self.assertRaises(CancelledError):
            await call
        held.go.set()
        while not (held.begun and held.begun[0].cancelled()):
            await sleep(0.01)

    async def test_closed_before_it_begins(self) -> None:
        """A call whose channel is closed before it begins is refused as any other that is not answered."""
        held = Held()
        client = self.client(self.serve(Users()).port)
        call = held.call(client, 10)
        client.stopService()
        held.go.set()
        with self.assertRaises(Unavailable):
            await call

    async def test_busy_port(self) -> None:
        """A port in use is one clear line, also where it is another gRPC server's."""
        port = self.serve(Users()).port
        with self.assertRaises(ConfigError) as caught:
            self.serve(Users(), port=port)
        self.assertIn(f"127.0.0.1:{port}", str(caught.exception))


class MutualTlsTests(Bridged):
    async def test_mutual_tls(self) -> None:
        """With the cluster's CA both sides prove who they are."""
        authority = Authority(Path(self.mktemp()))
        server = self.serve(Users(), authority.cluster("balance"))
        self.assertEqual(await login(self.client(server.port, config=authority.cluster("chat")), 9), 9)

    async def test_strangers(self) -> None:
        """A client of another CA, or without TLS, and a server of another CA are refused."""
        ours, theirs = Authority(Path(self.mktemp())), Authority(Path(self.mktemp()), "other")
        server = self.serve(Users(), ours.cluster("balance"))
        mixed = dataclasses.replace(theirs.cluster("x"), ca=str(ours.folder / "ca.pem"))
        distrusting = dataclasses.replace(ours.cluster("y"), ca=str(theirs.folder / "ca.pem"))
        for config in (mixed, distrusting, self.config):
            with self.assertRaises(Unavailable):
                await login(self.client(server.port, config=config), 9)


class TrustTests(SynchronousTestCase):
    def test_plaintext(self) -> None:
        """Without certificates nothing is allowed, not even on loopback, unless the configuration says so in
        as many words.
        """
        from twisted.internet import reactor

        for host in ("0.0.0.0", "127.0.0.1", "localhost", "::1"):
            with self.assertRaises(ConfigError) as caught:
                GrpcServer(reactor, Trust(ClusterConfig()), host, 0, [])
            self.assertIn("allow_plaintext", str(caught.exception))
        with self.assertRaises(ConfigError):
            GrpcClient(reactor, Trust(ClusterConfig()), [("/run/balance.sock", 0), ("127.0.0.1", 1)])
        GrpcClient(reactor, Trust(ClusterConfig(allow_plaintext=True)), [("10.0.0.1", 1)])

    def test_missing_file(self) -> None:
        """A credential that is not named or cannot be read is one clear line."""
        path = self.mktemp()
        for config in (
            ClusterConfig(ca=path),
            ClusterConfig(ca=path, certificate=path, key=path),
            ClusterConfig(key=path),
        ):
            with self.assertRaises(ConfigError) as caught:
                Trust(config)
            self.assertTrue(str(caught.exception).startswith("[cluster] "))


SERVER = """
import sys
from twisted.internet import reactor
from twisted.application.service import MultiService
from imsys.cluster.server import GrpcServer
from imsys.cluster.trust import Trust
from imsys.config import ClusterConfig
from tests.cluster.test_calls import ADD, Users
server = GrpcServer(reactor, Trust(ClusterConfig(deadline=60, allow_plaintext=True)), "127.0.0.1", 0, [(ADD, Users())])
reactor.callWhenRunning(lambda: (server.startService(), print(server.port, flush=True)))
reactor.addSystemEventTrigger("before", "shutdown", server.stopService)
reactor.run()
"""


class ProcessTests(TestCase):
    async def test_sigterm(self) -> None:
        """A server process with a call under way ends on SIGTERM."""
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.addCleanup(process.kill)
        assert process.stdout is not None
        port = int(await deferToThread(process.stdout.readline))
        process.stdout.close()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = message_pb2_grpc.UserServiceStub(channel)
            self.assertEqual(stub.LoginUser(message_pb2.LoginRequest(uuid=9), timeout=10).error, 9)
            hanging = stub.LoginUser.future(message_pb2.LoginRequest(uuid=3), timeout=60)
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            self.assertEqual(await deferToThread(process.wait, 30), 0)
            self.assertLess(time.monotonic() - began, 20)
            self.assertIsNotNone(await deferToThread(hanging.exception))


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def sleep(seconds: float) -> None:
    from twisted.internet import reactor

    await deferLater(reactor, seconds)


async def eventually(call: Callable[[], Any]) -> Any:
    """What ``call`` answers once it does not raise Unavailable."""
    for _ in range(500):
        try:
            return await call()
        except Unavailable:
            await sleep(0.02)
    raise AssertionError("it stays away")
