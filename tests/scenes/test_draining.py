"""Chat servers that are to end: their users are elsewhere by then."""

from __future__ import annotations

import signal
from typing import Any

from twisted.internet.task import deferLater

from tests.chat.features.test_conversation import text_request
from tests.support.chat import RawClient
from tests.support.cluster import ChatServersCase


class DrainedTests(ChatServersCase):
    extra = {"CHAT_DRAIN": "2"}

    async def text(self, client: RawClient, sender: int, text: str) -> dict[str, Any]:
        """Have one of the first two write to the other."""
        me, other = (int(self.people[one]["uuid"]) for one in (sender, 1 - sender))
        return await client.ask(23, **text_request(me, other, self.threads[0], text))

    async def test_drained(self) -> None:
        """A server that drains asks those who know what that means to move, each at its moment, and closes
        the others at theirs; until then they are served; it ends by itself when all have gone."""
        anna, bert = self.people
        a, b = await self.log_in("one", **anna, client="a", attempt=1), await self.log_in("one", **bert)
        draining = self.servers["one"]
        draining.send(signal.SIGUSR2)
        after = (await a.next(132))["after"]
        self.assertTrue(0 <= after <= 2, after)
        self.assertEqual((await self.text(a, 0, "still here"))["error"], 0)
        await deferLater(self.reactor, after)
        newer = await self.log_in("two", **anna, client="a", attempt=2)
        self.assertIn("elsewhere", (await a.next(8))["message"])
        await b.until_closed()
        self.assertEqual((b.pending(8), b.pending(132)), ([], []))
        again = await self.log_in("two", **bert)
        self.assertEqual(await draining.end(), 0)
        self.assertIn(f"of {bert['uuid']} is over: it was asked to move to another server", draining.text)
        await self.text(newer, 0, "here again")
        self.assertEqual((await again.next(25))["text_msg"][-1]["msg_content"], "here again")

    async def test_stays(self) -> None:
        """Who was asked to move and has not is closed some seconds after its moment, and the server ends."""
        a = await self.log_in("one", **self.people[0], client="a", attempt=1)
        self.servers["one"].send(signal.SIGUSR2)
        await a.next(132)
        await a.until_closed()
        self.assertEqual(await self.servers["one"].end(), 0)

    async def test_alone(self) -> None:
        """The last server asks nobody to move, since there is nowhere to go, and ends when it was to."""
        self.assertEqual(await self.servers["two"].stop(), -signal.SIGTERM)
        a = await self.log_in("one", **self.people[0], client="a", attempt=1)
        self.servers["one"].send(signal.SIGUSR2)
        await self.servers["one"].says("no other server takes the users of one")
        self.assertEqual((await self.text(a, 0, "still here"))["error"], 0)
        self.assertEqual(await self.servers["one"].end(), 0)
        self.assertEqual(a.pending(132), [])

    async def test_told_to_stop(self) -> None:
        """A server that is told to stop has its users move first, quickly, and serves them until they have."""
        anna, bert = self.people
        a, b = await self.log_in("one", **anna, client="a", attempt=1), await self.log_in("one", **bert)
        stopping = self.servers["one"]
        stopping.send(signal.SIGTERM)
        after = (await a.next(132))["after"]
        self.assertLessEqual(after, 4)
        self.assertEqual((await self.text(a, 0, "still here"))["error"], 0)
        newer = await self.log_in("two", **anna, client="a", attempt=2)
        await b.until_closed()
        again = await self.log_in("two", **bert)
        self.assertEqual(await stopping.end(), -signal.SIGTERM)
        self.assertIn("is over: it was asked to move", stopping.text)
        self.assertIn("0 sessions have not moved", stopping.text)
        await self.text(newer, 0, "here again")
        self.assertEqual((await again.next(25))["text_msg"][-1]["msg_content"], "here again")

    async def test_told_to_stop_alone(self) -> None:
        """One that is alone does not ask, and does not wait."""
        self.assertEqual(await self.servers["two"].stop(), -signal.SIGTERM)
        a = await self.log_in("one", **self.people[0], client="a", attempt=1)
        self.assertEqual(await self.servers["one"].stop(), -signal.SIGTERM)
        self.assertEqual(a.pending(132), [])
        self.assertNotIn("asked to move", self.servers["one"].text)


class ImpatientTests(ChatServersCase):
    names = ("one", "two", "three")
    extra = {"CHAT_STOP_DRAIN": "60", "CHAT_DRAIN": "600"}

    async def test_told_twice(self) -> None:
        """Told to stop once more it waits for nobody, and still ends in good order, be it draining or not."""
        for attempt, name in enumerate(("one", "two")):
            process = self.servers[name]
            a = await self.log_in(name, **self.people[0], client="a", attempt=attempt)
            if name == "one":
                process.send(signal.SIGUSR2)
                self.assertGreater((await a.next(132))["after"], 0)
            process.send(signal.SIGTERM)
            self.assertLess((await a.next(132))["after"], 60)
            process.send(signal.SIGINT)
            self.assertEqual(await process.end(), -signal.SIGTERM)
            self.assertIn("imsys-chat has stopped", process.text)
            self.assertNotIn("Traceback", process.text)


del ChatServersCase
