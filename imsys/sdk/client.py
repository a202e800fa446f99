"""The client: one user's conversations, friends and events, across reconnections."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.catch_up import ResyncPush
from imsys.protocols.messages.contacts import FriendshipPush, HelloMessage
from imsys.protocols.messages.devices import DevicePush
from imsys.protocols.messages.entries import EntriesPush, HiddenPush
from imsys.protocols.messages.files import (
    FileGetRequest,
    FileGetResponse,
    FileOfferRequest,
    FileOfferResponse,
)
from imsys.protocols.messages.groups import GroupPush
from imsys.protocols.messages.overview import SettingsPush
from imsys.protocols.messages.privacy import PrivacyPush
from imsys.protocols.messages.registry import Message as WireMessage
from imsys.protocols.messages.registry import Request, Response
from imsys.protocols.messages.session import LoginResponse
from imsys.protocols.messages.texts import TextPush
from imsys.protocols.messages.threads import PositionRequest, PositionResponse
from imsys.protocols.messages.timed import ScheduledPush
from imsys.sdk import attachments, changing, entries, model, scheduled
from imsys.sdk.attachments import Grant
from imsys.sdk.belonging import Belonging
from imsys.sdk.catching_up import CatchingUp
from imsys.sdk.contacts import Contacts
from imsys.sdk.credentials import Credentials
from imsys.sdk.delivery import Delivery, MessageStream
from imsys.sdk.devices import DeviceChange, Devices
from imsys.sdk.devices import change as device_change
from imsys.sdk.entries import Entry, Hidden, Logged, Membership
from imsys.sdk.gateway import Gateway, Resources
from imsys.sdk.group_model import GroupNews
from imsys.sdk.groups import Groups
from imsys.sdk.history import History
from imsys.sdk.inbox import Inbox
from imsys.sdk.link import ConnectionManager
from imsys.sdk.live import LiveChange, LiveStreams
from imsys.sdk.model import (
    ConnectionState,
    Forwarded,
    FriendRequest,
    Friendship,
    Mentions,
    Message,
    Person,
    Position,
    StateChange,
)
from imsys.sdk.outbox import Outbox
from imsys.sdk.outgoing import Outgoing
from imsys.sdk.overview import Threads, ThreadSettings
from imsys.sdk.own_changes import OwnChanges
from imsys.sdk.presence import Presence, Typing, Watching
from imsys.sdk.privacy import PrivacyChange
from imsys.sdk.privacy import change as privacy_change
from imsys.sdk.receipts import Receipts
from imsys.sdk.remembering import Remembering
from imsys.sdk.scheduled import Schedule, ScheduledNews
from imsys.sdk.seen import SeenStore
from imsys.sdk.signals import Signal
from imsys.sdk.standing import Standing
from imsys.sdk.steady import steady_reactor
from imsys.sdk.timing import Timing
from imsys.sdk.transfers import Transfers
from imsys.sdk.unfinished import UnfinishedUploads
from imsys.sdk.unique import UniqueIds
from imsys.util.backoff import Backoff

_log = Logger()

R = TypeVar("R", bound=Response)
S = TypeVar("S", bound=MessageStream[Any])


class Client:
    """One user's client; it stays online from ``start`` until ``stop`` or a sign-out.

    Each message is delivered once and in the order of its thread, even if the connection breaks. Without
    ``seen``, messages from before the first login are history and are not delivered; with it, delivery
    continues where an earlier client stopped.

    All coroutines raise :class:`imsys.errors.Refused` with the server's status, or
    :class:`imsys.errors.Unavailable` if no answer came in time.

    :param receive: whether to receive messages; a client that only sends requests passes ``False``.
    :param outbox: texts and changes that wait for an acknowledgement, at most.
    :param unfinished: where unfinished uploads are remembered, so that a later client can resume them.
    :param calendar: the time of day in Unix seconds; it may be set at any time, timeouts do not use it.
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
        self.on_signed_out: Signal[str] = Signal()
        """The server's sentence: this account signed in elsewhere, or its login was revoked."""
        self.on_push: Signal[WireMessage] = Signal()
        """Pushes of services that this library does not know, as they came."""
        self.credentials: Credentials = credentials
        """How this user signs in, with the newest token."""
        self.me: Person = Person(uuid=credentials.uuid, username=credentials.username)
        """This user, by the newest card that the server has given."""
        reactor = steady_reactor(reactor)
        self._timing = timing = timing or Timing()
        self._receive = receive
        self._link = ConnectionManager(
            *(reactor, calendar, gateway, credentials, timing),
            arrive=self._arrive,
            on_moved=self._moved,
            on_push=self._pushed,
            on_gone=self._gone,
        )
        self.on_connection_state: Signal[StateChange] = self._link.on_state
        """The client stands somewhere else now."""
        self.on_connection_state.subscribe(self._state_changed)
        self._standing = Standing(
            reactor, self._link.request, lambda: self.me, self._is_now, timing.standing, self._backoff()
        )
        self.on_friend_request: Signal[FriendRequest] = self._standing.on_friend_request
        """Somebody asks to become friends."""
        self.on_friendship: Signal[Friendship] = self._standing.on_friendship
        """A friendship was made, or is told again."""
        self.on_position: Signal[Position] = self._standing.on_position
        """How far another member has received and read a thread."""
        self.on_own_position: Signal[Position] = self._standing.on_own_position
        """How far this user has received and read a thread, on another device."""
        self.on_device: Signal[DeviceChange] = Signal()
        """The account was signed in on a new device; or another device has named or signed out one."""
        self.on_privacy: Signal[PrivacyChange] = Signal()
        """Another device has set who may add this user to groups, or who sees when they are online."""
        self.on_profile: Signal[Person] = self._standing.on_profile
        """The card of a friend has changed."""
        self.on_live: Signal[LiveChange] = self._standing.on_live
        """A live stream of a thread was started, goes on, pauses or is over."""
        self.contacts: Contacts = Contacts(self.request, lambda: self.me, self._standing.answered)
        """People, friends and requests."""
        self.devices: Devices = Devices(self.request)
        """What this account is signed in on."""
        self._own = OwnChanges(
            self._link.request,
            lambda: self._catching_up.everything_soon(),
            lambda: self._remembering.save_soon(),
        )
        self.history: History = History(self.request, lambda: self.me.uuid, self._own.noted)
        """Threads and what was said in them."""
        self.threads: Threads = Threads(self.request, self._own.noted)
        """The list of threads, and how this user keeps each."""
        self.on_settings: Signal[ThreadSettings] = self._own.on_settings
        """This user keeps a thread in another way now, by another device."""
        self.presence: Watching = Watching(reactor, self.request, self._link.request)
        """Who is online, and who is writing."""
        self.on_presence: Signal[Presence] = self.presence.on_presence
        """Somebody who is looked at came or went."""
        self.on_typing: Signal[Typing] = self.presence.on_typing
        """Somebody is writing."""
        self.schedule: Schedule = Schedule(self.request, lambda: self._unique_id())
        """Texts that are sent later."""
        self.on_scheduled: Signal[ScheduledNews] = Signal()
        """What became of a text that is sent later, or what another device has done with it."""
        self.live: LiveStreams = LiveStreams(self.request, lambda: self.me.uuid)
        """Live streams of this user and of friends."""
        trust = gateway.trust if gateway.encrypted else None
        self.transfers: Transfers = Transfers(
            reactor, self, credentials, trust, timing, unfinished=unfinished
        )
        """Files on their way."""
        self._delivery = Delivery(self._handled)
        self.on_message: Signal[Message] = self._delivery.on_message
        """A message of somebody else, in the order of its thread."""
        self.on_sent: Signal[Message] = self._delivery.on_sent
        """A message of this user, stored, from this client or another one; with ``on_message`` and ``on_entry`` it gives
        the order of a thread."""
        self.on_entry: Signal[Entry] = self._delivery.on_entry
        """A change to a conversation, this user's own as well, in the order of its thread."""
        self.on_hidden: Signal[Hidden] = self._own.on_hidden
        """This user has hidden messages on another device."""
        self._catching_up = CatchingUp(reactor, self._link.request, lambda: self.me.uuid, self._backoff())
        self._inbox = Inbox(
            reactor, self._delivery.deliver, self._catching_up.thread_soon, patience=timing.patience
        )
        self._inbox.room = self._delivery.room
        self._belonging = Belonging(self._inbox, lambda: self.me.uuid)
        self.on_group: Signal[GroupNews] = self._belonging.on_group
        """A group is this user's, or is no more; or somebody invites or asks this user."""
        self._catching_up.feed(self._inbox, self._belonging, self._own)
        self._marks = Receipts(reactor, self._link.request, timing.mark)
        self._unique_id = UniqueIds(calendar)
        self.groups: Groups = Groups(self.request, lambda: self.me.uuid, self._unique_id, self._arrived)
        """Groups of this user's, invitations and links."""
        self._others: dict[int, int] = {}  # thread -> the other user of a private one, 0 for a group
        self._outbox = Outbox(
            *(reactor, self._link.request, self._other, self._arrived, self._link.drop),
            limit=outbox,
            keep=timing.keep,
            backoff=self._backoff,
        )
        self._keep_texts = False
        self._wanted: Callable[[Logged], bool] | None = None
        self._remembering = Remembering(reactor, seen, self._inbox, self._own, self._delivery, timing.save)

    # coming and going

    @property
    def state(self) -> ConnectionState:
        """The present state of the connection."""
        return self._link.state

    @property
    def resources(self) -> Resources | None:
        """The resources server that the gateway named last, if any."""
        return self._link.resources

    async def start(self, *, persistent: bool = True) -> None:
        """Sign in and catch up; return when online.

        The client then reconnects until it is stopped or signed out.

        :param persistent: retry until it succeeds; otherwise the first failure is raised.
        """
        if self._delivery.stream is not None:
            self._delivery.stream.begin()
        await self._link.start(persistent)

    async def stop(self, *, keep_texts: bool = False) -> None:
        """Disconnect. Transfers are cancelled and can be resumed; the token stays valid.

        :param keep_texts: whether unacknowledged texts wait for the next ``start``. Otherwise each fails,
            although it may have been stored; to retry one safely, post it again with its ``unique_id``.
        """
        await self.transfers.stop()
        self._keep_texts = keep_texts
        try:
            await self._link.stop()
        finally:
            self._keep_texts = False
        if not keep_texts:
            self._outbox.fail(_stopped())
        await self._remembering.finish()

    def retry_now(self) -> None:
        """Make the next attempt to connect at once instead of when it is due.

        Does nothing unless the client is ``WAITING``.
        """
        self._link.retry_now()

    async def log_out(self) -> None:
        """Revoke the token and disconnect."""
        await self._link.log_out()
        await self.stop()

    # talking

    def messages(self) -> MessageStream[Message]:
        """Return a stream of the messages of others, read at the application's pace.

        Call it before ``start`` to miss none. A client has one stream, this one or that of :meth:`log`.
        """
        return self._stream(MessageStream[Message], _of_others)

    def log(self) -> MessageStream[Logged]:
        """Return a stream of all that the threads' logs get: messages, this user's own as well, and changes.

        See :meth:`messages`.
        """
        return self._stream(MessageStream[Logged], _anything)

    def post(
        self,
        thread_id: int,
        text: str,
        *,
        reply_to: int = 0,
        mentions: Mentions = (),
        forward: Forwarded | None = None,
        expires: int = 0,
        unique_id: str = "",
    ) -> Outgoing[Message]:
        """Queue a text for a thread.

        It is sent after those posted earlier to that thread, as soon as the client is online.

        It is sent again until the server has stored it, it is refused for good,
        :meth:`imsys.sdk.Outgoing.withdraw` is called, or the time ``keep`` of :class:`imsys.sdk.Timing` is
        over.

        :param reply_to: the message of this thread that it answers.
        :param mentions: whom it mentions: at most 100 members, or ``EVERYBODY``.
        :param forward: the text that is forwarded; the server takes its words from there. See :meth:`forward`.
        :param expires: seconds after which it is gone, up to four weeks; 0: by the timer of the thread.
        :param unique_id: that of an earlier ``Outgoing`` which failed but may have been stored, so that it is
            not stored twice.
        :raises Refused: MESSAGE_TOO_LONG (67), it is empty or too long; INVALID_FIELD (70), it is not valid
            Unicode, or mentions too many; SERVER_BUSY (73), too many texts wait already.
        """
        if forward is None:
            changing.checked(text)
        changing.mentioning(mentions)
        return self._outbox.post(
            *(unique_id or self._unique_id(), thread_id, text),
            reply_to=reply_to,
            mentions=mentions,
            forward=forward,
            expires=expires,
        )

    async def send(self, thread_id: int, text: str, *, reply_to: int = 0, mentions: Mentions = ()) -> Message:
        """Send a text; return the message as the server stored it, once it is durable there.

        :raises Refused: it is refused for good, see :meth:`post`; or the client is signed out.
        :raises Unavailable: the client is not started, or is stopped meanwhile.
        """
        self._link.demand()
        return await self.post(thread_id, text, reply_to=reply_to, mentions=mentions)

    def forward(self, thread_id: int, message: Message, *, unique_id: str = "") -> Outgoing[Message]:
        """Send the text of a message to a thread, as its first author wrote it.

        :raises Refused: as :meth:`post` does.
        """
        source = Forwarded(thread_id=message.thread_id, message_id=message.id, sender=message.sender)
        return self.post(thread_id, message.text, forward=source, unique_id=unique_id)

    # changing what was said: each is queued and sent as texts are, after those posted earlier to its thread

    def edit(
        self, thread_id: int, message_id: int, text: str, *, mentions: Mentions = (), unique_id: str = ""
    ) -> Outgoing[Entry | None]:
        """Replace a text of this user's; ``await`` it for the entry.

        :raises Refused: as :meth:`post` does.
        """
        unique_id = unique_id or self._unique_id()
        return self._outbox.change(thread_id, changing.edit(thread_id, message_id, text, mentions, unique_id))

    def recall(
        self, thread_id: int, message_ids: Sequence[int], *, unique_id: str = ""
    ) -> Outgoing[Entry | None]:
        """Take messages back, at most 100: this user's own, or as an admin of a group anybody's.

        :raises Refused: INVALID_FIELD (70), there are too many, or none; SERVER_BUSY (73), as for :meth:`post`.
        """
        unique_id = unique_id or self._unique_id()
        return self._outbox.change(thread_id, changing.recall(thread_id, message_ids, unique_id))

    def react(
        self, thread_id: int, message_id: int, emoji: str, on: bool = True, *, unique_id: str = ""
    ) -> Outgoing[Entry | None]:
        """Put a reaction to a message, one emoji; or take this user's away. There may be several.

        :raises Refused: as :meth:`post` does.
        """
        unique_id = unique_id or self._unique_id()
        return self._outbox.change(thread_id, changing.react(thread_id, message_id, emoji, on, unique_id))

    def pin(
        self, thread_id: int, message_id: int, on: bool = True, *, unique_id: str = ""
    ) -> Outgoing[Entry | None]:
        """Pin a message, or take it down; in a group as an admin.

        :raises Refused: SERVER_BUSY (73), as for :meth:`post`.
        """
        unique_id = unique_id or self._unique_id()
        return self._outbox.change(thread_id, changing.pin(thread_id, message_id, on, unique_id))

    def set_timer(self, thread_id: int, seconds: int, *, unique_id: str = "") -> Outgoing[Entry | None]:
        """Have messages of a thread expire that are written from now on: after an hour to four weeks; 0, never.

        In a group as an admin. :raises Refused: SERVER_BUSY (73), as for :meth:`post`.
        """
        unique_id = unique_id or self._unique_id()
        return self._outbox.change(thread_id, changing.timer(thread_id, seconds, unique_id))

    async def mark_read(self, thread_id: int, message_id: int) -> None:
        """Tell the other members that this user has read a thread up to a message."""
        self._marks.told(thread_id, message_id)
        await self.request(
            PositionRequest(thread_id=str(thread_id), read=str(message_id), delivered=str(message_id)),
            PositionResponse,
        )
        self._standing.read(thread_id, message_id)

    # files

    async def offer_file(
        self, thread_id: int, filename: str, size: int, *, sha256: str = "", mime: str = ""
    ) -> Grant:
        """Offer a file to a thread; return the grant to send it.

        The thread gets a message when the upload is complete.

        :param size: in bytes.
        :param sha256: in hex, if it is known already; the server verifies it.
        :param mime: the type that the sender assumes; the server detects the type itself.
        :raises Refused: PERMISSION_DENIED (65), QUOTA_EXCEEDED (68).
        """
        return await self._offer(thread_id, filename, size, sha256, mime)

    async def offer_avatar(self, filename: str, size: int, *, sha256: str = "", mime: str = "") -> Grant:
        """Offer a picture for this user's avatar; return the grant to send it.

        It becomes the avatar when the upload is complete.
        """
        return await self._offer(0, filename, size, sha256, mime, purpose="avatar")

    async def offer_group_picture(
        self, filename: str, size: int, *, sha256: str = "", mime: str = ""
    ) -> Grant:
        """Offer a picture for a group; return the grant to send it.

        When it is complete, :meth:`imsys.sdk.Groups.create` and ``change`` take its id for an avatar.
        """
        return await self._offer(0, filename, size, sha256, mime, purpose="group")

    async def get_file(self, file_id: str, *, write: bool = False, thumbnail: bool = False) -> Grant:
        """Ask for the grant to a file of one of this user's threads, or to anybody's avatar.

        :param write: ask to resume an upload of this user's; the file may be ``whole`` by now.
        :param thumbnail: ask for a smaller picture of the file; ``size`` and the rest then describe that
            picture.
        :raises Refused: FILE_OPEN_ERROR (38), there is no such file for this user.
        """
        return attachments.granted(
            await self.request(
                FileGetRequest(file_id=file_id, write=write, thumbnail=thumbnail), FileGetResponse
            )
        )

    async def _offer(
        self, thread_id: int, filename: str, size: int, sha256: str, mime: str, purpose: str = ""
    ) -> Grant:
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
        """Send any request and return its response; wait for a connection if there is none."""
        return await self._link.ask(request, reply)

    # what the link tells

    async def _arrive(self, login: LoginResponse) -> None:
        """Catch up, then send texts: a text that waits at the server must not delay these requests."""
        self.me = model.person(login)
        if self._receive:
            await self._remembering.load(self.me.uuid)
            self._marks.start()
            await self._catching_up.everything()
            await self._standing.arrive(login)
            self._remembering.save_soon()
        self.presence.arrive()
        self._outbox.start(self.me.uuid)

    def _moved(self, login: LoginResponse) -> None:
        """Continue on the connection that has replaced another."""
        self.me = model.person(login)
        self.presence.arrive()
        self._outbox.start(self.me.uuid)
        if self._receive:
            self._marks.start()
            self._catching_up.everything_soon()
            Deferred.fromCoroutine(self._standing.arrive(login)).addErrback(_untold)

    def _gone(self) -> None:
        self._outbox.stop()
        self._marks.stop()
        self._inbox.stop()
        self._catching_up.stop()
        self._standing.stop()
        self.presence.leave()

    def _state_changed(self, change: StateChange) -> None:
        problem = change.problem
        if change.state not in (ConnectionState.OFFLINE, ConnectionState.SIGNED_OUT):
            return
        if not self._keep_texts:
            self._outbox.fail(problem or _stopped())
        if self._delivery.stream is not None:
            self._delivery.stream.end(problem)
        if isinstance(problem, Refused) and problem.status is Status.LOGIN_FOR_MULTIPLE_TIMES:
            self.on_signed_out.emit(problem.message)

    def _pushed(self, push: WireMessage) -> None:
        match push:
            case TextPush():
                for item in push.text_msg:
                    self._arrived(model.incoming(item, self.me.uuid), int(item.prev_id))
            case EntriesPush():
                for change in push.entries:
                    self._arrived(entries.pushed(change, self.me.uuid), int(change.prev_id))
            case SettingsPush() | HiddenPush():
                self._own.pushed(push)
            case ScheduledPush():
                self.on_scheduled.emit(scheduled.news(push))
            case GroupPush():
                self._belonging.pushed(push)
            case FriendshipPush():
                self._befriended(push)
            case ResyncPush():
                self._resync(push)
            case DevicePush():
                changed = device_change(push)
                if changed is not None:
                    self.on_device.emit(changed)
            case PrivacyPush():
                setting = privacy_change(push)
                if setting is not None:
                    self.on_privacy.emit(setting)
            case _:
                if not (self._standing.pushed(push) or self.presence.pushed(push)):
                    self.on_push.emit(push)

    def _befriended(self, push: FriendshipPush) -> None:
        thread_id = int(push.thread_id)
        self._others[thread_id] = int(push.friend_uuid)
        self._standing.pushed(push)
        for item in push.hello_msg:
            self._arrived(_hello(item, thread_id, self.me.uuid), int(item.prev_id))

    def _resync(self, push: ResyncPush) -> None:
        if not self._receive:
            return
        if isinstance(push.threads, list):
            for thread_id in push.threads:
                self._catching_up.thread_soon(int(thread_id))
        else:
            self._catching_up.everything_soon()
            self._standing.soon(
                push.within if isinstance(push.within, int | float) else self._timing.standing
            )

    def _arrived(self, item: Logged, previous: int) -> None:
        if self._receive:
            if isinstance(item, Membership) and item.joins(self.me.uuid):
                self._inbox.begin(item.thread_id, previous)
            self._inbox.live(item, previous)

    def _handled(self, item: Logged) -> None:
        self._belonging.handled(item)
        if isinstance(item, Message) and not item.mine:
            self._marks.delivered(item.thread_id, item.id)
        self._remembering.save_soon()

    def _stream(self, kind: type[S], wanted: Callable[[Logged], bool]) -> S:
        if self._delivery.stream is None:
            self._wanted = wanted
            self._delivery.stream = kind(self._handled, self._catching_up.behind_soon, wanted)
        if self._wanted is not wanted:
            raise RuntimeError("A client has one stream, that of messages() or that of log().")
        return cast(S, self._delivery.stream)

    async def _other(self, thread_id: int) -> int:
        if thread_id not in self._others:
            thread = await History(self._link.request, lambda: self.me.uuid).thread(thread_id)
            self._others[thread_id] = next((uuid for uuid in thread.users if uuid != self.me.uuid), 0)
        return self._others[thread_id]

    def _is_now(self, me: Person) -> None:
        self.me = me

    def _backoff(self) -> Backoff:
        return Backoff(self._timing.first_wait, self._timing.longest_wait)


def _of_others(item: Logged) -> bool:
    return isinstance(item, Message) and not item.mine


def _anything(item: Logged) -> bool:
    return True


def _stopped() -> Unavailable:
    return Unavailable(Status.NETWORK_ERROR, "The client was stopped.")


def _untold(reason: Failure) -> None:
    _log.debug("The friend requests could not be read: {reason}", reason=reason.value)


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
        as_of=int(item.msg_id),
    )
