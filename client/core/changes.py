"""What changed in an account: told after the store has it, so that whoever asks the store finds it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from client.core.model import Connection, Message, Stream, Transfer

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Signal(Generic[T]):
    """Handlers that are called with an event; one that fails is logged, and disturbs nobody."""

    def __init__(self) -> None:
        self._handlers: list[Callable[[T], object]] = []

    def subscribe(self, handler: Callable[[T], object]) -> Callable[[], None]:
        """Call it with every event from now on; returns what ends that."""
        self._handlers.append(handler)

        def end() -> None:
            if handler in self._handlers:
                self._handlers.remove(handler)

        return end

    def fire(self, event: T) -> None:
        """Tell everybody."""
        for handler in list(self._handlers):
            try:
                handler(event)
            except Exception:
                _log.exception("a handler of a change failed")


class Changes:
    """The signals of one account; all on the thread of the user interface."""

    def __init__(self) -> None:
        self.connection = Signal[Connection]()
        self.people = Signal[Collection[int]]()
        """Uuids of those who look different now (name, avatar, friendship)."""
        self.presence = Signal[Collection[int]]()
        """Uuids of those who are online now, or not any more, or of whom that is not known any more."""
        self.busy = Signal[int]()
        """A conversation in which others are writing now, or not any more."""
        self.requests = Signal[None]()
        """Friend requests came or went."""
        self.conversations = Signal[Collection[int]]()
        """Ids of those whose row is different now; a new one too."""
        self.messages = Signal[list[Message]]()
        """Messages that are new or different; of one conversation at a time, in order."""
        self.removed = Signal[list[Message]]()
        """Messages that are gone."""
        self.pins = Signal[int]()
        """A conversation whose pinned messages are others now."""
        self.scheduled = Signal[int]()
        """A conversation in which other texts wait to be sent later."""
        self.devices = Signal[None]()
        """Another device of mine was signed in, named or signed out."""
        self.sign_ins = Signal[None]()
        """Other sign-ins are news now, or were noticed."""
        self.privacy = Signal[None]()
        """Another device of mine has set who may do and see what."""
        self.arrived = Signal[list[Message]]()
        """Messages of others that came just now, for notifications."""
        self.transfer = Signal[Transfer]()
        self.stream = Signal[Stream]()
        self.notice = Signal[str]()
        """A sentence about something that nobody asked for: the store was set aside, the disk is full."""
        self.certificate = Signal[str]()
        """An alarm: the server presents another certificate than the one that was trusted; its fingerprint.

        Nothing was said to it.
        """
        self.signed_out = Signal[str]()
        """A sentence: why."""
