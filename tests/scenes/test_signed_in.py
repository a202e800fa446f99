"""Everybody is still signed in after everything was restarted: with real servers, the client library, and the
terminal client.
"""

from __future__ import annotations

import signal
import stat
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from imsys.errors import Refused, Status
from imsys.sdk import Client, Credentials, FileSignInStore
from tests.support.all_in_one import PASSWORD, AllInOne
from tests.support.children import folder


class RestartScenes(TestCase):
    timeout = 120

    async def test_restart(self) -> None:
        """A bot that has a file comes back without a password after all servers and its own process were
        restarted; until it logs out.
        """
        from twisted.internet import reactor

        real: Any = reactor
        servers, file = AllInOne(self, real), folder("bot") / "kept" / "sign-in.json"
        daemon = await servers.start({})
        person = await servers.user("anna")
        first = await self.client(
            real, servers, Credentials(username="anna", password=PASSWORD, kept=FileSignInStore(real, file))
        )
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertNotIn(PASSWORD, file.read_text())
        elsewhere = person.credentials.token  # another sign-in of the same user
        await person.stop()
        await first.stop()
        await daemon.stop(signal.SIGTERM)
        await servers.start({})
        again = await self.client(real, servers, Credentials(kept=FileSignInStore(real, file)))
        self.assertEqual((again.me.username, again.credentials.token), ("anna", first.credentials.token))
        await again.log_out()
        self.assertFalse(file.exists())
        with self.assertRaises(Refused) as refused:
            await self.client(real, servers, Credentials(uuid=again.me.uuid, token=first.credentials.token))
        self.assertIs(refused.exception.status, Status.LOGIN_UNSUCCESSFUL)
        other = await self.client(real, servers, Credentials(uuid=again.me.uuid, token=elsewhere))
        self.assertEqual(other.me.username, "anna")

    async def client(self, reactor: Any, servers: AllInOne, credentials: Credentials) -> Client:
        client = Client(reactor, servers.gateway, credentials)
        self.addCleanup(lambda: Deferred.fromCoroutine(client.stop()))
        await client.start(persistent=False)
        return client
