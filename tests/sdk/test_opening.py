"""Connecting: what a caller that gives it up gets, and one whose time is over."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from imsys.errors import Unavailable
from imsys.sdk.connection import ChatConnection
from imsys.sdk.gateway import ServerAddress
from imsys.sdk.opening import open_connection


class OpeningTests(TestCase):
    """At a port that takes no connection, and does not say so."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        server = socket.socket()
        self.addCleanup(server.close)
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        self.place = ServerAddress("127.0.0.1", server.getsockname()[1])
        for _ in range(4):  # the kernel keeps a few, and then is silent
            waiting = socket.socket()
            self.addCleanup(waiting.close)
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())

    def open(self, deadline: float) -> Deferred[None]:
        connection = ChatConnection(self.reactor, lambda *_: None, lambda *_: None)
        return Deferred.fromCoroutine(open_connection(self.reactor, connection, self.place, None, deadline))

    async def test_given_up(self) -> None:
        """Who gives it up is told just that, and not that the server cannot be reached: there is nothing to
        be tried instead.
        """
        opening = self.open(30.0)
        await deferLater(self.reactor, 0.05)
        opening.cancel()
        await self.assertFailure(opening, CancelledError)

    async def test_too_late(self) -> None:
        """When the time is over the server does not answer."""
        problem: Any = await self.assertFailure(self.open(0.1), Unavailable)
        self.assertEqual(problem.message, "The server does not answer in time.")
