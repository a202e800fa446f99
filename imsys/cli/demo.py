"""``imsys-cli demo``: two new users meet and talk, against a server on this machine."""

from __future__ import annotations

import mailbox
import re
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imsys.cli.text import printable
from imsys.errors import Refused, Status, Unavailable
from imsys.sdk import Client, Credentials, Gateway, Message, Position, Signal

_PATIENCE = 20.0
"""Seconds for each step of the demo."""

T = TypeVar("T")

Say = Callable[[str], None]


async def play(reactor: Any, gateway: Gateway, mails: Path, say: Say) -> None:
    """Play the demo.

    :param mails: the Maildir in which the server puts its mails.
    :param say: prints a line.
    :raises Refused: a step failed.
    """
    play = _Play(reactor, gateway, mails, say)
    try:
        await play.everything()
    finally:
        await play.stop()


class _Play:
    def __init__(self, reactor: Any, gateway: Gateway, mails: Path, say: Say) -> None:
        self._reactor = reactor
        self._gateway = gateway
        self._mails = mails
        self._say = say
        self._clients: list[Client] = []

    async def everything(self) -> None:
        run = secrets.token_hex(3)
        names = f"anna-{run}", f"ben-{run}"
        self._title(f"Two new users at {self._gateway.url}")
        anna = await self._user(names[0])
        ben = await self._user(names[1])
        thread = await self._befriend(anna, ben)
        await self._talk(anna, ben, thread)
        await self._away(anna, ben, thread)
        await self._history(anna, ben, thread)

    async def stop(self) -> None:
        for client in self._clients:
            await client.stop()

    async def _user(self, name: str) -> Client:
        email, password = f"{name}@example.org", secrets.token_urlsafe(12)
        await self._gateway.request_code(email)
        code = await self._code(email)
        uuid = await self._gateway.register(name, password, email, code)
        client = Client(self._reactor, self._gateway, Credentials(username=name, password=password))
        self._clients.append(client)
        await client.start(persistent=False)
        self._say(
            f"  {name} registers with the code {code} from the mail, gets the number {uuid}, and signs in"
        )
        return client

    async def _code(self, email: str) -> str:
        """Return the code of a mail to an address."""
        end = self._reactor.seconds() + _PATIENCE
        while self._reactor.seconds() < end:
            if self._mails.is_dir():
                for mail in mailbox.Maildir(self._mails, create=False):
                    body = mail.get_payload()
                    found = (
                        re.search(r"\b\d{6}\b", body)
                        if mail["To"] and email in mail["To"] and isinstance(body, str)
                        else None
                    )
                    if found:
                        return found[0]
            await deferLater(self._reactor, 0.1)
        raise Unavailable(
            Status.NETWORK_ERROR,
            f"No mail to {email} came to {self._mails}; is this the server's folder (IMSYS_HOME)?",
        )

    async def _befriend(self, anna: Client, ben: Client) -> int:
        self._title("They become friends")
        asked = self._next(ben.on_friend_request)
        found = await anna.contacts.search(ben.me.username)
        await anna.contacts.add(found.uuid, "Hi Ben, it's Anna!")
        request = await asked
        self._say(f"  {request.person.username} asks: {request.text}")
        made = self._next(anna.on_friendship)
        await ben.contacts.accept(request.person.uuid)
        friendship = await made
        self._say(f"  {friendship.person.username} accepts")
        return friendship.thread_id

    async def _talk(self, anna: Client, ben: Client, thread: int) -> None:
        self._title("They talk")
        for writer, reader, text in (
            (anna, ben, "Did you see? Our messages go through our own server."),
            (ben, anna, "And every one is on its disk before it counts as sent."),
            (anna, ben, "Umlauts and emoji? äöü ✓ 🎉"),
        ):
            arrived = self._next(reader.on_message)
            delivered = self._next(writer.on_position)
            sent = await writer.send(thread, text)
            got = await arrived
            if got.id != sent.id:
                raise Refused(Status.INTERNAL_ERROR, "Another message arrived than was sent.")
            await delivered
            read = self._until(writer.on_position, partial(_has_read, sent.id))
            await reader.mark_read(thread, got.id)
            await read
            self._line(writer, sent, "✓✓ read")

    async def _away(self, anna: Client, ben: Client, thread: int) -> None:
        self._title("Ben is away, and comes back")
        await ben.stop()
        missed = [await anna.send(thread, text) for text in ("Ben?", "I'll just write it down for you.")]
        for message in missed:
            self._line(anna, message, "✓")
        arrived = [self._until(ben.on_message, partial(_is, sent.id)) for sent in missed]
        await ben.start(persistent=False)
        for waiting in arrived:
            message = await waiting
            self._say(f"  {ben.me.username} finds: {printable(message.text)}")

    async def _history(self, anna: Client, ben: Client, thread: int) -> None:
        self._title("Both read the same history")
        mine = await anna.history.records(thread).all()
        theirs = await ben.history.records(thread).all()
        if [(m.id, m.sender, m.text) for m in mine] != [(m.id, m.sender, m.text) for m in theirs]:
            raise Refused(Status.INTERNAL_ERROR, "The two histories differ.")
        for message in mine:
            self._line(anna if message.mine else ben, message, "")

    def _line(self, writer: Client, message: Message, mark: str) -> None:
        self._say(
            f"  {message.sent_at.astimezone():%H:%M:%S}  {writer.me.username}: {printable(message.text)}  {mark}".rstrip()
        )

    def _title(self, text: str) -> None:
        self._say(f"\n{text}")

    def _next(self, signal: Signal[T]) -> Deferred[T]:
        return self._until(signal, lambda _: True)

    def _until(self, signal: Signal[T], wanted: Callable[[T], bool]) -> Deferred[T]:
        happened: Deferred[T] = Deferred()

        def take(event: T) -> None:
            if not happened.called and wanted(event):
                happened.callback(event)

        unsubscribe = signal.subscribe(take)

        def done(result: Any) -> Any:
            unsubscribe()
            return result

        happened.addTimeout(_PATIENCE, self._reactor, _late)
        return happened.addBoth(done)


def _has_read(message_id: int, position: Position) -> bool:
    return position.read >= message_id


def _is(message_id: int, message: Message) -> bool:
    return message.id == message_id


def _late(_: object, seconds: float) -> Position:
    raise Unavailable(
        Status.NETWORK_ERROR, f"Something that should have happened within {seconds:g} s did not."
    )
