"""The client: one user's conversations, friends and events, over whatever connection there is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.catch_up import ResyncPush
from imsys.protocols.messages.contacts import FriendRequestPush, FriendshipPush, HelloMessage
from imsys.protocols.messages.files import FileGetRequest, FileGetResponse, FileOfferRequest, FileOfferResponse
from imsys.protocols.messages.live import LivePush
from imsys.protocols.messages.people import ProfilePush
from imsys.protocols.messages.registry import Message as WireMessage
from imsys.protocols.messages.registry import Request, Response
from imsys.protocols.messages.session import LoginResponse
from imsys.protocols.messages.texts import TextPush
from imsys.protocols.messages.threads import PositionPush, PositionRequest, PositionResponse
from imsys.sdk import attachments, live, model
from imsys.sdk.attachments import Grant
from imsys.sdk.backoff import Backoff
from imsys.sdk.catching_up import CatchingUp
from imsys.sdk.contacts import Contacts
from imsys.sdk.delivery import Delivery, MessageStream
from imsys.sdk.gateway import Gateway, Resources
from imsys.sdk.history import History
from imsys.sdk.inbox import Inbox
from imsys.sdk.link import Credentials, Link, Timing
from imsys.sdk.live import LiveChange, LiveStreams
from imsys.sdk.marks import Marks
from imsys.sdk.model import ConnectionState, FriendRequest, Friendship, Message, Person, Position, StateChange
from imsys.sdk.outbox import Outbox, Outgoing
from imsys.sdk.seen import Seen, SeenStore
from imsys.sdk.signals import Signal
from imsys.sdk.steady import steady_reactor
from imsys.sdk.transfers import Transfers
from imsys.sdk.unfinished import UnfinishedUploads
from imsys.sdk.unique import UniqueIds

LONGEST_TEXT = 4096
"""Characters of a message (wire protocol, section 4)."""
_REQUESTS_AT_LOGIN = 10
"""Friend requests that the response to a login holds at most."""

_log = Logger()

R = TypeVar("R", bound=Response)


class Client:
    """One user, online as long as it is started.

    Messages come once each and in the order of their threads, whatever happens to
    the connection. Without ``seen``, what was there before the first login is
    history and is not delivered; with it, a client goes on where an earlier one was.

    All coroutines raise :class:`imsys.errors.Refused` with the server's status, or
    :class:`imsys.errors.Unavailable` where no answer came in time.

    :param receive: whether messages are wanted at all; a client that only asks questions does without.
    :param outbox: texts that wait to be acknowledged at most.
    :param unfinished: where uploads are remembered, for a later client to go on with.
    :param calendar: Unix seconds, which may be set at any time; nothing waits by it.
    """

    def __init__(
        self,
        reactor: Any,
        gateway: Gateway,
        credentials: Credentials,
        *,
        seen: SeenStore | None = None,
        receive: bool = True,
        outbox: int = 1000,
        timing: Timing | None = None,
        unfinished: UnfinishedUploads | None = None,
        calendar: Callable[[], float] = time.time,
    ) -> None:
        self.on_friend_request: Signal[FriendRequest] = Signal()
        self.on_friendship: Signal[Friendship] = Signal()
        self.on_position: Signal[Position] = Signal()
        self.on_profile: Signal[Person] = Signal()
        self.on_live: Signal[LiveChange] = Signal()
        self.on_signed_out: Signal[str] = Signal()
        self.on_push: Signal[WireMessage] = Signal()
        """Pushes of services that this library does not know, as they came."""
        self.credentials = credentials
        self.me = Person(uuid=credentials.uuid, username=credentials.username)
        self._reactor = reactor = steady_reactor(reactor)
        self._timing = timing = timing or Timing()
        self._receive = receive
        self._link = Link(reactor, gateway, credentials, timing, arrive=self._arrive, on_push=self._pushed, on_gone=self._gone)
        self.on_connection_state = self._link.on_state
        self.on_connection_state.subscribe(self._state_changed)
        self.contacts = Contacts(self.request, lambda: self.me)
        self.history = History(self.request, lambda: self.me.uuid)
        self.live = LiveStreams(self.request, lambda: self.me.uuid)
        self.transfers = Transfers(reactor, self, credentials, gateway.trust if gateway.encrypted else None, timing, unfinished=unfinished)
        self._delivery = Delivery(self._handled)
        self.on_message = self._delivery.on_message
        self.on_sent = self._delivery.on_sent
        self._catching_up = CatchingUp(reactor, self._link.request, lambda: self.me.uuid, self._backoff())
        self._inbox = Inbox(reactor, self._delivery.deliver, self._catching_up.thread_soon, patience=timing.patience)
        self._inbox.room = self._delivery.room
        self._catching_up.feed(self._inbox)
        self._marks = Marks(reactor, self._link.request, timing.mark)
        self._unique_id = UniqueIds(calendar)
        self._others: dict[int, int] = {}  # thread -> the other user of a private one, 0 for a group
        self._outbox = Outbox(reactor, self._link.request, self._other, self._stored, self._link.drop, limit=outbox, backoff=self._backoff)
        self._told: set[int] = set()  # who asked for friendship, as the application knows
        self._store = seen
        self._loaded = False
        self._since = 0  # as in the newest ``Seen``
        self._saving: IDelayedCall | None = None

    # coming and going

    @property
    def state(self) -> ConnectionState:
        """Where the client stands now."""
        return self._link.state

    @property
    def resources(self) -> Resources | None:
        """The file server that goes with the present login."""
        return None if self._link.login is None else self._link.login.resources

    async def start(self, *, persistent: bool = True) -> None:
        """Sign in and catch up; returns when online, and the client stays so until it is stopped or signed out.

        :param persistent: try again for as long as it takes; else the first failure is raised.
        """
        if self._delivery.stream is not None:
            self._delivery.stream.begin()
        await self._link.start(persistent)

    async def stop(self) -> None:
        """Disconnect; texts that are not acknowledged are given up, transfers stop where they are, the token stays good."""
        await self.transfers.stop()
        await self._link.stop()
        if self._saving is not None:
            self._saving.cancel()
            await self._save()

    async def log_out(self) -> None:
        """Revoke the token, and disconnect."""
        await self._link.log_out()
        await self.stop()

    # talking

    def messages(self) -> MessageStream:
        """A stream of the messages of others, read at the application's pace; ask for it before ``start`` to miss none."""
        if self._delivery.stream is None:
            self._delivery.stream = MessageStream(self._handled, self._catching_up.behind_soon)
        return self._delivery.stream

    def post(self, thread_id: int, text: str, *, unique_id: str = "") -> Outgoing:
        """Send a text whenever possible, after those posted before it.

        :param unique_id: that of an earlier ``Outgoing`` which failed and may have been stored all the same.
        :raises Refused: it is empty or too long, or too many wait already.
        """
        if not 1 <= len(text) <= LONGEST_TEXT:
            raise Refused(Status.MESSAGE_TOO_LONG, f"A message of {len(text)} characters; allowed are 1 to {LONGEST_TEXT}.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Refused(Status.INVALID_FIELD, "A message is made of Unicode characters.") from None
        outgoing = Outgoing(unique_id or self._unique_id(), thread_id, text)
        self._outbox.add(outgoing)
        return outgoing

    async def send(self, thread_id: int, text: str) -> Message:
        """Send a text; the message as the server has it, once it is durable there."""
        return await self.post(thread_id, text).when_stored()

    async def mark_read(self, thread_id: int, message_id: int) -> None:
        """Tell the others that this user has read a thread up to a message."""
        self._marks.told(thread_id, message_id)
        await self.request(PositionRequest(thread_id=str(thread_id), read=str(message_id), delivered=str(message_id)), PositionResponse)

    # files

    async def offer_file(self, thread_id: int, filename: str, size: int, *, sha256: str = "", mime: str = "") -> Grant:
        """Offer a file to a thread; the right to send it (``PERMISSION_DENIED``, ``QUOTA_EXCEEDED``).

        The thread gets a message when all of it is there.

        :param size: bytes.
        :param sha256: in hex, if it is known already: the server compares.
        :param mime: what the sender takes it for; the server looks for itself.
        """
        return await self._offer(thread_id, filename, size, sha256, mime)

    async def offer_avatar(self, filename: str, size: int, *, sha256: str = "", mime: str = "") -> Grant:
        """Offer a picture, which becomes the user's avatar when all of it is there; the right to send it."""
        return await self._offer(0, filename, size, sha256, mime, purpose="avatar")

    async def get_file(self, file_id: str, *, write: bool = False, thumbnail: bool = False) -> Grant:
        """Ask for the right to a file (``FILE_OPEN_ERROR``): one of a thread of mine, or anybody's avatar.

        :param write: to go on with an upload of mine; it may be ``whole`` by now.
        :param thumbnail: to a smaller picture of it; ``size`` and the rest are that one's.
        """
        return attachments.granted(await self.request(FileGetRequest(file_id=file_id, write=write, thumbnail=thumbnail), FileGetResponse))

    async def _offer(self, thread_id: int, filename: str, size: int, sha256: str, mime: str, purpose: str = "") -> Grant:
        request = FileOfferRequest(
            thread_id=str(thread_id),
            filename=filename,
            size=size,
            sha256=sha256 or UNSET,
            mime=mime or UNSET,
            purpose=purpose or UNSET,
        )
        return attachments.offered(request, await self.request(request, FileOfferResponse))

    async def request(self, request: Request, reply: type[R]) -> R:
        """Send any request, waiting for a connection where there is none; its response."""
        await self._link.ready(self._timing.deadline)
        return await self._link.request(request, reply)

    # what the link tells

    async def _arrive(self, login: LoginResponse) -> None:
        self.me = model.person(login)
        if not self._receive:
            self._outbox.start(self.me.uuid)
            return
        await self._load()
        self._marks.start()
        self._outbox.start(self.me.uuid)
        await self._catching_up.everything()
        pending = [model.friend_request(item) for item in login.FriendRequestList]
        if len(pending) >= _REQUESTS_AT_LOGIN:
            pending = await Contacts(self._link.request, lambda: self.me).requests().all()
        known, self._told = self._told, {request.person.uuid for request in pending}
        for request in pending:
            if request.person.uuid not in known:
                self.on_friend_request.emit(request)
        self._save_soon()

    def _gone(self) -> None:
        self._outbox.stop()
        self._marks.stop()
        self._inbox.stop()
        self._catching_up.stop()

    def _state_changed(self, change: StateChange) -> None:
        problem = change.problem
        if change.state not in (ConnectionState.OFFLINE, ConnectionState.SIGNED_OUT):
            return
        self._outbox.fail(problem or Unavailable(Status.NETWORK_ERROR, "The client was stopped."))
        if self._delivery.stream is not None:
            self._delivery.stream.end(problem)
        if isinstance(problem, Refused) and problem.status is Status.LOGIN_FOR_MULTIPLE_TIMES:
            self.on_signed_out.emit(problem.message)

    def _pushed(self, push: WireMessage) -> None:
        match push:
            case TextPush():
                for item in push.text_msg:
                    self._arrived(model.incoming(item, self.me.uuid), int(item.prev_id))
            case FriendshipPush():
                self._befriended(push)
            case FriendRequestPush():
                self._told.add(int(push.src_uuid))
                self.on_friend_request.emit(model.pushed_friend_request(push))
            case PositionPush():
                self.on_position.emit(model.position(push))
            case ProfilePush():
                self.on_profile.emit(model.person(push))
            case ResyncPush():
                self._resync(push)
            case LivePush():
                change = live.change(push)
                if change is not None:
                    self.on_live.emit(change)
            case _:
                self.on_push.emit(push)

    def _befriended(self, push: FriendshipPush) -> None:
        friendship = model.friendship(push)
        self._told.discard(friendship.person.uuid)
        self._others[friendship.thread_id] = friendship.person.uuid
        self.on_friendship.emit(friendship)
        for item in push.hello_msg:
            self._arrived(_hello(item, friendship.thread_id, self.me.uuid), int(item.prev_id))

    def _resync(self, push: ResyncPush) -> None:
        if not self._receive:
            return
        if isinstance(push.threads, list):
            for thread_id in push.threads:
                self._catching_up.thread_soon(int(thread_id))
        else:
            self._catching_up.everything_soon()

    def _arrived(self, message: Message, previous: int) -> None:
        if self._receive:
            self._inbox.live(message, previous)

    def _stored(self, message: Message, previous: int) -> None:
        self._arrived(message, previous)

    def _handled(self, message: Message) -> None:
        if not message.mine:
            self._marks.delivered(message.thread_id, message.id)
        self._save_soon()

    async def _other(self, thread_id: int) -> int:
        if thread_id not in self._others:
            thread = await History(self._link.request, lambda: self.me.uuid).thread(thread_id)
            self._others[thread_id] = next((uuid for uuid in thread.users if uuid != self.me.uuid), 0)
        return self._others[thread_id]

    def _backoff(self) -> Backoff:
        return Backoff(self._timing.first_wait, self._timing.longest_wait)

    # what is kept across restarts

    async def _load(self) -> None:
        if self._store is None or self._loaded:
            return
        kept = await self._store.load()
        self._loaded = True
        if kept is not None and kept.uuid == self.me.uuid:
            self._inbox.restore(kept)
            self._since = kept.since

    def _save_soon(self) -> None:
        if self._store is not None and self._saving is None:
            self._saving = self._reactor.callLater(self._timing.save, self._begin_saving)

    def _begin_saving(self) -> None:
        Deferred.fromCoroutine(self._save()).addErrback(_unsaved)

    async def _save(self) -> None:
        self._saving = None
        if self._store is None:
            return
        threads = self._inbox.positions()
        unhandled = self._delivery.unhandled()
        for message in reversed(unhandled):
            threads[message.thread_id] = message.id - 1
        if not unhandled and not self._inbox.behind:
            self._since = self._inbox.since
        await self._store.save(Seen(uuid=self.me.uuid, since=self._since, threads=threads))


def _unsaved(reason: Failure) -> None:
    _log.error("What was seen could not be saved: {reason}", reason=reason.value)


def _hello(item: HelloMessage, thread_id: int, me: int) -> Message:
    sender = int(item.msg_sender)
    return Message(
        id=int(item.msg_id),
        thread_id=thread_id,
        sender=sender,
        receiver=int(item.msg_receiver or 0),
        text=item.msg_content,
        sent_at=model.parse_time(item.timestamp),
        mine=sender == me,
        kind=model.kind_of(item.msg_type),
    )
