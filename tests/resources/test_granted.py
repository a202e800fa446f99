"""What was granted ends when who it was granted to is signed out: with a resources server as it runs."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.identifiers import encode_id
from imsys.redis.tokens import Tokens
from imsys.resources.granted import REVOKED, Granted
from imsys.security.tickets import Right, Ticket
from tests.resources.process import PATIENCE, TUS, ServerCase, in_thread
from tests.support.servers import certificates


class HeldTests(SynchronousTestCase):
    """What goes on, and who is signed in, by time that only the test moves."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.over: set[str] = set()
        self.away = False
        self.asked = 0
        self.granted = Granted(self.clock, self.live, 5.0)
        self.granted.startService()
        self.addCleanup(self.granted.stopService)
        self.ended: list[tuple[str, str]] = []

    def live(self, held: Any) -> Deferred[list[bool]]:
        self.asked += 1
        if self.away:
            return fail(Unavailable(Status.REDIS_UNKNOWN_ERROR, "It is away."))
        return succeed([sign_in not in self.over for _, sign_in in held])

    def hold(self, sign_in: str) -> Any:
        return self.granted.hold(7, sign_in, lambda reason: self.ended.append((sign_in, reason)))

    def test_ended(self) -> None:
        """Within an interval everything ends that stands on a sign-in that is over, once, and nothing else."""
        for sign_in in ("a", "b", "a"):
            self.hold(sign_in)
        self.over.add("a")
        self.clock.pump([5.0] * 3)
        self.assertEqual(self.ended, [("a", REVOKED)] * 2)
        self.assertEqual(len(self.granted), 1)

    def test_released(self) -> None:
        """What is over by itself is not ended; what stands on no sign-in never is."""
        self.granted.release(self.hold("a"))
        self.hold("")
        self.over |= {"a", ""}
        self.clock.pump([5.0] * 3)
        self.assertEqual((self.ended, len(self.granted)), ([], 0))

    def test_away(self) -> None:
        """While nobody can tell who is signed in, everything goes on; and then it is seen to soon."""
        self.hold("a")
        self.over.add("a")
        self.away = True
        self.clock.pump([1.0] * 20)
        self.assertEqual(self.ended, [])
        self.away = False
        self.clock.pump([1.0] * 2)
        self.assertEqual(self.ended, [("a", REVOKED)])

    def test_demand(self) -> None:
        """A ticket of somebody who is signed out is refused.

        One that stands by itself is not even asked about.
        """
        ticket = Ticket(b"f", 7, Right.READ, 0, "a")
        self.successResultOf(Deferred.fromCoroutine(self.granted.demand(ticket)))
        self.over.add("a")
        refused = self.failureResultOf(Deferred.fromCoroutine(self.granted.demand(ticket)), Refused).value
        self.assertIs(refused.status, Status.PERMISSION_DENIED)
        asked = self.asked
        self.successResultOf(Deferred.fromCoroutine(self.granted.demand(Ticket(b"f", 0, Right.PLAY, 0))))
        self.assertEqual(self.asked, asked)


class ServerTests(ServerCase):
    async def test_tickets(self) -> None:
        """Tickets end with the token by which they were had, on every port, and those of another token of the
        same user do not.
        """
        await self.balance()
        await self.serve(BALANCE_INTERVAL="0.2", BALANCE_LEASE="2")
        one, other = await self.tokens.issue(7), await self.tokens.issue(7)
        file_id = await self.offer(4)
        read_mine, read_others = (
            self.tickets.issue(file_id, 7, Right.READ, sign_in=Tokens.digest(token)) for token in (one, other)
        )
        mine, others = (
            self.tickets.issue(file_id, 7, Right.WRITE, sign_in=Tokens.digest(token))
            for token in (one, other)
        )
        self.assertEqual((await self.http("HEAD", file_id, mine, headers=TUS)).status, 200)
        client = await self.login()
        await self.tokens.revoke(7, one)
        self.assertEqual((await self.http("HEAD", file_id, mine, headers=TUS)).status, 401)
        self.assertEqual((await self.patch(file_id, 0, b"data", mine)).status, 401)
        self.assertEqual((await self.http("GET", file_id, read_mine)).status, 401)
        with self.assertRaises(AssertionError) as refused:
            await client.open(file_id, mine)
        self.assertIn("65", str(refused.exception))
        self.assertEqual((await self.patch(file_id, 0, b"data", others)).status, 204)
        await self.tokens.revoke_all(7)
        self.assertEqual((await self.http("GET", file_id, read_others)).status, 401)
        await client.until_closed()  # its session stood on a token of its own

    async def test_transfers_that_go_on(self) -> None:
        """An upload and a download that are under way break off when their user is signed out.

        What was sent is kept.
        """
        await self.balance()
        await self.serve(BALANCE_INTERVAL="0.2", BALANCE_LEASE="2")
        token, size = await self.tokens.issue(7), 64 << 20
        sign_in, file_id = Tokens.digest(token), await self.offer(size)
        head = f"PATCH /files/{encode_id(file_id)} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        head += f"Content-Type: application/offset+octet-stream\r\nContent-Length: {size}\r\n"
        upload = await self.begin(
            head, self.tickets.issue(file_id, 7, Right.WRITE, sign_in=sign_in), b"x" * 1000
        )
        whole = await self.offer(size)
        self.assertEqual((await self.patch(whole, 0, b"y" * size)).status, 204)
        reading = self.tickets.issue(whole, 7, Right.READ, sign_in=sign_in)
        download = await self.begin(f"GET /files/{encode_id(whole)} HTTP/1.1\r\nHost: x\r\n", reading, b"")
        self.assertIn(b" 200 ", await in_thread(lambda: download.recv(100)))
        await self.tokens.revoke(7, token)
        self.assertIn(b" 403 ", await in_thread(lambda: upload.recv(100)))

        def rest() -> int:
            count = 0
            while data := download.recv(1 << 20):
                count += len(data)
            return count

        self.assertLess(await in_thread(rest), size)
        offset = await self.http("HEAD", file_id, self.write(file_id), headers=TUS)
        self.assertEqual(offset.headers["Upload-Offset"], "1000")

    async def begin(self, head: str, ticket: str, body: bytes) -> ssl.SSLSocket:
        """A request by hand, whose response is not read yet."""

        def work() -> ssl.SSLSocket:
            plain = socket.create_connection(("127.0.0.1", self.ports["http_port"]), PATIENCE)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            connection = ssl.create_default_context(cafile=certificates().ca).wrap_socket(
                plain, server_hostname="127.0.0.1"
            )
            connection.sendall(f"{head}Authorization: Bearer {ticket}\r\n\r\n".encode() + body)
            return connection

        connection = await in_thread(work)
        self.addCleanup(connection.close)
        return connection
