"""What a chat server stored, and died before it told: in a cluster of processes, with a client of the
library.
"""

from __future__ import annotations

import signal
import time
from dataclasses import replace

from imsys.redis.client import RedisService
from imsys.redis.routes import Routes
from imsys.sdk import Client, Credentials, Timing
from imsys.store import Database, Stores
from imsys.store.ids import MessageIds
from tests.scenes import test_cluster as test_cluster_scenes
from tests.sdk.scene import Seen
from tests.support.servers import redis_server
from tests.support.tokens import tokens_for


class ToldScenes(test_cluster_scenes.ClusterCase):
    """Whoever is online, on the server that is left, hears of everything."""

    async def test_died_before_telling(self) -> None:
        """A friend request, a card and a mark that a server stored before it was killed are told to a user of
        the other server.
        """
        anna, bert, carl = [await self.register(name) for name in ("anna", "bert", "carl")]
        database = Database(self.reactor, self.database)
        database.startService()
        self.addCleanup(database.stopService)
        redis = RedisService(
            self.reactor, replace(redis_server(tcp=True), prefix=self.settings["REDIS_PREFIX"])
        )
        redis.startService()
        self.addCleanup(redis.stopService)
        stores, ids = Stores.on(database, time.time), MessageIds(time.time, 1000)
        await stores.contacts.ask(ids, anna.uuid, bert.uuid, "", "hi")
        friendship = await stores.contacts.confirm(ids, anna.uuid, bert.uuid, "")
        client = Client(
            self.reactor,
            self.gateway,
            Credentials(uuid=bert.uuid, token=bert.token),
            timing=Timing(standing=1.0),
        )
        self.addCleanup(client.stop)
        await client.start()
        asked, changed, marks = (
            Seen(client.on_friend_request),
            Seen(client.on_profile),
            Seen(client.on_position),
        )
        # what a server commits last; then it is gone
        await stores.contacts.ask(ids, carl.uuid, bert.uuid, "", "it is me")
        await stores.people.change(anna.uuid, nickname="Anni")
        await stores.threads.move_marks(anna.uuid, friendship.thread_id, (1 << 63) - 1, 0)
        route = (
            await Routes(redis.redis, tokens_for(self, redis.redis, self.database), 15.0).find([bert.uuid])
        )[bert.uuid][0]
        (dead,) = [process for port, process in self.nodes.items() if port != self.ports[route.node]]
        dead.send(signal.SIGKILL)
        self.assertEqual([request.text for request in await asked.wait(1)], ["it is me"])
        self.assertEqual([person.nickname for person in await changed.wait(1)], ["Anni"])
        self.assertEqual(
            [(mark.uuid, mark.delivered > 0) for mark in await marks.wait(1)], [(anna.uuid, True)]
        )
