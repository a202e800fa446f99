"""Two chat servers on one database and one Redis: sessions, routes, and what happens when Redis forgets them.

The servers hand pushes to each other directly here; between processes it is gRPC (see
tests.scenes.test_cluster).
"""

from __future__ import annotations

import functools
import json
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import LogLevel, capturedLogs, formatEvent

from imsys.cluster.peers import RemotePush
from imsys.config import ChatConfig
from imsys.protocols.framing import CHAT
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatServer, RawClient
from tests.support.two_servers import TwoServers


class TwoServersTests(TwoServers):
    """Scenes on two servers."""

    async def test_across(self) -> None:
        """Everything that is pushed reaches a user on the other server."""
        anna, bert = await self.people("anna", "bert")
        a, b = await self.one.login(anna), await self.two.login(bert)
        await a.ask(17, src_uuid=str(anna), dst_uuid=str(bert), message="hi", nickname="")
        self.assertEqual((await b.next(19))["src_message"], "hi")
        await b.ask(20, src_uuid=str(anna), dst_uuid=str(bert), alternative_name="")
        thread = (await a.next(22))["thread_id"]
        for number in range(20):
            a.send(23, **text_request(anna, bert, thread, str(number)))
        got: list[str] = []
        while len(got) < 20:
            got += [m["msg_content"] for m in (await b.next(25))["text_msg"]]
        self.assertEqual(got, list(map(str, range(20))))
        last = (await b.ask(13, thread_id=thread, before="0", limit=1))["next_msg_id"]
        await b.ask(100, thread_id=thread, read=last)
        self.assertEqual((await a.next(129))["read"], last)
        await a.ask(92, nickname="A")
        self.assertEqual((await b.next(130))["nickname"], "A")

    async def test_login_elsewhere(self) -> None:
        """A login on one server ends the session on the other."""
        _, _, bert, b, _ = await self.friends()
        again = await self.one.login(bert)
        self.assertIsNone(self.two.directory.local(bert))
        await b.next(8)
        await b.until_closed()
        self.assertEqual((await again.ask(32, uuid=str(bert)))["error"], 0)

    async def test_unreachable_server(self) -> None:
        """Where the older session cannot be told, it ends itself at its next renewal, and its user is asked
        to catch up.
        """
        _, _, bert, b, _ = await self.friends()
        self.link.down.add("two")
        again = await self.one.login(bert)
        self.assertIsNotNone(self.two.directory.local(bert))
        self.link.down.clear()
        await self.two.directory.renew()
        await b.next(8)
        await b.until_closed()
        await again.next(128)

    async def test_older_attempt(self) -> None:
        """An attempt that comes later than a newer one of its client is refused, on any server, and its
        connection closed; nothing ends.
        """
        (anna,) = await self.people("anna")
        token = await self.one.tokens.issue(anna)
        newer, late, later = await self.two.connect(), await self.one.connect(), await self.two.connect()
        self.assertEqual((await newer.ask(5, uuid=str(anna), token=token, client="c", attempt=2))["error"], 0)
        for client in (late, later):
            refused = await client.ask(5, uuid=str(anna), token=token, client="c", attempt=1)
            self.assertEqual(refused["error"], 19)
            await client.until_closed()
        self.assertEqual((await newer.ask(32, uuid=str(anna)))["error"], 0)
        self.assertEqual((newer.pending(8), len(self.one.directory), len(self.two.directory)), ([], 0, 1))
        other = await self.one.connect()
        self.assertEqual((await other.ask(5, uuid=str(anna), token=token, client="d", attempt=0))["error"], 0)
        await newer.next(8)

    async def test_attempts_survive_a_flush(self) -> None:
        """After Redis was flushed an attempt that is older than a live session ends nothing, either."""
        (anna,) = await self.people("anna")
        token = await self.one.tokens.issue(anna)
        newer, late = await self.two.connect(), await self.one.connect()
        await newer.ask(5, uuid=str(anna), token=token, client="c", attempt=2)
        await self.flush()
        await self.two.directory.renew()
        self.assertEqual((await late.ask(5, uuid=str(anna), token=token, client="c", attempt=1))["error"], 19)

    async def test_no_attempt(self) -> None:
        """Keys of an attempt that are not as they should be are refused, and the connection stays."""
        (anna,) = await self.people("anna")
        token = await self.one.tokens.issue(anna)
        client = await self.one.connect()
        keys: tuple[dict[str, Any], ...] = (
            {"client": "", "attempt": 1},
            {"client": "c" * 65, "attempt": 1},
            {"client": "c", "attempt": -1},
            {"client": "c", "attempt": 2**63},
            {"client": "c"},
            {"attempt": 1},
        )
        for wrong in keys:
            self.assertEqual((await client.ask(5, uuid=str(anna), token=token, **wrong))["error"], 70, wrong)
        self.assertEqual(
            (await client.ask(5, uuid=str(anna), token=token, client="é" * 64, attempt=2**63 - 1))["error"], 0
        )

    async def test_nobody_waits_for_another_server(self) -> None:
        """A login is answered although the server of the older session is not; that session ends when its
        server can be told, and whoever logged in then catches up with what it swallowed."""
        anna, a, bert, b, thread = await self.friends()
        deaf: Deferred[None] = Deferred()
        end_session = self.link.end_session

        async def slow(*args: Any) -> None:
            await deaf
            await end_session(*args)

        self.patch(self.link, "end_session", slow)
        again = await self.one.login(bert)
        self.assertIsNotNone(self.two.directory.local(bert))
        self.assertEqual(again.pending(128), [])
        deaf.callback(None)
        await b.next(8)
        await b.until_closed()
        await again.next(128)
        await a.ask(23, **text_request(anna, bert, thread, "x"))
        await again.next(25)

    async def test_deserted(self) -> None:
        """A login that is read when its client has gone is not carried out, be it that the connection was
        reset or closed.
        """
        (anna,) = await self.people("anna")
        token = await self.one.tokens.issue(anna)
        for reset in (True, False):
            session = await self.two.login(anna)
            with socket.create_connection(("127.0.0.1", self.one.port.getHost().port)) as client:
                while not len(self.one.connections):
                    await deferLater(self.reactor, 0.01)
                client.sendall(CHAT.encode(5, json.dumps({"uuid": str(anna), "token": token}).encode()))
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            while len(self.one.connections):
                await deferLater(self.reactor, 0.01)
            self.assertEqual(len(self.one.directory), 0)
            self.assertEqual((await session.ask(32, uuid=str(anna)))["error"], 0)
            self.assertEqual((await self.one.directory.locate([anna]))[0][anna].keys(), {"two"})
            await session.abort()

    async def test_said(self) -> None:
        """The log has one line for each login and one for each end: who, from where, in place of which
        session, and why.
        """
        (anna,) = await self.people("anna")
        with capturedLogs() as events:
            a = await self.one.login(anna)
            first = self.one.session(anna)
            b = await self.two.login(anna)
            second = self.two.session(anna)
            await a.until_closed()
            await b.ask(7, uuid=str(anna), token="?")
            await b.abort()
            while len(self.two.directory):
                await deferLater(self.reactor, 0.01)
            for server in (self.one, self.two):
                server.directory._comings.flush()
        one, two = [
            (event["log_level"], formatEvent(event).splitlines())
            for event in events
            if event["log_namespace"] == "imsys.chat.comings"
        ]
        came = f"{anna} logged in from 127.0.0.1: session"
        left = f"session {first.id} of {anna} is over: You logged in elsewhere."
        self.assertEqual(one, (LogLevel.info, [f"{came} {first.id}", left]))
        left = f"session {second.id} of {anna} is over: the connection broke"
        self.assertEqual(two, (LogLevel.info, [f"{came} {second.id}, in place of {first.id} on one", left]))

    async def test_ends_are_said(self) -> None:
        """An end is told from another in the log: by the client, by logging out, for breaking the protocol,
        for being silent.
        """
        (anna,) = await self.people("anna")
        token = await self.one.tokens.issue(anna)

        async def log_out(client: RawClient) -> None:
            await client.ask(7, uuid=str(anna), token=token)

        async def close(client: RawClient) -> None:
            client.transport.loseConnection()  # type: ignore[union-attr]

        async def break_rules(client: RawClient) -> None:
            client.send_raw(b"\0\0\0\0")

        async def say_nothing(client: RawClient) -> None:
            self.one.session(anna)._connection.expired()

        reasons = {
            close: "the client closed it",
            break_rules: "a frame of service 0 with a total length of 0",
            say_nothing: "it was silent for too long",
            log_out: "the client logged out",
        }
        for act, why in reasons.items():
            client = await self.one.connect()
            await client.ask(5, uuid=str(anna), token=token)
            self.one.directory._comings.flush()
            with capturedLogs() as events:
                await act(client)
                while len(self.one.directory):
                    await deferLater(self.reactor, 0.01)
                self.one.directory._comings.flush()
            (text,) = [
                formatEvent(event) for event in events if event["log_namespace"] == "imsys.chat.comings"
            ]
            self.assertIn(f"is over: {why}", text)

    async def test_outage_of_redis_is_said_once(self) -> None:
        """However many renewals fail while Redis is away, the log says that they do, and that they work
        again.
        """
        await self.friends()
        self.redis_server.stop()
        with capturedLogs() as events:
            for _ in range(3):
                await self.one.directory.renew()
            self.redis_server.start()
            await self.until_redis_answers()
            await self.one.directory.renew()
        said = [text for event in events if (text := formatEvent(event) or "").startswith("Renewing routes")]
        self.assertEqual(len(said), 2)
        self.assertIn("Renewing routes fails: ", said[0])
        self.assertIn("Renewing routes works again; it failed 3 times", said[1])

    async def test_flushed(self) -> None:
        """After Redis was flushed sessions go on: a renewal writes routes and tokens again, and has those
        catch up who had no route.
        """
        anna, a, bert, _b, thread = await self.friends()
        token = await self.one.tokens.issue(bert)
        b2 = await self.two.connect()
        await b2.ask(5, uuid=str(bert), token=token)
        await self.flush()
        await a.ask(23, **text_request(anna, bert, thread, "lost push"))
        for server in (self.one, self.two):
            await server.directory.renew()
        await b2.next(128)
        await a.ask(23, **text_request(anna, bert, thread, "found"))
        texts: list[dict[str, Any]] = []
        while not texts or texts[-1]["msg_content"] != "found":  # the other may come after all, and with it
            texts += (await b2.next(25))["text_msg"]
        page = await b2.ask(13, thread_id=thread, before=texts[-1]["msg_id"], limit=1)
        self.assertEqual(page["chat_messages"][0]["msg_id"], texts[-1]["prev_id"])
        self.assertEqual(await self.one.tokens.check(bert, token), True)

    async def test_later_login_wins(self) -> None:
        """When routes are rebuilt after a flush, the later login wins, in whatever order they come."""
        for order in (0, 1):
            (uuid,) = await self.people(f"user{order}")
            older = await self.one.login(uuid)
            await self.flush()
            await deferLater(self.reactor, 0.005)
            newer = await self.two.login(uuid)
            servers = [self.one, self.two][:: -1 if order else 1]
            await self.flush()
            for server in (*servers, *servers):
                await server.directory.renew()
            await older.until_closed()
            self.assertEqual((await newer.ask(32, uuid=str(uuid)))["error"], 0)

    async def test_revoked(self) -> None:
        """A session whose token was revoked ends at the next renewal."""
        _, _, bert, b, _ = await self.friends()
        await self.one.tokens.revoke_all(bert)
        await self.two.directory.renew()
        self.assertIn("revoked", (await b.next(8))["message"])
        await b.until_closed()

    async def test_redis_away(self) -> None:
        """While Redis is away messages are stored and acknowledged.

        When it is back their receivers are asked to catch up.
        """
        anna, a, bert, b, thread = await self.friends()
        self.redis_server.stop()
        self.assertEqual((await a.ask(23, **text_request(anna, bert, thread, "x")))["error"], 0)
        client = await self.one.connect()
        self.assertEqual((await client.ask(5, uuid=str(bert), token="t"))["error"], 12)
        self.redis_server.start()
        await self.until_redis_answers()
        for server in (self.one, self.two):
            await server.directory.renew()
        await b.next(128)
        while self.one.outbound.missing:
            await deferLater(self.reactor, 0.01)

    async def test_redis_away_and_empty(self) -> None:
        """Who was pushed to while Redis was away catches up, however long their server then takes to write
        their routes again.
        """
        anna, a, bert, b, thread = await self.friends()
        self.redis_server.stop()
        await a.ask(23, **text_request(anna, bert, thread, "x"))
        while not self.one.outbound.missing:
            await deferLater(self.reactor, 0.01)
        self.redis_server.start()
        await self.until_redis_answers()
        while self.one.outbound.missing:  # looked for again, and not found: Redis is empty
            await deferLater(self.reactor, 0.01)
        self.assertEqual(b.pending(128), [])
        await self.two.directory.renew()
        await b.next(128)

    async def test_renewal_is_quiet(self) -> None:
        """A renewal of routes that are there asks nobody to catch up."""
        _, _, bert, b, _ = await self.friends()
        for _ in range(2):
            await self.two.directory.renew()
        await b.ask(32, uuid=str(bert))
        self.assertEqual(b.pending(128), [])

    async def test_unknown_server(self) -> None:
        """Who is on a server that is not known yet is asked to catch up once it is."""
        anna, a, bert, b, thread = await self.friends()
        self.link.down.add("two")
        await a.ask(23, **text_request(anna, bert, thread, "x"))
        while not self.one.outbound.missing:
            await deferLater(self.reactor, 0.01)
        self.link.down.clear()
        await b.next(128)
        self.assertEqual(b.pending(25), [])

    async def test_clocks_apart(self) -> None:
        """The new login wins although its server's clock is behind, and keeps its route however late the
        other is told.
        """
        slow = self.two.directory
        self.patch(slow, "_now_ms", lambda: round(time.time() * 1000) - 5000)
        (anna,) = await self.people("anna")
        older = await self.one.login(anna)
        self.link.down.add("one")  # the kick is lost
        newer = await self.two.login(anna)
        self.link.down.clear()
        for server in (self.one, self.two, self.one):
            await server.directory.renew()
        await older.until_closed()
        self.assertEqual((await newer.ask(32, uuid=str(anna)))["error"], 0)
        where, doubtful = await self.one.directory.locate([anna])
        self.assertEqual(([list(nodes) for nodes in where.values()], doubtful), ([["two"]], []))

    async def test_redis_is_not_asked(self) -> None:
        """Texts to a user on the other server, and to one who is offline, cost one question to Redis each,
        not one a text.
        """
        anna, a, bert, b, thread = await self.friends()
        (carl,) = await self.people("carl")
        other = str(await self.befriend(anna, carl))
        asked: list[list[int]] = []
        routes = self.one.directory._routes
        find = routes.find

        async def counted(users: Sequence[int]) -> Any:
            asked.append(list(users))
            return await find(users)

        self.patch(routes, "find", counted)
        for number in range(20):
            await a.ask(23, **text_request(anna, bert, thread, f"b{number}"))
            await a.ask(23, **text_request(anna, carl, other, f"c{number}"))
        for _ in range(20):
            await b.next(25)
        self.assertEqual(asked, [[bert], [carl]])

    async def test_foreign_route(self) -> None:
        """A value in Redis that is no route of ours costs nobody a push but, perhaps, the user whose it is."""
        _, _, bert, b, _ = await self.friends()
        await self.service.redis.call("SET", self.service.redis.key("route", 666), "a|b|7")
        self.one.outbound.deliver_frame([666, bert], CHAT.encode(25, b"{}"))
        await b.next(25)

    async def test_late_news(self) -> None:
        """Who logs in without the other server hearing of it misses pushes, and is asked to catch up when it
        does.
        """
        anna, bert = await self.people("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        a = await self.one.login(anna)
        await a.ask(23, **text_request(anna, bert, thread, "offline"))
        self.link.late = []
        b = await self.two.login(bert)
        await a.ask(23, **text_request(anna, bert, thread, "not seen"))
        await a.ask(32, uuid=str(anna))
        self.assertEqual(b.pending(25), [])
        self.link.let_news_through()
        await b.next(128)
        await a.ask(23, **text_request(anna, bert, thread, "seen"))
        self.assertEqual((await b.next(25))["text_msg"][0]["msg_content"], "seen")

    async def test_moves_unnoticed(self) -> None:
        """Texts follow a user who has moved away from the server that the sender's believes them on."""
        anna, bert = await self.people("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        three = ChatServer(
            self,
            ChatConfig(name="three"),
            self.service.redis,
            self.link,
            self.link.send,
            functools.partial(self.link.tell, "three"),
        )
        await three.start()
        self.link.servers["three"] = three
        a, b = await self.one.login(anna), await self.two.login(bert)
        await a.ask(23, **text_request(anna, bert, thread, "first"))
        await b.next(25)
        self.link.late = []
        b = await three.login(bert)
        await a.ask(23, **text_request(anna, bert, thread, "second"))
        self.assertEqual((await b.next(25))["text_msg"][0]["msg_content"], "second")
        self.assertEqual(self.link.sent[-1].hops, 2)
        self.link.let_news_through()
        await a.ask(23, **text_request(anna, bert, thread, "third"))
        self.assertEqual((await b.next(25))["text_msg"][0]["msg_content"], "third")
        self.assertEqual(self.link.sent[-1].hops, 1)

    async def test_kicked(self) -> None:
        """From the moment it is kicked a session swallows no pushes, however long its connection takes to
        close.
        """
        _, _, bert, b, _ = await self.friends()
        self.assertTrue(self.two.directory.end(bert, None, "bye"))
        self.assertIsNone(self.two.directory.local(bert))
        await b.next(8)

    async def test_answers_change_places(self) -> None:
        """Of two logins on one server the later one wins, also when Redis's answer to the earlier one comes
        last.
        """
        (anna,) = await self.people("anna")
        routes = self.one.directory._routes
        login = routes.login
        slow = [0.2, 0.0]

        async def delayed(*args: Any) -> Any:
            answer = await login(*args)
            await deferLater(self.reactor, slow.pop(0))
            return answer

        self.patch(routes, "login", delayed)
        clients = [await self.one.connect() for _ in range(2)]
        token = await self.one.tokens.issue(anna)
        for client in clients:
            client.send(5, uuid=str(anna), token=token)
            await deferLater(self.reactor, 0.05)
        await clients[0].until_closed()
        self.assertEqual((await clients[1].next(6))["error"], 0)
        await self.one.directory.renew()
        self.assertEqual((await clients[1].ask(32, uuid=str(anna)))["error"], 0)

    async def test_one_user_many_times_at_once(self) -> None:
        """Of many logins of one user at the same moment one session is left, the one whose route it is.

        All others are ended.
        """
        (anna,) = await self.people("anna")
        token = await self.one.tokens.issue(anna)
        clients = [await server.connect() for server in (self.one, self.two) * 10]
        for client in clients:
            client.send(5, uuid=str(anna), token=token)
        while sum(client.closed for client in clients) < 19:
            for server in (self.one, self.two):  # who was told to end before it had begun learns it so
                await server.directory.renew()
            await deferLater(self.reactor, 0.01)
        (left,) = (client for client in clients if not client.closed)
        self.assertEqual((await left.next(6))["error"], 0)
        self.assertEqual((await left.ask(32, uuid=str(anna)))["error"], 0)

    async def test_all_leave_at_once(self) -> None:
        """When many connections break at the same moment, nobody is left with a route."""
        users = await self.people(*(f"user{n}" for n in range(30)))
        clients = [await self.one.login(user) for user in users]
        self.assertEqual(len((await self.two.directory.locate(users))[0]), 30)
        for client in clients:
            await client.abort()
        while len(self.one.directory):
            await deferLater(self.reactor, 0.01)
        await self.one.directory.stopService()
        self.assertEqual(await self.two.directory.locate(users), ({}, []))
        self.one.directory.startService()

    async def test_logins_while_the_database_is_away(self) -> None:
        """Each of many logins ends with its connection closed, so that its client begins anew.

        None is left as a session.
        """
        users = await self.people(*(f"user{n}" for n in range(10)))
        tokens = [await self.one.tokens.issue(user) for user in users]
        for user, token in zip(users, tokens, strict=True):
            self.assertTrue(await self.one.tokens.check(user, token))
        clients = [await self.one.connect() for _ in users]
        self.database.close()
        for client, user, token in zip(clients, users, tokens, strict=True):
            client.send(5, uuid=str(user), token=token)
        for client in clients:
            await client.until_closed()
        while len(self.one.directory):
            await deferLater(self.reactor, 0.01)
        self.database.open()
        again = await self.one.connect()
        self.assertEqual((await again.ask(5, uuid=str(users[0]), token=tokens[0]))["error"], 0)

    async def test_moved_on(self) -> None:
        """A push that arrives where its receiver is no longer goes on once."""
        _, _, bert, _, _ = await self.friends()
        again = await self.one.login(bert)
        self.two.outbound.receive([RemotePush((bert,), CHAT.encode(130, b'{"nickname":"x"}'), 1)])
        self.assertEqual((await again.next(130))["nickname"], "x")
        self.assertEqual([push.hops for push in self.link.sent], [2])

    async def test_many_are_asked_to_catch_up(self) -> None:
        """Many sessions are asked to catch up over a while, each once."""
        clients = [await self.one.login(uuid) for uuid in await self.people(*(f"user{n}" for n in range(15)))]
        self.one.outbound.resync(None)
        for client in clients:
            await client.next(128)
