"""The parts of a chat server, and in which order they stop."""

from __future__ import annotations

from pathlib import Path

from twisted.application.service import MultiService
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.chat.outbound import Outbound
from imsys.chat.unconfirmed import UnconfirmedWrites
from imsys.cluster.peers import Peers
from imsys.config import Config, DatabaseConfig
from imsys.server.connections import Connections
from imsys.services import chat
from tests.support.servers import PLAINTEXT, certificates, keys_of_files, redis_server


class OrderTests(SynchronousTestCase):
    def test_stopping(self) -> None:
        """Whoever is to be told of something when the server stops is told while there are streams to the
        other servers, and after everything that waits is stored."""
        config = Config(
            database=DatabaseConfig(engine="sqlite", path=str(Path(self.mktemp()).absolute())),
            redis=redis_server(),
            tls=certificates(),
            files=keys_of_files(),
            cluster=PLAINTEXT,
        )
        server = chat.build(Clock(), config)
        assert isinstance(server, MultiService)
        kinds = [type(part) for part in server]
        stopped = sorted((Peers, Outbound, UnconfirmedWrites, Connections), key=kinds.index, reverse=True)
        self.assertEqual(stopped, [Connections, UnconfirmedWrites, Outbound, Peers])
