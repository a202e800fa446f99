"""Convert pushes to the unary calls of the original system and back, for peers without the relay stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import msgspec
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.cluster.calls import send
from imsys.cluster.outbox import PeerOutbox
from imsys.cluster.pushes import RemotePush, push_of
from imsys.cluster.stubs import message_pb2
from imsys.protocols.fitting import split
from imsys.protocols.messages.contacts import FriendRequestPush, FriendshipPush, HelloMessage
from imsys.protocols.messages.registry import decode, service_id
from imsys.protocols.messages.texts import IncomingText, TextPush
from imsys.store.ids import timestamp

_log = Logger()

AT_ONCE = 16
"""Concurrent calls to one peer."""

REQUEST, FRIENDSHIP, TEXT = service_id(FriendRequestPush), service_id(FriendshipPush), service_id(TextPush)


class UnaryPump:
    """Sends the pushes of an outbox by unary calls.

    Those without a call, or unanswered, are only in the store.
    """

    def __init__(self, reactor: Any, stub: Any, outbox: PeerOutbox, name: str, deadline: float) -> None:
        self._reactor = reactor
        self._stub = stub
        self._outbox = outbox
        self._name = name
        self._deadline = deadline
        self._running: Deferred[None] | None = None
        self._stopped = False

    def kick(self) -> None:
        """Send the pushes in the outbox, if any."""
        if self._running is None and not self._stopped:
            self._running = Deferred.fromCoroutine(self._run())
            self._running.addErrback(self._failed).addCallback(self._rest)

    def stop(self) -> None:
        """Stop sending."""
        self._stopped = True
        if self._running is not None:
            self._running.cancel()

    def _failed(self, failure: Failure) -> None:
        if not self._stopped:
            _log.failure("single calls to chat server {name} failed", failure, name=self._name)

    def _rest(self, _: None) -> None:
        self._running = None

    async def _run(self) -> None:
        while not self._stopped and (pushes := self._outbox.take(AT_ONCE)):
            calls = [call for push in pushes for call in calls_of(push)]
            for start in range(0, len(calls), AT_ONCE):
                await gatherResults(
                    [self._one(method, request) for method, request in calls[start : start + AT_ONCE]],
                    consumeErrors=True,
                )

    def _one(self, method: str, request: Any) -> Deferred[Any]:
        def failed(failure: Failure) -> None:
            failure.trap(grpc.RpcError)
            _log.debug("chat server {name} did not answer {method}", name=self._name, method=method)

        return send(self._reactor, getattr(self._stub, method), request, self._deadline).addErrback(failed)


def calls_of(push: RemotePush) -> Iterator[tuple[str, Any]]:
    """Convert a push to calls (name and request); yield none if there is no such call."""
    if push.service not in (REQUEST, FRIENDSHIP, TEXT):
        return
    try:
        body = decode(push.service, push.body)
        if push.service == REQUEST:
            yield "SendFriendRequest", _request(body)
        elif push.service == TEXT:
            yield "SendChattingTextMsg", _text(body)
        else:
            for user in push.users:
                yield "ConfirmFriendRequest", _friendship(body, user)
    except (ValueError, msgspec.MsgspecError) as error:  # ValueError: a uuid beyond the original's 32 bits
        _log.warn(
            "a push of service {service} cannot be sent by a single call: {error}",
            service=push.service,
            error=str(error),
        )


def _request(body: FriendRequestPush) -> message_pb2.FriendRequest:
    return message_pb2.FriendRequest(
        src_uuid=int(body.src_uuid),
        dst_uuid=int(body.dst_uuid),
        nick_name=body.src_nickname,
        req_msg=body.src_message,
        avator_path=body.src_avator,
        username=body.src_username,
        description=body.src_desc,
        sex=body.src_sex,
    )


def _friendship(body: FriendshipPush, user: int) -> message_pb2.AuthoriseRequest:
    friend = message_pb2.FriendRequest(
        src_uuid=user,  # as in the original: src_uuid is the user who is told, dst_uuid the new friend
        dst_uuid=int(body.friend_uuid),
        nick_name=body.friend_nickname,
        avator_path=body.friend_avator,
        username=body.friend_username,
        description=body.friend_desc,
        sex=body.friend_sex,
    )
    hello = [
        message_pb2.AuthoriseMessage(
            msg_type=one.msg_type,
            msg_id=one.msg_id,
            msg_sender=one.msg_sender,
            msg_receiver=one.msg_receiver,
            hello_msg=one.msg_content,
        )
        for one in body.hello_msg
    ]
    return message_pb2.AuthoriseRequest(
        src_uuid=str(user),
        dst_uuid=body.friend_uuid,
        thread_id=body.thread_id,
        user_info=[friend],
        msg_pack=hello,
    )


def _text(body: TextPush) -> message_pb2.ChattingTextMsgRequest:
    lists = [
        message_pb2.ChattingHistoryData(
            msg_type=one.msg_type,
            msg_status=one.msg_status,
            msg_sender=one.msg_sender,
            msg_receiver=one.msg_receiver,
            msg_id=one.msg_id,
            thread_id=one.thread_id,
            unique_id=one.unique_id,
            msg_content=one.msg_content,
        )
        for one in body.text_msg
    ]
    return message_pb2.ChattingTextMsgRequest(
        src_uuid=body.text_sender, dst_uuid=body.text_receiver, lists=lists
    )


def push_of_request(request: message_pb2.FriendRequest) -> RemotePush:
    """Make push 19 for the receiver of a friend request."""
    body = FriendRequestPush(
        src_uuid=str(request.src_uuid),
        dst_uuid=str(request.dst_uuid),
        src_nickname=request.nick_name,
        src_message=request.req_msg,
        src_avator=request.avator_path,
        src_username=request.username,
        src_desc=request.description,
        src_sex=request.sex,
    )
    return push_of((request.dst_uuid,), body)


def push_of_friendship(request: message_pb2.AuthoriseRequest) -> RemotePush:
    """Make push 22 for the sender of the request (``src_uuid``). :raises ValueError: a uuid is invalid."""
    friend = request.user_info[0]
    hello, before = [], "0"
    for one in request.msg_pack:
        hello.append(
            HelloMessage(
                msg_id=one.msg_id,
                msg_sender=one.msg_sender,
                msg_receiver=one.msg_receiver,
                msg_content=one.hello_msg,
                msg_type=one.msg_type,
                prev_id=before,
                timestamp=_time(one.msg_id),
            )
        )
        before = one.msg_id
    body = FriendshipPush(
        friend_uuid=request.dst_uuid,
        friend_username=friend.username,
        friend_nickname=friend.nick_name,
        friend_avator=friend.avator_path,
        friend_desc=friend.description,
        friend_sex=friend.sex,
        thread_id=request.thread_id,
        hello_msg=hello,
    )
    return push_of((int(request.src_uuid),), body)


def pushes_of_texts(
    request: message_pb2.ChattingTextMsgRequest, before: Mapping[tuple[int, int], int]
) -> list[RemotePush]:
    """Make push 25 for the receiver; several if one frame cannot hold all texts.

    :param before: the ids before texts (thread, id), which the call lacks; others get "0", which hides no
        text.
    :raises ValueError: a uuid is invalid.
    """
    items = [
        IncomingText(
            msg_type=one.msg_type,
            msg_status=one.msg_status,
            msg_sender=one.msg_sender,
            msg_receiver=one.msg_receiver,
            msg_id=one.msg_id,
            prev_id=str(before.get((int(one.thread_id), int(one.msg_id)), 0))
            if is_id(one.thread_id) and is_id(one.msg_id)
            else "0",
            thread_id=one.thread_id,
            unique_id=one.unique_id,
            msg_content=one.msg_content,
            timestamp=_time(one.msg_id),
        )
        for one in request.lists
    ]
    users = (int(request.dst_uuid),)
    bodies = split(
        items,
        lambda some: TextPush(
            text_sender=request.src_uuid, text_receiver=request.dst_uuid, text_msg=list(some)
        ),
    )
    return [push_of(users, body) for body in bodies]


def is_id(text: str) -> bool:
    """Return whether this is the id of a message or thread of ours."""
    return text.isascii() and text.isdecimal() and len(text) < 19


def _time(msg_id: str) -> str:
    return timestamp(int(msg_id)) if is_id(msg_id) else ""
