"""Servers of the resources port in the test's process, and connections to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS
from twisted.trial.unittest import TestCase

from imsys.services.common import ListenService
from tests.support.chat import RawClient
from tests.support.servers import certificates

C = TypeVar("C", bound=RawClient)


class PortCase(TestCase, Generic[C]):
    """A test with one server, of which a subclass starts the ``parts``."""

    tls = True
    client: type[C]
    reactor: Any
    port: ListenService
    parts: list[Any]

    def stop(self) -> Deferred[None]:
        """Stop the server (idempotent)."""

        async def stop() -> None:
            parts, self.parts = self.parts, []
            for part in reversed(parts):
                await maybeDeferred(part.stopService)

        return Deferred.fromCoroutine(stop())

    async def connect(self) -> C:
        """A new connection, not logged in."""
        endpoint: IStreamClientEndpoint = HostnameEndpoint(self.reactor, "127.0.0.1", self.port.port)
        if self.tls:
            ca = Certificate.loadPEM(Path(certificates().ca).read_bytes())
            endpoint = wrapClientTLS(optionsForClientTLS("127.0.0.1", trustRoot=ca), endpoint)
        client: C = await connectProtocol(endpoint, self.client(self.reactor))
        self.addCleanup(client.abort)
        return client
