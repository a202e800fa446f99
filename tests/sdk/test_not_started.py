"""Calls of a client that is not online, and that nothing will bring online: they fail at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from twisted.internet.defer import Deferred

from imsys.errors import Refused, Status, Unavailable
from imsys.sdk import Client, ConnectionState, UnfinishedUpload, explain
from tests.sdk.scene import BOB, THREAD, Scene, texts


class NotStarted(Scene):
    timeout = 10

    def calls(self, client: Client) -> Iterator[Callable[[], Awaitable[object]]]:
        """Every call that waits for a server."""
        path = Path(self.mktemp())
        path.write_text("content")
        kept = UnfinishedUpload(
            user=1, thread_id=THREAD, path=str(path), file_id="A" * 22, size=7, modified=0, sha256=""
        )
        contacts, history, live, transfers = client.contacts, client.history, client.live, client.transfers
        yield lambda: client.send(THREAD, "hello")
        yield lambda: client.mark_read(THREAD, 1)
        yield lambda: client.offer_file(THREAD, "x", 1)
        yield lambda: client.offer_avatar("x", 1)
        yield lambda: client.get_file("A" * 22)
        yield client.log_out
        yield lambda: contacts.search("bob")
        yield lambda: contacts.people([BOB])
        yield lambda: contacts.add(BOB)
        yield lambda: contacts.accept(BOB)
        yield lambda: contacts.decline(BOB)
        yield lambda: contacts.unfriend(BOB)
        yield lambda: contacts.block(BOB)
        yield lambda: contacts.update_profile(nickname="x")
        yield contacts.friends().all
        yield contacts.requests().all
        yield lambda: history.private_thread(BOB)
        yield lambda: history.thread(THREAD)
        yield history.threads().all
        yield history.records(THREAD).all
        yield history.newest(THREAD).all
        yield lambda: live.start(THREAD, "x")
        yield lambda: live.stop("A" * 22)
        yield live.running().all
        yield lambda: transfers.upload(path, THREAD).result()
        yield lambda: transfers.avatar(path).result()
        yield lambda: transfers.download("A" * 22, self.mktemp()).result()
        yield lambda: transfers.give_up(kept)

    async def refused(self, client: Client, status: Status) -> None:
        for call in self.calls(client):
            with self.assertRaises(Refused) as caught:
                await call()
            self.assertIs(caught.exception.status, status)
            self.assertRegex(explain(caught.exception), r"^[A-Z].*\.$")

    async def test_before(self) -> None:
        """Before start all of them say so, and nothing is asked of anybody."""
        client = self.client("alice")
        await self.refused(client, Status.NETWORK_ERROR)
        with self.assertRaises(Unavailable) as caught:
            await client.send(THREAD, "hello")
        self.assertIn("not started", explain(caught.exception))
        self.assertEqual(self.world.gateway_calls, [])

    async def test_after(self) -> None:
        """So they do when it was stopped, or could not get in; it may be started again."""
        client = await self.online("alice")
        await client.stop()
        await self.refused(client, Status.NETWORK_ERROR)
        await client.start()
        await client.send(THREAD, "hello")
        self.assertEqual(self.world.texts(THREAD), ["hello"])

    async def test_signed_out(self) -> None:
        """Who was signed out elsewhere hears that."""
        client = await self.online("alice")
        await self.online("alice")
        await self.state(client, ConnectionState.SIGNED_OUT)
        await self.refused(client, Status.LOGIN_UNSUCCESSFUL)

    async def test_posted_before(self) -> None:
        """A text that is posted, and not waited for, waits for the start."""
        client = self.client("alice")
        posted = client.post(THREAD, "early")
        waiting = posted.when_stored()
        await client.start()
        self.assertEqual(texts([await waiting]), ["early"])

    async def test_in_between(self) -> None:
        """While a client signs in, calls wait for that."""
        client = self.client("alice")
        starting = Deferred.fromCoroutine(client.start())
        await client.send(THREAD, "hello")
        await starting
