"""Faults in the middle of a conversation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pymysql
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from imsys.chat import message_log
from imsys.server import connections
from imsys.store.appending import Appended
from imsys.store.dialects import Use
from imsys.store.ids import MessageIds
from imsys.store.mysql import Mysql
from tests.chat.features.test_conversation import text_request
from tests.support.chat import ChatCase
from tests.support.stores import OnMariaDb, OnMariaDbPool, OnSqlite, text


class UnansweredCommitTests(ChatCase, OnMariaDb):
    """The connection to MariaDB breaks when the commit is made, and not yet answered."""

    def break_commits(self, count: int) -> None:
        """The next commits of new messages succeed, and lose their answer."""
        run_and_commit, left = Mysql.run_and_commit, [count]

        def broken(dialect: Mysql, cursor: Any, statements: Sequence[str]) -> None:
            run_and_commit(dialect, cursor, statements)
            if left[0]:
                left[0] -= 1
                raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

        self.patch(Mysql, "run_and_commit", broken)

    async def test_stored_once_and_found(self) -> None:
        """The text is acknowledged, is stored once, and its receiver is asked to catch up, since it was not
        pushed.
        """
        (anna, a), (bert, b) = await self.users("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        self.break_commits(1)
        ack = await a.ask(23, **text_request(anna, bert, thread, "x"))
        self.assertEqual(ack["error"], 0)
        await b.next(128)
        page = await b.ask(13, thread_id=thread, msg_id="0")
        self.assertEqual([m["msg_id"] for m in page["chat_messages"]][2:], [ack["verified_msg"][0]["msg_id"]])

    async def test_refused_and_sent_again(self) -> None:
        """Where no commit is answered the sender gets 14.

        The resend is acknowledged, stored once, and found by its receiver.
        """
        (anna, a), (bert, b) = await self.users("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        self.patch(message_log, "PATIENCE", 0.0)
        self.patch(self.database, "_attempt", self.no_second_attempt(self.database._attempt))
        self.assertEqual((await a.ask(23, **text_request(anna, bert, thread, "x")))["error"], 14)
        await b.next(128)  # whether it is sent again or not
        self.assertEqual((await a.ask(23, **text_request(anna, bert, thread, "x")))["error"], 0)
        self.assertEqual(len((await b.ask(13, thread_id=thread, msg_id="0"))["chat_messages"]), 3)

    @staticmethod
    def no_second_attempt(attempt: Any) -> Any:
        lost = [True]

        def once(*args: Any) -> Any:
            result = attempt(*args)
            if lost:
                lost.clear()
                raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")
            return result

        return once


class UnansweredCommitPoolTests(UnansweredCommitTests, OnMariaDbPool):
    """So it is in a thread."""


class StoredElsewhereTests(ChatCase, OnMariaDb):
    """Another server stored a text, and did not come to tell anybody."""

    async def test_sent_again(self) -> None:
        """The text that its sender sends again is acknowledged as it was stored, and its receiver is asked to
        catch up.
        """
        (anna, a), (bert, b) = await self.users("anna", "bert")
        thread = await self.befriend(anna, bert)
        (stored,) = await self.stores.messages.append(
            MessageIds(time.time, 900), [text(anna, bert, thread, "x")]
        )
        assert isinstance(stored, Appended)
        ack = await a.ask(23, **text_request(anna, bert, str(thread), "x"))
        self.assertEqual([item["msg_id"] for item in ack["verified_msg"]], [str(stored.messages[0].msg_id)])
        await b.next(128)
        self.assertEqual(b.pending(25), [])

    async def test_no_friends_any_more(self) -> None:
        """So it is where its sender may not write there by now."""
        (anna, a), (bert, b) = await self.users("anna", "bert")
        thread = await self.befriend(anna, bert)
        await self.stores.messages.append(MessageIds(time.time, 900), [text(anna, bert, thread, "x")])
        await b.ask(96, friend_uuid=str(anna))
        self.assertEqual((await a.ask(23, **text_request(anna, bert, str(thread), "x")))["error"], 0)
        await b.next(128)

    async def test_stored_here(self) -> None:
        """Of a text that this server stored and told, nobody is told again."""
        (anna, a), (bert, b) = await self.users("anna", "bert")
        thread = str(await self.befriend(anna, bert))
        for _ in range(2):
            self.assertEqual((await a.ask(23, **text_request(anna, bert, thread, "x")))["error"], 0)
        await b.next(25)
        self.assertEqual(self.server.outbound.missing, 0)
        await a.ask(23, **text_request(anna, bert, thread, "y"))
        await b.next(25)
        self.assertEqual(b.pending(128), [])


class LockedThreadTests(ChatCase, OnMariaDb):
    """Another server vanished while it was writing in a conversation."""

    async def test_other_conversations(self) -> None:
        """Of one user, texts to other conversations are answered before the one that has to wait, in their
        order.
        """
        (anna, a), (bert, b), (carl, c) = await self.users("anna", "bert", "carl")
        held, free = await self.befriend(anna, bert), await self.befriend(anna, carl)

        def lock() -> Any:
            connection, _ = self.database.dialect.connect(Use.LOG)
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT 1 FROM threads WHERE thread_id = {held} FOR UPDATE")
            return connection

        connection = await deferToThread(lock)
        self.addCleanup(deferToThread, connection.close)
        a.send(23, **text_request(anna, bert, str(held), "one"), seq=1)
        for number in range(2, 5):
            a.send(23, **text_request(anna, carl, str(free), str(number)), seq=number)
        self.assertEqual([(await a.next(24))["seq"] for _ in range(4)], [2, 3, 4, 1])
        for client, count in ((b, 1), (c, 3)):
            for _ in range(count):
                await client.next(25)
        self.assertEqual((await a.ask(32, uuid=str(anna)))["error"], 0)


class AwayTests(ChatCase, OnSqlite):
    """A database that is away when somebody logs in."""

    async def test_login(self) -> None:
        """The client hears so (14), and then the connection is closed: it may begin anew."""
        (anna,) = await self.people("anna")
        client = await self.server.connect()
        token = await self.server.tokens.issue(anna)
        self.assertTrue(await self.server.tokens.check(anna, token))
        self.patch(self.database, "_pools", {})
        self.assertEqual((await client.ask(5, uuid=str(anna), token=token))["error"], 14)
        await client.until_closed()


class StoppingTests(ChatCase, OnSqlite):
    """A server that is stopped."""

    async def test_messages_that_cannot_be_stored(self) -> None:
        """Connections are closed although what waits cannot be stored."""
        ((_, a),) = await self.users("anna")
        self.patch(connections, "FLUSH", 0.1)
        self.patch(self.server.log, "flushed", lambda: Deferred())
        await self.server.connections.stopService()
        await a.until_closed()
