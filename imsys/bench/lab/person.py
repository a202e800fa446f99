"""A user of the client library, who writes to one friend by the clock, and remembers all that became of it."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from imsys.bench.lab.wires import Tapped
from imsys.bench.lab.words import Guest, Heard, Invitation, Text
from imsys.errors import Refused, Status, Unavailable
from imsys.sdk import Client, ConnectionState, Credentials, Gateway, Login, Message, StateChange
from imsys.sdk.devices import DeviceInfo
from imsys.sdk.gateway import ServerAddress

_SIZE = 64
_COMES_BACK = 1.0
"""Seconds after which a user who was signed out signs in again."""


class Door(Gateway):
    """A gateway that sends its user to a place of our choice when they first come."""

    def __init__(
        self, reactor: Any, url: str, ca: str, place: ServerAddress, others: Sequence[ServerAddress]
    ) -> None:
        super().__init__(reactor, url, ca)
        self._place_at_first: ServerAddress | None = place
        self._others = tuple(other for other in others if other != place)

    async def resume(
        self,
        uuid: int,
        token: str,
        *,
        failed: Iterable[ServerAddress] = (),
        device: DeviceInfo | None = None,
    ) -> Login:
        """Log in again; the first time, without asking anybody."""
        place, self._place_at_first = self._place_at_first, None
        if place is not None:
            return Login(uuid=uuid, host=place.host, port=place.port, token=token, others=self._others)
        return await super().resume(uuid, token, failed=failed, device=device)


class Note:
    """The state of one text."""

    __slots__ = ("acknowledged", "begun", "msg_id", "number", "problem", "sender", "told")

    def __init__(self, number: int, sender: Person) -> None:
        self.number = number
        self.sender = sender
        self.begun = time.monotonic()
        self.acknowledged = 0.0
        self.msg_id = 0
        self.problem = ""
        self.told = False
        """Whether the friend has received it."""

    @property
    def settled(self) -> bool:
        """Whether it is acknowledged, or given up."""
        return bool(self.acknowledged or self.problem)

    def text(self) -> Text:
        """Convert to the form of the account."""
        return Text(
            self.number, self.sender.guest.uuid, self.begun, self.acknowledged, self.msg_id, self.problem
        )


class Notes:
    """All texts of this process by their numbers, which they also say."""

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[int, Note] = {}

    def begin(self, sender: Person) -> Note:
        """Make a new text."""
        self._count += 1
        note = self._open[self._count] = Note(self._count, sender)
        return note

    def get(self, number: int) -> Note | None:
        """Return a text that is still open."""
        return self._open.get(number)

    def open(self) -> list[Note]:
        """Return the texts that are still open."""
        return list(self._open.values())

    def close(self) -> list[Note]:
        """Remove and return the texts that are final."""
        done = [note for note in self._open.values() if note.problem or (note.acknowledged and note.told)]
        for note in done:
            del self._open[note.number]
        return done


class Person:
    """One user."""

    def __init__(self, reactor: Any, invitation: Invitation, guest: Guest, notes: Notes) -> None:
        self.guest = guest
        self.heard: list[Heard] = []
        self.signed_out: list[str] = []
        self._reactor = reactor
        self._notes = notes
        self._tapped = Tapped(reactor)
        self._recent: deque[Note] = deque()
        self._turn: IDelayedCall | None = None
        self._every = 0.0
        self._invitation = invitation
        self._credentials = Credentials(
            username=guest.username, password=invitation.password, uuid=guest.uuid, token=guest.token
        )
        self._client = self._new_client(guest.host)

    def _new_client(self, host: str) -> Client:
        invitation, port = self._invitation, self.guest.port
        others = [ServerAddress(other, port) for other in invitation.servers]
        door = Door(self._reactor, invitation.gateway, invitation.ca, ServerAddress(host, port), others)
        client = Client(self._tapped, door, self._credentials)
        client.on_message.subscribe(self._hear)
        client.on_connection_state.subscribe(self._changed)
        return client

    @property
    def online(self) -> bool:
        """Whether the client is online."""
        return self._client.state is ConnectionState.ONLINE

    @property
    def where(self) -> str:
        """The host of the chat server that the client is connected to; empty: none."""
        wires = self._tapped.wires(self.guest.port)
        return str(wires[-1].getPeer().host) if wires and self.online else ""

    def arrive(self) -> Deferred[None]:
        """Sign in."""
        return Deferred.fromCoroutine(self._client.start())

    def move(self, host: str) -> None:
        """Leave, and come anew, to another server.

        What others write meanwhile would be history: nobody may.
        """
        before, self._client = self._client, self._new_client(host)
        leaving = Deferred.fromCoroutine(before.stop()).addCallback(lambda _: self.arrive())
        leaving.addErrback(lambda _: None)  # where it is then is what is looked at

    def talk(self, every: float) -> None:
        """Write each so many seconds from now on, beginning at some time of the first ones; 0: no more."""
        self._every = every
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        if every:
            self._turn = self._reactor.callLater(random.uniform(0, every), self._write)  # noqa: S311 (no secret)

    def say(self) -> Note:
        """Write one text now."""
        note = self._notes.begin(self)
        self._recent.append(note)
        try:
            outgoing = self._client.post(self.guest.thread, f"{note.number} ".ljust(_SIZE, "."))
        except Refused as refusal:
            note.problem = refusal.message
        else:
            outgoing.when_stored().addCallbacks(
                self._stored, self._failed, callbackArgs=(note,), errbackArgs=(note,)
            )
        return note

    def first_after(self, since: float) -> float:
        """When the first text that was begun after some time was acknowledged; 0: none has been.

        Later questions are of later times.
        """
        while self._recent and self._recent[0].begun < since:
            self._recent.popleft()
        return min((note.acknowledged for note in self._recent if note.acknowledged), default=0.0)

    def reset(self, when: str) -> None:
        """Have the connection reset in the middle of the next frame to ``write`` or to ``read``, and write
        one.

        What was begun before counts no more for :meth:`first_after`.
        """
        self._recent.clear()
        for wire in self._tapped.wires(self.guest.port):
            wire.break_off(when)
        self.say()

    def _write(self) -> None:
        self._turn = self._reactor.callLater(self._every, self._write)
        self.say()

    def _stored(self, message: Message, note: Note) -> None:
        note.acknowledged, note.msg_id = time.monotonic(), message.id

    def _failed(self, reason: Failure, note: Note) -> None:
        note.problem = reason.value.message if isinstance(reason.value, Refused) else repr(reason.value)

    def _hear(self, message: Message) -> None:
        number = int(message.text.split(" ", 1)[0])
        self.heard.append(Heard(self.guest.uuid, number, message.id, time.monotonic()))
        if (note := self._notes.get(number)) is not None:
            note.told = True

    def _changed(self, change: StateChange) -> None:
        if change.state is ConnectionState.SIGNED_OUT:
            problem = change.problem or Unavailable(Status.NETWORK_ERROR, "")
            self.signed_out.append(problem.message if isinstance(problem, Refused) else repr(problem))
            self._reactor.callLater(_COMES_BACK, self._come_back)

    def _come_back(self) -> None:
        self.arrive().addErrback(lambda _: None)  # what came of it is the next change
