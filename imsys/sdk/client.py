"""The client: one user's conversations, friends and events, over whatever connection there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.errors import Refused, Status, Unavailable
from imsys.protocols.messages.catch_up import ResyncPush
from imsys.protocols.messages.contacts import FriendRequestPush, FriendshipPush, HelloMessage
from imsys.protocols.messages.people import ProfilePush
from imsys.protocols.messages.registry import Message as WireMessage
from imsys.protocols.messages.registry import Request, Response
from imsys.protocols.messages.session import LoginResponse
from imsys.protocols.messages.texts import TextPush
from imsys.protocols.messages.threads import PositionPush, PositionRequest, PositionResponse
from imsys.sdk import model
from imsys.sdk.backoff import Backoff
from imsys.sdk.catching_up import CatchingUp
from imsys.sdk.contacts import Contacts
from imsys.sdk.delivery import Delivery, MessageStream
from imsys.sdk.gateway import Gateway
from imsys.sdk.history import History
from imsys.sdk.inbox import Inbox
from imsys.sdk.link import Credentials, Link, Timing
from imsys.sdk.marks import Marks
from imsys.sdk.model import ConnectionState, Friendship, FriendRequest, Message, Person, Position
from imsys.sdk.outbox import Outbox, Outgoing
from imsys.sdk.seen import Seen, SeenStore
from imsys.sdk.signals import Signal
from imsys.sdk.unique import UniqueIds

LONGEST_TEXT = 4096
"""Characters of a message (wire protocol, section 4)."""

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
    ) -> None:
        self.on_friend_request: Signal[[FriendRequest]] = Signal()
        self.on_friendship: Signal[[Friendship]] = Signal()
        self.on_position: Signal[[Position]] = Signal()
        self.on_profile: Signal[[Person]] = Signal()
        self.on_signed_out: Signal[[str]] = Signal()
        self.on_push: Signal[[WireMessage]] = Signal()
        """Pushes of services that this library does not know, as they came."""
        self.credentials = credentials
        self.me = Person(uuid=credentials.uuid, username=credentials.username)
        self._reactor = reactor
        self._timing = timing = timing or Timing()
        self._receive = receive
        self._unique_id = UniqueIds(reactor.seconds)
        self._link = Link(reactor, gateway, credentials, timing, arrive=self._arrive, on_push=self._pushed, on_gone=self._gone)
        self._link.on_state.subscribe(self._state_changed)
        self._delivery = Delivery(self._handled)
        self._catching_up = CatchingUp(reactor, self._link.request, lambda: self.me.uuid, Backoff(timing.first_wait, timing.longest_wait))
        self._inbox = Inbox(reactor, self._delivery.deliver, self._catching_up.thread_soon, patience=timing.patience)
        self._inbox.room = self._delivery.room
        self._catching_up.feed(self._inbox)
        self._marks = Marks(reactor, self._link.request, timing.mark)
        self._outbox = Outbox(
            reactor,
            self._link.request,
            self._other_user,
            self._stored,
            self._link.drop,
            limit=outbox,
            backoff=lambda: Backoff(timing.first_wait, timing.longest_wait),
        )
        self._store = seen
        self._saved_since = 0
        self._saving: IDelayedCall | None = None
        self.contacts = Contacts(self.request, lambda: self.me)
        """Friends, requests, and whoever else there is."""
        self.history = History(self.request, lambda: self.me.uuid)
        """Threads, and what was said in them."""
''' if False else '''
