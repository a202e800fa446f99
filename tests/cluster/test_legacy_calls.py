"""The original's calls between chat servers: answered by ours, and made toward servers that have no stream."""

from __future__ import annotations

import json
from typing import Any

import grpc
import msgspec
from twisted.internet.threads import deferToThread

from imsys.cluster.legacy_calls import calls_of
from imsys.cluster.peers import RemotePush
from imsys.cluster.pushes import push_of
from imsys.cluster.stubs import message_pb2, message_pb2_grpc
from imsys.errors import Status
from imsys.protocols.framing import CHAT
from imsys.protocols.messages.contacts import FriendRequestPush, FriendshipPush, HelloMessage
from imsys.protocols.messages.registry import encode
from imsys.protocols.messages.texts import IncomingText, TextPush
from tests.cluster.nodes import Node, NodesCase, eventually

ASKED = FriendRequestPush(
    src_uuid="5",
    dst_uuid="6",
    src_nickname="n",
    src_message="hi",
    src_avator="a",
    src_username="u",
    src_desc="d",
    src_sex=1,
)
HELLO = HelloMessage(
    msg_id="4194304",
    msg_sender="5",
    msg_receiver="6",
    msg_content="hi",
    msg_type=1,
    prev_id="0",
    timestamp="2025-01-01T00:00:00.001Z",
)
FRIENDS = FriendshipPush(
    friend_uuid="6",
    friend_username="u",
    friend_nickname="n",
    friend_avator="a",
    friend_desc="d",
    friend_sex=0,
    thread_id="77",
    hello_msg=[
        HELLO,
        msgspec.structs.replace(
            HELLO, msg_id="8388608", prev_id="4194304", timestamp="2025-01-01T00:00:00.002Z"
        ),
    ],
)
TEXT = TextPush(
    text_sender="5",
    text_receiver="6",
    text_msg=[
        IncomingText(
            msg_type=1,
            msg_status=0,
            msg_sender="5",
            msg_receiver="6",
            msg_id="4194304",
            prev_id="1000000",
            thread_id="77",
            unique_id="x",
            msg_content="hello",
            timestamp="2025-01-01T00:00:00.001Z",
        )
    ],
)


