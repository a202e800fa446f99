"""State other than messages: friend requests, friends and their cards, live streams, positions.

Pushes report changes. If some may have been lost, the state is read again, and each difference is reported as
if its push had come.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imsys.protocols.messages.contacts import FriendRequestPush, FriendshipPush
from imsys.protocols.messages.live import LivePush
from imsys.protocols.messages.people import ProfilePush
from imsys.protocols.messages.registry import Message
from imsys.protocols.messages.session import LoginResponse
from imsys.protocols.messages.threads import PositionPush
from imsys.sdk import model
from imsys.sdk.contacts import Contacts
from imsys.sdk.history import History
from imsys.sdk.live import LiveChange, LiveState, LiveStreams, change
from imsys.sdk.model import Friend, FriendRequest, Friendship, Person, Position
from imsys.sdk.pages import Pages
from imsys.sdk.refusals import NotServed
from imsys.sdk.signals import Signal
from imsys.util.backoff import Backoff

_OVER = 1000
"""Ended live streams that are remembered, so that a late push does not bring one back."""

_log = Logger()


@dataclass
class _Known:
    """The state that was reported or existed at the first login; ``requests`` maps users to their texts."""

    requests: dict[int, str] = field(default_factory=dict)
    friends: dict[int, Friend] = field(default_factory=dict)
    streams: dict[str, LiveChange] = field(default_factory=dict)
    marks: dict[tuple[int, int], Position] = field(default_factory=dict)


class Standing:
    """Reports each change once, even if its push was lost.

    :param request: sends a request on the present connection and expects a given response type.
    :param me: returns this user's card.
    :param changed: called with this user's card when it has changed.
    :param spread: after a login the state is read again at a random moment within so many seconds, since many
        clients may reconnect at once.
    """

    def __init__(
        self,
        clock: IReactorTime,
        request: Callable[..., Deferred[Any]],
        me: Callable[[], Person],
        changed: Callable[[Person], None],
        spread: float,
        backoff: Backoff,
    ) -> None:
        self.on_friend_request: Signal[FriendRequest] = Signal()
        self.on_friendship: Signal[Friendship] = Signal()
        self.on_profile: Signal[Person] = Signal()
        self.on_position: Signal[Position] = Signal()
        self.on_own_position: Signal[Position] = Signal()
        self.on_live: Signal[LiveChange] = Signal()
        self._clock = clock
        self._me = me
        self._changed = changed
        self._spread = spread
        self._backoff = backoff
        self._contacts = Contacts(request, me)
        self._live = LiveStreams(request, lambda: me().uuid)
        self._history = History(request, lambda: me().uuid)
        self._known = _Known()
        self._arrived = False  # the state at the first login is known
        self._over: OrderedDict[str, None] = OrderedDict()
        self._ahead: set[int] = set()  # new friends that were read before their push came
        self._touched: set[Hashable] | None = None  # what pushes have changed during a read
        self._reading: Deferred[None] | None = None
        self._again: float | None = None  # read once more within so many seconds
        self._call: IDelayedCall | None = None

    # -- a connection comes and goes

    async def arrive(self, login: LoginResponse) -> None:
        """Process the answer to a login.

        At the first one read the state without reporting it; later read it in a while.

        :raises Refused: the server does not answer, or refuses.
        """
        pending = [model.friend_request(item) for item in login.FriendRequestList]
        if pending and len(pending) >= len(login.AuthFriendList):  # both may have been cut to the same length
            pending = await self._contacts.requests().all()
        self._compare_requests(pending, set())
        if self._arrived:
            self.soon(self._spread)
            return
        touched: set[Hashable] = set()
        self._touched = touched
        try:
            await self._read(tell=False)
        finally:
            self._touched = None
        self._arrived = True
        self._read_again(touched)

    def soon(self, within: float) -> None:
        """Read the state again at a random moment within so many seconds: pushes may have been lost."""
        if self._reading is not None or not self._arrived:
            self._again = within if self._again is None else min(self._again, within)
            return
        delay = random.random() * within  # noqa: S311
        if self._call is not None:
            if self._call.getTime() <= self._clock.seconds() + delay:
                return
            self._call.cancel()
        self._call = self._clock.callLater(delay, self._begin)

    def stop(self) -> None:
        """Cancel a read in progress: the connection is gone. What is known is kept."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._again = None
        reading, self._reading = self._reading, None
        if reading is not None:
            self._touched = None
            reading.cancel()

    # -- pushes

    def pushed(self, push: Message) -> bool:
        """Report the change in a push, unless it is known; return ``False`` for a push of another kind."""
        match push:
            case FriendRequestPush():
                request = model.pushed_friend_request(push)
                self._touch("request", request.person.uuid)
                self._ask(request)
            case FriendshipPush():
                self._befriended(push)
            case ProfilePush():
                person = model.person(push)
                self._touch("friend", person.uuid)
                self._card(person)
            case PositionPush():
                for position in (push, *(push.more or ())):
                    self._advance(model.position(position), tell=True)
            case LivePush():
                stream = change(push)
                if stream is not None:
                    self._touch("stream", stream.stream_id)
                    self._stream(stream)
            case _:
                return False
        return True

    def answered(self, uuid: int) -> None:
        """Forget the request of a user whom this user has answered, so that their next one is reported."""
        self._touch("request", uuid)
        self._known.requests.pop(uuid, None)

    def read(self, thread_id: int, message_id: int) -> None:
        """Note that this user has read a thread here."""
        me = self._me().uuid
        self._advance(
            Position(thread_id=thread_id, uuid=me, delivered=message_id, read=message_id), tell=False
        )

    def _befriended(self, push: FriendshipPush) -> None:
        """Report a friendship, unless it was read before its push came, or the push is a repetition."""
        friendship = model.friendship(push)
        uuid = friendship.person.uuid
        self._touch("friend", uuid)
        self.answered(uuid)
        known = self._known.friends.get(uuid)
        told = known is not None and (uuid in self._ahead or not push.hello_msg)
        self._ahead.discard(uuid)
        self._known.friends[uuid] = _friend(
            friendship.person, friendship.thread_id, "" if known is None else known.alias
        )
        if not told:
            self.on_friendship.emit(friendship)

    # -- reading

    def _begin(self) -> None:
        self._call = None
        self._touched = set()
        self._reading = reading = Deferred.fromCoroutine(self._read(tell=True))
        reading.addCallbacks(self._done, self._failed, (reading,), {}, (reading,), {})

    def _done(self, _: None, reading: Deferred[None]) -> None:
        if self._reading is not reading:
            return  # cancelled meanwhile
        self._reading = None
        touched, self._touched = self._touched or set(), None
        self._backoff.reset()
        self._read_again(touched)

    def _read_again(self, touched: set[Hashable]) -> None:
        if touched and self._again is None:  # what was read of these may be older or newer than the push
            self._again = self._spread
        again, self._again = self._again, None
        if again is not None:
            self.soon(again)

    def _failed(self, reason: Failure, reading: Deferred[None]) -> None:
        if self._reading is not reading:
            return
        self._reading = self._touched = self._again = None
        delay = self._backoff.next()
        _log.info(
            "Friends and the like could not be read, and are in {delay} s: {reason}",
            delay=round(delay, 1),
            reason=reason.value,
        )
        self._call = self._clock.callLater(delay, self._begin)

    async def _read(self, *, tell: bool) -> None:
        """Read the state and, if ``tell``, report differences; skip what a push has changed meanwhile."""
        touched = self._touched
        assert touched is not None
        if tell:  # at the first login, its answer had these
            self._compare_requests(await self._contacts.requests().all(), touched)
            for person in await self._contacts.people([self._me().uuid]):
                if person != self._me() and ("friend", person.uuid) not in touched:
                    self._card(person)
        self._compare_friends(
            {friend.uuid: friend for friend in await self._contacts.friends().all()}, touched, tell
        )
        streams = await self._if_served(self._live.running())
        if streams is not None:
            self._compare_streams({stream.stream_id: _plain(stream) for stream in streams}, touched, tell)
        for position in await self._if_served(self._history.positions(mine=True)) or ():
            known = self._known.marks.get((position.thread_id, position.uuid))
            mine = position.uuid == self._me().uuid
            # what this device has received is no news for it
            self._advance(position, tell and not (mine and position.read <= (known.read if known else 0)))

    async def _if_served(self, pages: Pages[Any]) -> list[Any] | None:
        """Read all items; return ``None`` if the server is older and has no such service."""
        try:
            return await pages.all()
        except NotServed:
            return None

    # -- comparing

    def _compare_requests(self, found: list[FriendRequest], touched: set[Hashable]) -> None:
        there = {request.person.uuid for request in found}
        for uuid in self._known.requests.keys() - there:
            if ("request", uuid) not in touched:
                del self._known.requests[uuid]
        for request in found:
            if ("request", request.person.uuid) not in touched:
                self._ask(request)

    def _compare_friends(self, found: Mapping[int, Friend], touched: set[Hashable], tell: bool) -> None:
        known = self._known.friends
        self._ahead.clear()
        for uuid in known.keys() - found.keys():
            if ("friend", uuid) not in touched:
                del known[uuid]
        for uuid, friend in found.items():
            if ("friend", uuid) in touched:
                continue
            before, known[uuid] = known.get(uuid), friend
            if not tell:
                continue
            if before is None:
                self._ahead.add(uuid)
                self.on_friendship.emit(Friendship(person=_person(friend), thread_id=friend.thread_id))
            elif _person(before) != _person(friend):
                self.on_profile.emit(_person(friend))

    def _compare_streams(self, found: Mapping[str, LiveChange], touched: set[Hashable], tell: bool) -> None:
        known = self._known.streams
        for stream_id in known.keys() - found.keys():
            if ("stream", stream_id) not in touched:
                self._stream(replace(known[stream_id], state=LiveState.ENDED, viewers=0))
        for stream_id, stream in found.items():
            if ("stream", stream_id) in touched:
                continue
            before = known.get(stream_id)
            if not tell:
                known[stream_id] = stream
            elif before is None or before.state is not stream.state:
                self._stream(stream)

    # -- what becomes known

    def _touch(self, kind: str, key: Hashable) -> None:
        if self._touched is not None:
            self._touched.add((kind, key))

    def _ask(self, request: FriendRequest) -> None:
        if self._known.requests.get(request.person.uuid) != request.text:
            self._known.requests[request.person.uuid] = request.text
            self.on_friend_request.emit(request)

    def _card(self, person: Person) -> None:
        friend = self._known.friends.get(person.uuid)
        if friend is not None:
            self._known.friends[person.uuid] = _friend(person, friend.thread_id, friend.alias)
        if person.uuid == self._me().uuid:
            self._changed(person)
        self.on_profile.emit(person)

    def _stream(self, stream: LiveChange) -> None:
        if stream.stream_id in self._over:
            return  # the push is late or a repetition
        if stream.state is LiveState.ENDED:
            self._known.streams.pop(stream.stream_id, None)
            self._over[stream.stream_id] = None
            if len(self._over) > _OVER:
                self._over.popitem(last=False)
        else:
            self._known.streams[stream.stream_id] = stream
        self.on_live.emit(stream)

    def _advance(self, position: Position, tell: bool) -> None:
        """Update a position; positions only grow."""
        key = position.thread_id, position.uuid
        known = self._known.marks.get(key)
        if known is not None:
            position = replace(
                position,
                delivered=max(known.delivered, position.delivered),
                read=max(known.read, position.read),
            )
            if position == known:
                return
        self._known.marks[key] = position
        if tell:
            mine = position.uuid == self._me().uuid
            (self.on_own_position if mine else self.on_position).emit(position)


def _person(friend: Friend) -> Person:
    """Return the card without what concerns this user."""
    return Person(
        uuid=friend.uuid,
        username=friend.username,
        nickname=friend.nickname,
        avatar=friend.avatar,
        description=friend.description,
        sex=friend.sex,
    )


def _friend(person: Person, thread_id: int, alias: str = "") -> Friend:
    return Friend(
        uuid=person.uuid,
        username=person.username,
        nickname=person.nickname,
        avatar=person.avatar,
        description=person.description,
        sex=person.sex,
        alias=alias,
        thread_id=thread_id,
    )


def _plain(stream: LiveChange) -> LiveChange:
    """Return a stream's state without its URLs and keys."""
    return LiveChange(
        stream_id=stream.stream_id,
        thread_id=stream.thread_id,
        owner=stream.owner,
        title=stream.title,
        state=stream.state,
        viewers=stream.viewers,
    )
