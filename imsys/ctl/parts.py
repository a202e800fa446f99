"""Check the parts that do not register at balance: gateways, balance, captcha, database and Redis."""

from __future__ import annotations

import dataclasses
import http.client
import os
import smtplib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.threads import deferToThread

from imsys.cluster.client import GrpcClient, NotOffered
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc
from imsys.cluster.trust import Trust, address
from imsys.config import Config, MailConfig, RedisConfig
from imsys.errors import ConfigError, Refused
from imsys.redis.client import RedisService
from imsys.redis.embedded import socket_path
from imsys.security.certificates import End, end_of_bytes
from imsys.store.database import Database
from imsys.store.health import HealthStore

DEADLINE = 5.0
"""Seconds for a part to answer."""


@dataclass(frozen=True)
class Part:
    """The state of one part.

    :param fault: why it does not work; empty: it does.
    :param certificate: the certificate that it presents, if any.
    """

    kind: str
    address: str
    fault: str = ""
    certificate: End | None = None


async def look(reactor: Any, config: Config) -> list[Part]:
    """Check all parts concurrently."""
    trust = Trust(config.cluster)
    listing, probe = imsys_v1_pb2.ListRequest(), imsys_v1_pb2.ProbeRequest()
    looks = [deferToThread(_gateway, host, port) for host, port in gateways(config)]
    looks += [
        Deferred.fromCoroutine(
            _call(reactor, trust, "balance", where, imsys_v1_pb2_grpc.RegistryStub, "List", listing)
        )
        for where in config.balance.addresses
    ]
    looks += [
        Deferred.fromCoroutine(
            _call(reactor, trust, "captcha", where, imsys_v1_pb2_grpc.ControlStub, "Probe", probe)
        )
        for where in config.captcha.addresses
    ]
    looks.append(Deferred.fromCoroutine(database(reactor, config)))
    looks.append(Deferred.fromCoroutine(redis(reactor, config)))
    found: list[Part] = await gatherResults(looks, consumeErrors=True)
    return found


def gateways(config: Config) -> list[tuple[str, int]]:
    """Return the configured addresses of gateways, or that of the configuration's own gateway."""
    ours = config.gateway
    if ours.addresses:
        return list(ours.addresses)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(ours.host, ours.host)  # noqa: S104
    return [(host, ours.port)] if ours.port else []


def _gateway(host: str, port: int) -> Part:
    """Make a request to a gateway; its certificate is read but not verified."""
    where = address(host, port)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(host, port, timeout=DEADLINE, context=context)
    try:
        connection.connect()
        shown: Any = connection.sock
        certificate = end_of_bytes("gateway", where, shown.getpeercert(True))
        connection.request("POST", "/trylogin_server", b"{}", {"Content-Type": "application/json"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Part(
            "gateway",
            where,
            f"it does not answer ({getattr(error, 'strerror', None) or type(error).__name__})",
        )
    finally:
        connection.close()
    return Part(
        "gateway", where, f"it answers with HTTP status {status}" if status >= 500 else "", certificate
    )


async def _call(
    reactor: Any, trust: Trust, kind: str, where: tuple[str, int], stub: Any, method: str, request: Any
) -> Part:
    client = GrpcClient(reactor, trust, [where])
    client.startService()
    try:
        answer = await client.call(stub, method, request)
    except NotOffered:  # an older release, which works
        return Part(kind, address(*where))
    except Refused:
        return Part(kind, address(*where), "it does not answer")
    finally:
        await maybeDeferred(client.stopService)
    return Part(
        kind,
        address(*where),
        getattr(answer, "message", "") if getattr(answer, "error", 0) else getattr(answer, "unfit", ""),
    )


async def database(reactor: Any, config: Config) -> Part:
    """Check that the database is writable."""
    at = config.database
    servers = ", ".join(address(*one) for one in at.hosts or ((at.host, at.port),))
    where = at.path if at.engine == "sqlite" else at.socket or servers

    async def written() -> None:
        if at.engine == "sqlite" and not Path(at.path).exists():
            raise ConfigError("there is no such file")
        database = Database(reactor, at)
        database.startService()
        try:
            await HealthStore(database).write()
        finally:
            await database.stopService()

    return Part("database", where, await _fault(reactor, written))


async def redis(reactor: Any, config: Config) -> Part:
    """Check that Redis is writable."""
    at = config.redis
    if at.mode == "embedded":
        at = dataclasses.replace(at, mode="server", socket=str(socket_path(config.home)), password="")
    many = at.sentinels or at.hosts
    where = at.socket or ", ".join(address(*one) for one in many or ((at.host, at.port),))
    return Part("Redis", where, await _fault(reactor, lambda: _written(reactor, at)))


async def mail(reactor: Any, config: Config) -> Part:
    """Check that mail can be delivered: the SMTP server accepts our login, or the folder is writable."""
    at = config.mail
    if at.transport == "maildir":
        return Part("mail", at.maildir, "" if _writable(Path(at.maildir)) else "the folder cannot be written")
    fault: str = await deferToThread(_smtp, at)
    return Part("mail", address(at.host, at.port), fault)


def _writable(folder: Path) -> bool:
    """Return whether a folder is writable, or can be created."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _smtp(at: MailConfig) -> str:
    """Connect and log in to the SMTP server as for a mail; return the fault."""
    try:
        tls, name = ssl.create_default_context(cafile=at.ca or None), at.ehlo_name or "[127.0.0.1]"
        with (
            smtplib.SMTP_SSL(at.host, at.port, name, timeout=at.timeout, context=tls)
            if at.tls_first
            else smtplib.SMTP(at.host, at.port, name, at.timeout)
        ) as server:
            server.ehlo()
            if not at.tls_first and (
                at.starttls == "required" or (at.starttls == "optional" and server.has_extn("starttls"))
            ):
                server.starttls(context=tls)
                server.ehlo()
            if at.user:
                server.login(at.user, at.password)
    except smtplib.SMTPResponseException as error:
        return f"it answers {error.smtp_code}"  # without its text, which may repeat what we sent
    except (OSError, smtplib.SMTPException) as error:
        return f"{type(error).__name__}: {error}"
    return ""


async def _written(reactor: Any, at: RedisConfig) -> None:
    service = RedisService(reactor, at)
    service.startService()
    try:
        await service.redis.call("SET", service.redis.key("health"), 1, "PX", 60_000)
    finally:
        await maybeDeferred(service.stopService)


async def _fault(reactor: Any, attempt: Callable[[], Awaitable[None]]) -> str:
    try:
        await Deferred.fromCoroutine(_coroutine(attempt)).addTimeout(DEADLINE, reactor)
    except DeferredTimeout:
        return "it does not answer"
    except Refused as refused:
        return refused.message
    except (ConfigError, OSError, ImportError) as error:
        return str(error)
    return ""


async def _coroutine(attempt: Callable[[], Awaitable[None]]) -> None:
    await attempt()