class AnswerTests(NodesCase):
    async def call(self, node: Node, method: str, request: Any) -> Any:
        def talk() -> Any:
            with grpc.insecure_channel(f"127.0.0.1:{node.grpc.port}") as channel:
                return getattr(message_pb2_grpc.DistributedChattingServiceStub(channel), method)(
                    request, timeout=10
                )

        return await deferToThread(talk)

    async def test_pushes(self) -> None:
        """Each call becomes the push it stands for, with every field in its place; an absent user is 35."""
        node = await self.node("one")
        for user, push, body in ((6, 19, ASKED), (5, 22, FRIENDS), (6, 25, TEXT)):
            ((method, request),) = calls_of(RemotePush((user,), CHAT.encode(push, encode(body))))
            node.handler.sessions = {}
            self.assertEqual(
                (await self.call(node, method, request)).error, Status.FRIENDING_TARGET_USER_NOT_FOUND
            )
            node.handler.sessions = {user: "s"}
            response = await self.call(node, method, request)
            self.assertEqual((response.error, str(response.src_uuid), str(response.dst_uuid)), (0, "5", "6"))
            self.assertEqual(node.handler.pushes.pop(), RemotePush((user,), CHAT.encode(push, encode(body))))
        self.assertEqual(node.handler.pushes, [])

    def test_whose_friend(self) -> None:
        """The card of a friend has the numbers where the original has them: first the one who had asked, and
        is told.
        """
        ((_, request),) = calls_of(RemotePush((5,), CHAT.encode(22, encode(FRIENDS))))
        card = request.user_info[0]
        self.assertEqual((request.src_uuid, request.dst_uuid, card.src_uuid, card.dst_uuid), ("5", "6", 5, 6))

    async def test_more_than_a_frame(self) -> None:
        """Texts that do not fit into one frame are pushed in several, in their order."""
        node = await self.node("one")
        node.handler.sessions = {6: "b"}
        lists = [
            message_pb2.ChattingHistoryData(
                msg_sender="5", msg_receiver="6", msg_id=str(n), thread_id="1", msg_content="x" * 4000
            )
            for n in range(1, 41)
        ]
        request = message_pb2.ChattingTextMsgRequest(src_uuid="5", dst_uuid="6", lists=lists)
        self.assertEqual((await self.call(node, "SendChattingTextMsg", request)).error, 0)
        bodies = [json.loads(push.body) for push in node.handler.pushes]
        self.assertGreater(len(bodies), 2)
        self.assertTrue(all(len(push.body) < 65_531 for push in node.handler.pushes))
        self.assertEqual(
            [item["msg_id"] for body in bodies for item in body["text_msg"]], [str(n) for n in range(1, 41)]
        )
        self.assertEqual(
            [item["prev_id"] for body in bodies for item in body["text_msg"]], [str(n) for n in range(40)]
        )

    async def test_terminate(self) -> None:
        """ForceTerminateLoginedUser ends whichever session is there; none is no error."""
        node = await self.node("one")
        node.handler.sessions = {7: "s"}
        for _ in range(2):
            response = await self.call(
                node, "ForceTerminateLoginedUser", message_pb2.TerminationRequest(kick_uuid=7)
            )
            self.assertEqual((response.error, response.kick_uuid), (0, 7))
        self.assertEqual((node.handler.sessions, node.handler.ended[0][:2]), ({}, (7, None)))

    async def test_malformed(self) -> None:
        """A confirmation without card or messages is 34, a user that is none 35."""
        node = await self.node("one")
        self.assertEqual(
            (await self.call(node, "ConfirmFriendRequest", message_pb2.AuthoriseRequest())).error,
            Status.FRIENDING_ERROR,
        )
        response = await self.call(
            node, "SendChattingTextMsg", message_pb2.ChattingTextMsgRequest(dst_uuid="x")
        )
        self.assertEqual(response.error, Status.FRIENDING_TARGET_USER_NOT_FOUND)


class FallbackTests(NodesCase):
    async def test_fallback(self) -> None:
        """Toward a server without the stream, pushes and the end of a session go by single calls."""
        one, two = await self.node("one"), await self.node("two", relay=False)
        two.handler.sessions = {5: "a", 6: "b"}
        await eventually(lambda: "two" in one.peers._links and one.peers._links["two"]._unary)
        sent = [push_of([6], ASKED), push_of([5], FRIENDS), RemotePush((6,), CHAT.encode(129, b"{}"))]
        sent += [push_of([6], TEXT)] * 50
        one.peers.send("two", sent)
        await eventually(lambda: len(two.handler.pushes) == 52)
        self.assertEqual({push.service for push in two.handler.pushes}, {19, 22, 25})
        await one.peers.end_session("two", 5, "whatever", "bye")
        self.assertEqual(two.handler.sessions, {6: "b"})

    async def test_plain_registration(self) -> None:
        """A server that registered by the plain calls is a peer like any other."""
        one, two = await self.node("one"), Node(self.balance, "two", relay=False)
        two.grpc.startService()
        self.addCleanup(two.grpc.stopService)
        two.handler.sessions = {6: "b"}
        await self.balance.plain("RegisterInstance", "two", two.grpc.port)
        await self.balance.plain("RegisterGrpc", "two", two.grpc.port)
        await eventually(lambda: "two" in one.peers._links)
        one.peers.send("two", [push_of([6], TEXT)])
        await eventually(lambda: two.handler.pushes)

    def test_beyond_32_bits(self) -> None:
        """A uuid that the original's fields have no room for is left out; so is what is no push of theirs."""
        body = msgspec.structs.replace(ASKED, src_uuid=str(2**40))
        self.assertEqual(list(calls_of(push_of([6], body))), [])
        self.assertEqual(list(calls_of(RemotePush((6,), CHAT.encode(25, b"not json")))), [])
