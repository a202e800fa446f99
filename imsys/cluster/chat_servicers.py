"""gRPC services of a chat server: relay stream, announcements, unary calls of the original system."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.logger import Logger

from imsys.cluster.legacy_calls import is_id, push_of_friendship, push_of_request, pushes_of_texts
from imsys.cluster.membership import Membership
from imsys.cluster.pushes import PeerHandler, RemotePush
from imsys.cluster.relay import RelayServicer
from imsys.cluster.server import AddServicer
from imsys.cluster.stubs import imsys_v1_pb2, imsys_v1_pb2_grpc, message_pb2, message_pb2_grpc
from imsys.errors import Refused, Status, Unavailable

_log = Logger()

ENDED = "This login has been ended."

Here = Callable[[int], bool]
"""Returns whether a user has a session on this server."""

Previous = Callable[[Sequence[tuple[int, int]]], Awaitable[Sequence[int]]]
"""Returns the ids before these messages (thread, id) in their threads."""


Announce = Callable[[bytes], Awaitable[None]]
"""Announces a complete file; see :meth:`imsys.chat.file_announcer.Announcer.announce`."""

AnnounceLive = Callable[[bytes], Awaitable[None]]
"""Announces a live stream's state; see :meth:`imsys.chat.live_announcer.LiveAnnouncer.announce`."""

FILE_ID_BYTES = 16
"""Bytes of a file's or a live stream's identifier."""


async def unknown(messages: Sequence[tuple[int, int]]) -> Sequence[int]:
    """Return 0 for each message: the ids before them are not known."""
    return [0] * len(messages)


class DistributedChatting:
    """``message.DistributedChattingService``."""

    def __init__(self, handler: PeerHandler, here: Here, previous: Previous) -> None:
        self._handler = handler
        self._here = here
        self._previous = previous

    async def ForceTerminateLoginedUser(
        self, request: message_pb2.TerminationRequest
    ) -> message_pb2.TerminationResponse:
        """End a user's session on this server; having none is no error."""
        await self._handler.end_session(request.kick_uuid, None, ENDED)
        return message_pb2.TerminationResponse(kick_uuid=request.kick_uuid)

    async def SendFriendRequest(self, request: message_pb2.FriendRequest) -> message_pb2.FriendResponse:
        """Send push 19. :raises Refused: FRIENDING_TARGET_USER_NOT_FOUND (35), ``dst_uuid`` is not here."""
        self._push(push_of_request(request))
        return message_pb2.FriendResponse(src_uuid=request.src_uuid, dst_uuid=request.dst_uuid)

    async def ConfirmFriendRequest(
        self, request: message_pb2.AuthoriseRequest
    ) -> message_pb2.AuthoriseResponse:
        """Send push 22.

        Answers FRIENDING_ERROR (34) if the card or a message is missing, and FRIENDING_TARGET_USER_NOT_FOUND
        (35) if ``src_uuid`` is not here.
        """
        response = message_pb2.AuthoriseResponse(src_uuid=request.src_uuid, dst_uuid=request.dst_uuid)
        if len(request.user_info) != 1 or len(request.msg_pack) != 2:
            response.error = Status.FRIENDING_ERROR
            return response
        try:
            self._push(push_of_friendship(request))
        except (Refused, ValueError):
            response.error = Status.FRIENDING_TARGET_USER_NOT_FOUND
        return response

    async def SendChattingTextMsg(
        self, request: message_pb2.ChattingTextMsgRequest
    ) -> message_pb2.ChattingTextMsgResponse:
        """Send push 25. :raises Refused: FRIENDING_TARGET_USER_NOT_FOUND (35), ``dst_uuid`` is not here."""
        # the call does not have the ids before the messages
        texts = [
            (int(one.thread_id), int(one.msg_id))
            for one in request.lists
            if is_id(one.thread_id) and is_id(one.msg_id)
        ]
        try:
            before = dict(zip(texts, await self._previous(texts), strict=True))
        except Unavailable:
            before = {}
        try:
            self._push(*pushes_of_texts(request, before))
        except ValueError:
            raise Refused(Status.FRIENDING_TARGET_USER_NOT_FOUND, "There is no such user.") from None
        return message_pb2.ChattingTextMsgResponse(src_uuid=request.src_uuid, dst_uuid=request.dst_uuid)

    def _push(self, *pushes: RemotePush) -> None:
        if not self._here(pushes[0].users[0]):
            raise Refused(Status.FRIENDING_TARGET_USER_NOT_FOUND, "The user is not on this server.")
        self._handler.receive(pushes, True)


class Announcements:
    """``imsys.v1.Announcements``."""

    def __init__(self, announce: Announce, announce_live: AnnounceLive) -> None:
        self._announce = announce
        self._announce_live = announce_live

    async def Announce(self, request: imsys_v1_pb2.AnnounceRequest) -> imsys_v1_pb2.AnnounceResponse:
        """Announce a file.

        :raises Refused: why it cannot be; INVALID_FIELD (70), this is not a file's identifier.
        """
        if len(request.file_id) != FILE_ID_BYTES:
            raise Refused(Status.INVALID_FIELD, "This is not the identifier of a file.")
        await self._announce(request.file_id)
        return imsys_v1_pb2.AnnounceResponse()

    async def AnnounceLive(self, request: imsys_v1_pb2.AnnounceLiveRequest) -> imsys_v1_pb2.AnnounceResponse:
        """Announce a live stream.

        :raises Refused: why it cannot be; INVALID_FIELD (70), not a stream's identifier.
        """
        if len(request.stream_id) != FILE_ID_BYTES:
            raise Refused(Status.INVALID_FIELD, "This is not the identifier of a live stream.")
        await self._announce_live(request.stream_id)
        return imsys_v1_pb2.AnnounceResponse()


def chatting_services(
    reactor: Any,
    membership: Membership,
    handler: PeerHandler,
    here: Here | None = None,
    previous: Previous = unknown,
    announcements: Announcements | None = None,
) -> list[tuple[AddServicer, Any]]:
    """Return the services of a chat server for its :class:`~imsys.cluster.server.GrpcServer`.

    :param here: tells whether a user has a session on this server; ``None``: assume that all have.
    :param previous: finds the ids before texts that arrive by unary calls.
    :param announcements: the service of announcements; ``None``: it is not offered.
    """
    services: list[tuple[AddServicer, Any]] = [
        (imsys_v1_pb2_grpc.add_RelayServicer_to_server, RelayServicer(reactor, membership, handler)),
        (
            message_pb2_grpc.add_DistributedChattingServiceServicer_to_server,
            DistributedChatting(handler, here or (lambda uuid: True), previous),
        ),
    ]
    if announcements is not None:
        services.append((imsys_v1_pb2_grpc.add_AnnouncementsServicer_to_server, announcements))
    return services
